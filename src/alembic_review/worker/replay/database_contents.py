"""What a database contains, listed object by object, and how a later list differs.

The tables of PostgreSQL are compared through the catalogue's digests and, where these differ, its details.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from alembic_review.worker.replay.catalogue import Catalogue, Definition, Details, Snapshot

Identity = tuple[str, Any]
"""A kind of object, and what identifies the object through a rename where the database has such a thing."""

_OWN = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"
_NOT_OF_EXTENSION = """NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = '{0}'::regclass
    AND d.objid = {1}.oid AND d.deptype = 'e')"""

# Constants put together; what an application brings is never part of this text.
_POSTGRESQL = f"""
SELECT 'schema', n.oid, n.nspname::text, '', n.nspacl::text FROM pg_catalog.pg_namespace n WHERE {_OWN}
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
    WHEN 'c' THEN 'type' ELSE 'table' END, c.oid, concat_ws('.', n.nspname, c.relname),
  CASE c.relkind WHEN 'S' THEN (SELECT concat_ws(' ', q.seqtypid, q.seqstart, q.seqincrement, q.seqmin, q.seqmax,
      q.seqcycle) FROM pg_catalog.pg_sequence q WHERE q.seqrelid = c.oid)
    WHEN 'c' THEN (SELECT string_agg(a.attname || ' ' || a.atttypid || ' ' || a.atttypmod, ', ' ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped)
    WHEN 'v' THEN (SELECT string_agg(w.ctid::text, '') FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid)
    WHEN 'm' THEN (SELECT string_agg(w.ctid::text, '') FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid)
    ELSE '' END,
  concat(c.relacl::text, (SELECT string_agg(a.attname || a.attacl::text, '' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL), ' ', c.relowner)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND c.oid >= 16384 AND {_OWN}
UNION ALL
SELECT 'function', p.oid, concat_ws('.', n.nspname, p.proname),
  concat_ws(' ', md5(p.prosrc), p.prorettype, p.provolatile, p.prosecdef, p.proconfig::text), p.proacl::text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.oid >= 16384 AND {_OWN} AND {_NOT_OF_EXTENSION.format("pg_catalog.pg_proc", "p")}
UNION ALL
SELECT 'extension', e.oid, e.extname::text, e.extversion, '' FROM pg_catalog.pg_extension e WHERE e.oid >= 16384
UNION ALL
SELECT 'event trigger', v.oid, v.evtname::text, v.evtevent::text, '' FROM pg_catalog.pg_event_trigger v
"""  # noqa: S608 - as said above

_SQLITE = "SELECT type, name, name, sql, NULL FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"

# Neither the comparison nor a later revision depends on these settings of a table.
LIGHT_SETTINGS = frozenset(
    {"owner", "row security", "storage", "replica identity", "triggers of foreign keys"},
)


@dataclass(frozen=True)
class Thing:
    """One object: how messages call it, its definition as far as that is compared, and who may use it."""

    kind: str
    name: str
    text: str = ""
    privileges: str = ""

    def __str__(self) -> str:
        return f"the {self.kind} {self.name}"


@dataclass(frozen=True)
class Listed:
    """Every object; ``snapshot`` and ``details`` are those of the catalogue, for PostgreSQL only."""

    things: Mapping[Identity, Thing]
    snapshot: Snapshot = field(default_factory=lambda: Snapshot({}, {}))
    details: Mapping[Any, Details] = field(default_factory=dict)


class Difference(NamedTuple):
    """An object that differs: ``what`` it is in words, and the ``table`` that it is part of, by identity.

    ``how`` is ``missing``, ``changed``, ``added``, ``settings`` or ``privileges``.
    """

    what: str
    how: str
    identity: Identity
    table: Any = None


def listed(catalogue: Catalogue, connection: Connection, earlier: Listed | None = None) -> Listed:
    """What there is now; details are read only of tables that are not as in ``earlier``."""
    if connection.dialect.name != "postgresql":
        return Listed(things(connection))
    snapshot = catalogue.snapshot(connection, digests=True)
    before = earlier or Listed({})
    touched = [one for one, entry in snapshot.tables.items() if before.snapshot.tables.get(one) != entry]
    details = {**before.details, **catalogue.details(connection, touched)}
    return Listed(things(connection), snapshot, details)


def listed_as(connection: Connection, snapshot: Snapshot, details: Mapping[Any, Details]) -> Listed:
    """The same where the snapshot, with digests, and the details of all its tables have been read already."""
    if connection.dialect.name != "postgresql":
        return Listed(things(connection))
    return Listed(things(connection), snapshot, dict(details))


def things(connection: Connection) -> dict[Identity, Thing]:
    """Every object but the parts of tables and the values of types."""
    query = _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE
    rows = connection.exec_driver_sql(query).fetchall()
    return {(kind, one): Thing(kind, name, text or "", privileges or "") for kind, one, name, text, privileges in rows}


def differences(before: Listed, after: Listed) -> Iterator[Difference]:
    """How ``after`` differs, in the order of ``before``, without the parts of missing and additional objects."""
    for identity, thing in before.things.items():
        now = after.things.get(identity)
        if now is None:
            yield Difference(str(thing), "missing", identity)
        elif now.name != thing.name:
            yield Difference(f"{thing} (now {now.name})", "changed", identity)
        elif now.text != thing.text:
            extended = thing.kind == "table" and _is_extended(thing.text, now.text)
            what = f"columns of {thing.name}" if extended else str(thing)
            yield Difference(what, "added" if extended else "changed", identity)
        elif now.privileges != thing.privileges:
            yield Difference(f"privileges or the owner of {thing.name}", "privileges", identity)
    yield from _table_differences(before, after)
    yield from _type_differences(before.snapshot, after.snapshot)
    for identity, thing in after.things.items():
        if identity not in before.things:
            yield Difference(str(thing), "added", identity)


def _table_differences(before: Listed, after: Listed) -> Iterator[Difference]:
    for one, entry in before.snapshot.tables.items():
        now = after.snapshot.tables.get(one)
        if now is None or now == entry:
            continue
        table = now[0].name
        old, new = before.details.get(one, {}), after.details.get(one, {})
        for kind, name in _ordered({**old, **new}):
            if old.get((kind, name)) == new.get((kind, name)):
                continue
            how = "added" if (kind, name) not in old else "missing" if (kind, name) not in new else "changed"
            if kind == "setting" and name in LIGHT_SETTINGS:
                yield Difference(f"settings of the table {table}", "settings", ("table", one), one)
            elif kind == "table":
                commented = not old.get((kind, name), Definition("")).text
                yield Difference(f"the comment of {table}", "added" if commented else "changed", ("table", one), one)
            else:
                what = f"the {kind} {table}.{name}" if kind == "column" else f"the {kind} {name} of {table}"
                yield Difference(what, how, (kind, (one, name)), one)


def _ordered(items: Iterable[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    return sorted(items, key=lambda item: (item[0], item[1] or ""))


def _type_differences(before: Snapshot, after: Snapshot) -> Iterator[Difference]:
    for one, (name, *values) in before.types.items():
        found = after.types.get(one)
        if found is None:
            yield Difference(f"the type {name}", "missing", ("type", one))
        elif found != (name, *values):
            extended = found[0] == name and [value for value in found[1:] if value in values] == values
            what = f"values of the type {name}" if extended else f"the type {name}"
            yield Difference(what, "added" if extended else "changed", ("type", one))
    for one, (name, *_) in after.types.items():
        if one not in before.types:
            yield Difference(f"the type {name}", "added", ("type", one))


def _is_extended(old: str, new: str) -> bool:
    """SQLite writes an additional column into the text of its table (https://www.sqlite.org/lang_altertable.html)."""
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    added = len(new) - len(old)
    return added > 0 and any(
        new.endswith(old[cut:]) and "," in (new[cut : cut + added].lstrip()[:1], new[cut : cut + added].rstrip()[-1:])
        for cut in range(max(0, same - 2), same + 1)
    )
