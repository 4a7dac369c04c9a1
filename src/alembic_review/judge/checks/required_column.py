"""AR202: a column that can't be null, on a custom table that may have rows already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_review.judge import rows
from alembic_review.judge.case import Case
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.ownership import table_text
from alembic_review.model.facts import ChangeFact
from alembic_review.model.review import Severity, Verdict

# What the database fills in by itself, as SQLAlchemy compiles it on PostgreSQL and SQLite.
_FILLED = re.compile(r"\b(DEFAULT|GENERATED|(BIG|SMALL)?SERIAL)\b")
_NEW = "Give it a server_default; or add it as nullable, fill it, and make it NOT NULL then, all in one revision."

_OLD = 'Fill it before, in the same revision: op.execute("UPDATE … SET … WHERE … IS NULL").'

_MADE = "Look whether it fills the rows that are there before it says NOT NULL; the scratch database has none."


def _run(case: Case) -> Iterator[Report]:
    for database in case.databases:
        for judged in database.changes:
            fact = judged.fact
            if fact.key is None or judged.decision.verdict is not Verdict.SAFE:
                continue
            origin = database.ownership.tables[fact.key].origin
            if origin is not None and case.is_new(origin.revision):
                continue
            table = table_text(fact.key)
            if _is_new(fact):
                message, hint = (
                    f"Rows that {table} has already have no value for {fact.name}, which can't be null.",
                    _NEW,
                )
            elif fact.kind == "modify_nullable" and fact.wanted == "False":
                message, hint = f"Rows of {table} that have no value for {fact.name} make this fail.", _OLD
            else:
                continue
            fails = rows.fails_without_value(case, database.name, fact.key, fact.name)
            if fails:
                continue  # AR210, which has seen it
            held, severity = (f" {rows.HELD}", Severity.INFO) if fails is False else ("", None)
            place = judged.decision.place
            yield Report(f"{message}{held}", hint, place, judged, severity=severity, database=database.name)
    yield from _in_revisions(case)


def _in_revisions(case: Case) -> Iterator[Report]:
    """What new revisions have done already: whether they fill the rows that are there is not looked at."""
    for written in case.written:
        fact, revision = written.judged.fact, written.revision
        required = _is_new(fact) or (fact.kind == "modify_nullable" and fact.wanted == "False")
        safe = written.judged.decision.verdict is Verdict.SAFE
        if (
            revision is None
            or not case.is_new(revision)
            or fact.key is None
            or written.renamed
            or not (required and safe)
        ):
            continue
        fails = rows.fails_without_value(case, written.database.name, fact.key, fact.name)
        if fails:
            continue
        held = f" {rows.HELD}" if fails is False else ""
        yield Report(
            f"After revision {revision} no row of {table_text(fact.key)} may be without a value for {fact.name}.{held}",
            _MADE,
            case.revision_place(revision),
            written.judged,
            revision=revision,
            severity=Severity.INFO,
            database=written.database.name,
        )


def _is_new(fact: ChangeFact) -> bool:
    return fact.kind == "add_column" and fact.wanted.endswith(" NOT NULL") and not _FILLED.search(fact.wanted)


CHECK = Check("AR202", "Column that can't be null", Severity.WARNING, _run)
