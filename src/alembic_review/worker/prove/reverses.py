"""The plan on empty copies: applied, taken back, and applied once more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alembic.migration import MigrationContext

from alembic_review.model.proofs import (
    REVERSES,
    DatabaseError,
    Leak,
    NotReversed,
    Proved,
    Reversal,
    Statement,
)
from alembic_review.worker import internals
from alembic_review.worker.prove.bench import Bench
from alembic_review.worker.prove.dry import dependants, dry_run
from alembic_review.worker.prove.inventory import Difference, Inventory, differences, inventory
from alembic_review.worker.prove.recorder import Recorder
from alembic_review.worker.prove.run import Failed, Hooks, Unit, run_back, run_plan
from alembic_review.worker.prove.undoing import named, undo
from alembic_review.worker.replay.catalogue import Details
from alembic_review.worker.replay.revision_failures import failure_of
from alembic_review.worker.replay.upgrade import connection_of
from alembic_review.worker.worker_errors import StoppedError, WorkerError, describe

_WORD = re.compile(r"\w+")
_Known = dict[int, dict[tuple[Any, str], Details]]
"""By database, what ``inventory`` knows of its tables."""


def observe(bench: Bench) -> list[Proved]:
    """What the downgrade leaves, and what fails on the way down and up again. Raises ``WorkerError``."""
    if any(one.failures for one in dry_run(bench)):
        raise WorkerError("the plan does not apply to an empty database")
    with bench.copies():
        up = _run(bench, back=False, known={})
        if up.failures:
            raise WorkerError(f"the plan does not apply: {up.failures[0][1].error.message}")
        down = _run(bench, back=True, came=up, known=up.known)
        again = _run(bench, back=False, known=up.known) if not down.failures else None
    return [_proved(number, up, down, again) for number in bench.numbers]


def _proved(number: int, up: _Noting, down: _Noting, again: _Noting | None) -> Proved:
    failures = tuple(failure for database, failure in down.failures if database == number)
    repeated = tuple(
        failure for database, failure in (again.failures if again is not None else ()) if database == number
    )
    leaks: tuple[Leak, ...] = ()
    if again is not None and number in down.later:
        found = differences(up.earlier[number], down.later[number])
        leaks = tuple(_leak(one, up.recorder.statements, down.recorder.statements) for one in found)
    return Proved(REVERSES, number, reverses=Reversal(leaks, failures, repeated))


def _leak(found: Difference, up: Sequence[Statement], down: Sequence[Statement]) -> Leak:
    item = found.item
    # What a revision creates, a pending change may drop: the first statement is the one to blame.
    statement = next((one for one in up if _names(one.sql, found)), None)
    if statement is None and item.key is not None:
        of_table = [one for one in (*up, *down) if item.key.name in _WORD.findall(one.sql)]
        # A constraint goes with its column: its definition names that one, too.
        statement = max(of_table, key=lambda one: _common(one.sql, found), default=None)
    if statement is None and len({(one.operation, one.revision) for one in up}) == 1:
        statement = up[-1]
    return Leak(
        kind=item.kind,
        key=item.key,
        name=item.name,
        how=found.how,
        before=found.before,
        after=found.after,
        statement=statement,
        suggestion=undo(found),
    )


def _common(sql: str, found: Difference) -> int:
    """How many words of an item's definition a statement has."""
    words = set(_WORD.findall(found.before)) | set(_WORD.findall(found.after))
    return len(words & set(_WORD.findall(sql)))


def _names(sql: str, found: Difference) -> bool:
    words = set(_WORD.findall(found.item.name.rpartition(".")[2].partition("(")[0]))
    table = found.item.key
    written = set(_WORD.findall(sql))
    return bool(words) and words <= written and (table is None or table.name in written or found.item.kind == "index")


def _run(bench: Bench, *, back: bool, known: _Known, came: _Noting | None = None) -> _Noting:
    hooks = _Noting(bench, made=came, known=known)
    try:
        (run_back if back else run_plan)(bench, hooks, hooks.recorder)
    except WorkerError:
        if not hooks.failures:
            raise
    return hooks


@dataclass
class _Noting(Hooks):
    """Takes the inventory before and after a run, and ends it at the first failure."""

    bench: Bench
    made: _Noting | None = None
    recorder: Recorder = field(default_factory=Recorder)
    database: int = 0
    earlier: dict[int, Inventory] = field(default_factory=dict)
    later: dict[int, Inventory] = field(default_factory=dict)
    failures: list[tuple[int, NotReversed]] = field(default_factory=list)
    known: _Known = field(default_factory=dict)

    def _inventory(self, number: int, context: MigrationContext) -> Inventory:
        catalogue = self.bench.compared[number].replayed.catalogue
        known = self.known.setdefault(number, {})
        return inventory(catalogue, connection_of(context), internals.version_tables(context), known)

    def start(self, number: int, context: MigrationContext) -> None:
        self.database = number
        self.earlier[number] = self._inventory(number, context)

    def finish(self, number: int, context: MigrationContext) -> None:
        self.later[number] = self._inventory(number, context)

    def failed(self, unit: Unit, error: DatabaseError) -> bool:
        statement = unit.failing or Statement("", unit.operation, unit.revision)
        self._add(unit.database, NotReversed(statement, error, dependants(error)))
        raise StoppedError(error.message)

    def broken(self, failed: Failed) -> None:
        if self.failures:
            return
        told = failed.error or DatabaseError(describe(failed.cause).split("\n", 1)[0])
        revision: Any = self.bench.script.get_revision(failed.revision)
        place = failure_of(failed.cause, revision.path).place
        statement = failed.statement or Statement("", revision=failed.revision, place=place)
        self._add(self.database, NotReversed(statement, told, dependants(told)))

    def _add(self, number: int, failure: NotReversed) -> None:
        self.failures.append((number, replace(failure, suggestion="\n".join(self._suggested(number, failure)) or None)))

    def _suggested(self, number: int, failure: NotReversed) -> Iterator[str]:
        if self.made is not None and number in self.made.later:
            new = differences(self.made.earlier[number], self.made.later[number])
            yield from named(new, failure.error)
