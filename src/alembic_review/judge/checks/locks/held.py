"""AR705: an ACCESS EXCLUSIVE lock that is held while later statements work on rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_locks as locking
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import LockedRelation, LockingStatement
from alembic_review.model.review import Severity

_HINT = (
    "Move the two statements into different revisions, each with its own transaction (transaction_per_migration=True)."
)
_SUGGESTION = (
    "context.configure(connection=connection, target_metadata=target_metadata, transaction_per_migration=True)"
)


def _run(case: Case) -> Iterator[CheckResult]:
    for database, statements in locking.rows(case):
        yield from _of_database(case, database, statements)


def _of_database(case: Case, database: JudgedDatabase, statements: Sequence[LockingStatement]) -> Iterator[CheckResult]:
    taken: dict[TableKey, tuple[object, LockingStatement, LockedRelation]] = {}
    told: set[TableKey] = set()
    for row in statements:
        if row.transaction is None or locking.fails(case, database, row.statement):
            continue
        # Pending operations will have a revision, and a deployment, of their own.
        transaction = (row.transaction, bool(row.statement.revision))
        work = next((one for one in row.relations if _grows(one)), None)
        for key, (when, first, lock) in taken.items():
            if work is not None and when == transaction and key not in told:
                told.add(key)
                yield _report(case, database, (first, lock), (row, work))
        for one in row.relations:
            if one.held == locking.EXCLUSIVE and taken.get(one.key, (None,))[0] != transaction:
                taken[one.key] = (transaction, row, one)


def _grows(relation: LockedRelation) -> bool:
    """Whether a statement takes the longer, the more rows there are."""
    return relation.rewritten or bool(relation.built) or relation.scanned


def _report(
    case: Case,
    database: JudgedDatabase,
    taken: tuple[LockingStatement, LockedRelation],
    later: tuple[LockingStatement, LockedRelation],
) -> CheckResult:
    (first, lock), (row, work) = taken, later
    key, other = observed.table(database, lock.key), observed.table(database, work.key)
    what = "rewrites" if work.rewritten else "builds an index of" if work.built else "processes the rows of"
    message = (
        f"`{table_text(key)}` stays locked against reads and writes"
        f" while a later statement of the transaction {what} `{table_text(other)}`."
    )
    event = locking.Event(database, row, replace(lock, held=locking.EXCLUSIVE, built=()), key)
    made = locking.report(case, event, (message, _HINT, _SUGGESTION), Severity.WARNING, wanted=row.statement.sql)
    return replace(made, observed={**(made.observed or {}), "taken_by": first.statement.sql})


CHECK = Check("AR705", "Lock held during work on rows", Severity.WARNING, _run)
