"""AR503: a pull request changes what this tool is told."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case
from alembic_review.judge.checks.base import Check, Report
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[Report]:
    if case.history is None:
        return
    for changed in case.history.settings:
        keys = ", ".join(changed.keys)
        yield Report(
            message=f"The settings of alembic-review are changed: {keys}.",
            hint="Look at them before anything else: they decide what is custom and what is refused.",
            place=changed.place,
            subject=changed.keys,
        )


CHECK = Check("AR503", "Settings of the review changed", Severity.WARNING, _run)
