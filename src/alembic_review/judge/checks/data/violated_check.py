"""AR215: a CHECK fails on existing rows."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import Hazard
from alembic_review.model.review import Severity

_HINT = "Correct those rows first. On PostgreSQL, add the CHECK as NOT VALID, and validate it afterwards."


def _run(case: Case) -> Iterator[CheckResult]:
    yield from rows.hazards(case, "check", _tell)


def _tell(database: JudgedDatabase, key: TableKey, hazard: Hazard) -> rows.Told:
    table = table_text(key)
    wanted = f": {hazard.wanted}" if hazard.wanted else ""
    message = f"The CHECK{rows.named(hazard)} of `{table}` fails if rows of `{table}` violate it{wanted}."
    suggestion = None
    if rows.is_postgresql(database) and hazard.name is not None and hazard.wanted:
        condition = hazard.wanted.removeprefix("CHECK ").strip()
        schema = f", schema={key.schema!r}" if key.schema is not None else ""
        suggestion = (
            f"op.create_check_constraint({hazard.name!r}, {key.name!r}, {condition!r},\n"
            f"                           postgresql_not_valid=True{schema})\n"
            f'op.execute("ALTER TABLE {table} VALIDATE CONSTRAINT {hazard.name}")'
        )
    return message, _HINT, suggestion


CHECK = Check("AR215", "CHECK fails on existing rows", Severity.ERROR, _run)
