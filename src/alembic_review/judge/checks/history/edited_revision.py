"""AR501: a pull request edits a revision that was merged before."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.model.facts import Place
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    if case.history is None:
        return
    for edited in case.history.edited:
        yield CheckResult(
            message=(
                f"Revision {edited.id} is already merged and was edited: databases that have run it keep the old "
                "result."
                if edited.code
                else f"Revision {edited.id} is already merged and was edited, but only in its comments or layout."
            ),
            hint=(
                "Restore it, and write a new revision for the change."
                if edited.code
                else "Its operations are unchanged; no action is required."
            ),
            place=Place(edited.path, 1),
            revision=edited.id,
            severity=Severity.ERROR if edited.code else Severity.INFO,
        )


CHECK = Check("AR501", "Merged revision edited", Severity.ERROR, _run)
