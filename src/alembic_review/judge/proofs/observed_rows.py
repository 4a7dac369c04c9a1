"""What the rows of a plan's tables showed, in the words of a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from alembic_review.judge.checks.base import CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_locks as locking
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import CONVERGES, ROWS, Hazard, Rows
from alembic_review.model.review import Severity

HELD = "Held on the seeded rows."

Told = tuple[str, str, "str | None"]
"""Message, hint and suggestion."""


def hazards(case: Case, kind: str, tell: Callable[[JudgedDatabase, TableKey, Hazard], Told]) -> Iterator[CheckResult]:
    """A report for each hazard of this kind that rows have shown on the way up: an error where benign rows fail."""
    for database, rows in _observed(case):
        for hazard in rows.hazards:
            if (hazard.kind, hazard.state, hazard.back) != (kind, "found", False):
                continue
            key = observed.table(database, hazard.key)
            message, hint, suggestion = tell(database, key, hazard)
            usual = Severity.ERROR if hazard.benign else Severity.WARNING
            subject = observed.subject(case, database, hazard.statement, key, hazard.name or hazard.column)
            yield CheckResult(
                message=message,
                hint=hint + locking.also(case, database, hazard.statement),
                place=subject.place,
                change=subject.change,
                table=key,
                revision=subject.revision,
                severity=observed.severity(database, key, usual, caused=True),
                subject=(kind,),
                database=database.name,
                column=hazard.column,
                name=hazard.name,
                proof=ROWS,
                statement=hazard.statement.sql if hazard.statement is not None else None,
                observed=observed.error(hazard.error) if hazard.error is not None else None,
                suggestion=hazard.suggestion or suggestion,
                wanted=hazard.wanted,
            )


def backwards(case: Case) -> Iterator[tuple[JudgedDatabase, TableKey, Hazard]]:
    """The hazards that rows have shown on the way down."""
    for database, rows in _observed(case):
        for hazard in rows.hazards:
            if hazard.back and hazard.state == "found":
                yield database, observed.table(database, hazard.key), hazard


def losses(case: Case, *, back: bool) -> Iterator[CheckResult]:
    """A report for each column or table that loses values, up or down."""
    for database, rows in _observed(case):
        for loss in rows.losses:
            if loss.back is not back:
                continue
            key = observed.table(database, loss.key)
            what = f"`{table_text(key)}`" if loss.column is None else f"`{table_text(key)}.{loss.column}`"
            subject = observed.subject(case, database, loss.statement, key, loss.column)
            counted = ("rows_before", "rows_after") if loss.column is None else ("values_before", "values_after")
            yield CheckResult(
                message=_lost(what, loss.how, whole=loss.column is None, back=back),
                hint=_BACK if back else _DROPPED if loss.how == "dropped" else _CHANGED,
                place=subject.place,
                change=None if back else subject.change,
                table=key,
                revision=subject.revision,
                severity=Severity.WARNING,
                subject=("loss", "back" if back else "", loss.how),
                database=database.name,
                column=loss.column,
                proof=ROWS,
                statement=loss.statement.sql if loss.statement is not None else None,
                observed=dict(zip(counted, (loss.before, loss.after), strict=True)),
                suggestion=loss.suggestion,
            )


_DROPPED = (
    "Drop it in a later revision, or copy the values first. If it was renamed, use op.alter_column or op.rename_table."
)
_CHANGED = "Make sure that the loss is intended, or keep the old values in a column of their own."
_BACK = "In downgrade(), copy the values back before dropping the column or table."


def _lost(what: str, how: str, *, whole: bool, back: bool) -> str:
    after = " after the downgrade" if back else ""
    if whole:
        kind = "The rows" if how == "deleted" else "All rows"
        return f"{kind} of {what} are lost{after}."
    if how == "dropped":
        return f"The values of {what} are lost{after}: the column is dropped, and no other column holds them."
    return f"Values of {what} are lost{after}: the column holds other values afterwards."


def lost(
    case: Case, database: str | None, key: TableKey, column: str | None, operation: int | None = None
) -> bool | None:
    """Whether rows have shown that a column, or a table, loses its values.

    ``None`` where no rows were tried, or where the pending ``operation`` does not apply.
    """
    if operation is not None and _fails(case, database, operation):
        return None
    for judged, rows in _observed(case):
        if judged.name != database:
            continue
        found = {(observed.table(judged, loss.key), loss.column) for loss in rows.losses if not loss.back}
        if (key, column) in found or (key, None) in found:
            return True
        return False if key in {observed.table(judged, one) for one in rows.seeded} else None
    return None


def _fails(case: Case, database: str | None, operation: int) -> bool:
    return any(
        judged.name == database
        and proved.converges is not None
        and any(failure.statement.operation == operation for failure in proved.converges.failures)
        for judged, proved in observed.proved(case, CONVERGES)
    )


def fails_without_value(case: Case, database: str | None, key: TableKey, column: str | None) -> bool | None:
    """Whether rows have shown that a column can't be NOT NULL; ``None`` where it was not tried."""
    for judged, rows in _observed(case):
        if judged.name != database:
            continue
        for hazard in rows.hazards:
            same = (hazard.kind, hazard.column, hazard.back) == ("not_null", column, False)
            if same and observed.table(judged, hazard.key) == key and hazard.state != "not_tried":
                return hazard.state == "found"
    return None


def columns(hazard: Hazard) -> str:
    """The columns of a constraint, in brackets."""
    return f" ({', '.join(hazard.columns)})" if hazard.columns else ""


def named(hazard: Hazard) -> str:
    """The name of a constraint, where it has one."""
    return f" `{hazard.name}`" if hazard.name is not None else ""


def is_postgresql(database: JudgedDatabase) -> bool:
    """Whether the database is PostgreSQL, as opposed to SQLite."""
    return database.facts.dialect == "postgresql"


def _observed(case: Case) -> Iterator[tuple[JudgedDatabase, Rows]]:
    for database, proved in observed.proved(case, ROWS):
        if proved.rows is not None:
            yield database, proved.rows
