"""What the comparison of this environment does not look at."""

from __future__ import annotations

from collections.abc import Collection

from alembic.migration import MigrationContext

from alembic_review.worker import internals
from alembic_review.worker.compare.revision_hook import revision_hook
from alembic_review.worker.replay.catalogue import Snapshot

_NEVER = ("CHECK expressions", "EXCLUDE constraints", "primary key changes", "sequences")
_BY_PLUGINS = ("views", "functions", "triggers")
_COMPARED = {"compare_type": "column types", "compare_server_default": "server defaults"}
_CORE_PLUGINS = tuple(
    f"alembic.autogenerate.{name}" for name in ("schemas", "tables", "types", "constraints", "defaults", "comments")
)
"""What Alembic >= 1.18 splits its own comparison into; leaving one out silently compares less."""


def not_checked(context: MigrationContext, last: Snapshot, by_plugins: Collection[str] = ()) -> tuple[str, ...]:
    """One line for each thing that autogenerate, as env.py configured it, passes over.

    ``by_plugins`` are kinds of objects that a plugin compares.
    """
    options = context.opts
    *others, last_one = [*_NEVER, *(kind for kind in _BY_PLUGINS if kind not in by_plugins)]
    lines = [f"{', '.join(others)} and {last_one} (autogenerate does not compare them)"]
    lines += [
        f"{what} that the function {option} of env.py takes for equal"
        for option, what in _COMPARED.items()
        if callable(options.get(option))
    ]
    if not options.get("compare_server_default"):
        lines.append("server defaults (compare_server_default is not on in env.py)")
    if options.get("compare_type") is False:
        lines.append("column types (compare_type is off in env.py)")
    if context.dialect.name == "postgresql" and "enum values" not in by_plugins:
        lines.append("values of existing enum types")
    if not options.get("include_schemas"):
        schemas = sorted({key.schema for key, _ in last.tables.values() if key.schema is not None})
        if schemas:
            lines.append(f"tables in the schemas {', '.join(schemas)} (include_schemas is not on in env.py)")
    if revision_hook(context):
        lines.append("what process_revision_directives makes of the changes (they are shown as compared)")
    missing = missing_plugins(context)
    if missing:
        lines.append(f"{', '.join(missing)} (env.py's autogenerate_plugins leave them out)")
    return tuple(lines)


def missing_plugins(context: MigrationContext) -> list[str]:
    """The parts of Alembic's own comparison that the ``autogenerate_plugins`` of env.py leave out."""
    if context.opts.get("autogenerate_plugins") is None:
        return []
    plugins, _ = internals.autogenerate_plugins(context)
    return [name for name in _CORE_PLUGINS if plugins and name not in plugins]
