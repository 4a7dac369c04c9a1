"""Digests of PostgreSQL's system catalogues: of each table, and of what belongs to no table.

Any DDL writes a new row version, so that the positions of the row versions (``ctid``) cost nothing to compute. Where a
statement also writes rows of objects that it does not change, their contents are hashed instead: those of ``pg_class``
(TRUNCATE, and triggers of a foreign key on the other table) and of foreign keys (recreated when the type of a
referenced column changes). Sums need no order.
"""

# ruff: noqa: S608 - constants put together, and numbers
from __future__ import annotations

from collections.abc import Iterable

OWN_SCHEMAS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"

SEQUENCES = """pg_catalog.pg_sequence q JOIN pg_catalog.pg_class r ON r.oid = q.seqrelid
      JOIN pg_catalog.pg_depend d ON d.objid = r.oid AND d.deptype IN ('a', 'i')
        AND d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass"""
"""Those of tables' own columns; ``nextval()`` changes none of these rows."""

_RELATION = """concat_ws(',', {0}.relname, {0}.relnamespace, {0}.reloftype, {0}.relowner, {0}.relam, {0}.reltablespace,
    {0}.relpersistence, {0}.relkind, {0}.relrowsecurity, {0}.relforcerowsecurity, {0}.relreplident, {0}.relispartition,
    {0}.relacl::text, {0}.reloptions::text, {0}.relpartbound::text)"""

_TABLES = f"""
SELECT c.oid, n.nspname, c.relname,
  (hashtextextended({_RELATION.format("c")}, 0) + coalesce(p.digest, 0))::text, p.indexes
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (SELECT id, sum(hashtextextended(place, 0)) AS digest, string_agg(index::text, ' ') AS indexes FROM (
  SELECT attrelid AS id, 'a' || ctid::text AS place, NULL::oid AS index
    FROM pg_catalog.pg_attribute WHERE attnum > 0 AND attrelid {{ids}}
  UNION ALL SELECT adrelid, 'd' || ctid::text, NULL FROM pg_catalog.pg_attrdef WHERE adrelid {{ids}}
  UNION ALL SELECT conrelid, 'k' || CASE contype WHEN 'f' THEN concat_ws(',', conname, condeferrable, condeferred,
      convalidated, conkey::text, confrelid, confkey::text, confupdtype, confdeltype, confmatchtype)
    ELSE ctid::text END, NULL FROM pg_catalog.pg_constraint WHERE conrelid {{ids}}
  UNION ALL SELECT x.indrelid, 'i' || x.ctid::text || r.relname || coalesce(r.reloptions::text, ''), x.indexrelid
    FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class r ON r.oid = x.indexrelid WHERE x.indrelid {{ids}}
  UNION ALL SELECT objoid, 'c' || ctid::text, NULL FROM pg_catalog.pg_description
    WHERE classoid = 'pg_catalog.pg_class'::regclass AND objoid {{ids}}
  UNION ALL SELECT tgrelid, 't' || ctid::text, NULL FROM pg_catalog.pg_trigger
    WHERE (NOT tgisinternal OR tgenabled <> 'O') AND tgrelid {{ids}}
  UNION ALL SELECT ev_class, 'r' || ctid::text, NULL FROM pg_catalog.pg_rewrite WHERE ev_class {{ids}}
  UNION ALL SELECT polrelid, 'p' || ctid::text, NULL FROM pg_catalog.pg_policy WHERE polrelid {{ids}}
  UNION ALL SELECT stxrelid, 's' || ctid::text, NULL FROM pg_catalog.pg_statistic_ext WHERE stxrelid {{ids}}
  UNION ALL SELECT d.refobjid, 'q' || q.ctid::text || {_RELATION.format("r")}, NULL
    FROM {SEQUENCES} WHERE d.refobjid {{ids}}
) parts GROUP BY id) p ON p.id = c.oid
WHERE c.relkind IN ('r', 'p', 'f') AND c.oid {{ids}} AND {OWN_SCHEMAS} ORDER BY n.nspname, c.relname
"""

_NAMES = f"""
SELECT c.oid, n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND c.oid {{ids}} AND {OWN_SCHEMAS} ORDER BY n.nspname, c.relname
"""

_REFERRING = """
SELECT DISTINCT k.conrelid
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_constraint k ON k.oid = d.objid
WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid {ids}
  AND d.classid = 'pg_catalog.pg_constraint'::regclass AND k.contype = 'f'
"""

# Few rows. The rules are what views are made of.
OTHERS = f"""
SELECT sum(hashtextextended(what || oid || place, 0)) FROM (
  SELECT 'n' AS what, n.oid, n.ctid::text AS place FROM pg_catalog.pg_namespace n WHERE {OWN_SCHEMAS}
  UNION ALL SELECT 'c', c.oid, c.ctid::text FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm', 'S', 'c') AND c.oid >= 16384 AND {OWN_SCHEMAS}
      AND NOT EXISTS (SELECT FROM {SEQUENCES} WHERE q.seqrelid = c.oid)
  UNION ALL SELECT 'p', p.oid, p.ctid::text FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid >= 16384 AND {OWN_SCHEMAS}
  UNION ALL SELECT 'q', q.seqrelid, q.ctid::text FROM pg_catalog.pg_sequence q
    WHERE q.seqrelid NOT IN (SELECT r.oid FROM {SEQUENCES})
  UNION ALL SELECT 'r', w.ev_class, w.ctid::text FROM pg_catalog.pg_rewrite w
    JOIN pg_catalog.pg_class c ON c.oid = w.ev_class WHERE w.ev_class >= 16384 AND c.relkind IN ('v', 'm')
  UNION ALL SELECT 'e', oid, ctid::text FROM pg_catalog.pg_extension
  UNION ALL SELECT 't', oid, ctid::text FROM pg_catalog.pg_event_trigger) others
"""
"""A digest of schemas, views, functions, sequences of no table, extensions and event triggers."""


def tables(only: Iterable[int] | None = None) -> str:
    """The query for identity, schema, name, digest and indexes of every table, or of these only."""
    return _TABLES.format(ids=_condition(only))


def names(only: Iterable[int] | None = None) -> str:
    """The query for identity, schema and name of every table, or of these only."""
    return _NAMES.format(ids=_condition(only))


def referring(only: Iterable[int]) -> str:
    """The query for tables with a foreign key to one of these."""
    return _REFERRING.format(ids=_condition(only))


def _condition(only: Iterable[int] | None) -> str:
    return ">= 16384" if only is None else f"IN ({', '.join(str(int(one)) for one in only)})"
