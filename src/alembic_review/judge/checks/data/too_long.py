"""AR212: a type that is too short, or too small, for values of the old one."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import Hazard
from alembic_review.model.review import Severity

_HINT = "Keep the wider type, or shorten the values first and prevent new ones with a NOT VALID CHECK constraint."


def _run(case: Case) -> Iterator[CheckResult]:
    yield from rows.hazards(case, "narrow", _tell)


def _tell(_database: JudgedDatabase, key: TableKey, hazard: Hazard) -> rows.Told:
    what = f"`{table_text(key)}.{hazard.column}`" if hazard.column is not None else f"`{table_text(key)}`"
    to = f" to {hazard.wanted}" if hazard.wanted and hazard.column is not None else ""
    return f"Changing {what}{to} fails if it has values that are too long or out of range.", _HINT, None


CHECK = Check("AR212", "Type too narrow for existing values", Severity.ERROR, _run)
