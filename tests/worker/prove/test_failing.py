"""What databases said, as facts."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from alembic_review.model.proofs import DatabaseError
from alembic_review.worker.prove.failing import database_error, hazard_of


class Asyncpg(Exception):  # noqa: N818 - as asyncpg calls its own
    """An exception as asyncpg raises it."""

    __module__ = "asyncpg.exceptions"
    message, detail, sqlstate = "null value", "Failing row contains (1, null).", "23502"
    schema_name, table_name, column_name, constraint_name = "public", "widget", "name", None


class Pg8000(Exception):  # noqa: N818 - as above
    """An exception as pg8000 raises it."""

    __module__ = "pg8000.exceptions"


def test_the_fields_of_asyncpg_and_pg8000_are_read() -> None:
    expected = DatabaseError("null value", "23502", "Failing row contains (1, null).", "public", "widget", "name")
    assert database_error(IntegrityError("SQL", {}, Asyncpg())) == expected
    fields = {"C": "23502", "M": "null value", "D": expected.detail, "s": "public", "t": "widget", "c": "name"}
    assert database_error(IntegrityError("SQL", {}, Pg8000(fields))) == expected


def test_another_exception_is_not_a_databases() -> None:
    assert database_error(ValueError("no")) is None


@pytest.mark.parametrize(
    ("statements", "kind", "names"),
    [
        (["INSERT INTO widget VALUES (1, NULL, 1)"], "not_null", ("widget", "name", None)),
        (["INSERT INTO widget VALUES (1, 'a', 1)"] * 2, "unique", ("widget", "id", None)),
        (["INSERT INTO widget VALUES (1, 'a', -1)"], "check", (None, None, "ck")),
        (
            ["INSERT INTO widget VALUES (1, 'a', 1)", "ALTER TABLE widget ADD COLUMN more TEXT NOT NULL"],
            "not_null",
            (None, None, None),
        ),
    ],
)
def test_sqlite_is_read_by_its_messages(
    statements: list[str], kind: str, names: tuple[str | None, str | None, str | None]
) -> None:
    table = "CREATE TABLE widget (id INTEGER PRIMARY KEY, name TEXT NOT NULL, size INT CONSTRAINT ck CHECK (size > 0))"
    with create_engine("sqlite://").connect() as connection:
        for statement in (table, *statements[:-1]):
            connection.exec_driver_sql(statement)
        with pytest.raises(DBAPIError) as caught:
            connection.exec_driver_sql(statements[-1])
    assert isinstance(caught.value.orig, sqlite3.Error)
    error = database_error(caught.value)
    assert error is not None
    assert (hazard_of(error), error.sqlstate) == (kind, "")
    assert (error.table, error.column, error.constraint) == names


def test_other_errors_are_no_hazards() -> None:
    assert hazard_of(DatabaseError("syntax error", "42601")) == ""
    assert hazard_of(DatabaseError("near x: syntax error")) == ""
