"""What the gate refuses, and the outcome of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from alembic_review.model.review import Change, Finding, Gate, Outcome, PullRequest, Severity, State, Summary, Verdict
from alembic_review.model.settings import FailOn


def summarise(changes: Iterable[Change], findings: Iterable[Finding]) -> Summary:
    """Count verdicts and severities."""
    verdicts = Counter(change.verdict for change in changes)
    severities = Counter(finding.severity for finding in findings)
    return Summary(
        safe=verdicts[Verdict.SAFE],
        blocked=verdicts[Verdict.BLOCKED],
        upstream=verdicts[Verdict.UPSTREAM],
        error=severities[Severity.ERROR],
        warning=severities[Severity.WARNING],
        info=severities[Severity.INFO],
    )


def outcome(summary: Summary, findings: Iterable[Finding], brought: PullRequest | None = None) -> Outcome:
    """Worst first; upstream drift alone is clean. ``brought`` is what a pull request changes."""
    if summary.blocked or _damage(brought) or any(finding.blocks for finding in findings):
        return Outcome.BLOCKED
    return Outcome.SAFE if summary.safe else Outcome.CLEAN


def decide(
    fail_on: Sequence[FailOn], summary: Summary, findings: Iterable[Finding], brought: PullRequest | None = None
) -> Gate:
    """Whether any of what the settings refuse is there, and which; ``brought`` is what a pull request changes."""
    damage = sum(finding.blocks and finding.change is None for finding in findings)
    found = {
        FailOn.BLOCKED: [
            (summary.blocked, "blocked change" if brought is None else "blocked change pending"),
            (_damage(brought), "blocked change in a revision"),
            (damage, "blocking finding"),
        ],
        FailOn.PENDING: [(summary.safe, "pending change")],
        FailOn.UPSTREAM: [(summary.upstream, "upstream change")],
        FailOn.ERROR: [(summary.error, "error")],
        FailOn.WARNING: [(summary.warning, "warning")],
        FailOn.NEVER: [],
    }
    wanted = [] if FailOn.NEVER in fail_on else list(dict.fromkeys(fail_on))
    reasons = [
        f"{number} {_several(noun) if number != 1 else noun}"
        for kind in wanted
        for number, noun in found[kind]
        if number
    ]
    return Gate(refused=bool(reasons), reasons=tuple(reasons))


def _damage(brought: PullRequest | None) -> int:
    """How many blocked changes a pull request has in its revisions; what is pending is counted as such."""
    changes = brought.changes if brought is not None else ()
    return sum(change.verdict is Verdict.BLOCKED and change.state is State.IN_REVISION for change in changes)


def _several(noun: str) -> str:
    return noun.replace("change", "changes", 1) if "change" in noun else noun + "s"
