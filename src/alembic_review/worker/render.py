"""The Python that Alembic would write for an operation, and the SQL it would run."""

from __future__ import annotations

import io
import re
import traceback
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from sqlalchemy import schema
from sqlalchemy.engine import Dialect

from alembic_review.worker import private
from alembic_review.worker.problems import WorkerError, application_frames, at, describe

_ADDRESS = re.compile(r" (?:object )?at 0x[0-9a-f]+")


class Renderer:
    """Renders operations as the environment of ``context`` would."""

    def __init__(self, context: MigrationContext) -> None:
        self._context = context
        self._autogen = AutogenContext(context)
        self._buffer = io.StringIO()
        self._offline = MigrationContext.configure(
            dialect=context.dialect,
            opts={"as_sql": True, "output_buffer": self._buffer},
        )

    def python(self, operation: ops.MigrateOperation, parent: ops.ModifyTableOps | None) -> str:
        """What stands in a revision's ``upgrade()`` for this one operation. Raises ``WorkerError``."""
        inner: Any = operation
        if self._context.opts.get("render_as_batch") and parent is not None:
            inner = ops.ModifyTableOps(parent.table_name, [operation], schema=parent.schema)
        try:
            text = private.render_python(ops.UpgradeOps([inner]), self._autogen)
        except Exception as error:
            raise self._failed(operation, error) from error
        return "\n".join(_without_markers(text)).strip()

    def with_imports(self, operation: ops.MigrateOperation) -> tuple[str, set[str]]:
        """The Python of an operation, and the import lines that it needs. Raises ``WorkerError``."""
        before, self._autogen.imports = self._autogen.imports, set()
        try:
            return self.python(operation, None), set(self._autogen.imports)
        finally:
            self._autogen.imports = before | self._autogen.imports

    def _failed(self, operation: ops.MigrateOperation, error: Exception) -> WorkerError:
        function = self._context.opts.get("render_item")
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        guilty = code is not None and any(frame.f_code is code for frame, _ in traceback.walk_tb(error.__traceback__))
        what = f" in render_item ({code.co_filename}:{code.co_firstlineno})" if code is not None and guilty else ""
        return WorkerError(
            f"Rendering {type(operation).__name__} as Python failed{what}: "
            f"{describe(error)}{at(application_frames(error.__traceback__))}",
            "Correct render_item in env.py." if guilty else "--debug shows the whole traceback.",
        )

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
