"""A database, and the same with the models in place of its tables: where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import MetaData, Table
from sqlalchemy.engine import Connection

from alembic_review.model.keys import TableKey
from alembic_review.model.proofs import BlindSpot
from alembic_review.worker import internals
from alembic_review.worker.prove.blind import postgresql, sqlite
from alembic_review.worker.prove.blind.building import Built, build, key_of
from alembic_review.worker.prove.blind.differences import Names, differences, sequences
from alembic_review.worker.prove.blind.state import State
from alembic_review.worker.prove.blind.writing import Writer


@dataclass(frozen=True)
class Came:
    """What came of a comparison: ``compared`` are the tables that both have."""

    existing: State
    built: Built
    compared: tuple[TableKey, ...]
    spots: tuple[BlindSpot, ...]


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """A transaction that is undone, unless env.py has begun one."""
    if connection.in_transaction():
        yield
        return
    transaction = connection.begin()
    try:
        yield
    finally:
        transaction.rollback()


def catalogue_of(connection: Connection) -> Any:
    """How to read the catalogue of this dialect."""
    return postgresql if connection.dialect.name == "postgresql" else sqlite


def compare_models(connection: Connection, models: list[MetaData], tables: list[Table]) -> Came:
    """Build these tables of the models where the database has them, and compare. The database is changed by this."""
    catalogue = catalogue_of(connection)
    there = catalogue.identities(connection, tables)
    wanted = [table for table in tables if key_of(table) in there]
    existing = catalogue.read(connection, there)
    catalogue.drop(connection, wanted)
    built = build(connection, models, wanted)
    made = catalogue.identities(connection, [table for table in wanted if key_of(table) not in built.failed])
    state = catalogue.read(connection, made)

    def same_default(one: str, other: str, kind: str) -> bool:
        return bool(catalogue.same_default(connection, one, other, kind))

    spots = list(differences(existing, state, Names(frozenset(_given(wanted))), same_default))
    if existing.sequences or state.sequences:
        listed = [one for each in models for one in internals.Generator.sequences(each) if not one.optional]
        spots += sequences(existing, state, postgresql.sequence_names(connection, listed))
    writer = Writer(connection.dialect, existing, state)
    found = []
    for spot in spots:
        if not _unbuilt(spot, built):
            upgrade, downgrade = writer.code(spot)
            found.append(replace(spot, upgrade=upgrade, downgrade=downgrade))
    return Came(existing, built, tuple(made), tuple(found))


def _given(tables: Iterable[Table]) -> Iterator[tuple[TableKey, str]]:
    """The names of constraints that the models spell out, and no naming convention makes."""
    for table in tables:
        for constraint in table.constraints:
            if type(constraint.name) is str:
                yield key_of(table), constraint.name


def _unbuilt(spot: BlindSpot, built: Built) -> bool:
    """Whether it is about something that could not be built."""
    for key, columns, name in built.missing:
        same = name == spot.name if name is not None else sorted(columns) == sorted(spot.columns)
        if key == spot.key and same:
            return True
    return False
