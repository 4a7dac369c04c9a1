"""AR903: an entry of ``accept`` that has reached its end."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.accepting.words import entry_subject, entry_text, reason_text
from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.model.review import Severity

_RENEW = "Fix the finding and remove the entry, or set a later `until`."
_REMOVE = "The entry matches nothing any more. Remove it."


def _run(case: Case) -> Iterator[CheckResult]:
    for settled in case.settled:
        entry = settled.entry
        if settled.expired and entry.until is not None:
            gone = not (settled.findings or settled.changes) and settled.observed
            yield CheckResult(
                message=f"{entry_text(entry)} was accepted until {entry.until.isoformat()}. {reason_text(entry)}",
                hint=_REMOVE if gone else _RENEW,
                place=entry.place,
                subject=entry_subject(entry),
            )


CHECK = Check("AR903", "Accepted entry expired", Severity.ERROR, _run)
