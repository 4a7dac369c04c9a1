"""AR104: a table is declared in a module that nobody imports, so Alembic does not see it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, Judged, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.model.facts import DeclaredTable, Place, TableKey
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    for declared in case.unloaded:
        if declared.table is None:
            yield from _nameless(case, declared)
        else:
            yield from _named(case, declared, TableKey(declared.schema, declared.table))


def _named(case: Case, declared: DeclaredTable, key: TableKey) -> Iterator[CheckResult]:
    existing = [(database, key) for database in case.databases for key in _tables(database, declared)]
    for database, found in existing:
        removal = _removal(database, found)
        effect = "autogenerate would drop the table" if removal else "the table was not compared"
        yield _report(declared, _message(declared, found, effect), found, database, removal)
    if not existing:
        yield _report(declared, _message(declared, key, "no migration would create the table"), key)


def _nameless(case: Case, declared: DeclaredTable) -> Iterator[CheckResult]:
    """Told of every removal that it may be the reason of, else once."""
    what = f"{declared.module}, which was not imported, declares a table whose name can't be read from its source"
    suspected = [
        (database, judged)
        for database in case.databases
        for judged in database.changes
        if judged.fact.kind == "remove_table" and judged.decision.declared == declared
    ]
    for database, judged in suspected:
        assert judged.fact.key is not None
        message = f"{what}: the removal of {table_text(judged.fact.key)} may be wrong."
        yield _report(declared, message, judged.fact.key, database, judged)
    if not suspected:
        yield _report(declared, f"{what}: this table was not compared.")


def _message(declared: DeclaredTable, key: TableKey, effect: str) -> str:
    return f"The table {table_text(key)} is declared in {declared.module}, which was not imported: {effect}."


def _tables(database: JudgedDatabase, declared: DeclaredTable) -> list[TableKey]:
    """The tables that this declaration stands for, which no loaded model has; the MetaData may give the schema."""
    return [
        key
        for key, owned in database.ownership.tables.items()
        if owned.in_database
        and owned.model is None
        and key.name == declared.table
        and declared.schema in (None, key.schema)
    ]


def _report(
    declared: DeclaredTable,
    message: str,
    key: TableKey | None = None,
    database: JudgedDatabase | None = None,
    change: Judged | None = None,
) -> CheckResult:
    parent, _, name = declared.module.rpartition(".")
    line = f"from {parent} import {name}" if parent else f"import {name}"
    where = f"{parent.replace('.', '/')}/__init__.py" if parent else "a module that env.py imports"
    return CheckResult(
        message=message,
        hint=f"Add `{line}` to {where}.",
        place=Place(declared.path, declared.line),
        change=change,
        table=key,
        severity=Severity.ERROR if change is not None else Severity.WARNING,
        subject=(declared.module,),
        database=database.name if database is not None else None,
    )


def _removal(database: JudgedDatabase, key: TableKey) -> Judged | None:
    return next((j for j in database.changes if j.fact.kind == "remove_table" and j.fact.key == key), None)


CHECK = Check("AR104", "Model module not imported", Severity.WARNING, _run)
