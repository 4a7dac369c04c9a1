"""AR805: values that survive the upgrade and are gone after the downgrade."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    yield from rows.losses(case, back=True)


CHECK = Check("AR805", "Downgrade loses values", Severity.WARNING, _run)
