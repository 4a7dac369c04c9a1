"""What every way to get a scratch database has in common."""

from __future__ import annotations

import atexit
import os
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import ServerChange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType


@dataclass(frozen=True)
class ScratchDatabase:
    """One throw-away database: where it is, and the random mark that proves it.

    ``database`` is a name nobody can guess or, for SQLite, the path of the file. ``host`` is a host name or, starting
    with a slash, the folder of the unix socket. ``mark`` is the comment of the database on PostgreSQL and the
    ``application_id`` in decimal on SQLite. ``query`` holds further arguments of a given server's URL. ``server`` is
    the ``kind`` of the ``Scratch``; a server of our own has a ``version``, and its programs are in ``folder``.
    ``prepared`` says that it is not empty any more, ``superuser`` that its role may do everything on the server.
    ``allow`` makes that role a superuser or an ordinary one again, on a server of our own.
    ``kept`` is what was noted of it in an earlier run that made its content.
    ``note`` wants to hear of every statement that creates something outside the database, where that matters.
    """

    dialect: str
    database: str
    host: str | None = None
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    mark: str = ""
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    server: str = ""
    version: str = ""
    folder: str = ""
    prepared: bool = False
    superuser: bool = False
    kept: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    allow: Callable[[bool], None] | None = field(default=None, repr=False, compare=False)
    note: Callable[[str], None] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Kept:
    """Databases of an earlier run, in one file: what was noted of each, with the ``database`` and ``target`` it was."""

    data: Path
    kind: str
    databases: Sequence[Mapping[str, Any]]


class Scratch(ABC):
    """One way to get scratch databases, for one run.

    All methods may be called from any thread. ``kind`` is what provenance calls the server: ``given``, ``system``,
    ``embedded`` or ``sqlite``; it is settled once ``start`` has returned.
    """

    kind: str = ""
    changes: tuple[ServerChange, ...] = ()
    """What the run changed on a server that is not ours; known after ``close``."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._started = False
        self._failure: ObservationError | None = None
        self._owner = os.getpid()
        self._restored: dict[str, ScratchDatabase] = {}

    def start(self) -> None:
        """Make everything ready, once; raises ``ObservationError`` when that fails, and again at every later call."""
        with self._lock:
            if self._closing.is_set():
                message = "The scratch database was closed before it was used."
                raise ObservationError(message)
            if self._failure is not None:
                raise self._failure
            if not self._started:
                # Only a safety net for a caller that never comes to close(); signals that kill leave the rest to the
                # guard of the server and to the sweep of the next run.
                atexit.register(self._close_at_exit)
                self._start_or_fail()
                self._started = True

    def create(self) -> ScratchDatabase:
        """Give a new, empty, marked database; waits for ``start`` and may be called as often as needed."""
        with self._lock:
            self.start()
            return replace(self._create(), server=self.kind)

    def copy(self, database: ScratchDatabase) -> ScratchDatabase:
        """Give a new, marked database with the content of another one of this run, to which nobody is connected."""
        with self._lock:
            self.start()
            return self._copy(database)

    def restored(self, target: str) -> ScratchDatabase | None:
        """Give the database that was kept for this target, marked anew, once; ``None`` where there is none."""
        with self._lock:
            self.start()
            found = self._restored.pop(target, None)
            return replace(found, server=self.kind, prepared=True) if found is not None else None

    def pack(self, databases: Sequence[str], path: Path) -> str:
        """Write databases of this run, by name, to ``path``; no process may use them meanwhile. Raises ``OSError``.

        Returns what ``Kept`` calls their kind: which scratch can restore them.
        """
        with self._lock:
            return self._pack(databases, path)

    def close(self) -> None:
        """Remove all that this run made: databases, processes, folders. Harmless when half started or closed before."""
        # Set before the lock is taken: a start that is under way in another thread sees it and gives up.
        self._closing.set()
        with self._lock:
            self._close()
            atexit.unregister(self._close_at_exit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _start_or_fail(self) -> None:
        try:
            self._start()
        except ObservationError as error:
            self._failure = error
            raise
        except OSError as error:
            permission = isinstance(error, PermissionError)
            folder = (
                "a folder in which you may create and read files (with your umask)"
                if permission
                else "a folder with free space"
            )
            self._failure = ObservationError(
                f"The scratch database could not be started: {error}",
                hint=f"Set TMPDIR to {folder}, or name a server with --server URL.",
            )
            raise self._failure from error

    def _close_at_exit(self) -> None:
        if os.getpid() == self._owner:
            self.close()

    @abstractmethod
    def _start(self) -> None: ...

    @abstractmethod
    def _create(self) -> ScratchDatabase: ...

    @abstractmethod
    def _copy(self, database: ScratchDatabase) -> ScratchDatabase: ...

    def _pack(self, _databases: Sequence[str], _path: Path) -> str:
        raise OSError

    @abstractmethod
    def _close(self) -> None: ...
