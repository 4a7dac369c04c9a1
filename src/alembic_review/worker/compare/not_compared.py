"""What the comparison of this environment does not look at."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy import Column, Table

from alembic_review.worker import internals
from alembic_review.worker.compare.comparison import metadatas
from alembic_review.worker.compare.revision_hook import revision_hook
from alembic_review.worker.replay.catalogue import Snapshot

_NEVER = ("CHECK expressions", "EXCLUDE constraints", "primary key changes", "sequences")
_BY_PLUGINS = ("views", "functions", "triggers")
_COMPARED = {"compare_type": "column types", "compare_server_default": "server defaults"}
_CORE_PLUGINS = tuple(
    f"alembic.autogenerate.{name}" for name in ("schemas", "tables", "types", "constraints", "defaults", "comments")
)
"""What Alembic >= 1.18 splits its own comparison into; leaving one out silently compares less."""


def not_checked(
    context: MigrationContext, last: Snapshot, by_plugins: Collection[str] = (), *, blind_spots: bool = False
) -> tuple[str, ...]:
    """One line for each thing that autogenerate, as env.py configured it, passes over.

    ``by_plugins`` are kinds of objects that a plugin compares. With ``blind_spots``, what the proof of that name
    compares is left out.
    """
    options = context.opts
    lines = _never_compared(by_plugins, blind_spots=blind_spots)
    if not blind_spots:
        lines += _switched_off(context, by_plugins)
    if not options.get("include_schemas"):
        schemas = sorted({key.schema for key, _ in last.tables.values() if key.schema is not None})
        if schemas:
            lines.append(f"tables in the schemas {', '.join(schemas)} (include_schemas is not enabled in env.py)")
    if revision_hook(context):
        lines.append("edits by process_revision_directives (the report shows the result of the comparison)")
    if options.get("target_metadata") is not None:
        tables = [table for each in metadatas(context) for table in each.tables.values()]
        lines += _left_out(context, tables)
        if not blind_spots:
            lines += _of_models(context, tables)
    missing = missing_plugins(context)
    if missing:
        lines.append(f"{', '.join(missing)} (autogenerate_plugins in env.py exclude them)")
    return tuple(lines)


def _never_compared(by_plugins: Collection[str], *, blind_spots: bool) -> list[str]:
    left = [*(() if blind_spots else _NEVER), *(kind for kind in _BY_PLUGINS if kind not in by_plugins)]
    if not left:
        return []
    *others, last_one = left
    shown = f"{', '.join(others)} and {last_one}" if others else last_one
    return [f"{shown} (autogenerate does not compare them)"]


def _switched_off(context: MigrationContext, by_plugins: Collection[str]) -> Iterator[str]:
    options = context.opts
    for option, what in _COMPARED.items():
        if callable(options.get(option)):
            yield f"{what} that the function {option} of env.py treats as equal"
    if not options.get("compare_server_default"):
        yield "server defaults (compare_server_default is not enabled in env.py)"
    if options.get("compare_type") is False:
        yield "column types (compare_type is off in env.py)"
    if context.dialect.name == "postgresql" and "enum values" not in by_plugins:
        yield "values of existing enum types"


def _of_models(context: MigrationContext, tables: Sequence[Table]) -> Iterator[str]:
    """What else Alembic does not compare, where the models have any of it."""
    indexes = [index for table in tables for index in table.indexes]
    name = context.dialect.name
    if any(index.dialect_options[name].get("where") is not None for index in indexes):
        yield "conditions of partial indexes (autogenerate does not compare them)"
    if name == "sqlite" and any(not isinstance(one, Column) for index in indexes for one in index.expressions):
        yield "indexes on expressions (autogenerate does not compare them on SQLite)"
    if any(column.computed is not None for table in tables for column in table.columns):
        yield "expressions of generated columns (autogenerate does not change them)"


def _left_out(context: MigrationContext, tables: Sequence[Table]) -> Iterator[str]:
    """What Alembic takes for no part of the models."""
    system = sorted(f"{table.name}.{column.name}" for table in tables for column in table.columns if column.system)
    if system:
        yield f"columns with system=True: {', '.join(system)} (autogenerate takes them for the database's own)"
    version = internals.version_tables(context)
    if any(_named(table, context) == version for table in tables):
        yield f"the model of {version[0]} (autogenerate leaves Alembic's version table out)"


def _named(table: Table, context: MigrationContext) -> tuple[str, Any]:
    return table.name, table.schema if table.schema != context.dialect.default_schema_name else None


def missing_plugins(context: MigrationContext) -> list[str]:
    """The parts of Alembic's own comparison that the ``autogenerate_plugins`` of env.py leave out."""
    if context.opts.get("autogenerate_plugins") is None:
        return []
    plugins, _ = internals.autogenerate_plugins(context)
    return [name for name in _CORE_PLUGINS if plugins and name not in plugins]
