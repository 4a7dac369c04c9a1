"""AR902: the replay was repeated as superuser."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.model.facts import Place
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    need = case.facts.superuser
    if need is None:
        return
    who = f"Revision {need.revision}" if need.revision else "Code outside any revision"
    what = need.statement or "a statement"
    yield CheckResult(
        message=(
            f"{who} executes `{what}`, which needs a superuser ({need.refusal}). The "
            "replay was repeated from an empty database as superuser."
        ),
        hint="Check that the role that runs the migrations in production has this privilege.",
        place=Place(need.path, need.line) if need.path else None,
        revision=need.revision or None,
        subject=(what,),
    )


CHECK = Check("AR902", "Replayed as superuser", Severity.INFO, _run)
