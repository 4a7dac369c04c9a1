"""The statements of a plan, with what became of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from alembic_review.model.keys import Place
from alembic_review.model.proofs import Statement
from alembic_review.model.secrets.masking import mask
from alembic_review.worker.environment.sql_files import DumpError
from alembic_review.worker.environment.sql_files import statements as statements_of
from alembic_review.worker.prove.failing import database_error

Preparer = Callable[[Connection, str], None]
"""Called before each statement of the plan, on the plan's own connection."""
Observer = Callable[[Connection, Statement], None]
"""Called after each statement of the plan that succeeded, on the plan's own connection."""


@dataclass
class Recorder:
    """Records every statement of every connection while it listens, except for those of a ``quiet`` part.

    ``revision`` and ``file`` are the revision that runs, ``operation`` the number of the pending operation. Where one
    string holds several statements, these are executed and recorded one by one.
    """

    observers: list[Observer] = field(default_factory=list)
    preparers: list[Preparer] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    operation: int | None = None
    revision: str = ""
    file: str = ""
    _quiet: int = 0
    # The statements of the string that is being executed, where it has several, and the present one of them.
    _parts: tuple[str, ...] = ()
    _part: str = ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Record meanwhile. Only connections that are opened meanwhile are sure to be heard."""
        listeners: tuple[tuple[str, Callable[..., Any]], ...] = (
            ("before_cursor_execute", self._before),
            ("do_execute", self._execute),
            ("do_execute_no_params", self._execute_no_params),
            ("after_cursor_execute", self._after),
            ("handle_error", self._failed),
        )
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

    def _before(
        self, connection: Connection, _cursor: Any, sql: str, parameters: Any, _context: Any, many: Any
    ) -> None:
        if not self.recording:
            return
        self._part = ""
        with self.quiet():
            self._parts = () if many else _parts(connection, sql, parameters)
        if not self._parts:
            self._prepare(connection, sql)

    def _execute(self, cursor: Any, _sql: str, parameters: Any, context: Any) -> bool:
        return self._divided(context, lambda part: context.dialect.do_execute(cursor, part, parameters, context))

    def _execute_no_params(self, cursor: Any, _sql: str, context: Any) -> bool:
        return self._divided(context, lambda part: context.dialect.do_execute_no_params(cursor, part, context))

    def _divided(self, context: Any, execute: Callable[[str], Any]) -> bool:
        """Whether the statements of the string have been executed, one by one."""
        if not self.recording:
            return False
        for part in self._parts:
            self._part = part
            self._prepare(context.root_connection, part)
            execute(part)
            self._note(context.root_connection, part)
        return bool(self._parts)

    def _after(self, connection: Connection, _cursor: Any, sql: str, *_: Any) -> None:
        if self.recording and not self._part:
            self._note(connection, sql)

    def _prepare(self, connection: Connection, sql: str) -> None:
        with self.quiet():
            for preparer in self.preparers:
                preparer(connection, sql)

    def _note(self, connection: Connection, sql: str) -> None:
        statement = self._statement(sql, sys._getframe(1))
        self.statements.append(statement)
        with self.quiet():
            for observer in self.observers:
                observer(connection, statement)

    def _failed(self, context: Any) -> None:
        # after_cursor_execute is not called for a statement that fails.
        if self.recording and context.statement is not None:
            statement = self._statement(self._part or context.statement, sys._getframe(1))
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


def in_transaction(connection: Connection) -> bool:
    """Whether a transaction is open, rather than AUTOCOMMIT."""
    try:
        connection.exec_driver_sql("SAVEPOINT alembic_review_open")
        connection.exec_driver_sql("RELEASE SAVEPOINT alembic_review_open")
    except DBAPIError:
        return False
    return True


def divided(sql: str) -> tuple[str, ...]:
    """The statements of a string for PostgreSQL; the string itself where it can't be divided."""
    if ";" not in sql:
        return (sql,)
    try:
        found = list(statements_of(sql, "postgresql"))
    except DumpError:
        return (sql,)
    whole = not found or any(one.rows is not None for one in found)
    return (sql,) if whole else tuple(one.text for one in found)


def _parts(connection: Connection, sql: str, parameters: Any) -> tuple[str, ...]:
    """The statements of a string that has several; none where they can't be executed one by one.

    In AUTOCOMMIT, PostgreSQL executes the string in a transaction of its own:
    https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
    """
    if connection.dialect.name != "postgresql" or (parameters and not isinstance(parameters, Mapping)):
        return ()
    found = divided(sql)
    return found if len(found) > 1 and in_transaction(connection) else ()
