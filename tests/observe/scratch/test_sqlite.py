from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from alembic_review.observe.scratch import Kept, open_scratch


def test_each_file_is_private_and_carries_its_own_mark(base: Path) -> None:
    with open_scratch("sqlite", None) as scratch:
        first, second = scratch.create(), scratch.create()
        for database in (first, second):
            connection = sqlite3.connect(database.database)
            assert connection.execute("PRAGMA application_id").fetchone() == (int(database.mark),)
            connection.close()
        assert int(first.mark) > 0
        assert first.mark != second.mark
        assert first.database != second.database
        folder = Path(first.database).parent
        assert folder.parent == base
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert (scratch.kind, first.dialect) == ("sqlite", "sqlite")


def test_a_copy_has_the_same_content_and_a_mark_of_its_own(base: Path) -> None:
    with open_scratch("sqlite", None) as scratch:
        database = scratch.create()
        with closing(sqlite3.connect(database.database)) as connection:
            connection.execute("CREATE TABLE kept (x)")
        copy = scratch.copy(database)
        with closing(sqlite3.connect(database.database)) as connection:
            connection.execute("CREATE TABLE later (x)")
        with closing(sqlite3.connect(copy.database)) as connection:
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("kept",)]
            assert connection.execute("PRAGMA application_id").fetchone() == (int(copy.mark),)
        assert copy.mark != database.mark


def test_close_takes_journals_along(base: Path) -> None:
    scratch = open_scratch("sqlite", None)
    database = scratch.create()
    connection = sqlite3.connect(database.database)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("CREATE TABLE t (x)")
    assert Path(database.database + "-wal").exists()
    scratch.close()
    connection.close()
    assert list(base.iterdir()) == []


def test_databases_of_an_earlier_run_are_restored_under_another_mark(tmp_path: Path) -> None:
    with open_scratch("sqlite", None) as scratch:
        first = scratch.create()
        with closing(sqlite3.connect(first.database)) as connection, connection:
            connection.execute("CREATE TABLE a (b)")
            connection.execute("INSERT INTO a VALUES (1)")
        kind = scratch.pack([first.database], tmp_path / "packed")
    noted = {"target": "sqlite:///shop.db", "database": first.database}
    with open_scratch("sqlite", None, kept=Kept(tmp_path / "packed", kind, [noted])) as scratch:
        assert scratch.restored("sqlite:///other.db") is None
        again = scratch.restored("sqlite:///shop.db")
        assert again is not None
        assert (again.prepared, again.kept, again.server) == (True, noted, "sqlite")
        assert again.mark != first.mark
        with closing(sqlite3.connect(again.database)) as connection:
            assert connection.execute("SELECT b FROM a").fetchall() == [(1,)]
            assert connection.execute("PRAGMA application_id").fetchall() == [(int(again.mark),)]
        assert scratch.restored("sqlite:///shop.db") is None
        assert scratch.create().kept is None
    (tmp_path / "packed").write_bytes(b"damaged")
    with open_scratch("sqlite", None, kept=Kept(tmp_path / "packed", kind, [noted])) as scratch:
        assert scratch.restored("sqlite:///shop.db") is None


def test_a_database_that_somebody_writes_to_is_not_packed(tmp_path: Path) -> None:
    with open_scratch("sqlite", None) as scratch:
        database = scratch.create()
        with closing(sqlite3.connect(database.database, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            with pytest.raises(OSError, match="locked"):
                scratch.pack([database.database], tmp_path / "packed")
    assert list(tmp_path.iterdir()) == []
