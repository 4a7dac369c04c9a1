"""AR214: a foreign key over rows that refer to nothing."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import Hazard
from alembic_review.model.review import Severity

_HINT = "Delete the orphaned rows first. On PostgreSQL, add the foreign key as NOT VALID, and validate it afterwards."


def _run(case: Case) -> Iterator[CheckResult]:
    yield from rows.hazards(case, "foreign_key", _tell)


def _tell(database: JudgedDatabase, key: TableKey, hazard: Hazard) -> rows.Told:
    table = table_text(key)
    what = f"The foreign key{rows.named(hazard)} of `{table}`{rows.columns(hazard)}"
    message = f"{what} fails if rows of `{table}` refer to rows that do not exist."
    suggestion = None
    if rows.is_postgresql(database) and hazard.name is not None:
        suggestion = (
            f"# op.create_foreign_key({hazard.name!r}, …, postgresql_not_valid=True)\n"
            f'op.execute("ALTER TABLE {table} VALIDATE CONSTRAINT {hazard.name}")'
        )
    return message, _HINT, suggestion


CHECK = Check("AR214", "Foreign key fails on orphaned rows", Severity.ERROR, _run)
