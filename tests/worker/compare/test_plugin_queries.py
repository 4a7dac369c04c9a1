"""Operations of autogenerate's plugins, and what the report says that nobody compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from alembic.autogenerate import renderers
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, inspect
from sqlalchemy.engine import Connection

from alembic_review.model.facts import ChangeFact
from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.compare import comparison, not_compared
from alembic_review.worker.compare.plugin_queries import noted_looks
from alembic_review.worker.replay.catalogue import Snapshot
from tests.worker.conftest import Modules, load


class View:
    """What a plugin calls a view."""

    def __init__(self, signature: str, definition: str, schema: str | None = "main") -> None:
        self.schema = schema
        self.signature = signature
        self.definition = definition
        self._cached = object()


class CreateOp(ops.MigrateOperation):
    def __init__(self, target: View) -> None:
        self.target = target


@dataclass
class Named:
    name: str


@dataclass
class UpdateViewOp(ops.MigrateOperation):
    from_view: Named
    view: Named


@dataclass
class InsertRowOp(ops.MigrateOperation):
    table: str
    values: list[dict[str, Any]]


@dataclass
class DropNamelessOp(ops.MigrateOperation):
    cascade: bool


for _kind in (CreateOp, UpdateViewOp, InsertRowOp, DropNamelessOp):
    renderers.dispatch_for(_kind)(lambda _context, _operation: "op.plugin()")


def read(monkeypatch: pytest.MonkeyPatch, *operations: ops.MigrateOperation) -> list[ChangeFact]:
    """The facts of a comparison that comes up with these operations."""
    script = ops.MigrationScript("x", ops.UpgradeOps(list(operations)), ops.DowngradeOps())
    monkeypatch.setattr(comparison, "produce_migrations", lambda _context, _target: script)
    with create_engine("sqlite://").connect() as connection:
        prefixes = {"sqlalchemy_module_prefix": "sa.", "alembic_module_prefix": "op.", "user_module_prefix": None}
        options = {"target_metadata": MetaData(), "render_item": None, "render_as_batch": False, **prefixes}
        context = MigrationContext.configure(connection, opts=options)
        return comparison.compare(context, lambda _name: []).changes


@pytest.mark.parametrize(
    ("operation", "kind", "name", "schema"),
    [
        (CreateOp(View("cheap", "SELECT 1", "other")), "op:CreateOp", "cheap", "other"),
        (CreateOp(View("upper(text)", "…", None)), "op:CreateOp", "upper(text)", None),
        (UpdateViewOp(Named("cheap"), Named("cheap")), "op:UpdateViewOp", "cheap", None),
        (InsertRowOp("price", [{"id": 1}]), "op:InsertRowOp", "price", None),
        (DropNamelessOp(cascade=True), "op:DropNamelessOp", None, None),
        (ops.ExecuteSQLOp("SELECT 1"), "op:ExecuteSQLOp", None, None),
    ],
)
def test_an_operation_is_named_after_what_it_creates(
    operation: ops.MigrateOperation, kind: str, name: str | None, schema: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fact,) = read(monkeypatch, operation)
    assert (fact.kind, fact.key, fact.name, fact.schema) == (kind, None, name, schema)
    assert fact.python
    assert not fact.readable


def test_what_an_operation_leads_to_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    operations = [
        CreateOp(View("cheap", "SELECT 1")),
        CreateOp(View("cheap", "SELECT 2")),
        InsertRowOp("price", [{"id": 1, "note": None}]),
        InsertRowOp("price", [{"id": 2, "note": None}]),
        UpdateViewOp(Named("cheap"), Named("a")),
        UpdateViewOp(Named("dear"), Named("a")),
        ops.ExecuteSQLOp("SELECT 1"),
        ops.ExecuteSQLOp("SELECT 2"),
    ]
    first = [fact.wanted for fact in read(monkeypatch, *operations)]
    assert len(set(first)) == len(operations)
    assert "0x" not in "".join(first)
    assert first == [fact.wanted for fact in read(monkeypatch, *operations)]


def test_operations_of_alembic_keep_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table("t", MetaData(), Column("id", Integer, primary_key=True), comment="x")
    found = read(
        monkeypatch,
        ops.CreateTableOp.from_table(table),
        ops.CreateTableCommentOp("t", "x"),
        ops.ModifyTableOps("t", [ops.AddColumnOp("t", Column("a", Integer))]),
    )
    assert [fact.kind for fact in found] == ["add_table", "add_table_comment", "add_column"]


READING = {
    "SELECT name FROM sqlite_master WHERE type = 'view'": {"views"},
    "SELECT name FROM sqlite_master WHERE type = 'trigger'": {"triggers"},
    "SELECT name FROM sqlite_master WHERE type = 'table'": set(),
    "SELECT 1 AS pg_views, 2 AS pg_proc, 3 AS pg_trigger, 4 AS pg_enum": {
        "views",
        "functions",
        "triggers",
        "enum values",
    },
    "SELECT 1 AS pg_get_viewdef, 2 AS pg_get_functiondef, 3 AS pg_get_triggerdef": {"views", "functions", "triggers"},
    "SELECT 1 AS my_pg_views, 2 AS pg_process": set(),
}


@pytest.fixture
def connection(write: Modules) -> Connection:
    write(
        {
            "plugin.py": """
                def read(connection, statement):
                    connection.exec_driver_sql(statement).fetchall()
            """
        }
    )
    return create_engine("sqlite://").connect()


@pytest.mark.parametrize("statement", READING)
def test_what_a_plugin_reads_it_compares(statement: str, connection: Connection) -> None:
    with noted_looks(Stacks()) as looks:
        load("plugin").read(connection, statement)
    assert looks == READING[statement]
    load("plugin").read(connection, "SELECT 1 AS pg_views")
    assert looks == READING[statement]
    connection.close()


def test_what_alembic_and_reflection_read_says_nothing(connection: Connection) -> None:
    with noted_looks(Stacks()) as looks:
        MigrationContext.configure(connection).impl.execute("SELECT 1 AS pg_views")
        assert inspect(connection).get_view_names() == []
    assert looks == set()
    connection.close()


@pytest.mark.parametrize(
    ("by_plugins", "left"),
    [
        ((), ", sequences, views, functions and triggers"),
        (("views", "triggers"), ", sequences and functions"),
        (("views", "functions", "triggers"), " and sequences"),
    ],
)
def test_what_a_plugin_compares_is_not_listed_as_not_checked(by_plugins: tuple[str, ...], left: str) -> None:
    context = MigrationContext.configure(dialect_name="postgresql")
    lines = not_compared.not_checked(context, Snapshot({}, {}), by_plugins)
    assert lines[0].endswith(f"EXCLUDE constraints, primary key changes{left} (autogenerate does not compare them)")
    assert "values of existing enum types" in lines
    assert "values of existing enum types" not in not_compared.not_checked(context, Snapshot({}, {}), ("enum values",))


@pytest.mark.parametrize(
    ("by_plugins", "left"),
    [
        ((), ("views, functions and triggers (autogenerate does not compare them)",)),
        (("views", "triggers"), ("functions (autogenerate does not compare them)",)),
        (("views", "functions", "triggers"), ()),
    ],
)
def test_what_the_proof_of_blind_spots_compares_is_not_listed(
    by_plugins: tuple[str, ...], left: tuple[str, ...]
) -> None:
    context = MigrationContext.configure(dialect_name="postgresql", opts={"compare_type": False})
    last = Snapshot({}, {})
    lines = not_compared.not_checked(context, last, by_plugins)
    assert {line.partition(" (")[0] for line in lines[1:]} == {
        "server defaults",
        "column types",
        "values of existing enum types",
    }
    assert not_compared.not_checked(context, last, by_plugins, blind_spots=True) == left
