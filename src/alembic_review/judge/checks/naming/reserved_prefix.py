"""AR402: a custom table with a prefix that belongs to a core package."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, table_place
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.table_prefixes import is_named_by_hand, namespaces, prefix
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        tables = list(database.ownership.tables.values())
        taken = namespaces(tables)
        for owned in filter(is_named_by_hand, tables):
            found = prefix(owned.key.name)
            other = taken.get(found) if found is not None else None
            if other is None or found == case.settings.prefix:
                continue
            yield CheckResult(
                message=(
                    f"The custom table {table_text(owned.key)} has the prefix {found}, which the tables of {other} use."
                ),
                hint=f"Use a prefix of your own: a later version of {other} may add a table of the same name.",
                place=table_place(owned, case),
                table=owned.key,
                database=database.name,
            )


CHECK = Check("AR402", "Custom table in another owner's namespace", Severity.WARNING, _run)
