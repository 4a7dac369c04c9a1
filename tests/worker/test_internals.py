"""What leans on private names holds on every version that there is."""

from __future__ import annotations

from typing import Any

import pytest
from alembic import autogenerate
from sqlalchemy import Column, Integer, MetaData, Table

from alembic_review.worker import internals


@pytest.mark.parametrize(("made", "assigned"), [(False, True), (True, False)])
def test_a_copy_keeps_a_nullability_that_was_assigned(made: bool, assigned: bool) -> None:
    column = Column("code", Integer, nullable=made)
    table = Table("item", MetaData(), column, Column("plain", Integer))
    column.nullable = assigned
    internals.keep_nullability(table.columns)
    copied = table.to_metadata(MetaData())
    assert copied.c.code.nullable is assigned
    assert copied.c.plain.nullable is True


@pytest.mark.parametrize(("module", "left"), [("env_py", 0), ("plugin", 1)])
def test_only_comparators_of_env_py_are_forgotten(module: str, left: int) -> None:
    registry: Any = autogenerate.comparators._registry
    before = {key: list(functions) for key, functions in registry.items()}

    def compare(*_: Any) -> None:
        """A comparator."""

    compare.__module__ = module
    autogenerate.comparators.dispatch_for("schema")(compare)
    assert module in internals.comparator_modules()
    internals.forget_comparators()
    found = {key: functions for key, functions in registry.items() if functions != before.get(key, [])}
    assert sum(len(functions) for functions in found.values()) - sum(len(before.get(key, [])) for key in found) == left
    for key, functions in registry.items():
        functions[:] = before.get(key, [])
