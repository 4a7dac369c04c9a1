"""Which SQLite tables were altered: there a rename is an ALTER TABLE, and a drop followed by a create is none."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

_ALTER_TABLE = 26
"""``SQLITE_ALTER_TABLE``, followed by the names of database and table (https://www.sqlite.org/c3ref/c_alter_table.html)."""
_OK = 0


class AlteredTables:
    """Listens to the authorizer of SQLite connections, which SQLite asks about each statement it compiles."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._asked = 0
        self._deaf = 0

    def opened(self) -> None:
        """Somebody opens a connection to a database file; until somebody listens to it, nothing is known for sure."""
        self._deaf += 1

    def listen(self, connection: Any) -> None:
        """Begin with a connection that was opened; only the standard library's own can be listened to."""
        if isinstance(connection, sqlite3.Connection):
            connection.set_authorizer(self._answer)
            self._deaf -= 1

    def forget(self) -> None:
        """Only what is altered from now on counts."""
        self._names.clear()

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._names

    def listens(self, ask: Callable[[], object]) -> bool:
        """True when nothing could be missed: ``ask`` makes SQLite compile a statement.

        An application may have put an authorizer of its own in our place.
        """
        before = self._asked
        ask()
        return self._asked > before and not self._deaf

    def _answer(self, action: int, _database: str | None, table: str | None, *_: Any) -> int:
        self._asked += 1
        if action == _ALTER_TABLE and table is not None:
            self._names.add(table.casefold())
        return _OK
