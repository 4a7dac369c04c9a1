"""One run of the plan on copies: operation by operation, with savepoints, and every statement recorded."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from alembic.migration import MigrationContext
from alembic.runtime.migration import MigrationStep
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from alembic_review.model.proofs import DatabaseError, Statement
from alembic_review.worker import internals
from alembic_review.worker.compare.comparison import Entry
from alembic_review.worker.prove.bench import Bench
from alembic_review.worker.prove.failing import database_error
from alembic_review.worker.prove.recorder import Recorder
from alembic_review.worker.worker_errors import StoppedError, WorkerError, describe

_SAVEPOINT = "alembic_review"
_DUPLICATE = "42710"  # https://www.postgresql.org/docs/current/errcodes-appendix.html
_ROLE = re.compile(r"^role .* already exists", re.IGNORECASE)


@dataclass
class Unit:
    """One operation of the plan: a pending one (``operation`` is its number) or one that ``revision`` invokes.

    ``statements`` are those that it has executed so far. ``restored`` says after a failure whether the database is as
    it was before the unit: there are no savepoints in AUTOCOMMIT.
    """

    database: int
    context: MigrationContext
    operation: int | None = None
    revision: str = ""
    invoked: Any = None
    first: int = 0
    restored: bool = True
    recorder: Recorder = field(default_factory=Recorder, repr=False)

    @property
    def connection(self) -> Connection:
        """The connection of the context on which the unit runs."""
        assert self.context.connection is not None
        return self.context.connection

    @property
    def statements(self) -> list[Statement]:
        """The statements that this unit has executed so far."""
        return self.recorder.statements[self.first :]

    @property
    def failing(self) -> Statement | None:
        """The statement that failed last."""
        return next((one for one in reversed(self.statements) if one.error is not None), None)


@dataclass(frozen=True)
class Failed:
    """An error outside any unit, in ``revision``: of a statement that its own code executes."""

    revision: str
    error: DatabaseError | None
    statement: Statement | None
    cause: BaseException


class Hooks:
    """What a proof does around the parts of a run. Its own statements are not recorded."""

    savepoints = True

    def start(self, number: int, context: MigrationContext) -> None:
        """Before the first statement of the plan, in the transaction that env.py began, if it did."""

    def before(self, unit: Unit) -> None:
        """Before an operation."""

    def after(self, unit: Unit) -> None:
        """After an operation that succeeded."""

    def failed(self, unit: Unit, error: DatabaseError) -> bool:  # noqa: ARG002 - for those who override it
        """After an operation failed: true to try it once more, false to go on without it.

        ``StoppedError`` ends the run.
        """
        return False

    def broken(self, failed: Failed) -> None:
        """After a revision failed outside any operation, or with another error than a database's. The run ends."""

    def between(self, number: int, context: MigrationContext) -> None:
        """After the new revisions, and before the pending operations, where there are both."""

    def finish(self, number: int, context: MigrationContext) -> None:
        """After the last statement of the plan, in its transaction. Not where the run ended early."""


def run_plan(bench: Bench, hooks: Hooks, recorder: Recorder | None = None) -> Recorder:
    """Apply the plan once, inside ``bench.copies()``. Raises ``WorkerError`` where that was not possible at all."""
    return _run(bench, hooks, recorder, back=False)


def run_back(bench: Bench, hooks: Hooks, recorder: Recorder | None = None) -> Recorder:
    """Take back what ``run_plan`` has applied to the same copies: the reverse of the operations, then the downgrades.

    Raises ``WorkerError`` where that was not possible at all.
    """
    _require_downgrades(bench)
    return _run(bench, hooks, recorder, back=True)


def _require_downgrades(bench: Bench) -> None:
    """Alembic requires ``upgrade()`` only. Raises ``WorkerError`` where a revision has nothing else: AR514 has that."""
    for name in (name for number in bench.numbers for name in bench.applied[number]):
        revision: Any = bench.script.get_revision(name)
        if not callable(getattr(revision.module, "downgrade", None)):
            raise WorkerError(f"revision {name} has no downgrade function")


def _run(bench: Bench, hooks: Hooks, recorder: Recorder | None, *, back: bool) -> Recorder:
    recorder = recorder if recorder is not None else Recorder()
    run = _Run(bench, hooks, recorder)
    with recorder.listening(), internals.around_operations(run.operation):
        bench.run(run.back if back else run.steps, ("downgrade", "-1") if back else ("upgrade", "heads"))
    return recorder


@dataclass
class _Run:
    bench: Bench
    hooks: Hooks
    recorder: Recorder
    database: int = 0
    depth: int = 0

    def steps(self, number: int, heads: Any, context: MigrationContext) -> Iterator[Any]:
        """The new revisions, and then the pending operations."""
        self._start(number, context)
        for step in internals.upgrade_steps(self.bench.script, heads):
            step.migration_fn = self._revision(step.migration_fn, step.revision)
            self.bench.applied[number].append(step.revision.revision)
            yield step
        entries = self.bench.entries(number)
        if entries:
            with internals.begin_migration(context):
                if self.bench.applied[number]:
                    with self.recorder.quiet():
                        self.hooks.between(number, context)
                for entry in entries:
                    self._operation(number, context, entry, self.bench.python(number, entry))
                self._finish(number, context)
        else:
            self._finish(number, context)

    def back(self, number: int, _heads: Any, context: MigrationContext) -> Iterator[Any]:
        """The reverse of the pending operations, and then the downgrades of the new revisions."""
        self._start(number, context)
        entries = self.bench.reversed_entries(number)
        revisions = [self.bench.script.get_revision(name) for name in reversed(self.bench.applied[number])]
        if entries:
            with internals.begin_migration(context):
                for entry in entries:
                    self._operation(number, context, entry, self.bench.rendered(number, entry))
                if not revisions:
                    self._finish(number, context)
        for revision in revisions:
            step: Any = MigrationStep.downgrade_from_script(self.bench.script.revision_map, revision)
            step.migration_fn = self._revision(step.migration_fn, revision)
            yield step
        if revisions or not entries:
            self._finish(number, context)

    def _start(self, number: int, context: MigrationContext) -> None:
        self.database = number
        with self.recorder.quiet():
            self.hooks.start(number, context)

    def _finish(self, number: int, context: MigrationContext) -> None:
        with self.recorder.quiet():
            self.hooks.finish(number, context)

    def _operation(self, number: int, context: MigrationContext, entry: Entry, python: str) -> None:
        renderer = self.bench.compared[number].comparison.renderer
        assert renderer is not None
        self.recorder.operation = entry.number
        try:
            self._unit(
                Unit(number, context, operation=entry.number, invoked=entry.operation),
                lambda: renderer.perform(entry.operation, python, context),
            )
        finally:
            self.recorder.operation = None

    def _revision(self, function: Callable[..., Any], revision: Any) -> Callable[..., None]:
        def migrate(**arguments: Any) -> None:
            self.recorder.revision, self.recorder.file = revision.revision, os.path.realpath(revision.path)
            first = len(self.recorder.statements)
            try:
                function(**arguments)
            except WorkerError:
                raise
            except Exception as error:
                statements = self.recorder.statements[first:]
                failing = next((one for one in reversed(statements) if one.error is not None), None)
                with self.recorder.quiet():
                    self.hooks.broken(Failed(revision.revision, database_error(error), failing, error))
                raise StoppedError(f"Revision {revision.revision} failed.") from error
            finally:
                self.recorder.revision = self.recorder.file = ""

        return migrate

    def operation(self, invoked: Any, call: Callable[[], Any], context: MigrationContext) -> Any:
        """Run one operation of a revision; what an operation invokes in turn is a part of it."""
        if self.depth or not self.recorder.recording:
            return call()
        return self._unit(Unit(self.database, context, revision=self.recorder.revision, invoked=invoked), call)

    def _unit(self, unit: Unit, call: Callable[[], Any]) -> Any:
        unit.recorder, unit.first = self.recorder, len(self.recorder.statements)
        with self.recorder.quiet():
            self.hooks.before(unit)
        while True:
            saved = self.hooks.savepoints and self._savepoint(unit, "SAVEPOINT")
            try:
                result = self._nested(call)
            except WorkerError:
                raise
            except Exception as error:
                told = database_error(error)
                if told is None and unit.operation is not None:
                    # Alembic or the dialect can't make a statement of it.
                    told = DatabaseError(describe(error).split("\n", 1)[0])
                if told is None or not self.hooks.savepoints:
                    raise
                unit.restored = saved and self._savepoint(unit, "ROLLBACK TO SAVEPOINT")
                if told.sqlstate == _DUPLICATE and _ROLE.search(told.message):
                    return None  # roles belong to the whole server, where the replay has made this one already
                with self.recorder.quiet():
                    again = self.hooks.failed(unit, told)
                if not again:
                    return None
            else:
                if saved:
                    self._savepoint(unit, "RELEASE SAVEPOINT")
                with self.recorder.quiet():
                    self.hooks.after(unit)
                return result

    def _nested(self, call: Callable[[], Any]) -> Any:
        self.depth += 1
        try:
            return call()
        finally:
            self.depth -= 1

    def _savepoint(self, unit: Unit, command: str) -> bool:
        """False in AUTOCOMMIT, or where the operation has ended the transaction."""
        with self.recorder.quiet(), suppress(SQLAlchemyError):
            unit.connection.exec_driver_sql(f"{command} {_SAVEPOINT}")
            return True
        return False
