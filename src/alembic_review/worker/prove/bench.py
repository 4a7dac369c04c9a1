"""Copies of the scratch databases, and the application's own env.py on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from alembic_review.model.proofs import ProofPlan
from alembic_review.worker.assemble_facts import Compared
from alembic_review.worker.compare.comparison import Entry
from alembic_review.worker.environment.env_py import Environment
from alembic_review.worker.redirect.connections import Redirect
from alembic_review.worker.replay.revision_failures import wait_briefly_for_locks
from alembic_review.worker.worker_errors import StoppedError, WorkerError

NO_LOCK_TIMEOUT = ("", "0")

Work = Callable[[int, Any, MigrationContext], Iterable[Any]]
"""Gets the index of the database, its current heads and the context; returns steps for ``run_migrations``."""


@dataclass
class Bench:
    """One plan, and what it takes to try it. Proofs of one plan share one bench.

    ``copying`` has every new connection to a target, by its key, lead to a copy of the scratch database of this name.
    ``as_superuser`` is for comparisons only.
    ``applied`` are the new revisions that were applied to the present copies of each database.
    ``shared`` keeps what one proof has observed for the others, by a name of their own.
    ``lock_timeouts`` are what env.py had set in the last run. Ours is set only where that is none.
    """

    environment: Environment
    script: ScriptDirectory
    redirect: Redirect
    compared: Sequence[Compared]
    plan: ProofPlan
    copying: Callable[[Mapping[tuple[Any, ...], str]], AbstractContextManager[None]]
    as_superuser: Callable[[], AbstractContextManager[None]]
    shared: dict[str, Any] = field(default_factory=dict)
    applied: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    lock_timeouts: dict[int, str] = field(default_factory=dict)

    @property
    def numbers(self) -> range:
        """The indexes of the databases."""
        return range(len(self.compared))

    def entries(self, number: int) -> list[Entry]:
        """The pending operations of the plan for one database, in Alembic's order."""
        chosen = {each.number for each in self.plan.operations if each.database == number}
        return [entry for entry in self.compared[number].comparison.entries if entry.number in chosen]

    def python(self, number: int, entry: Entry) -> str:
        """What a revision has for this operation."""
        changes = self.compared[number].comparison.changes
        return next((change.python for change in changes if change.operation == entry.number), "")

    def texts(self, number: int) -> tuple[str, ...]:
        """What names the tables that the plan may touch: its code, and what new revisions altered."""
        new = set(self.plan.revisions)
        altered = [one.key.name for one in self.compared[number].replayed.alterations if one.revision in new]
        found = [*altered, *(self.python(number, entry) for entry in self.entries(number))]
        for name in self.plan.revisions:
            revision = self.script.get_revision(name)
            with suppress(OSError, UnicodeError), open(str(revision.path), encoding="utf-8") as file:
                found.append(file.read())
        return tuple(found)

    def reversed_entries(self, number: int) -> list[Entry]:
        """What the downgrade of the pending operations would do. Raises ``WorkerError`` where one has no reverse."""
        every = reversed(self.entries(number))
        return [replace(entry, operation=_reverse(entry.operation), diffs=()) for entry in every]

    def rendered(self, number: int, entry: Entry) -> str:
        """The Python of an operation that is not one of the comparison."""
        renderer = self.compared[number].comparison.renderer
        return renderer.python(entry.operation, entry.parent) if renderer is not None else ""

    @contextmanager
    def copies(self) -> Iterator[None]:
        """Meanwhile, every target is a new copy of its database, as it was before the plan.

        Several runs of env.py inside use the same copies. Raises ``WorkerError`` where there can't be one.
        """
        # A database to which anybody is connected can't be copied.
        self.redirect.start_run()
        self.applied.clear()
        pairs = zip(self.compared, self.plan.originals, strict=True)
        with self.copying({each.target.key: original for each, original in pairs}), self.redirect.elsewhere():
            yield

    def run(self, work: Work, command: Sequence[str] = ("upgrade", "heads"), **options: Any) -> None:
        """Run env.py once, inside ``copies``. ``StoppedError`` ends it early. Raises ``WorkerError``."""
        numbers = count()

        def counted(heads: Any, context: MigrationContext) -> Iterable[Any]:
            number = next(numbers)
            self._require(number, context)
            self.lock_timeouts[number] = _lock_timeout(context.connection)
            if self.lock_timeouts[number] in NO_LOCK_TIMEOUT:
                wait_briefly_for_locks(context.connection)  # type: ignore[arg-type] # there is one
            return work(number, heads, context)

        if command[0] == "upgrade":
            options = {"destination_rev": "heads", **options}
        self.redirect.start_run()
        try:
            self.environment.run(self.environment.config(list(command)), self.script, counted, **options)
        except StoppedError:
            pass
        finally:
            # A connection that was refused speaks against this proof only.
            refusal, self.redirect.refusal = self.redirect.refusal, None
        if refusal is not None:
            raise refusal

    def _require(self, number: int, context: MigrationContext) -> None:
        """The databases must come in the order in which they were compared, and none of them may be an original."""
        if context.connection is None or number >= len(self.compared):
            raise WorkerError("env.py connected to different databases than in the comparison")
        if self.redirect.target_of(context.connection.dialect).key != self.compared[number].target.key:
            raise WorkerError("env.py connected to different databases than in the comparison")
        if not self.redirect.proves(context.connection):
            raise WorkerError("env.py reuses a connection of an earlier run")


def _lock_timeout(connection: Any) -> str:
    if connection.dialect.name != "postgresql":
        return ""
    return str(connection.exec_driver_sql("SELECT current_setting('lock_timeout')").scalar())


def _reverse(operation: Any) -> Any:
    try:
        return operation.reverse()
    except Exception as error:
        raise WorkerError(f"{type(operation).__name__} can't be reversed: {error}") from error
