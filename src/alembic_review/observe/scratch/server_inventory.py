"""What a given PostgreSQL server has outside its databases' contents, to be compared before and after a run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Query = Callable[[str], Sequence[Any]]
"""Executes a statement without parameters and returns its rows."""

# Of each: kind, identity, name, owner, and the attributes as JSON. Identities survive a new name.
_OBJECTS = """
SELECT 'role', r.oid::text, r.rolname::text, NULL,
       (to_jsonb(r) - 'oid' - 'rolname' - 'rolpassword' - 'rolconfig'
        || jsonb_build_object('comment', shobj_description(r.oid, 'pg_authid')))::text
FROM pg_catalog.pg_roles r
UNION ALL
SELECT 'database', d.oid::text, d.datname::text, d.datdba::regrole::text,
       jsonb_build_object('owner', d.datdba::regrole, 'allow_connections', d.datallowconn,
                          'connection limit', d.datconnlimit, 'template', d.datistemplate,
                          'tablespace', d.dattablespace,
                          'privileges', d.datacl::text, 'comment', shobj_description(d.oid, 'pg_database'))::text
FROM pg_catalog.pg_database d
UNION ALL
SELECT 'tablespace', s.oid::text, s.spcname::text, s.spcowner::regrole::text,
       jsonb_build_object('owner', s.spcowner::regrole, 'privileges', s.spcacl::text, 'options', s.spcoptions::text,
                          'comment', shobj_description(s.oid, 'pg_tablespace'))::text
FROM pg_catalog.pg_tablespace s
UNION ALL
SELECT 'membership', concat(m.member, ' in ', m.roleid), concat('of ', m.member::regrole, ' in ', m.roleid::regrole),
       m.member::regrole::text, jsonb_object_agg('by ' || m.grantor::regrole,
                                                 to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor')::text
FROM pg_catalog.pg_auth_members m GROUP BY m.member, m.roleid
UNION ALL
SELECT 'setting', concat(s.setrole, ' in ', s.setdatabase),
       concat_ws(' ', 'of', 'role ' || r.rolname, 'database ' || d.datname), d.datdba::regrole::text,
       jsonb_build_object('values', md5(s.setconfig::text))::text
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
UNION ALL
SELECT 'replication slot', slot_name::text, slot_name::text, NULL, jsonb_build_object('database', database)::text
FROM pg_catalog.pg_replication_slots s WHERE to_jsonb(s) ->> 'temporary' IS DISTINCT FROM 'true'
"""
# Not everybody may read these.
_FILES = """
SELECT 'setting', 'file ' || name, 'of the server ' || name, NULL,
       jsonb_build_object('values', jsonb_agg(md5(coalesce(setting, '')) ORDER BY seqno))::text
FROM pg_catalog.pg_file_settings GROUP BY name
"""
_PASSWORDS = (
    "SELECT 'role', oid::text, rolname::text, NULL, "
    "jsonb_build_object('password', md5(coalesce(rolpassword, '')))::text FROM pg_catalog.pg_authid"
)
_PARAMETERS = (
    "SELECT 'parameter', parname::text, parname::text, NULL, jsonb_build_object('privileges', paracl::text)::text "
    "FROM pg_catalog.pg_parameter_acl"
)
_MAY_READ = (
    "SELECT has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE'), "
    "has_table_privilege('pg_catalog.pg_authid', 'SELECT'), to_regclass('pg_catalog.pg_parameter_acl') IS NOT NULL"
)
_MYSELF = "SELECT rolname::text, rolsuper, rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = session_user"

_NAME = r"(?:IF\s+NOT\s+EXISTS\s+)?(\"(?:[^\"]|\"\")+\"|[^\W\d][\w$]*)"
_CREATED = re.compile(rf"\bCREATE\s+(ROLE|USER|GROUP|DATABASE|TABLESPACE)\s+{_NAME}", re.IGNORECASE)
_RENAMED = re.compile(rf"\b(ROLE|USER|GROUP|DATABASE|TABLESPACE)\s+[^;]*?\sRENAME\s+TO\s+{_NAME}", re.IGNORECASE)
_KINDS = {"user": "role", "group": "role"}


@dataclass(frozen=True)
class Entry:
    """One role, database, tablespace, membership, setting, parameter or replication slot."""

    kind: str
    identity: str
    name: str
    owner: str | None
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Inventory:
    """Everything on the server that a role may see, and what that role may do."""

    entries: Mapping[tuple[str, str], Entry]
    user: str
    superuser: bool
    creates_roles: bool

    def could_change(self, entry: Entry) -> bool:
        """Whether this role may create or alter it; what it may not was done by somebody else."""
        if self.superuser:
            return True
        if entry.kind in {"role", "membership"}:
            return self.creates_roles or self.user in {entry.name, entry.owner}
        if entry.kind == "setting" and entry.name.startswith("of role "):
            return self.creates_roles or entry.name.split()[2] == self.user
        return entry.owner == self.user or entry.kind == "replication slot"


def take(query: Query) -> Inventory:
    """Look at the server from any of its databases."""
    ((user, superuser, creates_roles),) = query(_MYSELF)
    ((files, passwords, parameters),) = query(_MAY_READ)
    queries = [_OBJECTS, *([_FILES] * files), *([_PASSWORDS] * passwords), *([_PARAMETERS] * parameters)]
    entries: dict[tuple[str, str], Entry] = {}
    for one in queries:
        for kind, identity, name, owner, attributes in query(one):
            known = entries.get((kind, identity))
            merged = {**(known.attributes if known is not None else {}), **json.loads(attributes)}
            whose = known.owner if known is not None else owner
            entries[kind, identity] = Entry(kind, identity, name, whose, merged)
    return Inventory(entries, str(user), bool(superuser), bool(creates_roles))


def differing(before: Entry, after: Entry) -> tuple[str, ...]:
    """The names of the attributes that differ."""
    keys = sorted({*before.attributes, *after.attributes})
    changed = [key for key in keys if before.attributes.get(key) != after.attributes.get(key)]
    return (*(["name"] if before.name != after.name else []), *changed)


def created_by(statements: Collection[str]) -> set[tuple[str, str]]:
    """Kind and name of what these statements create outside the database, as far as they name it."""
    return {found for statement in statements for found in _created(statement)}


def _created(statement: str) -> Iterator[tuple[str, str]]:
    for pattern in (_CREATED, _RENAMED):
        for kind, name in pattern.findall(statement):
            plain = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
            yield _KINDS.get(kind.lower(), kind.lower()), plain
