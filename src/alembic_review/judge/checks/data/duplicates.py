"""AR211: a unique constraint or index over rows that are equal."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import Hazard
from alembic_review.model.review import Severity

_HINT = "List the duplicates with the suggested query, and remove them in an earlier statement of the revision."


def _run(case: Case) -> Iterator[CheckResult]:
    yield from rows.hazards(case, "unique", _tell)


def _tell(_database: JudgedDatabase, key: TableKey, hazard: Hazard) -> rows.Told:
    table, columns = table_text(key), ", ".join(hazard.columns)
    query = f"SELECT {columns}, count(*) FROM {table} GROUP BY {columns} HAVING count(*) > 1" if columns else ""  # noqa: S608 - text of a suggestion
    what = f"The unique constraint or index{rows.named(hazard)} on `{table}`{rows.columns(hazard)}"
    message = f"{what} fails if `{table}` has duplicates."
    return message, _HINT, f'op.get_bind().execute(sa.text("{query}")).all()' if query else None


CHECK = Check("AR211", "Unique constraint fails on duplicates", Severity.ERROR, _run)
