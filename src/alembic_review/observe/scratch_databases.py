"""Scratch databases for one run: a server started early by a guess, others when the application asks for them."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from alembic_review.model.errors import ObservationError, ReviewError, UsageError
from alembic_review.model.facts import ServerChange
from alembic_review.model.input_states import KEPT
from alembic_review.observe.replay_cache.kept_replay import KeptReplay
from alembic_review.observe.scratch import open_scratch
from alembic_review.observe.scratch.base import Scratch, ScratchDatabase

_SQLITE_URL = re.compile(r"=\s*[\"']?sqlite(\+\w+)?:", re.IGNORECASE)
_OTHER_URL = re.compile(r"=\s*[\"']?(?!sqlite)\w+(\+\w+)?://", re.IGNORECASE)


def guess_dialect(config: Path | None) -> str:
    """The dialect of the URLs in a conf file; PostgreSQL where it has none, or several, or where there is no file."""
    if config is None:
        return "postgresql"
    try:
        text = config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "postgresql"
    return "sqlite" if _SQLITE_URL.search(text) and not _OTHER_URL.search(text) else "postgresql"


class RunDatabases:
    """Context manager: whatever was started or created is gone afterwards.

    With ``superuser``, the application's role is one on a server of ours. ``replay`` is what earlier runs kept.
    """

    def __init__(
        self, server: str | None, guess: str, *, superuser: bool = False, replay: KeptReplay | None = None
    ) -> None:
        self._server = server
        self._superuser = superuser
        self._kept = replay.kept if replay is not None else None
        self._guess = self._kept.kind.partition(" ")[0] if self._kept is not None else guess
        if replay is not None:
            replay.packing = self._pack
        self._scratch: dict[str, Scratch] = {}
        self._used: set[str] = set()
        self._made: dict[str, ScratchDatabase] = {}
        self._starter = threading.Thread(target=self._start_early, daemon=True)

    def __enter__(self) -> Self:
        try:
            self._scratch[self._guess] = self._open(self._guess)
        except UsageError:
            raise
        except ReviewError:
            # Nobody's problem, unless the application asks for that dialect: then it fails again.
            return self
        self._starter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing interrupts a start that is still under way.
        for scratch in self._scratch.values():
            scratch.close()
        if self._starter.ident is not None:
            self._starter.join()

    @property
    def kinds(self) -> str:
        """How the databases of this run were had: ``embedded``, ``system``, ``given``, ``sqlite``."""
        return ", ".join(sorted({self._scratch[dialect].kind for dialect in self._used}))

    @property
    def changes(self) -> tuple[ServerChange, ...]:
        """Afterwards: what the run changed on a given server."""
        return tuple(change for scratch in self._scratch.values() for change in scratch.changes)

    def create(self, dialect: str, target: str = "", state: str = "") -> ScratchDatabase:
        """A new scratch database of this dialect; waits for an early start. Raises ``ReviewError``.

        In the state ``KEPT``, it is the one that was kept for this target, if there is one.
        """
        if dialect not in self._scratch:
            self._scratch[dialect] = self._open(dialect)
        scratch = self._scratch[dialect]
        database = (scratch.restored(target) if state == KEPT else None) or scratch.create()
        self._used.add(dialect)
        self._made[database.database] = database
        return database

    def copy(self, database: ScratchDatabase) -> ScratchDatabase:
        """A new scratch database with the content of this one. Raises ``ReviewError``."""
        made = self._scratch[database.dialect].copy(database)
        self._made[made.database] = made
        return made

    def copy_of(self, name: str) -> ScratchDatabase:
        """The same for the name of a database of this run. Raises ``ReviewError``."""
        if name not in self._made:
            raise ObservationError(f"There is no scratch database {name!r} to copy.")
        return self.copy(self._made[name])

    def _open(self, dialect: str) -> Scratch:
        return open_scratch(dialect, self._server, superuser=self._superuser, kept=self._kept)

    def _pack(self, names: Sequence[str], path: Path) -> str:
        """Write these databases to a path. Raises ``OSError``, also where they are of several kinds."""
        dialects = {self._made[name].dialect for name in names if name in self._made}
        if len(dialects) != 1 or not all(name in self._made for name in names):
            raise OSError
        (dialect,) = dialects
        return self._scratch[dialect].pack(names, path)

    def _start_early(self) -> None:
        """A guess that fails is nobody's problem until the application asks for that dialect; then it fails again."""
        with suppress(ReviewError):
            self._scratch[self._guess].start()
