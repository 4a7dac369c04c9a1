"""AR904: an entry of ``accept`` that matches nothing, or a comment that can't be read."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.accepting.words import entry_subject, entry_text, reason_text
from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, Settled
from alembic_review.model.review import Severity

_READ = "Write `# alembic-review: accept CODE REASON` at the end of the line, or in the line above it."
_REMOVE = "Remove it, or correct its code and keys."
_FINGERPRINT = "Accept it with `alembic-review accept FINGERPRINT`; the terminal report with --verbose shows it."


def _run(case: Case) -> Iterator[CheckResult]:
    for settled in case.settled:
        told = _told(settled)
        if told is not None:
            message, hint = told
            entry = settled.entry
            yield CheckResult(message=message, hint=hint, place=entry.place, subject=entry_subject(entry))


def _told(settled: Settled) -> tuple[str, str] | None:
    entry = settled.entry
    if entry.problem:
        return f"This comment accepts nothing: {entry.problem}.", _READ
    if settled.findings or settled.changes or settled.expired:
        return None
    if settled.blocking:
        return f"{entry_text(entry)} is not accepted: it blocks, and can be accepted by fingerprint only.", _FINGERPRINT
    if not settled.observed:
        return None
    return f"{entry_text(entry)} is accepted, but no such finding exists. {reason_text(entry)}", _REMOVE


CHECK = Check("AR904", "Accepted entry matches nothing", Severity.WARNING, _run)
