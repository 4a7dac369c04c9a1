"""The Python that Alembic would write for an operation, and the SQL it would run."""

from __future__ import annotations

import io
import os
import re
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from sqlalchemy import schema
from sqlalchemy.engine import Dialect

from alembic_review.worker import internals
from alembic_review.worker.worker_errors import WorkerError, application_frames, at, describe

_ADDRESS = re.compile(r" (?:object )?at 0x[0-9a-f]+")
_IMPORT = re.compile(r"^(?:import|from) [^$\n(]+$", re.MULTILINE)
# What running a revision raises that has to be edited first: names that it does not import, types without a full repr.
_UNFINISHED = (NameError, SyntaxError, AttributeError, TypeError)


class Renderer:
    """Renders operations as the environment of ``context`` would."""

    def __init__(self, context: MigrationContext) -> None:
        self._context = context
        self._autogen = AutogenContext(context)
        self._buffer = io.StringIO()
        # As the env.py of Alembic's templates configures `alembic upgrade --sql`.
        self._offline = MigrationContext.configure(
            dialect=internals.offline_dialect(context.dialect),
            opts={"as_sql": True, "output_buffer": self._buffer, "literal_binds": True},
        )
        self._names = self._names_of_template()

    def python(self, operation: ops.MigrateOperation, parent: ops.ModifyTableOps | None) -> str:
        """What stands in a revision's ``upgrade()`` for this one operation. Raises ``WorkerError``."""
        inner: Any = operation
        if self._context.opts.get("render_as_batch") and parent is not None:
            inner = ops.ModifyTableOps(parent.table_name, [operation], schema=parent.schema)
        try:
            text = internals.render_python(ops.UpgradeOps([inner]), self._autogen)
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

    def sql(self, operation: ops.MigrateOperation, python: str) -> str | None:
        """The statements that ``alembic upgrade --sql`` prints for an operation whose Python a revision has.

        ``None`` where they can't be known without a database. Where the Python does not run before somebody edits it,
        they are those of the operation itself.
        """
        try:
            return self._printed(lambda: self._run(python, self._offline))
        except _UNFINISHED:
            with suppress(Exception):
                return self._printed(lambda: Operations(self._offline).invoke(_without_flags(operation)))
        except Exception:  # noqa: BLE001, S110 - plugins raise what they like; the report then goes without SQL
            pass
        return None

    def _printed(self, work: Callable[[], object]) -> str | None:
        self._buffer.seek(0)
        self._buffer.truncate()
        work()
        return self._buffer.getvalue().strip() or None

    def perform(self, operation: ops.MigrateOperation, python: str, context: MigrationContext) -> None:
        """Run the Python of an operation as a revision does. Where somebody has to edit it first, run the operation."""
        try:
            self._run(python, context)
        except _UNFINISHED:
            Operations(context).invoke(_without_flags(operation))

    def _run(self, python: str, context: MigrationContext) -> None:
        """Run a part of ``upgrade()`` with the names that its module has."""
        names = _Names(self._names)
        names[self._autogen.opts["alembic_module_prefix"].rstrip(".")] = Operations(context)
        for line in sorted(self._autogen.imports):
            exec(line, names)  # noqa: S102 - an import statement that Alembic writes into the revision
        exec(python, names)  # noqa: S102 - what Alembic writes into the revision, and its users run

    def _names_of_template(self) -> dict[str, Any]:
        """What the imports of ``script.py.mako`` bind; those that fail bind nothing."""
        names: dict[str, Any] = {self._autogen.opts["sqlalchemy_module_prefix"].rstrip("."): sqlalchemy}
        script = self._context.script
        path = os.path.join(script.dir, "script.py.mako") if script is not None else ""
        text = ""
        with suppress(OSError, UnicodeError), open(path, encoding="utf-8") as file:
            text = file.read()
        for line in _IMPORT.findall(text):
            with suppress(Exception):
                exec(line, names)  # noqa: S102 - an import statement that every revision begins with
        return names


class _Names(dict[str, Any]):
    """The globals of a revision; a module that is imported anywhere is found by its name, as types are written."""

    def __missing__(self, name: str) -> Any:
        if name in sys.modules:
            return sys.modules[name]
        raise KeyError(name)


def _without_flags(operation: ops.MigrateOperation) -> ops.MigrateOperation:
    """The operation without the ``index`` and ``unique`` of a new column, for which Alembic has operations as well."""
    if not isinstance(operation, ops.AddColumnOp):
        return operation
    column = getattr(operation.column, internals.COLUMN_COPY)()
    column.index = column.unique = None
    return ops.AddColumnOp(operation.table_name, column, schema=operation.schema)


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
