"""AR104: a table is declared in a module that nobody imports, so Alembic does not see it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case, Judged, JudgedDatabase
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.ownership import table_text
from alembic_review.model.facts import Declared, Place, TableKey
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[Report]:
    for declared in case.unloaded:
        existing = [(database, key) for database in case.databases for key in _tables(database, declared)]
        for database, key in existing:
            yield _report(declared, key, database, _removal(database, key))
        if not existing:
            yield _report(declared, TableKey(declared.schema, declared.table), None, None)


def _tables(database: JudgedDatabase, declared: Declared) -> list[TableKey]:
    """The tables that this declaration stands for, which no loaded model has; the MetaData may give the schema."""
    return [
        key
        for key, owned in database.ownership.tables.items()
        if owned.in_database
        and owned.model is None
        and key.name == declared.table
        and declared.schema in (None, key.schema)
    ]


def _report(declared: Declared, key: TableKey, database: JudgedDatabase | None, change: Judged | None) -> Report:
    parent, _, name = declared.module.rpartition(".")
    line = f"from {parent} import {name}" if parent else f"import {name}"
    where = f"{parent.replace('.', '/')}/__init__.py" if parent else "a module that env.py imports"
    if change is not None:
        effect = "autogenerate would drop the table"
    elif database is not None:
        effect = "the table is not compared with it"
    else:
        effect = "no migration would create the table"
    return Report(
        message=f"The table {table_text(key)} is declared in {declared.module}, which nobody imports: {effect}.",
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
