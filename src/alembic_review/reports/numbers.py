"""How many changes there are and where: what the headlines of all reports count."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from types import MappingProxyType

from alembic_review.model.review import Change, ChangeSince, PullRequest, Review, State, Verdict
from alembic_review.reports.text import count, visible

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
