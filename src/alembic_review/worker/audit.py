"""What Python's audit events tell of the ways around SQLAlchemy: files, sockets and other processes.

https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from alembic_review.worker.altered import MEMORY, AlteredTables
from alembic_review.worker.drivers import DRIVERS, Allows, Refuse
from alembic_review.worker.importing import when_imported
from alembic_review.worker.signature import with_signature_of

_SHOWN = 10


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
        # The other ways of multiprocessing raise an event.
        when_imported(["multiprocessing.util"], self._watch_spawning)

    def _watch_spawning(self, util: Any) -> None:
        spawn = util.spawnv_passfds

        def noted(path: Any, arguments: Any, descriptors: Any) -> Any:
            self._process(_program(path, arguments))
            return spawn(path, arguments, descriptors)

        util.spawnv_passfds = with_signature_of(spawn, noted)

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
        self._note(f"what goes over the application's own connection to {host}{self._where()}")

    def _process(self, program: str) -> None:
        self._note(f"databases that another process of the application uses: {program}{self._where()}")

    def _note(self, text: str) -> None:
        self._notes[text] = None


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
