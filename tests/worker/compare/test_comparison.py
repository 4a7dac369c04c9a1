"""The operations of a comparison that Alembic has made, and what is left of them."""

from __future__ import annotations

from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy import Column, Integer, MetaData, String

from alembic_review.worker.compare.comparison import keep, read


def context() -> MigrationContext:
    prefixes = {"sqlalchemy_module_prefix": "sa.", "alembic_module_prefix": "op.", "user_module_prefix": None}
    return MigrationContext.configure(dialect_name="postgresql", opts={"target_metadata": MetaData(), **prefixes})


def added(name: str) -> ops.AddColumnOp:
    return ops.AddColumnOp("widget", Column(name, Integer()))


def rows(upgrade: ops.UpgradeOps) -> list[tuple[str, str | None, str | None, int]]:
    _, facts = read(context(), upgrade)
    return [(fact.kind, fact.key.name if fact.key else None, fact.name, fact.operation) for fact in facts]


def test_every_operation_has_a_fact() -> None:
    renamed = ops.AlterColumnOp("widget", "size", modify_name="width")
    retyped = ops.AlterColumnOp(
        "widget", "size", existing_type=Integer(), modify_type=String(), existing_nullable=True, modify_nullable=False
    )
    upgrade = ops.UpgradeOps(
        [
            ops.CreateTableOp("gadget", [Column("id", Integer())]),
            ops.ModifyTableOps("widget", [added("colour"), renamed, retyped]),
            ops.ExecuteSQLOp("SELECT 1"),
        ]
    )

    assert rows(upgrade) == [
        ("add_table", "gadget", None, 0),
        ("add_column", "widget", "colour", 1),
        ("op:AlterColumnOp", "widget", "size", 2),
        ("modify_type", "widget", "size", 3),
        ("modify_nullable", "widget", "size", 3),
        ("op:ExecuteSQLOp", None, None, 4),
    ]


def test_operations_are_kept_by_identity_and_empty_containers_are_removed() -> None:
    first, second = added("colour"), added("colour")
    table = ops.DropTableOp("gadget")
    inner: list[Any] = [ops.ModifyTableOps("widget", [first]), ops.ModifyTableOps("widget", [second, added("size")])]
    upgrade = ops.UpgradeOps([*inner, table])

    keep(upgrade, {id(second)})

    assert upgrade.ops == [inner[1]]
    assert inner[1].ops == [second]
