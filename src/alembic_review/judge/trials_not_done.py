"""What of the application's history was not tried, and why."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.judged_facts import Case
from alembic_review.judge.verdicts.reasons import whose


def untried(case: Case) -> Iterator[str]:
    """A line for each reason why downgrades were not run, or revisions not applied in another order."""
    evidence = case.evidence
    for database in case.databases:
        reasons: dict[str, list[str]] = {}
        for downgrade in database.facts.downgrades:
            if downgrade.skipped and evidence.is_application(evidence.revision_owner(downgrade.revision)):
                reasons.setdefault(downgrade.skipped, []).append(downgrade.revision)
        for reason, names in reasons.items():
            which = f"revision {names[0]}" if len(names) == 1 else f"{len(names)} revisions, {names[-1]} to {names[0]}"
            yield f"the downgrade of {which} ({reason})"
    for trial in case.facts.order_trials:
        owners = {evidence.revision_owner(name) for name in trial.revisions}
        reason = trial.skipped
        if trial.failed is not None and case.altered_core(trial.failed):
            reason = f"revision {trial.failed} alters a core table"
        if reason and any(evidence.is_application(owner) for owner in owners):
            yield (
                f"{whose(', '.join(sorted(filter(None, owners))))} revisions in a different dependency order ({reason})"
            )
