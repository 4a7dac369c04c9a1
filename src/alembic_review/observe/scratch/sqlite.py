"""SQLite: a file in a private folder."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing

from alembic_review.model.errors import ObservationError
from alembic_review.observe.scratch.base import Scratch, ScratchDatabase
from alembic_review.observe.scratch.run_folder import RunFolder

_LARGEST_MARK = 2**31 - 1


class SqliteScratch(Scratch):
    """Files that go with their folder, so journals and write-ahead logs beside them go too."""

    kind = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self._folder: RunFolder | None = None

    def _start(self) -> None:
        self._folder = RunFolder.create()

    def _create(self) -> ScratchDatabase:
        return self._marked()

    def _copy(self, database: ScratchDatabase) -> ScratchDatabase:
        return self._marked(database.database)

    def _marked(self, original: str | None = None) -> ScratchDatabase:
        if self._folder is None:
            raise ObservationError("The scratch folder was not made.")
        path = self._folder.path / f"{secrets.token_hex(8)}.sqlite"
        mark = secrets.randbelow(_LARGEST_MARK) + 1  # 0 is what an unmarked file shows
        with closing(sqlite3.connect(path)) as connection:
            if original is not None:
                with closing(sqlite3.connect(original)) as source:
                    source.backup(connection)
            connection.execute(f"PRAGMA application_id = {mark}")
        return ScratchDatabase(dialect="sqlite", database=str(path), mark=str(mark))

    def _close(self) -> None:
        if self._folder is not None:
            self._folder.remove()
