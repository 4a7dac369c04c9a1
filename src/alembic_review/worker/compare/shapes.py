"""What tells whether something that is dropped is what is added under another name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, ForeignKey, Table
from sqlalchemy.engine import Connection, Dialect

from alembic_review.model.facts import ColumnShape, Left, TableKey
from alembic_review.worker.compare.rendered_operations import compiled

RENAMES = "columns and tables that look renamed"
"""What is not reported where this module fails, in words."""

_SEQUENCE = "nextval("

_POSTGRESQL = """
SELECT n.nspname, t.relname, 'index', c.relname
FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = x.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE t.relname IN ({names})
UNION ALL
SELECT n.nspname, t.relname, 'sequence', c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_depend d ON d.objid = c.oid
  AND d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
  AND d.deptype IN ('a', 'i')
JOIN pg_catalog.pg_class t ON t.oid = d.refobjid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE c.relkind = 'S' AND t.relname IN ({names})
ORDER BY 1, 2, 3, 4
"""
_SQLITE = (
    "SELECT NULL, tbl_name, type, name FROM sqlite_master "
    "WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({names}) ORDER BY 2, 4"
)


def shape(column: Column[Any], dialect: Dialect) -> ColumnShape:
    """The shape of a column of the models, or of one that was read from the database."""
    default = compiled(column.server_default, dialect) if column.server_default is not None else None
    return ColumnShape(
        name=str(column.name),
        type=compiled(column.type, dialect),
        nullable=bool(column.nullable),
        default=None if default is not None and default.startswith(_SEQUENCE) else default,
        references=tuple(sorted(set(map(_target, column.foreign_keys)))),
    )


def shapes(table: Table, dialect: Dialect) -> tuple[ColumnShape, ...]:
    """The shapes of all columns of a table, in their order."""
    return tuple(shape(column, dialect) for column in table.columns)


def siblings(column: Column[Any]) -> tuple[str, ...]:
    """All columns of the table that a column is in."""
    table = getattr(column, "table", None)
    return tuple(str(one.name) for one in table.columns) if table is not None else ()


def left_behind(connection: Connection, keys: Iterable[TableKey]) -> dict[TableKey, tuple[Left, ...]]:
    """The indexes and sequences of these tables: a table that is renamed leaves their names as they are."""
    wanted = list(keys)
    query = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}.get(connection.dialect.name)
    if not wanted or query is None:
        return {}
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted({key.name for key in wanted}))
    default = connection.dialect.default_schema_name if query is _POSTGRESQL else None
    found: dict[tuple[str | None, str], list[Left]] = {}
    for schema, table, kind, name in connection.exec_driver_sql(query.format(names=names).replace("%", "%%")):
        found.setdefault((schema, table), []).append(Left(kind, name))
    return {key: tuple(found.get((key.schema or default, key.name), ())) for key in wanted}


def _target(key: ForeignKey) -> str:
    return ".".join(key.target_fullname.split(".")[-2:])
