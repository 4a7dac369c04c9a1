"""AR710: a revision that stays half applied when a later statement of it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.proofs import observed_locks as locking
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.proofs import LOCKS, LockingStatement
from alembic_review.model.review import Severity

_NOTHING = re.compile(
    r"\s*(?:SELECT|SHOW|SET|RESET|BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE)\b", re.IGNORECASE
)
# What has to run outside a transaction, and may come last.
_OUTSIDE = re.compile(
    r"\bCONCURRENTLY\b|\bADD\s+VALUE\b|^\s*(?:VACUUM|REINDEX|CLUSTER|ALTER\s+SYSTEM|CREATE\s+DATABASE)\b", re.IGNORECASE
)
_BLOCK = "with op.get_context().autocommit_block():\n    "
_REPEATABLE = (
    (re.compile(r"\bCREATE\s+(?:UNIQUE\s+)?INDEX\b", re.IGNORECASE), f"{_BLOCK}op.create_index(…, if_not_exists=True)"),
    (re.compile(r"\bADD\s+VALUE\b", re.IGNORECASE), f'{_BLOCK}op.execute("ALTER TYPE … ADD VALUE IF NOT EXISTS …")'),
)
_HINT = "Move the autocommit block to the end of upgrade() or into a separate revision, and use IF NOT EXISTS in it."


def _run(case: Case) -> Iterator[CheckResult]:
    for database, statements in locking.rows(case):
        for revision in dict.fromkeys(row.statement.revision for row in statements):
            rows = [row for row in statements if row.statement.revision == revision]
            found = _after_a_commit(rows) if revision else None
            if found is None:
                continue
            before, after = found
            subject = observed.subject(case, database, after.statement)
            yield CheckResult(
                message=(
                    f"Revision {revision} commits before its last statement: if a later statement fails, the revision "
                    "is half applied and can't be repeated."
                ),
                hint=_HINT,
                place=subject.place,
                revision=revision,
                database=database.name,
                proof=LOCKS,
                statement=after.statement.sql,
                observed={"committed": before.statement.sql},
                wanted=after.statement.sql,
                suggestion=next((code for kind, code in _REPEATABLE if kind.search(before.statement.sql)), None),
            )


def _after_a_commit(rows: Sequence[LockingStatement]) -> tuple[LockingStatement, LockingStatement] | None:
    """The last statement that was committed already, and the one after it that could have run in its transaction."""
    changing = [row for row in rows if not _NOTHING.match(row.statement.sql)]
    for before, after in pairwise(changing):
        committed = before.transaction is None or before.transaction != after.transaction
        if committed and not _OUTSIDE.search(after.statement.sql):
            return before, after
    return None


CHECK = Check("AR710", "Half-applied revision", Severity.WARNING, _run)
