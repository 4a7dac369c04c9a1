"""AR103: a table whose owner is not known, or whose owner has no revisions here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase, table_place
from alembic_review.judge.ownership.table_owners import Owned, table_text
from alembic_review.model.review import Role, Severity

_SHOWN = 5
_EXCLUDE = "Exclude {what} from the comparison with include_name in env.py"


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        unknown = [owned for owned in database.ownership.tables.values() if _is_unknown(owned)]
        rest = [owned for owned in unknown if not owned.version_table]
        stray = [owned for owned in rest if not _has_model(owned) and owned.origin is None]
        yield from (_version_table(database, owned) for owned in unknown if owned.version_table)
        yield from _strays(database, stray)
        yield from (_unknown(case, database, owned) for owned in rest if owned not in stray)
        yield from _unmigrated(case, database)


def _is_unknown(owned: Owned) -> bool:
    return owned.role is Role.UNKNOWN and not owned.disputed and (_has_model(owned) or owned.in_database)


def _has_model(owned: Owned) -> bool:
    return owned.model is not None and not owned.model.removed


def _unknown(case: Case, database: JudgedDatabase, owned: Owned) -> CheckResult:
    """A table that somebody was seen making."""
    return CheckResult(
        message=(
            f"The owner of the table {table_text(owned.key)} is unknown. Every change to the table is blocked until "
            "the settings name the owner."
        ),
        hint=f"{case.settle.owner(owned)}.",
        place=table_place(owned, case),
        table=owned.key,
        database=database.name,
    )


def _version_table(database: JudgedDatabase, owned: Owned) -> CheckResult:
    name = table_text(owned.key)
    return CheckResult(
        message=f"{name} is the version table of another Alembic environment: version_num is its only column.",
        hint=f"{_EXCLUDE.format(what=name)}, or list both environments in the settings, under `environments`.",
        table=owned.key,
        database=database.name,
    )


def _strays(database: JudgedDatabase, stray: Sequence[Owned]) -> Iterator[CheckResult]:
    """All tables that nothing but the database knows, at once: no evidence links them to any package."""
    if not stray:
        return
    single = len(stray) == 1
    what = "table has" if single else "tables have"
    them = "it" if single else "them"
    yield CheckResult(
        message=(
            f"{len(stray)} {what} no known owner: no model declares {them} and no revision created {them} "
            f"({_some([table_text(owned.key) for owned in stray])}). Every change to {them} is blocked."
        ),
        hint=(f"{_EXCLUDE.format(what=them)}, or name the owner{'' if single else 's'} in the settings, under owners."),
        table=stray[0].key if single else None,
        subject=() if single else ("no model",),
        database=database.name,
    )


def _unmigrated(case: Case, database: JudgedDatabase) -> Iterator[CheckResult]:
    """One for each package without revisions here that has pending changes on tables that no revision created."""
    pending = {judged.fact.key for judged in database.changes if judged.blocked}
    packages: dict[str, list[Owned]] = {}
    for key, owned in database.ownership.tables.items():
        if owned.unmigrated and owned.owner is not None and key in pending:
            packages.setdefault(owned.owner, []).append(owned)
    for package, tables in sorted(packages.items()):
        what = f"{len(tables)} table{'' if len(tables) == 1 else 's'}"
        yield CheckResult(
            message=(
                f"{package} declares {what} that no revision creates, and has no revisions in this project "
                f"({_some([table_text(owned.key) for owned in tables])}). Their changes are blocked."
            ),
            hint=(
                f"Add {case.settle.as_core(package)} to the settings if {package} creates its tables itself, or "
                f"{case.settle.as_custom(package)} if your revisions create them."
            ),
            place=table_place(tables[0], case),
            subject=("no revisions", package),
            database=database.name,
        )


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


CHECK = Check("AR103", "Table without a known owner", Severity.WARNING, _run)
