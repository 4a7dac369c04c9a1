"""AR706: an ACCESS EXCLUSIVE lock without the lock_timeout that the project sets elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_locks as locking
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.proofs import LOCKS
from alembic_review.model.review import Severity

_HINT = "Set lock_timeout in env.py at the start of each transaction, and repeat the upgrade if it fails."
_SUGGESTION = "connection.exec_driver_sql(\"SET LOCAL lock_timeout = '5s'\")"


def _run(case: Case) -> Iterator[CheckResult]:
    for database, proved in observed.proved(case, LOCKS):
        limited_by = proved.locks.limited_by if proved.locks is not None else ""
        unlimited = (event for event in locking.events(case) if event.row.lock_timeout == locking.NO_TIMEOUT)
        exclusive = (one for one in unlimited if one.relation.acquired == locking.EXCLUSIVE)
        event = next((one for one in exclusive if one.database is database), None)
        if event is None or not limited_by:
            continue  # A project that never sets it reads so at AR704, with each lock.
        message = (
            f"{limited_by[0].upper() if limited_by != 'env.py' else 'e'}{limited_by[1:]} sets lock_timeout, but "
            f"`{table_text(event.key)}` is locked without it: later queries on the table wait while this statement "
            "waits for the lock."
        )
        made = locking.report(case, event, (message, _HINT, _SUGGESTION), Severity.INFO, wanted="lock_timeout")
        yield replace(made, observed={"is": event.row.lock_timeout, "wanted": "5s"})
        return


CHECK = Check("AR706", "Lock without a timeout", Severity.INFO, _run)
