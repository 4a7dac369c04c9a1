"""Locks, scans and files of relations on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Connection

from alembic_review.model.keys import TableKey
from alembic_review.worker.prove.data.structure import execute
from alembic_review.worker.prove.locking import Relations, State, relations, state, strongest

WIDGET, PARTS = TableKey("public", "widget"), TableKey("public", "parts")
TABLES = (
    "CREATE TABLE alembic_version (version_num text)",
    "CREATE TABLE widget (id integer PRIMARY KEY, size integer)",
    "CREATE TABLE parts (id integer) PARTITION BY RANGE (id)",
    "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)",
    "CREATE VIEW sizes AS SELECT id FROM widget",
    "CREATE TEMPORARY TABLE mine (id integer)",
    "INSERT INTO widget SELECT n, n FROM generate_series(1, 3) n",
)


@pytest.fixture
def connection(scratch_connection: Any) -> Iterator[Connection]:
    """One transaction, which is rolled back."""
    info = scratch_connection.info
    options = {"host": info.host, "port": str(info.port)}
    engine = create_engine(URL.create("postgresql", info.user, database=info.dbname, query=options))
    with engine.connect() as opened, opened.begin():
        for statement in TABLES:
            execute(opened, statement)
        yield opened
        execute(opened, "ROLLBACK")
    engine.dispose()


def known(connection: Connection) -> Relations:
    return relations(connection, ("alembic_version", None))


def oid(found: Relations, key: TableKey) -> int:
    return next(number for number, one in found.keys.items() if one == key)


def changed(connection: Connection, sql: str) -> tuple[bool, bool, set[str]]:
    """Whether a statement rewrites and scans the table, and the indexes that it builds."""
    found = known(connection)
    table = oid(found, WIDGET)
    before = state(connection, found, everything=True)
    execute(connection, sql)
    after = state(connection, found, everything=False).over(before)
    built = set(after.indexes[table].values()) - set(before.indexes[table].values())
    return after.files[table] != before.files[table], after.scans[table] != before.scans[table], built


def test_relations_are_named_and_partitions_go_by_their_table(connection: Connection) -> None:
    found = known(connection)
    names = sorted(key.name for key in found.keys.values())
    assert names == ["parts", "parts", "sizes", "widget"]
    assert set(found.indexes.values()) == {oid(found, WIDGET)}


@pytest.mark.parametrize(
    ("sql", "rewritten", "scanned", "built"),
    [
        ("ALTER TABLE widget ADD COLUMN more integer DEFAULT 1", False, False, set()),
        ("ALTER TABLE widget ADD COLUMN more timestamp DEFAULT clock_timestamp()", True, True, set()),
        ("ALTER TABLE widget ALTER COLUMN size TYPE bigint", True, True, set()),
        ("ALTER TABLE widget ALTER COLUMN size SET NOT NULL", False, True, set()),
        ("ALTER TABLE widget ADD CHECK (size > 0) NOT VALID", False, False, set()),
        ("ALTER TABLE widget ADD CHECK (size > 0)", False, True, set()),
        ("CREATE INDEX ix ON widget (size)", False, True, {"ix"}),
        ("COMMENT ON TABLE widget IS 'a'", False, False, set()),
    ],
)
def test_rewrites_scans_and_indexes(
    connection: Connection, sql: str, built: set[str], *, rewritten: bool, scanned: bool
) -> None:
    assert changed(connection, sql) == (rewritten, scanned, built)


def test_the_locks_are_those_of_this_transaction(connection: Connection) -> None:
    found = known(connection)
    first = state(connection, found, everything=False)
    execute(connection, "SAVEPOINT a")
    execute(connection, "LOCK TABLE widget IN SHARE MODE")
    held = state(connection, found, everything=False).locks[oid(found, WIDGET)]
    assert "ShareLock" in held
    assert state(connection, found, everything=False).transaction == first.transaction != ""


def test_what_was_not_looked_at_is_as_it_was() -> None:
    earlier = State("1/1", {1: {"ShareLock"}}, {1: "a", 2: "b"}, {1: 0, 2: 5}, {1: {9: "ix"}})
    now = State("1/1", {}, {1: "c"}, {1: 1}, {})
    assert now.over(earlier) == State("1/1", {}, {1: "c", 2: "b"}, {1: 1, 2: 5}, {1: {9: "ix"}})


def test_the_strongest_lock() -> None:
    assert strongest(set()) == ""
    assert strongest({"AccessShareLock", "ShareRowExclusiveLock", "ShareLock"}) == "ShareRowExclusiveLock"
