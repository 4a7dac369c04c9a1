"""AR401: a custom table without the application's prefix."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase, table_place
from alembic_review.judge.ownership.table_owners import Owned, table_text
from alembic_review.judge.table_prefixes import habitual_prefix, is_named_by_hand
from alembic_review.model.review import Role, Severity


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        tables = database.ownership.tables.values()
        named = [owned for owned in tables if is_named_by_hand(owned)]
        for owner in sorted({owned.owner for owned in named if owned.owner is not None}):
            yield from _of_owner(case, database, owner, [owned for owned in named if owned.owner == owner])


def _of_owner(case: Case, database: JudgedDatabase, owner: str, tables: list[Owned]) -> Iterator[CheckResult]:
    """The prefix is what the settings say; else, beside a core, what most tables of the application share."""
    expected, why = case.settings.prefix, "that the settings ask for"
    if expected is None and any(owned.role is Role.CORE for owned in database.ownership.tables.values()):
        names = [owned.key.name for owned in tables]
        expected, why = habitual_prefix(names, owner), f"that most tables of {owner} have"
    if expected is None:
        return
    for owned in tables:
        if not owned.key.name.startswith(expected):
            yield CheckResult(
                message=f"The custom table {table_text(owned.key)} does not have the prefix {expected} {why}.",
                hint=(
                    f"Rename it to {expected}{owned.key.name}, to avoid a conflict with a future core table of the "
                    "same name."
                ),
                place=table_place(owned, case),
                table=owned.key,
                database=database.name,
            )


CHECK = Check("AR401", "Custom table without the application's prefix", Severity.WARNING, _run)
