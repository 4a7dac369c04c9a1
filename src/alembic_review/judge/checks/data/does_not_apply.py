"""AR217: a part of the plan that fails on an empty database."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.facts import ChangeFact, TableKey
from alembic_review.model.proofs import CONVERGES, NotApplied
from alembic_review.model.review import Severity

_NEW_VALUE = "55P04"  # https://www.postgresql.org/docs/current/errcodes-appendix.html
_MISSING = frozenset({"42P01", "42703"})
_NO_COLUMNS = re.compile(r"\bINDEX\b[^(]*\(\s*\)\s*$", re.IGNORECASE)
_NO_ALTER = "ALTER"
_HINTS = {
    _NEW_VALUE: "A new enum value can't be used in the transaction that adds it: add it in an earlier revision.",
    "42710": "Use the existing type: write postgresql.ENUM(…, create_type=False) instead.",
    "42704": "Create the type first: op.add_column does not create it.",
    "42830": "A foreign key needs a primary key or unique constraint on the columns that it refers to: add that first.",
}
_BATCH = "SQLite can't alter it in place: pass render_as_batch=True to context.configure() in env.py."


def _run(case: Case) -> Iterator[CheckResult]:
    for database, proved in observed.proved(case, CONVERGES):
        missing: set[TableKey | None] = set()
        for failure in proved.converges.failures if proved.converges is not None else ():
            if failure.kind == "cast":
                continue  # AR213, which needs no rows either
            subject = observed.subject(case, database, failure.statement)
            fact = subject.change.fact if subject.change is not None else None
            if fact is not None and failure.error.sqlstate in _MISSING and fact.key in missing:
                continue  # follows from what was to add it
            if fact is not None and fact.kind in ("add_table", "add_column"):
                missing.add(fact.key)
            batch = database.facts.dialect == "sqlite" and _NO_ALTER in failure.error.message
            yield CheckResult(
                message=f"{_what(fact, subject)} fails on an empty database: {failure.error.message.rstrip('.')}.",
                hint=_BATCH if batch else _hint(failure),
                place=subject.place,
                change=subject.change,
                table=fact.key if fact is not None else None,
                revision=subject.revision,
                subject=(fact.kind if fact is not None else None,),
                database=database.name,
                column=_column(fact),
                name=fact.name if fact is not None else failure.error.constraint,
                proof=CONVERGES,
                statement=failure.statement.sql or None,
                observed=observed.error(failure.error),
                suggestion=_suggestion(failure),
                wanted=fact.wanted if fact is not None else failure.statement.sql,
            )


def _what(fact: ChangeFact | None, subject: observed.Subject) -> str:
    if fact is None:
        return subject.text
    table = f" of `{table_text(fact.key)}`" if fact.key is not None else ""
    name = f" `{fact.name}`" if fact.name is not None else ""
    return f"{fact.kind}{name}{table}"


def _column(fact: ChangeFact | None) -> str | None:
    is_column = fact is not None and (fact.kind.endswith("_column") or fact.kind.startswith("modify_"))
    return fact.name if fact is not None and is_column else None


def _hint(failure: NotApplied) -> str:
    if failure.dependants:
        return f"Drop these objects first, and create them again afterwards: {', '.join(failure.dependants)}."
    if _NO_COLUMNS.search(failure.statement.sql):
        return "The Index has no columns: add them to the model, after its name."
    return _HINTS.get(failure.error.sqlstate, "Edit the operation in the revision, and review again.")


def _suggestion(failure: NotApplied) -> str | None:
    if failure.error.sqlstate == _NEW_VALUE:
        return "with op.get_context().autocommit_block():\n    op.execute(\"ALTER TYPE … ADD VALUE '…'\")"
    return failure.suggestion


CHECK = Check("AR217", "Plan does not apply", Severity.ERROR, _run)
