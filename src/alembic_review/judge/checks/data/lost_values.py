"""AR203: values that rows had before the plan, and that no column has after it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    yield from rows.losses(case, back=False)


CHECK = Check("AR203", "Values are lost", Severity.WARNING, _run)
