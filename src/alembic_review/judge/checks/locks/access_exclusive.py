"""AR704: a table that nobody else can read or write while a statement's transaction lasts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_locks as locking
from alembic_review.model.facts import TableKey
from alembic_review.model.review import Severity

_HINT = "The lock is short, but later queries wait while the statement waits for it"
_UNLIMITED = f"{_HINT}: set a lock_timeout; none is set."


def _run(case: Case) -> Iterator[CheckResult]:
    seen: set[tuple[str | None, TableKey]] = set()
    for event in locking.events(case):
        place = (event.database.name, event.key)
        if event.relation.acquired != locking.EXCLUSIVE or place in seen:
            continue
        seen.add(place)
        message = f"`{table_text(event.key)}` is locked against reads and writes (ACCESS EXCLUSIVE) until the commit."
        timeout = event.row.lock_timeout
        hint = _UNLIMITED if timeout in ("", locking.NO_TIMEOUT) else f"{_HINT}. lock_timeout is {timeout} ms."
        made = locking.report(case, event, (message, hint, None), Severity.INFO, wanted=locking.EXCLUSIVE)
        yield replace(made, name=None, observed={**(made.observed or {}), "lock_timeout": timeout})


CHECK = Check("AR704", "ACCESS EXCLUSIVE lock", Severity.INFO, _run)
