"""AR216: an EXCLUDE constraint over rows that overlap."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import Hazard
from alembic_review.model.review import Severity

_HINT = "Correct those rows first: PostgreSQL can't add an EXCLUDE constraint as NOT VALID."


def _run(case: Case) -> Iterator[CheckResult]:
    yield from rows.hazards(case, "exclude", _tell)


def _tell(_database: JudgedDatabase, key: TableKey, hazard: Hazard) -> rows.Told:
    table = table_text(key)
    message = f"The EXCLUDE constraint{rows.named(hazard)} of `{table}` fails if rows of `{table}` overlap."
    return message, _HINT, None


CHECK = Check("AR216", "EXCLUDE constraint fails on overlapping rows", Severity.ERROR, _run)
