"""AR502: a pull request takes away a revision that was merged before."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    if case.history is None:
        return
    for revision in case.history.removed:
        yield CheckResult(
            message=(
                f"Revision {revision} is already merged and was removed: databases that have run it can no "
                "longer be upgraded."
            ),
            hint="Restore the file. To revert its changes, write a new revision.",
            revision=revision,
        )


CHECK = Check("AR502", "Merged revision removed", Severity.ERROR, _run)
