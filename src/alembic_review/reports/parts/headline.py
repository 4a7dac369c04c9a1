"""The headline of all reports: whether the check failed, how many changes there are and where, and their risks."""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum

from alembic_review.model.review import ChangeSince, Outcome, PullRequest, Review, Severity, State, Verdict
from alembic_review.reports.parts.items import items
from alembic_review.reports.parts.labels import count
from alembic_review.reports.parts.names import visible
from alembic_review.reports.parts.risks import is_risk, risk_counts

_SHORT = 12  # characters of a commit's name
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LEVELS = ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note"))
_ORDER = (Verdict.BLOCKED, Verdict.SAFE, Verdict.UPSTREAM)
_COUNTED_AS_PROBLEMS = re.compile(r"\b(block|errors?\b)")


class Result(StrEnum):
    """The result of the check, in words that agree with the exit status."""

    PASSED = "check passed"
    FAILED = "check failed"
    REPORTED = "report only"
    NONE = "could not review"


def result(review: Review) -> Result:
    """The gate decides, not the outcome: safe changes alone may fail the check.

    It lets blocked changes and errors that are not accepted pass only where `never` is set: such a run only reports.
    """
    if review.failure is not None or review.outcome is Outcome.FAILED:
        return Result.NONE
    if review.gate.refused:
        return Result.FAILED
    accepted = review.outcome is not Outcome.BLOCKED or review.summary.accepted
    problems = review.summary.error or any(item.is_problem for item in items(review)) or not accepted
    return Result.REPORTED if problems else Result.PASSED


def explanation(review: Review) -> str:
    """Why the check failed, or why it did not; empty where the result says it all."""
    found = result(review)
    if found is Result.FAILED:
        problems = sum(item.is_problem for item in items(review))
        reasons = review.gate.reasons
        if problems:
            # The gate counts changes and findings, of which one cause may have several.
            further = [reason for reason in reasons if not _COUNTED_AS_PROBLEMS.search(reason)]
            reasons = (count(problems, "blocking problem"), *further)
        return "; ".join(map(visible, reasons))
    return "the check never fails while fail-on is never" if found is Result.REPORTED else ""


def in_revisions(review: Review) -> tuple[ChangeSince, ...]:
    """What the revisions of a pull request change."""
    changes = review.pull_request.changes if review.pull_request is not None else ()
    return tuple(change for change in changes if change.state is State.IN_REVISION)


def tally(review: Review) -> str:
    """All changes, where they are, and how many of each verdict: numbers that add up."""
    made, pending = in_revisions(review), review.changes
    every = (*made, *pending)
    if not every:
        return "no schema changes"
    where = f" ({len(made)} in revisions, {len(pending)} pending)" if review.pull_request is not None else ""
    numbers = Counter(change.verdict for change in every if change.accepted is None)
    told = [f"{numbers[verdict]} {verdict.value}" for verdict in _ORDER if numbers[verdict]]
    kept = len(every) - numbers.total()
    return f"{count(len(every), 'schema change')}{where}: {', '.join([*told, *([f'{kept} accepted'] if kept else [])])}"


def others(review: Review) -> str:
    """The findings beside problems and risks: ``1 warning, 2 notes``; empty where there is none."""
    told = [one for item in items(review) if not item.is_problem for one in item.findings if not is_risk(one)]
    numbers = Counter(finding.severity for finding in told if finding.accepted is None)
    return ", ".join(count(numbers[level], word) for level, word in _LEVELS if numbers[level])


def accepted(review: Review) -> str:
    """``2 accepted findings``: those about accepted changes are not counted once more."""
    kept = {change.fingerprint for change in (*in_revisions(review), *review.changes) if change.accepted is not None}
    found = [one for one in review.findings if one.accepted is not None and one.change not in kept]
    return count(len(found), "accepted finding") if found else ""


def counts(review: Review) -> tuple[str, ...]:
    """The changes, the risks and the other findings, each in a few words."""
    return tuple(filter(None, (tally(review), *risk_counts(review), others(review), accepted(review))))


def since_label(request: PullRequest) -> str:
    """``since main (5f0c1a7be2d4): 1 new revision``."""
    base, ref = request.base[:_SHORT], request.ref
    if _COMMIT.fullmatch(ref):
        ref = ref[:_SHORT]
    start = visible(base) if ref in ("", base) else f"{visible(ref)} ({visible(base)})"
    new = len(request.new_revisions)
    return f"since {start}: {count(new, 'new revision') if new else 'no new revision'}"
