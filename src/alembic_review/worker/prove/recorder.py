"""The statements of a plan, with what became of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from alembic_review.model.keys import Place
from alembic_review.model.proofs import Statement
from alembic_review.model.secrets.masking import mask
from alembic_review.worker.prove.failing import database_error

Observer = Callable[[Connection, Statement], None]
"""Called after each statement of the plan that succeeded, on the plan's own connection."""


@dataclass
class Recorder:
    """Records every statement of every connection while it listens, except for those of a ``quiet`` part.

    ``revision`` and ``file`` are the revision that runs, ``operation`` the number of the pending operation.
    """

    observers: list[Observer] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    operation: int | None = None
    revision: str = ""
    file: str = ""
    _quiet: int = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Record meanwhile. Only connections that are opened meanwhile are sure to be heard."""
        listeners = (("after_cursor_execute", self._after), ("handle_error", self._failed))
        for name, function in listeners:
            event.listen(Engine, name, function)
        try:
            yield
        finally:
            for name, function in listeners:
                event.remove(Engine, name, function)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Leave out the statements of our own."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    @property
    def recording(self) -> bool:
        """Whether a part of the plan runs."""
        return not self._quiet and (self.operation is not None or bool(self.revision))

    def _after(self, connection: Connection, _cursor: Any, sql: str, *_: Any) -> None:
        if not self.recording:
            return
        statement = self._statement(sql, sys._getframe(1))
        self.statements.append(statement)
        with self.quiet():
            for observer in self.observers:
                observer(connection, statement)

    def _failed(self, context: Any) -> None:
        # after_cursor_execute is not called for a statement that fails.
        if self.recording and context.statement is not None:
            statement = self._statement(context.statement, sys._getframe(1))
            self.statements.append(replace(statement, error=database_error(context.original_exception)))

    def _statement(self, sql: str, frame: FrameType | None) -> Statement:
        return Statement(mask(sql.strip()), self.operation, self.revision, self._place(frame))

    def _place(self, frame: FrameType | None) -> Place | None:
        """The innermost line of the revision's file that is running."""
        while frame is not None and self.file:
            if os.path.realpath(frame.f_code.co_filename) == self.file:
                return Place(self.file, frame.f_lineno)
            frame = frame.f_back
        return None
