"""What leans on private names holds on every version that there is."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table

from alembic_review.worker import private


@pytest.mark.parametrize(("made", "assigned"), [(False, True), (True, False)])
def test_a_copy_keeps_a_nullability_that_was_assigned(made: bool, assigned: bool) -> None:
    column = Column("code", Integer, nullable=made)
    table = Table("item", MetaData(), column, Column("plain", Integer))
    column.nullable = assigned
    private.keep_nullability(table.columns)
    copied = table.to_metadata(MetaData())
    assert copied.c.code.nullable is assigned
    assert copied.c.plain.nullable is True
