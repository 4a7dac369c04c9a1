"""AR202: a column that can't be null, on a custom table that may have rows already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.model.facts import ChangeFact
from alembic_review.model.review import Severity, Verdict

# What the database fills in by itself, as SQLAlchemy compiles it on PostgreSQL and SQLite.
_FILLED = re.compile(r"\b(DEFAULT|GENERATED|(BIG|SMALL)?SERIAL)\b")
_NEW = "Add a server_default, or add the column as nullable, fill it, and make it NOT NULL afterwards."

_OLD = 'Fill the NULLs first, in the same revision: op.execute("UPDATE … SET … WHERE … IS NULL").'

_MADE = "Check that the revision fills existing rows before it sets NOT NULL; the scratch database has no rows."


def _run(case: Case) -> Iterator[CheckResult]:
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
                    (
                        f"Adding the NOT NULL column {fact.name} to {table} without a server default fails if {table} "
                        "has rows."
                    ),
                    _NEW,
                )
            elif fact.kind == "modify_nullable" and fact.wanted == "False":
                message, hint = f"Setting NOT NULL on {fact.name} of {table} fails if the column has NULLs.", _OLD
            else:
                continue
            fails = rows.fails_without_value(case, database.name, fact.key, fact.name)
            if fails:
                continue  # AR210, which has seen it
            held, severity = (f" {rows.HELD}", Severity.INFO) if fails is False else ("", None)
            place = judged.decision.place
            yield CheckResult(f"{message}{held}", hint, place, judged, severity=severity, database=database.name)
    yield from _in_revisions(case)


def _in_revisions(case: Case) -> Iterator[CheckResult]:
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
        yield CheckResult(
            f"Revision {revision} makes {fact.name} of {table_text(fact.key)} NOT NULL, which fails if existing rows "
            f"have no value.{held}",
            _MADE,
            case.revision_place(revision),
            written.judged,
            revision=revision,
            severity=Severity.INFO,
            database=written.database.name,
        )


def _is_new(fact: ChangeFact) -> bool:
    return fact.kind == "add_column" and fact.wanted.endswith(" NOT NULL") and not _FILLED.search(fact.wanted)


CHECK = Check("AR202", "NOT NULL column without a default", Severity.WARNING, _run)
