"""AR402: a custom table with a prefix that belongs to another owner."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case, table_place
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.naming import namespaces, prefix
from alembic_review.judge.ownership import table_text
from alembic_review.model.review import Role, Severity


def _run(case: Case) -> Iterator[Report]:
    for database in case.databases:
        tables = list(database.ownership.tables.values())
        # The application's own packages may well share a prefix.
        taken = {habit: owner for habit, owner in namespaces(tables).items() if owner not in case.evidence.custom}
        for owned in tables:
            found = prefix(owned.key.name)
            other = taken.get(found) if found is not None else None
            if owned.role is not Role.CUSTOM or owned.model is None or other is None:
                continue
            yield Report(
                message=f"The custom table {table_text(owned.key)} is named like the tables of {other} ({found}…).",
                hint=f"Give it a prefix of your own: {other} may bring a table of this name one day.",
                place=table_place(owned, case),
                table=owned.key,
                database=database.name,
            )


CHECK = Check("AR402", "Custom table in another owner's namespace", Severity.WARNING, _run)
