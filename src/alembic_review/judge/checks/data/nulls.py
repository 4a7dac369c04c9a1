"""AR210: a column that becomes NOT NULL, or is added so, over rows without a value for it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import Hazard
from alembic_review.model.review import Severity

_NEW = "Give it a server_default, or add it as nullable, fill it, and make it NOT NULL afterwards."
_OLD = "Fill the NULLs first, in the same revision."


def _run(case: Case) -> Iterator[CheckResult]:
    yield from rows.hazards(case, "not_null", _tell)


def _tell(database: JudgedDatabase, key: TableKey, hazard: Hazard) -> rows.Told:
    table = table_text(key)
    if hazard.benign:
        what = f"Adding the NOT NULL column `{table}.{hazard.column}` without a server default"
        return f"{what} fails if `{table}` has rows.", _NEW, None
    message = f"Making `{table}.{hazard.column}` NOT NULL fails if `{table}.{hazard.column}` has NULLs."
    return message, _OLD, _suggestion(database, key, table, hazard.column or "")


def _suggestion(database: JudgedDatabase, key: TableKey, table: str, column: str) -> str:
    schema = f", schema={key.schema!r}" if key.schema is not None else ""
    fill = f'op.execute("UPDATE {table} SET {column} = … WHERE {column} IS NULL")'  # noqa: S608 - text of a suggestion
    change = f"op.alter_column({key.name!r}, {column!r}, nullable=False{schema})"
    if not rows.is_postgresql(database):
        return f"{fill}\n{change}"
    name = f"ck_{key.name}_{column}_not_null"
    return "\n".join(
        [
            fill,
            f'op.create_check_constraint({name!r}, {key.name!r}, "{column} IS NOT NULL",',
            f"                           postgresql_not_valid=True{schema})",
            f'op.execute("ALTER TABLE {table} VALIDATE CONSTRAINT {name}")',
            change,
            f"op.drop_constraint({name!r}, {key.name!r}{schema})",
        ]
    )


CHECK = Check("AR210", "NOT NULL fails on existing rows", Severity.ERROR, _run)
