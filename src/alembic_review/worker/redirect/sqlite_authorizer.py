"""What SQLite's authorizer tells: which tables were altered, and which other files a connection would open.

A rename is an ALTER TABLE there, and a drop followed by a create is none.
"""

from __future__ import annotations

import sqlite3
import sqlite3.dbapi2
from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import WeakSet

from alembic_review.worker.redirect.drivers import standing

_ALTER_TABLE = 26
"""``SQLITE_ALTER_TABLE``, followed by the names of database and table (https://www.sqlite.org/c3ref/c_alter_table.html)."""
_ATTACH = 24
"""``SQLITE_ATTACH``, followed by the file's name where it is a literal; VACUUM attaches a nameless one, too."""
_OK, _DENY = 0, 1
MEMORY = ("", ":memory:")
_FACTORY = 5
"""The position of ``factory`` among the arguments of ``sqlite3.connect``."""
_ORIGINAL = sqlite3.Connection


class AlteredTables:
    """Listens to the authorizer of SQLite connections, which SQLite asks about each statement it compiles.

    ``refuse`` hears of a file that would be attached.
    """

    def __init__(self, refuse: Callable[[], object]) -> None:
        self._refuse = refuse
        self._names: set[str] = set()
        self._asked = 0
        self._classes: WeakSet[type] = WeakSet()
        self._deaf = 0

    def install(self) -> None:
        """Listen to every connection from now on: in the thread that opens it, as aiosqlite needs it."""
        connect = sqlite3.connect
        guarded = self._guarded(sqlite3.Connection)

        @wraps(connect)
        def listened(*arguments: Any, **named: Any) -> Any:
            if len(arguments) > _FACTORY:
                arguments = (*arguments[:_FACTORY], self._guarded(arguments[_FACTORY]), *arguments[_FACTORY + 1 :])
            else:
                named["factory"] = self._guarded(named.get("factory", guarded))
            connection = connect(*arguments, **named)
            self.listen(connection)
            return connection

        for module in (sqlite3, sqlite3.dbapi2):
            module.connect = listened  # type: ignore[attr-defined]
            setattr(module, "Connection", guarded)  # noqa: B010 - no module may be told this otherwise

    def _guarded(self, factory: Any) -> Any:
        """The class of a connection, with an authorizer that is asked after ours and never in its place."""
        if not (isinstance(factory, type) and issubclass(factory, _ORIGINAL)):
            return factory
        if not self._classes.isdisjoint(factory.__mro__):
            return factory

        def set_authorizer(connection: Any, authorizer_callback: Any) -> None:
            def answer(*asked: Any) -> int:
                ours = self._answer(*asked)
                theirs = authorizer_callback(*asked) if authorizer_callback is not None else _OK
                return theirs if ours == _OK else ours

            _ORIGINAL.set_authorizer(connection, answer)

        made = standing(factory)
        made.set_authorizer = set_authorizer  # type: ignore[attr-defined]
        self._classes.add(made)
        return made

    def opened(self) -> None:
        """Somebody opens a connection; until somebody listens to it, nothing is known for sure."""
        self._deaf += 1

    def listen(self, connection: Any) -> None:
        """Begin with a connection that was opened; only the standard library's own can be listened to."""
        if isinstance(connection, _ORIGINAL):
            _ORIGINAL.set_authorizer(connection, self._answer)
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

    def _answer(self, action: int, name: str | None, table: str | None, *_: Any) -> int:
        self._asked += 1
        if action == _ALTER_TABLE and table is not None:
            self._names.add(table.casefold())
        if action == _ATTACH and name not in MEMORY:
            self._refuse()
            return _DENY
        return _OK
