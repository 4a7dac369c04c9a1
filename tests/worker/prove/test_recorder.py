"""The statements of a plan, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from alembic_review.worker.prove.recorder import Recorder, divided, in_transaction

CREATE, INSERT = "CREATE TABLE widget (id integer)", "INSERT INTO widget VALUES (1)"
BOTH = f"{CREATE}; {INSERT};"


@pytest.fixture
def engine(scratch_connection: Any) -> Iterator[Engine]:
    info = scratch_connection.info
    options = {"host": info.host, "port": str(info.port)}
    made = create_engine(URL.create("postgresql", info.user, database=info.dbname, query=options))
    yield made
    made.dispose()


def recorder() -> Recorder:
    return Recorder(operation=1)


def test_a_string_is_executed_statement_by_statement(engine: Engine) -> None:
    seen: list[str] = []
    recording = recorder()
    recording.preparers.append(lambda _connection, sql: seen.append(f"before {sql}"))
    recording.observers.append(lambda _connection, statement: seen.append(f"after {statement.sql}"))
    with recording.listening(), engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text(BOTH))
        assert connection.exec_driver_sql("SELECT count(*) FROM widget").scalar() == 1
        transaction.rollback()
    assert [one.sql for one in recording.statements] == [CREATE, INSERT, "SELECT count(*) FROM widget"]
    assert seen[:4] == [f"before {CREATE}", f"after {CREATE}", f"before {INSERT}", f"after {INSERT}"]


def test_parameters_and_percent_signs_are_those_of_the_string(engine: Engine) -> None:
    recording = recorder()
    sql = "CREATE TABLE widget (name text); INSERT INTO widget SELECT :name || 'a%' WHERE 5 % 2 = 1"
    with recording.listening(), engine.connect() as connection, connection.begin() as transaction:
        connection.execute(text(sql), {"name": "x"})
        assert connection.exec_driver_sql("SELECT name FROM widget").scalar() == "xa%"
        transaction.rollback()
    assert len(recording.statements) == 3


def test_the_statement_that_fails_is_told_from_those_before_it(engine: Engine) -> None:
    recording = recorder()
    with recording.listening(), engine.connect() as connection, connection.begin() as transaction:
        with pytest.raises(DBAPIError):
            connection.execute(text(f"{CREATE}; SELECT nothing; {INSERT}"))
        transaction.rollback()
    assert [(one.sql, one.error is not None) for one in recording.statements] == [
        (CREATE, False),
        ("SELECT nothing", True),
    ]


def test_in_autocommit_a_string_stays_one(engine: Engine) -> None:
    recording = recorder()
    with engine.connect() as connection:
        committing = connection.execution_options(isolation_level="AUTOCOMMIT")
        assert not in_transaction(committing)
        with recording.listening(), pytest.raises(DBAPIError):
            committing.execute(text(f"{CREATE}; SELECT nothing"))
        assert not _tables(committing)
    assert [one.sql for one in recording.statements] == [f"{CREATE}; SELECT nothing"]


def _tables(connection: Connection) -> list[str]:
    return list(connection.exec_driver_sql("SELECT relname FROM pg_class WHERE relname = 'widget'").scalars())


def test_nothing_is_recorded_once_the_listening_ends(engine: Engine) -> None:
    recording = recorder()
    with recording.listening(), engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    with engine.connect() as connection:
        connection.execute(text("SELECT 2; SELECT 3"))
    assert [one.sql for one in recording.statements] == ["SELECT 1"]


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        (" SELECT 1 ; ", ["SELECT 1"]),
        ("SELECT ';'; SELECT $$;$$", ["SELECT ';'", "SELECT $$;$$"]),
    ],
)
def test_a_string_is_divided_as_psql_does(sql: str, parts: list[str]) -> None:
    assert list(divided(sql)) == parts


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "CREATE RULE r AS ON UPDATE TO t DO (SELECT 1; SELECT 2)",
        "SELECT 'open; SELECT 1",
        "COPY t FROM stdin; SELECT 1",
        "-- nothing;\n",
    ],
)
def test_what_can_not_be_divided_stays_one_string(sql: str) -> None:
    assert divided(sql) == (sql,)
