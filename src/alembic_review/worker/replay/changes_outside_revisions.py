"""What code other than a revision's own does to the tables, while revisions run and around them.

An env.py may execute statements before, after and between revisions, and a listener may do so while the core's run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import alembic
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from alembic_review.model.facts import Frame
from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.packages import package_of_path
from alembic_review.worker.replay.upgrade import Noted, Replayed, digest, note_statement

_RUNTIME = os.path.join(os.path.dirname(alembic.__file__), "runtime") + os.sep
# What alters no table; some of it must come first in its transaction, before any look of ours.
_HARMLESS = frozenset(
    {"SELECT", "SET", "SHOW", "RESET", "PRAGMA", "BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "LOCK"}
)


@dataclass
class OutsideChanges:
    """Looks at the tables before and after each statement of such code.

    ``replayed`` finds what is noted of a connection's database, if anything; ``may_be_custom`` is true for a package
    that could be the application's.
    """

    stacks: Stacks
    replayed: Callable[[Connection], Replayed | None]
    may_be_custom: Callable[[str | None], bool]
    _watching: bool = False
    _pending: tuple[Any, Replayed, str, Frame] | None = field(default=None, repr=False)

    def install(self) -> None:
        """Listen to every engine; nothing is noted but in ``watching``."""
        event.listen(Engine, "before_cursor_execute", self._before)
        event.listen(Engine, "after_cursor_execute", self._after)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Meanwhile, statements are looked at."""
        self._watching = True
        try:
            yield
        finally:
            self._watching = False

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Statements of ours are nobody's."""
        self._watching = False
        try:
            yield
        finally:
            self._watching = True

    def _before(self, connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        if not self._watching or statement.lstrip().partition(" ")[0].upper() in _HARMLESS:
            return
        replayed = self.replayed(connection)
        found = self._intruder(sys._getframe(1)) if replayed is not None else None
        self._pending = None
        if found is not None and replayed is not None:
            with self._looking():
                digest(replayed, connection)
            self._pending = (cursor, replayed, *found)

    def _after(self, connection: Connection, cursor: Any, *_: Any) -> None:
        if self._watching and self._pending is not None and self._pending[0] is cursor:
            _, replayed, revision, frame = self._pending
            self._pending = None
            with self._looking():
                note_statement(replayed, connection, revision, frame)

    def _intruder(self, frame: FrameType | None) -> tuple[str, Frame] | None:
        """The revision that runs meanwhile, if any, and the line whose statement it is; ``None`` for a revision's own.

        Statements of Alembic's own belong to nobody.
        """
        theirs: list[FrameType] = []
        while frame is not None and not frame.f_code.co_filename.startswith(_RUNTIME):
            if frame.f_code is Noted.__call__.__code__:
                noted: Noted = frame.f_locals["self"]
                return None if noted.watched else self._first(theirs, noted.revision.revision, noted.revision.path)
            if self.stacks.keeps(frame.f_code):
                theirs.append(frame)
            frame = frame.f_back
        return self._first(theirs[:1], "", None)

    def _first(self, frames: list[FrameType], revision: str, path: str | None) -> tuple[str, Frame] | None:
        """The innermost of these that could be the application's, and not of the revision's package."""
        own = package_of_path(path) if path is not None else None
        for live in frames:
            frame = self.stacks.described(live)
            if (path is None or frame.package != own) and self.may_be_custom(frame.package):
                return revision, frame
        return None
