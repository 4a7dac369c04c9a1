"""What plain Alembic finds in an application: upgrade to all heads, then ``compare_metadata``.

Runs in the application's own environment, against the empty database that its conf file names:
``plain_alembic.py CONF OUTPUT`` writes the list of changes to OUTPUT as JSON. Nothing of alembic-review is used here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData


def flatten(diffs: list[Any]) -> list[tuple[Any, ...]]:
    """The entries of ``compare_metadata``; changes of one column come as a list of their own."""
    return [entry for diff in diffs for entry in (diff if isinstance(diff, list) else [diff])]


def describe(entry: tuple[Any, ...]) -> dict[str, Any]:
    """One entry as kind, schema, table, name and columns."""
    kind = entry[0]
    if kind in {"add_table", "remove_table", "add_table_comment", "remove_table_comment"}:
        table, name, columns = entry[1], None, []
    elif kind in {"add_column", "remove_column"}:
        return {"kind": kind, "schema": entry[1], "table": entry[2], "name": entry[3].name, "columns": [entry[3].name]}
    elif kind.startswith("modify_"):
        return {"kind": kind, "schema": entry[1], "table": entry[2], "name": entry[3], "columns": [entry[3]]}
    elif kind in {"add_index", "remove_index", "add_constraint", "remove_constraint", "add_fk", "remove_fk"}:
        item = entry[1]
        table, name = item.table, item.name
        columns = [column.name for column in getattr(item, "columns", [])]
    else:
        message = f"a change that this recorder can't describe: {entry!r}"
        raise ValueError(message)
    return {"kind": kind, "schema": table.schema, "table": table.name, "name": name, "columns": columns}


def observe(conf: str) -> dict[str, Any]:
    """Upgrade and compare, as a developer would by hand."""
    config = Config(conf)
    command.upgrade(config, "heads")
    return compared(config)


def compared(config: Config) -> dict[str, Any]:
    """What the models and an upgraded database have for each other."""
    script = ScriptDirectory.from_config(config)
    seen: dict[str, Any] = {}

    def compare(_revision: object, context: Any) -> list[Any]:
        metadata = context.opts["target_metadata"]
        # An env.py may change where the revisions are, so they are read only here.
        seen.update(described(script, metadata, compare_metadata(context, metadata)))
        return []

    with EnvironmentContext(config, script, fn=compare):
        script.run_env()
    return seen


def described(script: ScriptDirectory, metadata: MetaData, diffs: list[Any]) -> dict[str, Any]:
    """Revisions, heads, tables and changes as they are recorded."""
    return {
        "revisions": len(list(script.walk_revisions())),
        "heads": sorted(script.get_heads()),
        "tables": sorted(table.fullname for table in metadata.tables.values()),
        "changes": sorted(map(describe, flatten(diffs)), key=lambda change: json.dumps(list(change.values()))),
    }


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(observe(sys.argv[1]), indent=1) + "\n", encoding="utf-8")
