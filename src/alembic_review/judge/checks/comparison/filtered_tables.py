"""AR601: a filter of env.py keeps tables out of the comparison."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.model.facts import Filtered, TableKey
from alembic_review.model.review import Role, Severity

_SHOWN = 5


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        for name in sorted({entry.filter for entry in database.facts.filtered}):
            hidden = [entry for entry in database.facts.filtered if entry.filter == name]
            yield from _tables(database, name, hidden)
            yield from _objects(database, name, [entry for entry in hidden if entry.kind != "table"])


def _tables(database: JudgedDatabase, name: str, hidden: Collection[Filtered]) -> Iterator[CheckResult]:
    # Alembic shows a filter its own version table too, which is neither in the models nor among the database's tables.
    keys = {TableKey(entry.schema, entry.name) for entry in hidden if entry.kind == "table" and entry.name}
    known = {key for key in keys if key in database.ownership.tables}
    core = {table_text(key) for key in known if database.ownership.role(key) is Role.CORE}
    others = {table_text(key) for key in known} - core
    if others:
        yield _report(
            database,
            name,
            ("table that is not a core table", "tables that are not core tables"),
            others,
            Severity.WARNING,
        )
    if core:
        yield _report(database, name, ("core table", "core tables"), core, Severity.INFO)


def _objects(database: JudgedDatabase, name: str, hidden: Collection[Filtered]) -> Iterator[CheckResult]:
    core = {_text(entry) for entry in hidden if _of_core(database, entry)}
    others = {_text(entry) for entry in hidden if not _of_core(database, entry)}
    if others:
        yield _report(database, name, ("other object", "other objects"), others, Severity.WARNING)
    if core:
        yield _report(database, name, ("object of core tables", "objects of core tables"), core, Severity.INFO)


def _of_core(database: JudgedDatabase, entry: Filtered) -> bool:
    return database.ownership.role(TableKey(entry.schema, entry.table or "")) is Role.CORE


def _report(
    database: JudgedDatabase, name: str, nouns: tuple[str, str], hidden: Collection[str], severity: Severity
) -> CheckResult:
    """``nouns`` say what one of the hidden objects is called, and several."""
    places = [entry.place for entry in database.facts.filters if entry.name == name and entry.place is not None]
    what = f"{len(hidden)} {nouns[len(hidden) > 1]}"
    return CheckResult(
        message=f"The filter {name} of env.py excludes {what} from the comparison: {_some(sorted(hidden))}.",
        hint="What the filter excludes was not reviewed. Restrict the filter to what another review covers.",
        place=min(places, key=lambda place: (place.path, place.line), default=None),
        severity=severity,
        subject=(name, nouns[1]),
        database=database.name,
    )


def _text(entry: Filtered) -> str:
    name = entry.name or "without a name"
    return f"{entry.kind} {name}" + (f" of {entry.table}" if entry.table else "")


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


CHECK = Check("AR601", "A filter hides tables", Severity.WARNING, _run)
