"""Code for a revision that adds a NOT NULL column to a table with rows."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

from alembic.operations import ops
from sqlalchemy import DefaultClause, text

from alembic_review.worker import internals
from alembic_review.worker.compare.comparison import metadatas
from alembic_review.worker.prove.bench import Bench


def required_column(bench: Bench, number: int, operation: Any) -> str | None:
    """The operation with the model's own default as ``server_default``, else in three steps.

    ``None`` for any other operation than one that adds a column.
    """
    renderer = bench.compared[number].comparison.renderer
    if not isinstance(operation, ops.AddColumnOp) or renderer is None:
        return None
    table, name, schema = operation.table_name, operation.column.name, operation.schema
    column = getattr(operation.column, internals.COLUMN_COPY)()
    column.index = column.unique = None
    default = _server_default(_model_default(bench, number, schema, table, name), bench.compared[number].context)
    if default is not None:
        column.server_default = DefaultClause(default)
        internals.keep_nullability([column])
        return renderer.python(ops.AddColumnOp(table, column, schema=schema), None)
    column.nullable = True
    internals.keep_nullability([column])
    shown = f"{schema}.{table}" if schema is not None else table
    more = f", schema={schema!r}" if schema is not None else ""
    return "\n".join(
        [
            renderer.python(ops.AddColumnOp(table, column, schema=schema), None),
            f'op.execute("UPDATE {shown} SET {name} = …")',
            f"op.alter_column({table!r}, {name!r}, nullable=False{more})",
        ]
    )


def _model_default(bench: Bench, number: int, schema: str | None, table: str, name: str) -> Any:
    """The scalar ``default=`` of the model's column, which only Python knows."""
    key = f"{schema}.{table}" if schema is not None else table
    for metadata in metadatas(bench.compared[number].context):
        column = metadata.tables[key].columns.get(name) if key in metadata.tables else None
        default = column.default if column is not None else None
        if default is not None and getattr(default, "is_scalar", False):
            return getattr(default, "arg", None)
    return None


def _server_default(value: Any, context: Any) -> Any:
    """The same value as a server default; ``None`` where there is no text for it."""
    if isinstance(value, bool):
        truth = ("1", "0") if context.dialect.name == "sqlite" else ("true", "false")
        return text(truth[0] if value else truth[1])
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float, Decimal)):
        return text(str(value))
    return value.isoformat() if isinstance(value, (datetime, date, time)) else None
