"""What Python's audit events tell of the ways around SQLAlchemy: files, sockets and other processes.

https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from alembic_review.model.secrets.masking import mask
from alembic_review.worker.on_import import when_imported
from alembic_review.worker.redirect.drivers import DRIVERS, Allows, Refuse
from alembic_review.worker.redirect.sqlite_authorizer import MEMORY, AlteredTables
from alembic_review.worker.same_signature import with_signature_of

_SHOWN = 10
_LIBRARIES = ("libpq", "libsqlite3", "libmysqlclient", "libmariadb", "libodbc", "libclntsh", "libsybdb")
# The functions of these libraries that open a connection.
_OPENING = frozenset(
    {
        *("PQconnectdb", "PQconnectdbParams", "PQconnectStart", "PQconnectStartParams", "PQsetdbLogin"),
        *("PQping", "PQpingParams"),
        *("sqlite3_open", "sqlite3_open16", "sqlite3_open_v2"),
        *("mysql_real_connect", "mysql_real_connect_start"),
        *("SQLConnect", "SQLConnectW", "SQLDriverConnect", "SQLDriverConnectW"),
        *("OCILogon", "OCILogon2", "OCIServerAttach", "dbopen", "tdsdbopen"),
    }
)


class Audit:
    """Refuses connections of drivers, and notes what the review can't see into.

    ``reaches`` is true for the address of a scratch database, ``where`` gives the application's file and line, and
    ``altered`` listens to every connection of SQLite.
    """

    def __init__(
        self,
        allows: Allows,
        reaches: Callable[[Any], bool],
        refuse: Refuse,
        where: Callable[[], str],
        altered: AlteredTables,
    ) -> None:
        self._allows = allows
        self._reaches = reaches
        self._refuse = refuse
        self._where = where
        self._altered = altered
        self._notes: dict[str, None] = {}
        self._handlers: dict[str, Callable[..., None]] = {
            "sqlite3.connect": self._sqlite,
            "socket.connect": self._socket,
            "socket.sendto": self._socket,
            # Without an address it goes where the socket is connected to.
            "socket.sendmsg": lambda socket, address: None if address is None else self._socket(socket, address),
            "ctypes.dlopen": self._library,
            "ctypes.dlsym": self._function,
            "sqlite3.load_extension": lambda _connection, path: self._note_extension(path),
            "subprocess.Popen": lambda program, arguments, *_: self._process(_program(program, arguments)),
            "os.posix_spawn": lambda path, *_: self._process(_text(path)),
            "os.spawn": lambda _mode, path, *_: self._process(_text(path)),
            "os.system": lambda _command: self._process("a shell"),
            "os.fork": lambda: self._process("a copy of itself"),
            "os.forkpty": lambda: self._process("a copy of itself"),
        }

    def install(self) -> None:
        """Begin; an audit hook can't be taken off again."""
        handlers = self._handlers

        # It is called by the hundred thousand, for sys._getframe too: nothing but one look into a dictionary.
        def hear(event: str, arguments: tuple[Any, ...]) -> None:
            if event in handlers:
                handlers[event](*arguments)

        sys.addaudithook(hear)
        self._altered.install()
        when_imported(["_cffi_backend"], self._watch_cffi)
        # The other ways of multiprocessing raise an event.
        when_imported(["multiprocessing.util"], self._watch_spawning)

    def also(self, handlers: Mapping[str, Callable[..., None]]) -> None:
        """Call these as well, before what is done about an event otherwise."""
        for event, handler in handlers.items():
            known = self._handlers.get(event)
            self._handlers[event] = handler if known is None else _both(handler, known)

    def _watch_spawning(self, util: Any) -> None:
        spawn = util.spawnv_passfds

        def noted(path: Any, arguments: Any, descriptors: Any) -> Any:
            self._process(_program(path, arguments))
            return spawn(path, arguments, descriptors)

        util.spawnv_passfds = with_signature_of(spawn, noted)

    def _watch_cffi(self, backend: Any) -> None:
        """It has no events of its own."""
        load = backend.load_library

        def noted(*arguments: Any, **named: Any) -> Any:
            self._library(arguments[0] if arguments else None)
            return load(*arguments, **named)

        backend.load_library = noted

    def not_checked(self) -> tuple[str, ...]:
        """One line for each place that did what can't be watched."""
        lines = tuple(self._notes)
        rest = len(lines) - _SHOWN
        return lines if rest <= 0 else (*lines[:_SHOWN], f"{rest} more processes and connections of the application")

    def _sqlite(self, database: Any) -> None:
        name = _text(database)
        if name not in MEMORY and not self._allows({"database": name}):
            raise self._refuse("sqlite3")
        self._altered.opened()

    def _socket(self, _socket: Any, address: Any) -> None:
        if self._reaches(address):
            return
        driver = _driver_at_work()
        if driver is not None:
            raise self._refuse(driver)
        host = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else _text(address)
        self._note(f"database access over the application's own connection to {host}{self._where()}")

    def _library(self, name: Any) -> None:
        """A driver may load its library itself."""
        shown = os.path.basename(_text(name)) if name is not None else ""
        if shown.startswith(_LIBRARIES) and _driver_at_work() is None:
            self._note(f"connections that the application opens with {shown}{self._where()}")

    def _function(self, _library: Any, name: Any) -> None:
        if name == "connect":  # of the C library, below Python's own sockets
            self._note(f"database access of the application through ctypes{self._where()}")
        if name in _OPENING and _driver_at_work() is None:
            raise self._refuse(f"ctypes ({name})")

    def _note_extension(self, path: Any) -> None:
        self._note(f"effects of the SQLite extension {os.path.basename(_text(path))}{self._where()}")

    def _process(self, program: str) -> None:
        self._note(f"databases that another process of the application uses: {program}{self._where()}")

    def _note(self, text: str) -> None:
        self._notes[mask(text)] = None


def _both(one: Callable[..., None], other: Callable[..., None]) -> Callable[..., None]:
    def handle(*arguments: Any) -> None:
        one(*arguments)
        other(*arguments)

    return handle


def _text(path: Any) -> str:
    return os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else str(path)


def _program(program: Any, arguments: Any) -> str:
    """The name of the program alone: an argument may be a password."""
    first = program or (arguments if isinstance(arguments, (str, bytes, os.PathLike)) else next(iter(arguments), ""))
    return os.path.basename(_text(first).split()[0] if _text(first).strip() else "")


def _driver_at_work() -> str | None:
    """The known driver that has a frame in the stack."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__")).partition(".")[0]
        if name in DRIVERS:
            return name
        frame = frame.f_back
    return None
