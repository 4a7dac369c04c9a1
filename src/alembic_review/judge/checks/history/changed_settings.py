"""AR503: a pull request changes what this tool is told, or where Alembic looks for revisions."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.model.review import Severity

_TOOL = "Review the new settings first: they decide which packages are custom and what fails the check."
_ALEMBIC = "Check that every merged revision is still found: a revision that is not found is not applied."


def _run(case: Case) -> Iterator[CheckResult]:
    if case.history is None:
        return
    for changed in case.history.settings:
        keys = ", ".join(changed.keys)
        yield CheckResult(
            message=f"The settings of {'Alembic' if changed.alembic else 'alembic-review'} changed: {keys}.",
            hint=_ALEMBIC if changed.alembic else _TOOL,
            place=changed.place,
            subject=changed.keys,
        )


CHECK = Check("AR503", "Settings of the review changed", Severity.WARNING, _run)
