"""What exists already when a revision creates it."""

from __future__ import annotations

import re

from alembic_review.worker.hints.fault import Fault

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_DUPLICATE_TABLE, _DUPLICATE_SCHEMA, _DUPLICATE_OBJECT, _DUPLICATE_COLUMN = "42P07", "42P06", "42710", "42701"


def hint(fault: Fault) -> str:
    """Who created the object first, where the replay has seen it."""
    if not fault.revision:
        return ""
    table = _existing_table(fault)
    if table:
        return _of_table(table, fault)
    if fault.code == _DUPLICATE_SCHEMA:
        return "Write CREATE SCHEMA IF NOT EXISTS: another revision, env.py or PostgreSQL itself created the schema."
    found = re.search(r'^(\w+) "(.+)" already exists', fault.text) if fault.code == _DUPLICATE_OBJECT else None
    return _of_object(found.group(1), found.group(2), fault) if found is not None else ""


def _existing_table(fault: Fault) -> str:
    pattern = r"^table (\S+) already exists" if fault.of_sqlite else r'^relation "(.+)" already exists'
    found = re.search(pattern, fault.text) if fault.of_sqlite or fault.code == _DUPLICATE_TABLE else None
    return found.group(1).strip('"') if found is not None else ""


def _of_table(name: str, fault: Fault) -> str:
    if name not in fault.created:
        return ""  # an index, a sequence or a view: the replay notes tables only
    creator = fault.created[name]
    if creator:
        return (
            f"Revision {creator}, which was applied earlier, created the table {name}. Only one revision may create a "
            "table: remove op.create_table() from one of the two."
        )
    return (
        f"No revision created the table {name}: it was created before the first revision, by env.py, by a module that "
        "env.py imports or by the setting `before`. Create the table in a revision only."
    )


def _of_object(kind: str, name: str, fault: Fault) -> str:
    if kind == "type":
        return (
            f"An earlier revision, or an earlier statement of this one, created the type {name}. For a second table "
            f"that uses the type, write postgresql.ENUM(…, name='{name}', create_type=False)."
        )
    if kind == "role":
        return (
            f"Roles are shared by all databases of a server, and {fault.server} already has the role {name}. Create "
            "it only if pg_roles does not list it."
        )
    return f"Write CREATE EXTENSION IF NOT EXISTS {name}." if kind == "extension" else ""
