"""Whether the check fails, and the outcome of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from alembic_review.model.review import (
    Change,
    ChangeSince,
    Finding,
    Gate,
    Outcome,
    PullRequest,
    Severity,
    State,
    Summary,
    Verdict,
)
from alembic_review.model.settings import FailOn

ALWAYS = (FailOn.BLOCKED, FailOn.ERROR)
"""What fails the check unless ``never`` is set."""


def summarise(changes: Iterable[Change], findings: Iterable[Finding]) -> Summary:
    """The numbers of changes per verdict and of findings per severity that are not accepted, and of accepted ones."""
    changes, findings = tuple(changes), tuple(findings)
    verdicts = Counter(change.verdict for change in changes if change.accepted is None)
    severities = Counter(finding.severity for finding in findings if finding.accepted is None)
    return Summary(
        safe=verdicts[Verdict.SAFE],
        blocked=verdicts[Verdict.BLOCKED],
        upstream=verdicts[Verdict.UPSTREAM],
        error=severities[Severity.ERROR],
        warning=severities[Severity.WARNING],
        info=severities[Severity.INFO],
        accepted=sum(change.accepted is not None for change in changes)
        + sum(finding.accepted is not None for finding in findings),
    )


def outcome(changes: Iterable[Change], findings: Iterable[Finding], brought: PullRequest | None = None) -> Outcome:
    """The worst verdict of all changes, accepted or not.

    Upstream drift alone is ``clean``. ``brought`` are the changes of a pull request.
    """
    verdicts = {change.verdict for change in (*changes, *_made(brought))}
    if Verdict.BLOCKED in verdicts or any(finding.blocks for finding in findings):
        return Outcome.BLOCKED
    return Outcome.SAFE if any(change.verdict is Verdict.SAFE for change in changes) else Outcome.CLEAN


def decide(
    fail_on: Sequence[FailOn], summary: Summary, findings: Iterable[Finding], brought: PullRequest | None = None
) -> Gate:
    """Whether the check fails, with the reasons: the kinds in ``ALWAYS`` and those that ``fail_on`` adds.

    ``brought`` are the changes of a pull request. Each cause is one reason: an error that blocks, or that belongs
    to a blocked change, is counted as blocked only. Accepted changes and findings are no reason.
    """
    if FailOn.NEVER in fail_on:
        return Gate(refused=False)
    findings = tuple(finding for finding in findings if finding.accepted is None)
    damage = sum(finding.blocks and finding.change is None for finding in findings)
    blocked = {finding.change for finding in findings if finding.blocks and finding.change is not None}
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    others = sum(not finding.blocks and finding.change not in blocked for finding in errors)
    found = {
        FailOn.BLOCKED: [
            (summary.blocked, "blocked change" if brought is None else "blocked change pending"),
            (_damage(brought), "blocked change in a revision"),
            (damage, "blocking finding"),
        ],
        FailOn.ERROR: [(others, "error" if others == len(errors) else "other error")],
        FailOn.PENDING: [(summary.safe, "pending change")],
        FailOn.UPSTREAM: [(summary.upstream, "upstream change")],
        FailOn.WARNING: [(summary.warning, "warning")],
    }
    reasons = [
        f"{number} {_several(noun) if number != 1 else noun}"
        for kind, counted in found.items()
        if kind in ALWAYS or kind in fail_on
        for number, noun in counted
        if number
    ]
    return Gate(refused=bool(reasons), reasons=tuple(reasons))


def _damage(brought: PullRequest | None) -> int:
    """How many blocked changes a pull request has in its revisions; what is pending is counted as such."""
    return sum(change.verdict is Verdict.BLOCKED and change.accepted is None for change in _made(brought))


def _made(brought: PullRequest | None) -> tuple[ChangeSince, ...]:
    changes = brought.changes if brought is not None else ()
    return tuple(change for change in changes if change.state is State.IN_REVISION)


def _several(noun: str) -> str:
    return noun.replace("change", "changes", 1) if "change" in noun else noun + "s"
