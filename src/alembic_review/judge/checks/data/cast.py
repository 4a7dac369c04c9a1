"""AR213: a change of type without a cast, or with one that fails for values of the old type."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import Hazard
from alembic_review.model.review import Severity

_MISSING = frozenset({"42804", "42846"})  # https://www.postgresql.org/docs/current/errcodes-appendix.html
_USING = "Write the cast in postgresql_using, or fill a new column of that type and swap the two columns."
_CLEAN = "Correct those values first, or fill a new column of that type and swap the two columns."


def _run(case: Case) -> Iterator[CheckResult]:
    yield from rows.hazards(case, "cast", _tell)


def _tell(database: JudgedDatabase, key: TableKey, hazard: Hazard) -> rows.Told:
    table = table_text(key)
    what = f"`{table}.{hazard.column}`" if hazard.column is not None else f"`{table}`"
    state = hazard.error.sqlstate if hazard.error is not None else ""
    if state in _MISSING:
        message = f"The type of {what} can't be changed: PostgreSQL has no automatic cast."
        return message, _USING, _using(database, key, hazard)
    if not hazard.wanted or hazard.column is None:
        return f"The statement fails if {what} has values that can't be cast.", _CLEAN, None
    return f"Changing {what} to {hazard.wanted} fails if it has values that can't be cast.", _CLEAN, None


def _using(database: JudgedDatabase, key: TableKey, hazard: Hazard) -> str | None:
    """The pending operation with a cast in it."""
    operation = hazard.statement.operation if hazard.statement is not None else None
    changes = [one.fact for one in database.changes if one.fact.operation == operation and one.fact.key == key]
    if operation is None or not changes or not changes[0].python.endswith(")") or hazard.column is None:
        return None
    wanted = next((one.wanted for one in changes if one.kind == "modify_type"), "")
    cast = f'postgresql_using="{hazard.column}::{wanted.lower()}"'
    return f"{changes[0].python.removesuffix(')').rstrip()},\n           {cast})" if wanted else None


CHECK = Check("AR213", "Missing or failing cast", Severity.ERROR, _run)
