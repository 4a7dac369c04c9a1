"""Tables of the models that no code defines: they were read from the database that they are compared with."""

from __future__ import annotations

from alembic_review.model.facts import DatabaseFacts, ModelTable, TableKey


def compared_tables(database: DatabaseFacts) -> list[ModelTable]:
    """The tables of the models that no filter keeps out, without the version table, which Alembic passes over."""
    hidden = {TableKey(entry.schema, entry.name or "") for entry in database.filtered if entry.kind == "table"}
    return [
        table for table in database.tables if not table.removed and table.key not in {*hidden, database.version_table}
    ]


def only_reflected(table: ModelTable) -> bool:
    """Tell whether no code defines any column of a table."""
    columns = {item.name for item in table.items if item.kind == "column"}
    return bool(columns) and columns <= set(table.reflected)
