"""What the gate refuses, and the outcome of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from alembic_review.model.review import Change, Finding, Gate, Outcome, Severity, Summary, Verdict
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


def outcome(summary: Summary, findings: Iterable[Finding]) -> Outcome:
    """Worst first; upstream drift alone is clean."""
    if summary.blocked or any(finding.blocks for finding in findings):
        return Outcome.BLOCKED
    return Outcome.SAFE if summary.safe else Outcome.CLEAN


def decide(fail_on: Sequence[FailOn], summary: Summary, findings: Iterable[Finding]) -> Gate:
    """Whether any of what the settings refuse is there, and which."""
    damage = sum(finding.blocks and finding.change is None for finding in findings)
    found = {
        FailOn.BLOCKED: [(summary.blocked, "blocked change"), (damage, "blocking finding")],
        FailOn.PENDING: [(summary.safe, "pending change")],
        FailOn.UPSTREAM: [(summary.upstream, "upstream change")],
        FailOn.ERROR: [(summary.error, "error")],
        FailOn.WARNING: [(summary.warning, "warning")],
        FailOn.NEVER: [],
    }
    wanted = [] if FailOn.NEVER in fail_on else list(dict.fromkeys(fail_on))
    reasons = [
        f"{number} {noun if number == 1 else noun + 's'}" for kind in wanted for number, noun in found[kind] if number
    ]
    return Gate(refused=bool(reasons), reasons=tuple(reasons))
