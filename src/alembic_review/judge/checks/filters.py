"""AR601: a filter of env.py keeps tables out of the comparison."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case, JudgedDatabase
from alembic_review.judge.checks.base import Check, Report
from alembic_review.model.facts import Place, TableKey
from alembic_review.model.review import Role, Severity

_SHOWN = 5


def _run(case: Case) -> Iterator[Report]:
    for database in case.databases:
        for name in sorted({entry.filter for entry in database.facts.filtered}):
            yield from _of_filter(database, name)


def _of_filter(database: JudgedDatabase, name: str) -> Iterator[Report]:
    place = next((entry.place for entry in database.facts.filters if entry.name == name), None)
    hidden = [entry for entry in database.facts.filtered if entry.filter == name]
    tables = sorted(
        {_table(entry.schema, entry.name) for entry in hidden if entry.kind == "table" and entry.name}, key=str
    )
    others = sorted({f"{entry.kind} {entry.name} of {entry.table}" for entry in hidden if entry.kind != "table"})
    own = [key for key in tables if database.ownership.role(key) is not Role.CORE]
    for keys, severity, whose in (
        (own, Severity.WARNING, "tables that are not the core's"),
        ([key for key in tables if key not in own], Severity.INFO, "core tables"),
    ):
        if keys:
            yield _report(database, name, f"{len(keys)} {whose}: {_some([key.name for key in keys])}", severity, place)
    if others:
        yield _report(database, name, f"{len(others)} other objects: {_some(others)}", Severity.WARNING, place)


def _report(database: JudgedDatabase, name: str, what: str, severity: Severity, place: Place | None) -> Report:
    return Report(
        message=f"The filter {name} of env.py keeps out of the comparison {what}.",
        hint="What it hides was not reviewed. Hide only what somebody else reviews.",
        place=place,
        severity=severity,
        database=database.name,
    )


def _table(schema: str | None, name: str | None) -> TableKey:
    return TableKey(schema, name or "")


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


CHECK = Check("AR601", "A filter hides tables", Severity.WARNING, _run)
