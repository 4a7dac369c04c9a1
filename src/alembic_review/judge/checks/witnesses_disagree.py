"""AR102: one package defines a table, a revision of another one created it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case, table_place
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.ownership import table_text
from alembic_review.judge.verdict import owners_setting
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[Report]:
    for database in case.databases:
        for key, owned in database.ownership.tables.items():
            if owned.disputed and owned.origin is not None:
                yield Report(
                    message=(
                        f"{owned.definition} defines the table {table_text(key)}, but {owned.provenance}'s revision "
                        f"{owned.origin.revision} created it. Changes to it are blocked until this is settled."
                    ),
                    hint=f"Say whose it is in the settings: {owners_setting(key, case.evidence)}.",
                    place=table_place(owned, case),
                    table=key,
                    revision=owned.origin.revision,
                    database=database.name,
                )


CHECK = Check("AR102", "Witnesses disagree about a table", Severity.ERROR, _run)
