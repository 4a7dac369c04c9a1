"""AR103: a table of which nothing tells the owner."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case, table_place
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.ownership import table_text
from alembic_review.judge.verdict import owners_setting
from alembic_review.model.review import Role, Severity


def _run(case: Case) -> Iterator[Report]:
    for database in case.databases:
        for key, owned in database.ownership.tables.items():
            gone = (owned.model is None or owned.model.removed) and not owned.in_database
            if owned.role is not Role.UNKNOWN or owned.disputed or gone:
                continue
            yield Report(
                message=(
                    f"Nothing tells who owns the table {table_text(key)}. Every change to it is blocked until the "
                    "settings say whose it is."
                ),
                hint=f"Name the owner in the settings: {owners_setting(owned, case.evidence)}.",
                place=table_place(owned, case),
                table=key,
                database=database.name,
            )


CHECK = Check("AR103", "Table that nobody owns", Severity.WARNING, _run)
