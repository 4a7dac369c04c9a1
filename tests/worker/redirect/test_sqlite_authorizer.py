"""Listening to SQLite, and knowing when somebody could not be heard."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from alembic_review.worker.redirect.sqlite_authorizer import AlteredTables


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE Book (id INTEGER)")
    yield connection
    connection.close()


def test_an_altered_table_is_known_until_it_is_forgotten(connection: sqlite3.Connection) -> None:
    altered = AlteredTables(lambda: None)
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

    altered = AlteredTables(lambda: None)
    altered.opened()
    assert not altered.listens(ask)
    altered.listen(connection)
    assert altered.listens(ask)
    altered.opened()
    altered.listen(object())
    assert not altered.listens(ask), "one connection is of a kind that can't be listened to"


def test_an_authorizer_of_the_application_takes_the_place(connection: sqlite3.Connection) -> None:
    altered = AlteredTables(lambda: None)
    altered.opened()
    altered.listen(connection)
    connection.set_authorizer(lambda *_: sqlite3.SQLITE_OK)
    assert not altered.listens(lambda: connection.execute("SELECT 1").fetchall())


def test_another_file_is_not_attached(connection: sqlite3.Connection, tmp_path: Path) -> None:
    refused: list[None] = []
    altered = AlteredTables(lambda: refused.append(None))
    altered.opened()
    altered.listen(connection)
    connection.execute("ATTACH ':memory:' AS beside")
    connection.execute("VACUUM")
    assert not refused
    file = tmp_path / "real.db"
    for statement, values in [
        (f"ATTACH '{file}' AS real", ()),
        ("ATTACH ? AS real", (str(file),)),
        (f"VACUUM INTO '{file}'", ()),
    ]:
        with pytest.raises(sqlite3.DatabaseError):
            connection.execute(statement, values)
    assert len(refused) == 3
    assert not file.exists()
