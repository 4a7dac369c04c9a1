"""The plan on copies without rows: whether it applies, and what Alembic proposes afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from alembic.migration import MigrationContext

from alembic_review.model.facts import ChangeFact
from alembic_review.model.optional_steps import Attempts
from alembic_review.model.proofs import DatabaseError, NotApplied, Remaining, Statement
from alembic_review.worker import internals
from alembic_review.worker.compare.comparison import compare
from alembic_review.worker.prove.bench import Bench
from alembic_review.worker.prove.data.structure import Structure, read_structure
from alembic_review.worker.prove.failing import hazard_of
from alembic_review.worker.prove.recorder import Recorder
from alembic_review.worker.prove.run import Failed, Hooks, Unit, run_plan
from alembic_review.worker.replay.upgrade import connection_of
from alembic_review.worker.worker_errors import WorkerError, describe

_SHARED = "dry"
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PRIVILEGES, _NO_OBJECT = "42501", "42704"
_FILTERS = ("include_name", "include_object")
# As PostgreSQL words the dependants in the detail of its errors.
_DEPENDANT = re.compile(
    r"(?:rule \S+ on )?(?P<what>(?:materialized )?view \S+|trigger \S+ on table \S+|policy \S+ on table \S+"
    r"|function \S+?\(.*?\)|constraint \S+ on table \S+|index \S+|default value for column \S+ of table \S+) depends on"
)
_WORD = re.compile(r"\w+")
_GENERATED = re.compile(r'used by (?P<what>generated column "?[^"]+"?)')


@dataclass
class DryRun:
    """What the plan did on one database without rows.

    ``names`` are the tables that it may touch, ``after`` is what they are then, ``between`` what they are after the new
    revisions where more is pending, and ``statements`` are those of all databases.
    """

    names: frozenset[str] = frozenset()
    after: Structure = field(default_factory=dict)
    between: Structure = field(default_factory=dict)
    failures: list[NotApplied] = field(default_factory=list)
    remaining: list[Remaining] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)


def dry_run(bench: Bench) -> list[DryRun]:
    """The run without rows, once for all proofs, for each database. Raises ``WorkerError``."""
    if _SHARED not in bench.shared:
        hooks = _Dry(bench, [DryRun() for _ in bench.numbers])
        with bench.copies():
            run_plan(bench, hooks, hooks.recorder)
        for one in hooks.found:
            one.statements = hooks.recorder.statements
        bench.shared[_SHARED] = hooks.found
    found: list[DryRun] = bench.shared[_SHARED]
    return found


def dependants(error: DatabaseError) -> tuple[str, ...]:
    """The objects that keep something from being altered or dropped."""
    text = f"{error.detail}\n{error.message}"
    found = [match["what"] for pattern in (_DEPENDANT, _GENERATED) for match in pattern.finditer(text)]
    return tuple(dict.fromkeys(found))


def _created(operation: Any, error: DatabaseError) -> str | None:
    """The line that creates the type of a new column first, where the database has no such type."""
    column = getattr(operation, "column", None)
    kind = getattr(column, "type", None)
    labels, name = getattr(kind, "enums", None), getattr(kind, "name", None)
    if error.sqlstate != _NO_OBJECT or not labels or not name:
        return None
    values = ", ".join(repr(str(label)) for label in labels)
    return f"sa.Enum({values}, name={name!r}).create(op.get_bind(), checkfirst=True)"


@dataclass
class _Dry(Hooks):
    bench: Bench
    found: list[DryRun]
    recorder: Recorder = field(default_factory=Recorder)
    database: int = 0
    base: dict[int, Structure] = field(default_factory=dict)

    def start(self, number: int, context: MigrationContext) -> None:
        self.database = number
        names = self._mentioned(number, context, self.bench.texts(number))
        self.base[number] = read_structure(connection_of(context), names)

    def failed(self, unit: Unit, error: DatabaseError) -> bool:
        if error.sqlstate == _PRIVILEGES:
            raise WorkerError(f"the plan needs a superuser: {error.message}")
        statement = unit.failing or Statement("", unit.operation, unit.revision)
        failure = NotApplied(statement, error, hazard_of(error), dependants(error), _created(unit.invoked, error))
        self.found[unit.database].failures.append(failure)
        return False

    def broken(self, failed: Failed) -> None:
        # It was replayed without an error before: in one transaction with those before it, or by a superuser.
        if failed.error is None or failed.statement is None or failed.error.sqlstate == _PRIVILEGES:
            raise WorkerError(f"revision {failed.revision} failed: {describe(failed.cause)}")
        failure = NotApplied(failed.statement, failed.error, hazard_of(failed.error), dependants(failed.error))
        self.found[self.database].failures.append(failure)

    def between(self, number: int, context: MigrationContext) -> None:
        texts = (*self.bench.texts(number), *(statement.sql for statement in self.recorder.statements))
        names = self._mentioned(number, context, texts)
        self.found[number].between = read_structure(connection_of(context), names, self.base[number].keys())

    def finish(self, number: int, context: MigrationContext) -> None:
        texts = (*self.bench.texts(number), *(statement.sql for statement in self.recorder.statements))
        names = self._mentioned(number, context, texts) | {table.key.name for table in self.base[number].values()}
        self.found[number].names = frozenset(names)
        self.found[number].after = read_structure(connection_of(context), names, self.base[number].keys())
        if self.bench.entries(number):
            self.found[number].remaining = list(self._remaining(number, context))

    def _mentioned(self, number: int, context: MigrationContext, texts: Iterable[str]) -> set[str]:
        """The tables whose names are words of these texts."""
        catalogue = self.bench.compared[number].replayed.catalogue
        known = {key.name for key, _ in catalogue.snapshot(connection_of(context), digests=False).tables.values()}
        words = {word for text in texts for word in _WORD.findall(text)}
        every = "\n".join(texts) if any(not _WORD.fullmatch(name) for name in known) else ""
        version_table, _ = internals.version_tables(context)
        return {name for name in known if name in words or (name in every and not _WORD.fullmatch(name))} - {
            version_table
        }

    def _remaining(self, number: int, context: MigrationContext) -> Iterator[Remaining]:
        """Entries of a comparison of the plan's tables, without those that are not in the plan."""
        planned = {entry.number for entry in self.bench.entries(number)}
        before = self.bench.compared[number].comparison.changes
        mine = {_identity(change): change.operation for change in before if change.operation in planned}
        others = {_identity(change) for change in before if change.operation not in planned}
        names = {change.key.name for change in before if change.operation in planned and change.key is not None}
        with _limited_to(context, names), self.bench.as_superuser():
            comparison = compare(context, lambda _name: [], None, Attempts())
        for change in comparison.changes:
            if _identity(change) not in others:
                yield Remaining(
                    kind=change.kind,
                    key=change.key,
                    name=change.name,
                    wanted=change.wanted,
                    existing=change.existing,
                    python=change.python,
                    operation=mine.get(_identity(change)),
                )


def _identity(change: ChangeFact) -> tuple[Any, ...]:
    return (change.kind, change.key, change.name, change.columns, change.wanted, change.type_name)


@contextmanager
def _limited_to(context: MigrationContext, names: set[str]) -> Iterator[None]:
    """Compare no other tables: they are as they were."""
    before = {name: context.opts.get(name) for name in _FILTERS}

    def include_name(name: Any, kind: str, parents: Any) -> bool:
        own = before["include_name"]
        return (kind != "table" or name in names) and (own is None or bool(own(name, kind, parents)))

    def include_object(item: Any, name: Any, kind: str, reflected: bool, other: Any) -> bool:  # noqa: FBT001 - Alembic's signature
        own: Callable[..., Any] | None = before["include_object"]
        return (kind != "table" or name in names) and (own is None or bool(own(item, name, kind, reflected, other)))

    context.opts.update(include_name=include_name, include_object=include_object)
    try:
        yield
    finally:
        context.opts.update(before)
