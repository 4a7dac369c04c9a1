"""A comparison whose questions are answered in bulk equals Alembic's own, whatever changed in the models."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection as PsycopgConnection
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Numeric,
    Sequence,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    func,
    text,
)
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from alembic_review.worker import internals
from alembic_review.worker.compare.comparison import compare

_TYPES: dict[str, Callable[[], Any]] = {
    "string": lambda: String(20),
    "longer": lambda: String(40),
    "integer": Integer,
    "numeric": lambda: Numeric(10, 2),
    "boolean": Boolean,
    "datetime": DateTime,
}
_DEFAULTS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "zero": lambda: text("0"),
    "quoted": lambda: "0",
    "other": lambda: "1",
    "now": func.now,
    "word": lambda: text("'word'"),
    "spelled": lambda: text("('wo' || 'rd')"),
}
_FITTING = {
    "string": ("none", "quoted", "other", "word", "spelled"),
    "longer": ("none", "quoted", "other", "word", "spelled"),
    "integer": ("none", "zero", "quoted", "other"),
    "numeric": ("none", "zero", "quoted", "other"),
    "boolean": ("none",),
    "datetime": ("none", "now"),
}


@st.composite
def columns(draw: st.DrawFn) -> tuple[str, str, bool]:
    kind = draw(st.sampled_from(sorted(_TYPES)))
    return kind, draw(st.sampled_from(_FITTING[kind])), draw(st.booleans())


tables = st.fixed_dictionaries(
    {
        "key": st.sampled_from(["serial", "plain", "named sequence"]),
        "columns": st.lists(columns(), min_size=1, max_size=4),
        "index": st.booleans(),
        "unique": st.booleans(),
        "reference": st.booleans(),
        "comment": st.sampled_from([None, "one", "two"]),
    }
)
shapes = st.lists(tables, min_size=1, max_size=4)


def metadata_of(shape: list[dict[str, Any]], dialect: str) -> MetaData:
    metadata = MetaData()
    for number, one in enumerate(shape):
        key = Column("id", Integer, primary_key=True, autoincrement=one["key"] == "serial")
        if one["key"] == "named sequence" and dialect == "postgresql":
            sequence = Sequence(f"numbers_{number}", metadata=metadata)
            key = Column("id", Integer, sequence, server_default=sequence.next_value(), primary_key=True)
        items: list[Any] = [key, Column("other", Integer)]
        items += [
            Column(f"c{place}", _TYPES[kind](), nullable=nullable, server_default=_DEFAULTS[default]())
            for place, (kind, default, nullable) in enumerate(one["columns"])
        ]
        items += [Index(f"ix_{number}", "c0")] if one["index"] else []
        items += [UniqueConstraint("other", name=f"uq_{number}")] if one["unique"] else []
        if one["reference"] and number:
            items.append(ForeignKeyConstraint(["other"], [f"t{number - 1}.id"], name=f"fk_{number}"))
        Table(f"t{number}", metadata, *items, comment=one["comment"] if dialect == "postgresql" else None)
    return metadata


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connection(request: pytest.FixtureRequest, kind: str) -> Iterator[Connection]:
    url = URL.create("sqlite")
    if kind == "postgresql":
        known: PsycopgConnection[Any] = request.getfixturevalue("scratch_connection")
        query = {"host": known.info.host, "port": str(known.info.port)}
        url = URL.create("postgresql", known.info.user, database=known.info.dbname, query=query)
    engine = create_engine(url, poolclass=StaticPool, future=True)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def context_of(connection: Connection, metadata: MetaData) -> MigrationContext:
    return MigrationContext.configure(
        connection,
        opts={"target_metadata": metadata, "compare_server_default": True, "compare_type": True},
    )


def test_the_comparison_equals_alembic_s_own(connection: Connection) -> None:
    @given(before=shapes, after=shapes)
    @settings(max_examples=25)
    def equal(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
        database = metadata_of(before, connection.dialect.name)
        database.create_all(connection)
        try:
            models = metadata_of(after, connection.dialect.name)
            connection.commit()
            plain = _outcome(context_of(connection, models), models)
            context = context_of(connection, models)
            with internals.answered_in_bulk(context):
                assert _outcome(context, models) == plain
        finally:
            connection.rollback()
            database.drop_all(connection)
            connection.commit()

    equal()


def _outcome(context: MigrationContext, models: MetaData) -> list[str]:
    """Every difference as text, without the addresses of objects; or how the server refused to compare defaults."""
    try:
        diffs = compare_metadata(context, models)
    except DBAPIError as error:
        assert context.connection is not None
        context.connection.rollback()
        return [str(error.orig)]
    return sorted(re.sub(r" at 0x[0-9a-f]+", "", repr(one)) for one in diffs)


def test_sequences_are_read_with_one_query(request: pytest.FixtureRequest, connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        pytest.skip("SQLite has no sequences")
    shape = [{"key": "serial", "columns": [], "index": False, "unique": False, "reference": False, "comment": None}]
    models = metadata_of(shape * 5, "postgresql")
    models.create_all(connection)
    asked: list[str] = []
    event.listen(connection.engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    context = context_of(connection, models)
    with internals.answered_in_bulk(context):
        assert compare_metadata(context, models) == []
    assert len([statement for statement in asked if "c.relkind='S'" in statement]) == 1
    connection.rollback()


def test_garbage_is_collected_afterwards(monkeypatch: pytest.MonkeyPatch, connection: Connection) -> None:
    seen: list[bool] = []

    def failing(*_: object) -> None:
        seen.append(gc.isenabled())
        raise RuntimeError

    monkeypatch.setattr("alembic_review.worker.compare.comparison.produce_migrations", failing)
    with pytest.raises(RuntimeError):
        compare(context_of(connection, MetaData()), lambda _name: [])
    assert (seen, gc.isenabled()) == ([False], True)
