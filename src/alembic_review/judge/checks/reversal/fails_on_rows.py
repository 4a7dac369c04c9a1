"""AR803: a downgrade that fails on rows."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.proofs import ROWS
from alembic_review.model.review import Severity

_CONDITIONS = {
    "not_null": "lacks a value in any row",
    "unique": "has duplicate rows",
    "narrow": "has values that are too long or out of range",
    "cast": "has values that can't be cast",
    "foreign_key": "has orphaned rows",
    "check": "has rows that violate the old CHECK",
    "exclude": "has rows that overlap",
}
_HINT = "In downgrade(), fill, convert or remove those values first."
_NOT_NULL = "Give the column a server_default in the downgrade's add_column, or add it as nullable."


def _run(case: Case) -> Iterator[CheckResult]:
    for database, key, hazard in rows.backwards(case):
        table = table_text(key)
        what = f"`{table}.{hazard.column}`" if hazard.column is not None else f"`{table}`"
        subject = observed.subject(case, database, hazard.statement, key, hazard.name or hazard.column)
        who = observed.downgrade(subject)
        yield CheckResult(
            message=f"{who} fails if {what} {_CONDITIONS.get(hazard.kind, 'has rows')}.",
            hint=_NOT_NULL if hazard.kind == "not_null" else _HINT,
            place=subject.place,
            change=subject.change,
            table=key,
            revision=subject.revision,
            subject=(hazard.kind,),
            database=database.name,
            column=hazard.column,
            name=hazard.name,
            proof=ROWS,
            statement=hazard.statement.sql if hazard.statement is not None else None,
            observed=observed.error(hazard.error) if hazard.error is not None else None,
            suggestion=hazard.suggestion,
            wanted=hazard.wanted,
        )


CHECK = Check("AR803", "Downgrade fails on rows", Severity.WARNING, _run)
