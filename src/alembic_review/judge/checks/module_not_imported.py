"""AR104: a table is declared in a module that nobody imports, so Alembic does not see it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case, Judged, JudgedDatabase
from alembic_review.judge.checks.base import Check, Report
from alembic_review.model.facts import Declared, Place, TableKey
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[Report]:
    for declared in case.unloaded:
        key = TableKey(declared.schema, declared.table)
        existing = next((database for database in case.databases if key in database.facts.database_tables), None)
        change = _removal(existing, key) if existing is not None else None
        parent, _, name = declared.module.rpartition(".")
        line = f"from {parent} import {name}" if parent else f"import {name}"
        where = f"{parent.replace('.', '/')}/__init__.py" if parent else "a module that env.py imports"
        effect = "the table would be dropped" if existing is not None else "no migration would create the table"
        yield Report(
            message=f"The table {declared.table} is declared in {declared.module}, which nobody imports: {effect}.",
            hint=f"Add `{line}` to {where}.",
            place=Place(declared.path, declared.line),
            change=change,
            table=key,
            severity=Severity.ERROR if existing is not None else Severity.WARNING,
            database=existing.name if existing is not None else None,
        )


def _removal(database: JudgedDatabase, key: TableKey) -> Judged | None:
    return next((j for j in database.changes if j.fact.kind == "remove_table" and j.fact.key == key), None)


def unloaded(
    declared: tuple[Declared, ...], modules: frozenset[str], tables: frozenset[TableKey]
) -> tuple[Declared, ...]:
    """Declarations in modules that were not loaded, of tables that no loaded model has."""
    return tuple(
        entry for entry in declared if entry.module not in modules and TableKey(entry.schema, entry.table) not in tables
    )


CHECK = Check("AR104", "Model module not imported", Severity.WARNING, _run)
