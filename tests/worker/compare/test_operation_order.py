"""The order of operations does not depend on that of a set."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
from alembic.operations import ops
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, MetaData, Table

from alembic_review.worker.compare.operation_order import settle

METADATA = MetaData()
# By their names, each comes before the one that refers to it.
A = Table("a", METADATA, Column("id", Integer, primary_key=True), Column("parent", ForeignKey("a.id")))
B = Table("b", METADATA, Column("id", ForeignKey("a.id"), primary_key=True), Column("c", ForeignKey("c.id")))
C = Table("c", METADATA, Column("id", ForeignKey("a.id"), primary_key=True))
FAR = Table("far", METADATA, Column("id", ForeignKey("c.id"), primary_key=True), schema="other")
INDEX = Index("ix", B.c.c)


def dropped(table: Table) -> list[Any]:
    drop: list[Any] = [ops.DropTableOp.from_table(table)]
    return [ops.ModifyTableOps("b", [ops.DropIndexOp.from_index(INDEX)]), *drop] if table is B else drop


def told(upgrade: ops.UpgradeOps) -> list[str]:
    operations: list[Any] = list(upgrade.ops)
    return [f"{type(one).__name__} {one.table_name}" for one in operations]


@pytest.mark.parametrize(
    "tables", list(permutations([A, B, C, FAR])), ids=lambda one: "".join(table.name for table in one)
)
def test_a_table_is_dropped_before_those_that_it_refers_to(tables: tuple[Table, ...]) -> None:
    created, modified = ops.CreateTableOp("new", []), ops.ModifyTableOps("old", [])
    upgrade = ops.UpgradeOps([created, *(one for table in tables for one in dropped(table)), modified])
    settle(upgrade)
    assert told(upgrade) == [
        "CreateTableOp new",
        "ModifyTableOps b",
        "DropTableOp b",
        "DropTableOp far",
        "DropTableOp c",
        "DropTableOp a",
        "ModifyTableOps old",
    ]


def test_tables_that_refer_to_each_other_are_dropped_by_their_names() -> None:
    metadata = MetaData()
    tables = [
        Table(name, metadata, Column("id", Integer, primary_key=True), Column("other", ForeignKey(f"{other}.id")))
        for name, other in (("two", "one"), ("one", "two"))
    ]
    upgrade = ops.UpgradeOps([ops.DropTableOp.from_table(table) for table in tables])
    settle(upgrade)
    assert told(upgrade) == ["DropTableOp one", "DropTableOp two"]


def keys() -> Iterator[ForeignKeyConstraint]:
    for column, name in (("parent", None), ("id", "fk_b"), ("id", "fk_a")):
        metadata = MetaData()
        Table("a", metadata, Column("id", Integer, primary_key=True))
        table = Table("widget", metadata, Column("parent", Integer), Column("id", Integer))
        constraint = ForeignKeyConstraint([column], ["a.id"], name=name)
        table.append_constraint(constraint)
        yield constraint


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_foreign_keys_are_added_and_dropped_by_their_columns_and_names(order: tuple[int, ...]) -> None:
    constraints = list(keys())
    chosen = [constraints[number] for number in order]
    drops = [ops.DropConstraintOp.from_constraint(one) for one in chosen]
    adds = [ops.CreateForeignKeyOp.from_constraint(one) for one in chosen]
    column = ops.AddColumnOp("widget", Column("more", Integer))
    unknown = ops.DropConstraintOp("uq", "widget", type_="unique")
    upgrade = ops.UpgradeOps([ops.ModifyTableOps("widget", [unknown, *drops, column, *adds])])
    settle(upgrade)
    (container,) = upgrade.ops
    assert isinstance(container, ops.ModifyTableOps)
    names = [getattr(one, "constraint_name", "column") for one in container.ops]
    assert names == ["uq", "fk_a", "fk_b", None, "column", "fk_a", "fk_b", None]
