"""AR401: a custom table without the application's prefix."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case, table_place
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.naming import habitual_prefix
from alembic_review.judge.ownership import Owned, table_text
from alembic_review.model.review import Role, Severity


def _run(case: Case) -> Iterator[Report]:
    for database in case.databases:
        custom = [owned for owned in database.ownership.tables.values() if owned.role is Role.CUSTOM and owned.model]
        core = any(owned.role is Role.CORE for owned in database.ownership.tables.values())
        for owner in sorted({owned.owner for owned in custom if owned.owner}):
            yield from _of_owner(case, [owned for owned in custom if owned.owner == owner], core=core)


def _of_owner(case: Case, tables: list[Owned], *, core: bool) -> Iterator[Report]:
    """The prefix is what the settings say; else, beside a core, what most tables of the application share."""
    habit = habitual_prefix(owned.key.name for owned in tables) if core else None
    expected = case.settings.prefix or habit
    if expected is None:
        return
    why = "the settings ask for" if case.settings.prefix else "most of the application's tables have"
    for owned in tables:
        if not owned.key.name.startswith(expected):
            yield Report(
                message=f"The custom table {table_text(owned.key)} lacks the prefix {expected} that {why}.",
                hint=f"Call it {expected}{owned.key.name}, so that it can never meet a core table of the same name.",
                place=table_place(owned, case),
                table=owned.key,
            )


CHECK = Check("AR401", "Custom table without the application's prefix", Severity.WARNING, _run)
