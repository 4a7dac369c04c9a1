"""The Python that Alembic would write for an operation, and the SQL it would run."""

from __future__ import annotations

import io
import re
from typing import Any

from alembic.autogenerate import render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from sqlalchemy import schema
from sqlalchemy.engine import Dialect

_ADDRESS = re.compile(r" (?:object )?at 0x[0-9a-f]+")
_PREFIXES = {"sqlalchemy_module_prefix": "sa.", "alembic_module_prefix": "op."}


class Renderer:
    """Renders operations as the environment of ``context`` would."""

    def __init__(self, context: MigrationContext) -> None:
        self._context = context
        self._buffer = io.StringIO()
        self._plain = MigrationContext.configure(dialect=context.dialect)
        self._offline = MigrationContext.configure(
            dialect=context.dialect,
            opts={"as_sql": True, "output_buffer": self._buffer},
        )

    def python(self, operation: ops.MigrateOperation, parent: ops.ModifyTableOps | None) -> str:
        """What stands in a revision's ``upgrade()`` for this one operation."""
        options = self._context.opts
        names = {name: options.get(name) or default for name, default in _PREFIXES.items()}
        batch = bool(options.get("render_as_batch"))
        inner: Any = operation
        if batch and parent is not None:
            inner = ops.ModifyTableOps(parent.table_name, [operation], schema=parent.schema)
        text = render_python_code(
            ops.UpgradeOps([inner]),
            render_as_batch=batch,
            render_item=options.get("render_item"),
            migration_context=self._plain,
            user_module_prefix=options.get("user_module_prefix"),
            **names,
        )
        return "\n".join(_without_markers(text)).strip()

    def sql(self, operation: ops.MigrateOperation) -> str | None:
        """The statements for this operation; ``None`` where they can't be said without a database."""
        self._buffer.seek(0)
        self._buffer.truncate()
        try:
            Operations(self._offline).invoke(operation)
        except Exception:  # noqa: BLE001 - plugins raise what they like; the report then goes without SQL
            return None
        return self._buffer.getvalue().strip() or None


def _without_markers(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("# ###")]
    indent = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    return [line[indent:] for line in lines]


def compiled(element: Any, dialect: Dialect) -> str:
    """One line of text for a type, a default or a DDL element; what does not compile is shown by its repr."""
    if element is None or isinstance(element, (bool, str)):
        return str(element)
    if isinstance(element, schema.DefaultClause):
        element = element.arg
    try:
        text = str(element.compile(dialect=dialect))
    except Exception:  # noqa: BLE001 - user-defined types and defaults may compile to nothing at all
        text = _ADDRESS.sub("", repr(element))
    return " ".join(text.split())
