"""AR310: models of the base that fail on the schema that the new revisions leave."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import ROLLING, Broken, Statement
from alembic_review.model.review import Severity

_SHOWN = 3  # classes

_HINTS = {
    "missing_table": "Keep the table in this release, and drop it in the next release. If it was renamed, create a "
    "view with the old name until then.",
    "missing_column": "Keep the column in this release, and drop it in the next release. If it was renamed, add the "
    "new column, and write both columns until then.",
    "required": "Give the column a server_default, or let it be NULL until no process of the old release runs.",
    "default": "Keep the server default until no process of the old release runs.",
    "not_null": "Make the column NOT NULL in the next release, when no process writes NULLs any more.",
    "narrow": "Keep the old type until no process of the old release runs.",
    "cast": "Keep the old type in this release: add a column of the new type, write both, and drop the old one later.",
    "check": "Add the constraint in the next release, when no process writes such values any more.",
}
_REASONS = {
    "missing_table": "the table {table} was dropped or renamed",
    "missing_column": "the column {column} was dropped or renamed",
    "required": "its INSERT has no value for the new column {column}, which is NOT NULL without a server default",
    "default": "its INSERT omits {column}, which has no server default any more",
    "not_null": "its INSERT may leave {column} NULL",
    "narrow": "{column} refuses values that it accepted before ({error})",
    "cast": "{column} refuses values that it accepted before ({error})",
    "check": "{name} refuses values that {table} accepted before",
}
_OTHER = "its {action} fails ({error})"
_ANY = "Keep the objects that the old release uses, and remove them in the next release."


def _run(case: Case) -> Iterator[CheckResult]:
    for database, proved in observed.proved(case, ROLLING):
        for broken in proved.rolling.broken if proved.rolling is not None else ():
            key = observed.table(database, broken.key)
            statement = Statement(broken.statement.sql, revision=_revision(case, database, key, broken.column) or "")
            subject = observed.subject(case, database, statement, key, broken.column or broken.name)
            yield CheckResult(
                message=f"{_who(broken)} of the base fails on the new schema: {_why(broken, key)}.",
                hint=_HINTS.get(broken.kind, _ANY),
                place=subject.place,
                change=subject.change,
                table=key,
                revision=subject.revision,
                subject=(broken.kind,),
                database=database.name,
                column=broken.column,
                name=broken.name,
                proof=ROLLING,
                statement=broken.statement.sql or None,
                observed=observed.error(broken.error),
                suggestion=_suggestion(broken, key),
                wanted=broken.wanted,
            )


def _revision(case: Case, database: JudgedDatabase, key: TableKey, column: str | None) -> str | None:
    """The last new revision that altered this column, else this table, else the only new one."""
    altered = [one for one in database.facts.alterations if case.is_new(one.revision) and one.key == key]
    found = [one.revision for one in altered if column in (one.name, *one.columns)] or [one.revision for one in altered]
    new = [revision.id for revision in case.facts.revisions if case.is_new(revision.id)]
    return found[-1] if found else new[0] if len(new) == 1 else None


def _who(broken: Broken) -> str:
    """The classes, or the table without a class."""
    if not broken.classes:
        return f"The table `{broken.key.name}`"
    shown = ", ".join(f"`{name}`" for name in broken.classes[:_SHOWN])
    more = len(broken.classes) - _SHOWN
    word = "class" if len(broken.classes) == 1 else "classes"
    return f"The {word} {shown}{f' and {more} more' if more > 0 else ''}"


def _why(broken: Broken, key: TableKey) -> str:
    table = f"`{table_text(key)}`"
    return _REASONS.get(broken.kind, _OTHER).format(
        table=table,
        column=f"`{table_text(key)}.{broken.column}`" if broken.column is not None else table,
        name=f"`{broken.name}`" if broken.name is not None else "a CHECK",
        action=broken.action.upper(),
        error=broken.error.message,
    )


def _suggestion(broken: Broken, key: TableKey) -> str | None:
    """Operations for this release and the next one."""
    schema = f", schema={key.schema!r}" if key.schema is not None else ""
    where = f"{key.name!r}, {broken.column!r}"
    later = "# in the next release:"
    code = {
        "missing_table": f"{later}\nop.drop_table({key.name!r}{schema})",
        "missing_column": f"{later}\nop.drop_column({where}{schema})",
        "required": f"op.alter_column({where}, server_default=…{schema})\n"
        f"{later}\nop.alter_column({where}, server_default=None{schema})",
        "default": f"{later}\nop.alter_column({where}, server_default=None{schema})",
        "not_null": f"{later}\nop.alter_column({where}, nullable=False{schema})",
    }
    return code.get(broken.kind) if broken.column is not None or broken.kind == "missing_table" else None


CHECK = Check("AR310", "Old models fail on the new schema", Severity.WARNING, _run)
