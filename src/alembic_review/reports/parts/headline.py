"""What the headlines of all reports say: whether the check failed, and how many changes there are and where."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from types import MappingProxyType

from alembic_review.model.review import Change, ChangeSince, Outcome, PullRequest, Review, State, Verdict
from alembic_review.reports.parts.labels import count, visible

_SHORT = 12  # characters of a commit's name
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ORDER = (Verdict.BLOCKED, Verdict.SAFE, Verdict.UPSTREAM)

PENDING = MappingProxyType(
    {
        Verdict.BLOCKED: "not yours to write",
        Verdict.SAFE: "yours to write: `alembic-review revision` does it",
        Verdict.UPSTREAM: "drift of the packages underneath, never yours to write",
    }
)
"""What the verdict says of a change that no revision makes yet."""

MADE = MappingProxyType(
    {
        Verdict.BLOCKED: "not yours to make",
        Verdict.SAFE: "yours to make",
        Verdict.UPSTREAM: "made by the packages underneath",
    }
)
"""What the verdict says of a change that a revision makes."""


class Result(StrEnum):
    """What became of the check, in words that agree with the exit status."""

    PASSED = "check passed"
    FAILED = "check failed"
    REPORTED = "report only"
    NONE = "could not review"


def result(review: Review) -> Result:
    """The gate decides, not the outcome: safe changes alone may fail the check.

    It lets blocked changes and errors pass only where `never` is set; then there was a report and no check.
    """
    if review.failure is not None or review.outcome is Outcome.FAILED:
        return Result.NONE
    if review.gate.refused:
        return Result.FAILED
    return Result.REPORTED if review.outcome is Outcome.BLOCKED or review.summary.error else Result.PASSED


def explanation(review: Review) -> str:
    """Why the check failed, or why it did not; empty where the result says it all."""
    if result(review) is Result.FAILED:
        return "; ".join(map(visible, review.gate.reasons))
    return "nothing fails the check while fail-on is never" if result(review) is Result.REPORTED else ""


def in_revisions(review: Review) -> tuple[ChangeSince, ...]:
    """What the revisions of a pull request change."""
    changes = review.pull_request.changes if review.pull_request is not None else ()
    return tuple(change for change in changes if change.state is State.IN_REVISION)


def tally(review: Review) -> str:
    """The changes by verdict; of a pull request, those in its revisions and those pending after them."""
    pending = _counted(review.changes)
    if review.pull_request is None:
        return pending
    return f"in revisions: {_counted(in_revisions(review))}; pending: {pending}"


def levels(review: Review) -> str:
    """The findings by severity: ``1 error, 2 warnings``; empty where there is none."""
    summary = review.summary
    named = ((summary.error, "error"), (summary.warning, "warning"), (summary.info, "note"))
    return ", ".join(count(number, word) for number, word in named if number)


def since_label(request: PullRequest) -> str:
    """``since main (5f0c1a7be2d4): 1 new revision``."""
    base, ref = request.base[:_SHORT], request.ref
    if _COMMIT.fullmatch(ref):
        ref = ref[:_SHORT]
    start = visible(base) if ref in ("", base) else f"{visible(ref)} ({visible(base)})"
    new = len(request.new_revisions)
    return f"since {start}: {count(new, 'new revision') if new else 'no new revision'}"


def _counted(changes: Iterable[Change]) -> str:
    numbers = Counter(change.verdict for change in changes)
    return ", ".join(f"{numbers[verdict]} {verdict.value}" for verdict in _ORDER if numbers[verdict]) or "no changes"
