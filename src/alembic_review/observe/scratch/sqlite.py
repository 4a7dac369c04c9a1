"""SQLite: a file in a private folder."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from alembic_review.model.errors import ObservationError
from alembic_review.observe.scratch import initdb_cache
from alembic_review.observe.scratch.base import Kept, Scratch, ScratchDatabase
from alembic_review.observe.scratch.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LARGEST_MARK = 2**31 - 1
_BUSY_SECONDS = 0.5


class SqliteScratch(Scratch):
    """Files that go with their folder, so journals and write-ahead logs beside them go too."""

    kind = "sqlite"

    def __init__(self, kept: Kept | None = None) -> None:
        super().__init__()
        self._folder: RunFolder | None = None
        self._kept = kept if kept is not None and kept.kind == self.kind else None

    def _start(self) -> None:
        self._folder = RunFolder.create()
        if self._kept is None:
            return
        unpacked = self._folder.path / "kept"
        if initdb_cache.unpack(self._kept.data, unpacked):
            for number, one in enumerate(self._kept.databases):
                self._restored[one["target"]] = replace(self._mark(unpacked / f"{number}.sqlite"), kept=one)

    def _pack(self, databases: Sequence[str], path: Path) -> str:
        if self._folder is None:
            raise OSError
        copies = self._folder.path / "copies"
        copies.mkdir(mode=0o700)
        try:
            for number, name in enumerate(databases):
                # One that waits for somebody's transaction is not kept.
                with (
                    closing(sqlite3.connect(name, timeout=_BUSY_SECONDS)) as source,
                    closing(sqlite3.connect(copies / f"{number}.sqlite")) as target,
                ):
                    # Without a lock of its own, a backup waits for that of others, for as long as it takes.
                    source.execute("BEGIN")
                    source.execute("SELECT name FROM sqlite_master").fetchall()
                    source.backup(target)
            initdb_cache.pack(copies, path)
        except sqlite3.Error as error:
            raise OSError(str(error)) from error
        finally:
            shutil.rmtree(copies, ignore_errors=True)
        return self.kind

    def _create(self) -> ScratchDatabase:
        return self._marked()

    def _copy(self, database: ScratchDatabase) -> ScratchDatabase:
        return self._marked(database.database)

    def _marked(self, original: str | None = None) -> ScratchDatabase:
        if self._folder is None:
            raise ObservationError("The scratch folder was not created.")
        path = self._folder.path / f"{secrets.token_hex(8)}.sqlite"
        if original is not None:
            with closing(sqlite3.connect(original)) as source, closing(sqlite3.connect(path)) as copy:
                source.backup(copy)
        return self._mark(path)

    @staticmethod
    def _mark(path: Path) -> ScratchDatabase:
        mark = secrets.randbelow(_LARGEST_MARK) + 1  # 0 is what an unmarked file shows
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA application_id = {mark}")
        return ScratchDatabase(dialect="sqlite", database=str(path), mark=str(mark))

    def _close(self) -> None:
        if self._folder is not None:
            self._folder.remove()
