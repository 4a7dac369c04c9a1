"""Benign rows: those that the plan accepts, wherever the catalogue tells what it accepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from alembic_review.worker.prove.data.hazards import Danger
from alembic_review.worker.prove.data.hostile import wishes
from alembic_review.worker.prove.data.seeding import Seeder
from alembic_review.worker.prove.data.structure import Structure


def benign_seeder(
    connection: Connection, tables: Structure, coming: Sequence[Danger], *, transaction: bool = False
) -> Seeder:
    """What fills these tables with rows that prefer what the ``coming`` dangers leave alone."""
    keys: dict[Any, list[Any]] = {}
    for one in coming:
        if one.hazard.kind == "foreign_key" and one.constraint is not None and not one.of_new_column:
            keys.setdefault(one.identity, []).append(replace(one.constraint, columns=one.names))
    return Seeder(connection, tables, transaction, wishes(connection, tables, coming), keys)
