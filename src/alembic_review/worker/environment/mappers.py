"""Tables that are generated when mappers are configured: the comparison must see them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from sqlalchemy import MetaData

from alembic_review.worker import internals
from alembic_review.worker.worker_errors import describe


def configure_mappers(targets: Sequence[MetaData]) -> tuple[str, ...]:
    """Configure the mappers of the tables in ``targets``; returns one line for each registry that fails.

    Mappers of other registries stay as they are: revisions may declare models whose relationships lead nowhere.
    """
    if "sqlalchemy.orm" not in sys.modules:
        return ()
    wanted = [registry for registry in internals.registries() if _maps(registry, targets)]
    try:
        # All at once: extensions generate their tables when this is done, whatever registry comes first.
        internals.configure_registries(wanted)
    except Exception:  # noqa: BLE001 - the loop below names it
        return tuple(sorted({line for registry in wanted for line in _configure(registry)}))
    return ()


def _configure(registry: Any) -> list[str]:
    try:
        internals.configure_registries([registry])
    except Exception as error:  # noqa: BLE001 - Alembic compares tables, and does not need their mappers
        reason = " ".join(describe(error).split())
        return [f"tables that an extension generates when mappers are configured, which failed ({reason})"]
    return []


def _maps(registry: Any, targets: Sequence[MetaData]) -> bool:
    """Whether this registry maps any table of the targets."""
    known = {id(target) for target in targets}
    if id(registry.metadata) in known:
        return True
    try:
        return any(id(table.metadata) in known for mapper in registry.mappers for table in mapper.tables)
    except sys.modules["sqlalchemy.orm.exc"].UnmappedClassError:
        # A class whose mapping failed.
        return False
