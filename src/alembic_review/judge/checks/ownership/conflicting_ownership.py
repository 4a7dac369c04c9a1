"""AR102: one package defines a table, a revision of another one created it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, table_place
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        for key, owned in database.ownership.tables.items():
            # A table that is generated from a disputed one has no two sources of evidence of its own.
            if not owned.disputed or owned.origin is None or owned.definition is None:
                continue
            yield CheckResult(
                message=(
                    f"{owned.definition} defines the table {table_text(key)}, but revision {owned.origin.revision} of "
                    f"{owned.provenance} created it. Every change to the table is blocked until the settings name "
                    "the owner."
                ),
                hint=f"{case.settle.owner(owned)}.",
                place=table_place(owned, case),
                table=key,
                revision=owned.origin.revision,
                database=database.name,
            )


CHECK = Check("AR102", "Conflicting table ownership", Severity.ERROR, _run)
