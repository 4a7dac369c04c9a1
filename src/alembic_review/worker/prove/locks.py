"""What each statement of the plan locks, rewrites and scans on PostgreSQL, with benign rows in the tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection

from alembic_review.model.keys import TableKey
from alembic_review.model.proofs import (
    LOCKS,
    DatabaseError,
    LockedRelation,
    LockingStatement,
    Locks,
    Proved,
    Statement,
)
from alembic_review.worker import internals
from alembic_review.worker.prove.bench import NO_LOCK_TIMEOUT, Bench
from alembic_review.worker.prove.data.benign import benign_seeder
from alembic_review.worker.prove.data.hazards import dangers
from alembic_review.worker.prove.data.structure import read_structure
from alembic_review.worker.prove.dry import DryRun, dry_run
from alembic_review.worker.prove.locking import MODES, Relations, State, relations, state, strongest
from alembic_review.worker.prove.recorder import Recorder, divided
from alembic_review.worker.prove.run import Failed, Hooks, Unit, run_plan
from alembic_review.worker.replay.revision_failures import LOCK_TIMEOUT
from alembic_review.worker.replay.upgrade import connection_of
from alembic_review.worker.worker_errors import WorkerError, describe

_SHORT = 80  # characters of a statement
_COMMENTS = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
# What locks no relation. A query of our own before SET TRANSACTION would make that fail.
_OTHER = re.compile(
    rf"{_COMMENTS}(?:SET|RESET|SHOW|BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE)\b",
    re.IGNORECASE | re.DOTALL,
)
_DML = re.compile(
    rf"{_COMMENTS}(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE|COPY|DO|CALL|EXECUTE|FETCH)\b",
    re.IGNORECASE | re.DOTALL,
)
_ROWS = re.compile(r"\b(?:SELECT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
# The other table of a foreign key is looked up by its index, or scanned while it is small.
_FOREIGN_KEY = re.compile(
    r"\bALTER\s+TABLE\s+(?:ONLY\s+)?(?P<own>\S+)\s.*\bREFERENCES\s+(?P<other>[^\s(]+)", re.IGNORECASE | re.DOTALL
)
_TRUNCATE = re.compile(rf"{_COMMENTS}TRUNCATE\b", re.IGNORECASE | re.DOTALL)
_LIMIT = re.compile(r"\block_timeout\b['\"]?\s*(?:=|,|TO\b)", re.IGNORECASE)
# These take no lock that others notice, and most of them do not run in a transaction.
_HARMLESS = re.compile(r"\bCONCURRENTLY\b|\bADD\s+VALUE\b", re.IGNORECASE)


def observe(bench: Bench) -> list[Proved]:
    """The statements of the plan on each database. Raises ``WorkerError``."""
    dry = dry_run(bench)
    if all(one.context.dialect.name != "postgresql" for one in bench.compared):
        return [Proved(LOCKS, number, locks=Locks()) for number in bench.numbers]
    hooks = _run(bench, dry, rows=True)
    if hooks.failure is not None or hooks.refused:
        # It fails on rows. What a statement locks does not depend on them.
        hooks = _run(bench, dry, rows=False)
    if hooks.failure is not None:
        raise WorkerError(hooks.failure)
    return [
        Proved(
            LOCKS,
            number,
            not_checked=tuple(dict.fromkeys(hooks.not_checked[number])),
            locks=Locks(tuple(hooks.found[number]), _limited_by(bench, number, hooks.found[number])),
        )
        for number in bench.numbers
    ]


def _run(bench: Bench, dry: list[DryRun], *, rows: bool) -> _Watching:
    hooks = _Watching(bench, dry, rows=rows)
    with bench.copies():
        run_plan(bench, hooks, hooks.recorder)
    return hooks


class _Watching(Hooks):
    def __init__(self, bench: Bench, dry: list[DryRun], *, rows: bool) -> None:
        self.bench, self.dry, self.rows = bench, dry, rows
        self.recorder = Recorder(observers=[self._after], preparers=[self._before])
        self.found: dict[int, list[LockingStatement]] = {number: [] for number in bench.numbers}
        self.not_checked: dict[int, list[str]] = {number: [] for number in bench.numbers}
        self.failure: str | None = None
        self.refused = False
        self.database = 0
        self.relations = Relations({}, {})
        self.watching = False
        self.before_it: State | None = None
        self.baseline = State()
        self.transactions: list[str] = []

    def start(self, number: int, context: MigrationContext) -> None:
        self.database = number
        connection = connection_of(context)
        self.watching = connection.dialect.name == "postgresql"
        if not self.watching:
            return
        if connection.exec_driver_sql("SHOW track_counts").scalar() != "on":
            raise WorkerError("the server does not count scans: track_counts is off")
        self.relations = relations(connection, internals.version_tables(context))
        if self.rows:
            with connection.engine.connect() as own:
                filling = own.execution_options(isolation_level="AUTOCOMMIT")
                tables = read_structure(filling, self.dry[number].names)
                benign_seeder(filling, tables, dangers(tables, self.dry[number].after)).fill()

    def _before(self, connection: Connection, sql: str) -> None:
        self.before_it = None
        if not self.watching or _OTHER.match(sql):
            return
        now = state(connection, self.relations, everything=False)
        if now.transaction != self.baseline.transaction:
            # The counters belong to the session, which had other transactions before.
            self.baseline = state(connection, self.relations, everything=True)
        self.before_it = now.over(self.baseline)

    def _after(self, connection: Connection, statement: Statement) -> None:
        before, self.before_it = self.before_it, None
        if not self.watching:
            return
        if before is None:
            self.found[self.database].append(LockingStatement(statement))
            return
        after = state(connection, self.relations, everything=False)
        observed = after.transaction == before.transaction
        if not observed:
            after = state(connection, self.relations, everything=True)
        after = after.over(before)
        self.baseline = after.over(self.baseline) if observed else State()
        timeout = self._lock_timeout(connection) if self._is_exclusive(before, after) else ""
        self.found[self.database].append(
            LockingStatement(
                statement,
                self._number(after.transaction) if observed else None,
                tuple(self._relations(statement.sql, before, after, observed=observed)),
                not _DML.match(statement.sql),
                timeout,
            )
        )
        defining = (one for one in divided(statement.sql) if not _DML.match(one) and not _HARMLESS.search(one))
        if not observed and any(defining):
            self._leave_out(f"{_short(statement.sql)!r} runs in AUTOCOMMIT")

    def _number(self, transaction: str) -> int:
        if transaction not in self.transactions:
            self.transactions.append(transaction)
        return self.transactions.index(transaction)

    def _is_exclusive(self, before: State, after: State) -> bool:
        return any(
            MODES[-1] in modes - before.locks.get(oid, set())
            for oid, modes in after.locks.items()
            if oid in self.relations.keys
        )

    def _lock_timeout(self, connection: Connection) -> str:
        now = str(connection.exec_driver_sql("SELECT setting FROM pg_settings WHERE name = 'lock_timeout'").scalar())
        ours = now == str(LOCK_TIMEOUT)
        return "0" if ours else now

    def _relations(self, sql: str, before: State, after: State, *, observed: bool) -> Iterator[LockedRelation]:
        together: dict[Any, LockedRelation] = {}
        ddl = not _DML.match(sql)
        for oid, key in self.relations.keys.items():
            had, has = before.locks.get(oid, set()), after.locks.get(oid, set())
            file, scans = after.files.get(oid), after.scans.get(oid, 0)
            # TRUNCATE makes new files as well, and does not depend on the number of rows.
            truncated = _TRUNCATE.match(sql) is not None
            rewritten = file not in (None, before.files.get(oid, file)) and not truncated
            known = before.scans.get(oid, 0)
            scanned = scans != known if observed else scans > known
            scanned = scanned and not truncated and not (ddl and _is_referred_to(sql, key))
            built = self._built(oid, before, after) if scanned and ddl and not rewritten else ()
            if not ddl:
                # A foreign key looks for the row that a new one refers to; that does not count.
                scanned = bool(_ROWS.search(sql)) and (scanned or self._looked(oid, before, after))
            one = LockedRelation(key, strongest(has - had), strongest(has), rewritten, scanned, built)
            if one != LockedRelation(key, held=one.held):
                together[key] = _united(together.get(key), one)
        yield from together.values()

    def _built(self, oid: int, before: State, after: State) -> tuple[str, ...]:
        known = before.indexes.get(oid, {})
        rebuilt = {
            index: name
            for index, name in after.indexes.get(oid, {}).items()
            if index not in known or before.files.get(index, after.files.get(index)) != after.files.get(index)
        }
        return tuple(sorted(rebuilt.values()))

    def _looked(self, oid: int, before: State, after: State) -> bool:
        """Whether rows were looked for by an index."""
        own = [index for index, table in self.relations.indexes.items() if table == oid]
        return any(after.scans.get(index, 0) > before.scans.get(index, 0) for index in own)

    def failed(self, unit: Unit, error: DatabaseError) -> bool:  # noqa: ARG002 - as the interface has it
        self.baseline = State()
        self.refused = True
        if self.watching:
            self._leave_out(error.message)
        return False

    def broken(self, failed: Failed) -> None:
        self.failure = f"revision {failed.revision} failed: {describe(failed.cause)}".split("\n", 1)[0]

    def _leave_out(self, reason: str) -> None:
        self.not_checked[self.database].append(f"locks of a statement ({reason})")


def _limited_by(bench: Bench, number: int, found: Iterable[LockingStatement]) -> str:
    """What sets a lock_timeout, where a statement that needs one had none."""
    if not any(one.lock_timeout == "0" for one in found):
        return ""
    if bench.lock_timeouts[number] not in NO_LOCK_TIMEOUT or _limits(bench.script.env_py_location):
        return "env.py"
    revisions: Iterable[Any] = bench.script.walk_revisions()
    return next((f"revision {one.revision}" for one in revisions if _limits(one.path)), "")


def _limits(path: str) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            return _LIMIT.search(file.read()) is not None
    except (OSError, UnicodeError):
        return False


def _is_referred_to(sql: str, key: TableKey) -> bool:
    match = _FOREIGN_KEY.search(sql)
    own, other = (match[name].rpartition(".")[2].strip('"') if match is not None else "" for name in ("own", "other"))
    return own != key.name == other


def _united(one: LockedRelation | None, other: LockedRelation) -> LockedRelation:
    """Two partitions of one table."""
    if one is None:
        return other
    return LockedRelation(
        one.key,
        strongest({one.acquired, other.acquired} - {""}),
        strongest({one.held, other.held} - {""}),
        one.rewritten or other.rewritten,
        one.scanned or other.scanned,
        (*one.built, *other.built),
    )


def _short(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= _SHORT else f"{line[:_SHORT]}…"
