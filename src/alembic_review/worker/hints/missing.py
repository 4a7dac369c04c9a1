"""What the scratch database or its server does not have: one row per kind of object."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from alembic_review.worker.hints import extensions
from alembic_review.worker.hints.fault import Fault

_BEFORE = "If it is created outside Alembic, create it in the SQL file of the setting `before`."
_NOT_THERE = "is not installed in the scratch database, or not in a schema of its search_path"
_ONLY = "Only env.py and the revisions create objects in the scratch database"


class Row(NamedTuple):
    """``pattern`` matches the first line of a message with one of these SQLSTATEs; its group is the object's name."""

    codes: tuple[str, ...]
    pattern: str
    kind: str
    hint: Callable[[str, str, Fault], str]


def hint(fault: Fault) -> str:
    """The hint for a missing object, or an empty string."""
    if fault.of_sqlite:
        return _missing_in_sqlite(fault)
    for row in ROWS:
        found = re.search(row.pattern, fault.text) if fault.code in row.codes else None
        if found is not None:
            name = found.group(1) if found.groups() else ""
            extension = extensions.bringing(row.kind, name)
            if extension and row.hint is not _not_installed:
                return _of_extension(row.kind, name, extension, fault)
            return row.hint(row.kind, name, fault)
    return ""


def _of_extension(kind: str, name: str, extension: str, fault: Fault) -> str:
    where = "this revision or an earlier one" if fault.revision else "the first revision"
    if kind == "extension":
        what = f"The extension {name} is not installed in the scratch database"
    elif kind == "default operator class":
        what = f"{name}'s operator classes for scalar types are part of the extension {extension}, which {_NOT_THERE}"
    else:
        what = f"The {kind} {name} is part of the extension {extension}, which {_NOT_THERE}"
    quoted = extensions.statement(extension)
    quotes = "'" if "'" not in quoted else '"""'
    return (
        f"{what}. Add op.execute({quotes}{quoted}{quotes}) to {where}; if the extension is created outside Alembic, "
        "add that SQL to the file of the setting `before`."
    )


def _not_installed(_kind: str, name: str, fault: Fault) -> str:
    server = fault.server
    other = "another server" if server.kind == "given" else "a server that has it"
    return (
        f"The extension {name} is not installed on {server}. {extensions.how_to_install(name, server)}, or name "
        f"{other} with --server URL."
    )


def _needs_preloading(_kind: str, _name: str, fault: Fault) -> str:
    return (
        f"This extension has to be in shared_preload_libraries, but {fault.server} does not load it. Use --server URL "
        "to name a server that loads it."
    )


def _role(_kind: str, name: str, fault: Fault) -> str:
    return (
        f"Roles are shared by all databases of a server, and {fault.server} has no role {name}. Use --server URL to "
        "name a server that has it, or create the role if it is missing, in a revision or in the SQL file of the "
        f"setting `before`: DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {_literal(name)}) THEN "
        f"CREATE ROLE {_quoted(name)}; END IF; END $$"
    )


def _tablespace(_kind: str, name: str, fault: Fault) -> str:
    return (
        f"Tablespaces are shared by all databases of a server, and {fault.server} has no tablespace {name}. Use "
        "--server URL to name a server that has it, or use the tablespace in the revision only if pg_tablespace "
        "lists it."
    )


def _collation(_kind: str, name: str, fault: Fault) -> str:
    icu = " The embedded PostgreSQL is built without ICU." if fault.server.kind == "embedded" else ""
    return (
        f"The collation {name} does not exist on {fault.server}: PostgreSQL takes collations from the machine's "
        f"locales and from ICU.{icu} Use --server URL to name a server that has it, or create it in a revision "
        "(CREATE COLLATION)."
    )


def _locale(_kind: str, name: str, fault: Fault) -> str:
    return (
        f"The host of {fault.server} does not have the locale {name}. Generate the locale there, or name a server "
        "that has it with --server URL."
    )


def _icu(_kind: str, _name: str, fault: Fault) -> str:
    instead = ""
    if fault.server.kind == "embedded":
        instead = " A PostgreSQL that is installed on this machine is used instead of the embedded one."
    return (
        f"{_first_upper(str(fault.server))} is built without ICU. Use --server URL to name a server with ICU.{instead}"
    )


def _schema(_kind: str, name: str, _fault: Fault) -> str:
    if not name:
        return (
            f"{_ONLY}, and no schema of the search_path exists: add op.execute('CREATE SCHEMA IF NOT EXISTS …') to a "
            "revision, or create it in env.py or in the SQL file of the setting `before`."
        )
    return (
        f"{_ONLY}, and none of them has created the schema {name} so far: add op.execute('CREATE SCHEMA IF NOT EXISTS "
        f"{_quoted(name)}') to a revision. {_BEFORE}"
    )


def _database(_kind: str, name: str, fault: Fault) -> str:
    return (
        f"The scratch database has a random name, and {fault.server} has no database {name}. In the revision, get the "
        "name from current_database(), for example DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO …', "
        "current_database()); END $$"
    )


def _relation(_kind: str, name: str, fault: Fault) -> str:
    if not fault.revision:
        return ""  # told by another family, or unclear
    return (
        f"{_ONLY}, and none of them has created {name} so far. If the table is older than the first revision, set "
        "`before` to a file with its SQL (pg_dump --schema-only). Revisions are applied in the order of "
        "version_locations and depends_on."
    )


def _function(_kind: str, name: str, _fault: Fault) -> str:
    return f"{_ONLY}, and none of them has created a function {name} with these arguments so far. {_BEFORE}"


def _object(kind: str, name: str, _fault: Fault) -> str:
    return f"{_ONLY}, and none of them has created the {kind} {name} so far. {_BEFORE}"


def _privilege(_kind: str, _name: str, fault: Fault) -> str:
    if fault.server.kind != "given":
        return ""  # the replay is a superuser on servers of our own: the revision itself changed the role
    return "The user in the URL of --server lacks this privilege; name a superuser, or leave out --server."


def _missing_in_sqlite(fault: Fault) -> str:
    found = re.search(r"no such table: (\S+)", fault.text)
    return _relation("table", found.group(1), fault) if found else ""


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


# https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNDEFINED_OBJECT = ("42704",)
_PRELOADING = ("55000", "F0000", "XX000", "22023")  # each extension takes another
_NAMED = r'"(.+)" does not exist'
# What btree_gin and btree_gist cover: https://www.postgresql.org/docs/current/btree-gist.html
_SCALAR = (
    "smallint|integer|bigint|real|double precision|numeric|money|oid|text|character|character varying|name|bytea|bit|"
    "bit varying|boolean|uuid|date|interval|(?:time|timestamp) with(?:out)? time zone|inet|cidr|macaddr8?"
)
_NO_OPERATOR_CLASS = rf'^data type (?:{_SCALAR}) has no default operator class for access method "(gin|gist)"'

ROWS: tuple[Row, ...] = (
    Row(("0A000",), r'^extension "(.+)" is not available', "extension", _not_installed),
    Row(("58P01",), r'^could not open extension control file ".*/([^/]+)\.control"', "extension", _not_installed),
    Row(("58P01",), r'^could not access file "(?:.*/)?([^/"]+)"', "extension", _not_installed),
    Row(_PRELOADING, r"shared_preload_libraries|must be preloaded", "extension", _needs_preloading),
    Row(("0A000",), r"ICU is not supported in this build", "collation", _icu),
    Row(_UNDEFINED_OBJECT, r'^required extension "(.+)" is not installed', "extension", _object),
    Row(_UNDEFINED_OBJECT, rf"^extension {_NAMED}", "extension", _object),
    Row(_UNDEFINED_OBJECT, rf"^type {_NAMED}", "type", _object),
    Row((*_UNDEFINED_OBJECT, "22023"), rf"^role {_NAMED}", "role", _role),
    Row(_UNDEFINED_OBJECT, r'^collation "(.+?)" (?:for encoding ".+" )?does not exist', "collation", _collation),
    Row(("22023",), r'^could not create locale "(.+)"', "locale", _locale),
    Row(_UNDEFINED_OBJECT, rf"^tablespace {_NAMED}", "tablespace", _tablespace),
    Row(("22023",), r'^invalid value for parameter "\w+_tablespaces?": "(.+)"', "tablespace", _tablespace),
    Row(_UNDEFINED_OBJECT, rf"^text search configuration {_NAMED}", "text search configuration", _object),
    Row(_UNDEFINED_OBJECT, rf"^text search dictionary {_NAMED}", "text search dictionary", _object),
    Row(_UNDEFINED_OBJECT, rf"^text search (?:parser|template) {_NAMED}", "text search object", _object),
    Row(_UNDEFINED_OBJECT, rf"^language {_NAMED}", "language", _object),
    Row(_UNDEFINED_OBJECT, r'^operator class "(.+?)" does not exist', "operator class", _object),
    Row(_UNDEFINED_OBJECT, _NO_OPERATOR_CLASS, "default operator class", _object),
    Row(_UNDEFINED_OBJECT, rf"^access method {_NAMED}", "access method", _object),
    Row(_UNDEFINED_OBJECT, rf"^foreign-data wrapper {_NAMED}", "foreign-data wrapper", _object),
    Row(_UNDEFINED_OBJECT, rf"^(?:server|foreign server) {_NAMED}", "foreign server", _object),
    Row(_UNDEFINED_OBJECT, rf"^publication {_NAMED}", "publication", _object),
    Row(("42883",), r"^function (.+?)\(.*\) does not exist", "function", _function),
    Row(("3F000",), rf"^schema {_NAMED}", "schema", _schema),
    Row(("3F000",), r"^no schema has been selected", "schema", _schema),
    Row(("3D000",), rf"^database {_NAMED}", "database", _database),
    Row(("42P01",), rf"^relation {_NAMED}", "relation", _relation),
    Row(("42501",), r"", "privilege", _privilege),
)
