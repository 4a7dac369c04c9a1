"""What a plain comparison shows besides, and what the database says of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import comparators
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, create_engine
from sqlalchemy.engine import Connection
from sqlalchemy.types import UserDefinedType

from alembic_review.model.facts import TableKey
from alembic_review.worker import internals
from alembic_review.worker.compare.comparison import compare
from alembic_review.worker.compare.hidden_changes import Watch
from alembic_review.worker.compare.view_names import views

CREATED = "CREATE TABLE book (id INTEGER NOT NULL PRIMARY KEY, title VARCHAR(50), state VARCHAR(9) DEFAULT 'new')"


class Spelt(UserDefinedType[str] if hasattr(UserDefinedType, "__class_getitem__") else UserDefinedType):  # type: ignore[misc]
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "VARCHAR(50)"


@pytest.fixture
def connection() -> Iterator[Connection]:
    with create_engine("sqlite://").connect() as made:
        made.exec_driver_sql(CREATED)
        yield made


def book(*items: Any, title: Any = None, state: Any = "new") -> MetaData:
    metadata = MetaData()
    Table(
        "book",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("title", title or String(50)),
        Column("state", String(9), server_default=state),
        *items,
    )
    return metadata


def hidden(
    connection: Connection, target: MetaData, relations: frozenset[TableKey] = frozenset(), **options: Any
) -> list[tuple[str, str, str | None]]:
    prefixes = {"sqlalchemy_module_prefix": "sa.", "alembic_module_prefix": "op.", "user_module_prefix": None}
    opts = {"target_metadata": target, "render_item": None, "render_as_batch": False, **prefixes, **options}
    context = MigrationContext.configure(connection, opts=opts)
    watch = Watch(context, lambda _: True)
    comparison = compare(context, lambda _: [])
    before = dict(context.opts)
    found = watch.hidden(comparison, lambda _: [], relations)
    assert context.opts == before
    return [(one.filter, one.kind, one.name) for one in found]


def no(*_: Any) -> bool:
    return False


def new_column(_item: Any, name: Any, *_: Any) -> bool:
    return bool(name != "isbn")


@pytest.mark.parametrize(
    ("target", "options", "expected"),
    [
        (book(), {"compare_type": no, "compare_server_default": no}, []),
        (book(title=String(80)), {}, []),
        (book(title=String(80)), {"compare_type": no}, [("compare_type", "modify_type", "title")]),
        (book(title=String(80)), {"compare_type": False}, [("compare_type", "modify_type", "title")]),
        (book(title=String(80)), {"compare_type": lambda *_: None}, []),
        (book(title=Spelt()), {"compare_type": no}, []),
        (book(state="old"), {"compare_server_default": no}, [("compare_server_default", "modify_default", "state")]),
        (book(state="old"), {"compare_server_default": False}, []),
        (book(Column("isbn", String)), {"include_object": new_column}, [("include_object", "add_column", "isbn")]),
        (book(Column("isbn", String)), {"include_object": no}, [("include_object", "add_column", "isbn")]),
        (book(Column("isbn", String)), {"include_object": lambda *_: True}, []),
        (
            book(Index("ix", "title")),
            {"include_object": lambda _o, _n, k, *_: k == "table"},
            [("include_object", "add_index", "ix")],
        ),
    ],
)
def test_hidden_changes(
    target: MetaData, options: dict[str, Any], expected: list[tuple[str, str, str]], connection: Connection
) -> None:
    assert hidden(connection, target, **options) == expected


@pytest.mark.parametrize(("unique", "expected"), [("", []), ("UNIQUE", [("include_object", "remove_index", "ix")])])
def test_an_index_that_only_the_database_has_counts_if_it_is_unique(
    unique: str, expected: list[tuple[str, str, str]], connection: Connection
) -> None:
    connection.exec_driver_sql(f"CREATE {unique} INDEX ix ON book (title)")
    assert hidden(connection, book(), include_object=lambda _o, _n, k, *_: k != "index") == expected


def test_a_model_of_a_view_is_not_missing(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE VIEW shelf AS SELECT id FROM book")
    target = book()
    Table("shelf", target, Column("id", Integer))
    relations = views(connection, lambda key: key)
    assert relations == {TableKey(None, "shelf")}
    options: dict[str, Any] = {"include_object": lambda _o, name, *_: name != "shelf"}
    assert hidden(connection, target, relations, **options) == []
    assert hidden(connection, target, **options) == [("include_object", "add_table", None)]


def test_alembic_s_own_rules_are_used_and_what_env_py_put_there_is_back_afterwards(connection: Connection) -> None:
    context = MigrationContext.configure(connection, opts={"target_metadata": book()})
    implementation: Any = context.impl
    implementation.compare_type = no
    registry: Any = comparators._registry
    before = {key: list(functions) for key, functions in registry.items()}
    comparators.dispatch_for("schema")(no)
    ask: Any = AutogenContext.run_object_filters
    AutogenContext.run_object_filters = no  # type: ignore[method-assign,assignment]
    try:
        wide = book(title=String(80)).tables["book"].c.title
        narrow = book().tables["book"].c.title
        assert internals.types_differ(context, narrow, wide)
        assert no in internals.comparison_functions(context)["comparators"]
        assert no in internals.comparison_functions(context)["impl"]
        with internals.plain_comparison(context, {}, everything=True):
            assert no not in internals.comparison_functions(context)["comparators"]
            assert implementation.compare_type(narrow, wide)
            assert AutogenContext.run_object_filters is ask
        assert internals.comparison_functions(context)["run_object_filters"] == [no]
        assert no in internals.comparison_functions(context)["comparators"]
        assert implementation.compare_type is no
    finally:
        AutogenContext.run_object_filters = ask  # type: ignore[method-assign]
        for key in list(registry):
            registry[key] = before.get(key, [])
