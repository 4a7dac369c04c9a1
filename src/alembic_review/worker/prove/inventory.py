"""Everything that a database has, each item by a name and with its definition as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from alembic_review.model.keys import TableKey
from alembic_review.worker.prove.data.structure import execute
from alembic_review.worker.replay.catalogue import Catalogue, Details
from alembic_review.worker.replay.downgrade_differences import contents

_OWN = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"
_OF_EXTENSION = """NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
  WHERE d.classid = 'pg_catalog.{catalogue}'::regclass AND d.objid = {oid} AND d.deptype = 'e')"""

# What belongs to an extension comes and goes with it, and what belongs to a column with that.
_OTHERS = f"""
SELECT 'schema', NULL, n.nspname::text, '' FROM pg_catalog.pg_namespace n
  WHERE {_OWN} AND {_OF_EXTENSION.format(catalogue="pg_namespace", oid="n.oid")}
UNION ALL SELECT 'extension', NULL, extname::text, extversion::text FROM pg_catalog.pg_extension
UNION ALL SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, n.nspname, c.relname,
    pg_get_viewdef(c.oid)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('v', 'm') AND {_OWN} AND {_OF_EXTENSION.format(catalogue="pg_class", oid="c.oid")}
UNION ALL SELECT 'sequence', n.nspname, c.relname,
    concat_ws(' ', q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcycle, format_type(q.seqtypid, NULL))
  FROM pg_catalog.pg_sequence q JOIN pg_catalog.pg_class c ON c.oid = q.seqrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE {_OWN} AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i', 'e'))
UNION ALL SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, n.nspname,
    concat(p.proname, '(', pg_get_function_identity_arguments(p.oid), ')'),
    concat_ws(' ', p.prosrc, pg_get_function_result(p.oid), p.provolatile, p.proisstrict, p.prosecdef,
      p.proconfig::text, p.probin)
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE {_OWN} AND {_OF_EXTENSION.format(catalogue="pg_proc", oid="p.oid")}
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
UNION ALL SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, n.nspname, t.typname,
    concat_ws(' ', (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
        FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
      CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
      CASE WHEN t.typtype = 'd' AND t.typnotnull THEN 'NOT NULL' END, t.typdefault,
      (SELECT string_agg(concat(k.conname, ' ', pg_get_constraintdef(k.oid)), ' ' ORDER BY k.conname)
        FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid),
      (SELECT format_type(r.rngsubtype, NULL) FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid),
      (SELECT string_agg(concat(a.attname, ' ', format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped))
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  WHERE (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND {_OWN}
    AND {_OF_EXTENSION.format(catalogue="pg_type", oid="t.oid")}
UNION ALL SELECT 'collation', n.nspname, o.collname, concat_ws(' ', o.collprovider, o.collcollate)
  FROM pg_catalog.pg_collation o JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace WHERE {_OWN}
UNION ALL SELECT 'event trigger', NULL, evtname::text, concat_ws(' ', evtevent, evtfoid::regproc, evtenabled)
  FROM pg_catalog.pg_event_trigger
UNION ALL SELECT 'publication', NULL, pubname::text, '' FROM pg_catalog.pg_publication
UNION ALL SELECT 'server', NULL, srvname::text, '' FROM pg_catalog.pg_foreign_server
"""

# Rights that nobody granted yet are stored as NULL, and are the same as the default ones.
_PRIVILEGES = f"""
SELECT n.nspname, c.relname, (SELECT string_agg(one::text, ', ' ORDER BY one::text) FROM unnest(
    coalesce(c.relacl, acldefault('r', c.relowner))) one)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND {_OWN}
"""

_SQLITE = "SELECT 'view', NULL, name, sql FROM sqlite_master WHERE type = 'view'"


class Item(NamedTuple):
    """A thing of this ``kind``, in the table of this ``key`` where it belongs to one."""

    kind: str
    key: TableKey | None
    name: str


Inventory = Mapping[Item, str]
"""The definition of each item."""


@dataclass(frozen=True)
class Difference:
    """An item that is not as it was: ``left``, ``gone`` or ``changed``, with both definitions."""

    item: Item
    how: str
    before: str = ""
    after: str = ""


def inventory(
    catalogue: Catalogue,
    connection: Connection,
    version_table: tuple[str, str | None],
    known: dict[tuple[Any, str], Details] | None = None,
) -> Inventory:
    """Everything but Alembic's own table and what the server, a column or an extension brings.

    ``known`` has what other inventories have read of tables that did not change: see ``contents``.
    """
    found: dict[Item, str] = {}
    for key, details in contents(catalogue, connection, version_table, known).tables.items():
        found[Item("table", key, key.name)] = ""
        for (kind, name), definition in details.items():
            shown = "comment" if kind == "table" else kind
            # A column that is there again stands at another place.
            found[Item(shown, key, name or "")] = definition.text
    postgresql = connection.dialect.name == "postgresql"
    for kind, schema, name, text in execute(connection, _OTHERS if postgresql else _SQLITE).fetchall():
        view = TableKey(schema, name) if kind.endswith("view") else None
        full = name if schema in (None, connection.dialect.default_schema_name) else f"{schema}.{name}"
        found[Item(kind, view, full)] = text or ""
    if postgresql:
        for schema, name, text in execute(connection, _PRIVILEGES).fetchall():
            if Item("table", TableKey(schema, name), name) in found:
                found[Item("privileges", TableKey(schema, name), "")] = text or ""
    return found


def differences(before: Inventory, after: Inventory) -> list[Difference]:
    """What differs. Of a table that is left or gone, the table only."""
    found = []
    for item in sorted({*before, *after}, key=lambda one: (str(one.key or ""), one.kind, one.name)):
        if before.get(item) == after.get(item):
            continue
        how = "left" if item not in before else "gone" if item not in after else "changed"
        whole = Item("table", item.key, item.key.name) if item.key is not None else item
        if whole == item or (whole in before) == (whole in after):
            found.append(Difference(item, how, before.get(item, ""), after.get(item, "")))
    return found
