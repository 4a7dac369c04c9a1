"""AR101: a pending change that is not the application's to make."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        for judged in database.changes:
            if judged.blocked:
                yield CheckResult(
                    message=judged.decision.reason,
                    hint=(
                        "Leave the change out of your revisions; `alembic-review explain AR101` lists the alternatives."
                    ),
                    place=judged.decision.place,
                    change=judged,
                    revision=judged.decision.revision,
                    database=database.name,
                )


CHECK = Check("AR101", "Blocked change", Severity.ERROR, _run, blocks=True)
