"""Listening to SQLite, and knowing when somebody could not be heard."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import count

import pytest

from alembic_review.worker.altered import AlteredTables


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE Book (id INTEGER)")
    yield connection
    connection.close()


def test_an_altered_table_is_known_until_it_is_forgotten(connection: sqlite3.Connection) -> None:
    altered = AlteredTables()
    altered.opened()
    altered.listen(connection)
    connection.execute("ALTER TABLE book ADD COLUMN title TEXT")
    assert "BOOK" in altered
    assert "author" not in altered
    altered.forget()
    assert "book" not in altered


def test_it_listens_only_while_nobody_else_can_speak(connection: sqlite3.Connection) -> None:
    questions = count()

    def ask() -> object:
        return connection.execute(f"SELECT {next(questions)}").fetchall()

    altered = AlteredTables()
    altered.opened()
    assert not altered.listens(ask)
    altered.listen(connection)
    assert altered.listens(ask)
    altered.opened()
    altered.listen(object())
    assert not altered.listens(ask), "one connection is of a kind that can't be listened to"


def test_an_authorizer_of_the_application_takes_the_place(connection: sqlite3.Connection) -> None:
    altered = AlteredTables()
    altered.opened()
    altered.listen(connection)
    connection.set_authorizer(lambda *_: sqlite3.SQLITE_OK)
    assert not altered.listens(lambda: connection.execute("SELECT 1").fetchall())
