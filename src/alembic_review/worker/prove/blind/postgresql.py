"""PostgreSQL's catalogue: one query for each kind of object (https://www.postgresql.org/docs/current/catalogs.html)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import Table
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import Sequence

from alembic_review.model.keys import TableKey
from alembic_review.worker.prove.blind.building import key_of, savepoint
from alembic_review.worker.prove.blind.state import ColumnState, ItemState, State, TableState, TypeName
from alembic_review.worker.prove.data.structure import execute

_SEPARATOR = "\x1f"
_SCHEMAS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"

# Constants put together; identities are integers and names are quoted.
_NAMED = """
SELECT v.number, c.oid, c.relkind::text
FROM (VALUES {values}) v (number, oid) JOIN pg_catalog.pg_class c ON c.oid = v.oid
"""

_TABLES = """
SELECT c.oid, c.relpersistence::text = 'u', array_to_string(c.reloptions, chr(31)),
  (SELECT s.spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = c.reltablespace),
  (SELECT m.amname FROM pg_catalog.pg_am m WHERE m.oid = c.relam AND m.amname <> 'heap'),
  CASE WHEN c.relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(c.oid) END,
  (SELECT 'INHERITS (' || string_agg(h.inhparent::regclass::text, ', ' ORDER BY h.inhseqno) || ')'
   FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid AND NOT c.relispartition)
FROM pg_catalog.pg_class c WHERE c.oid IN ({ids})
"""

_COLUMNS = """
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod),
  CASE WHEN a.attcollation <> t.typcollation THEN (SELECT l.collname FROM pg_catalog.pg_collation l
    WHERE l.oid = a.attcollation) END,
  NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text,
  concat_ws(' ', CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN'
    WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
    CASE nullif(to_jsonb(a) ->> 'attcompression', '') WHEN 'p' THEN 'COMPRESSION pglz' WHEN 'l' THEN 'COMPRESSION lz4'
    END),
  CASE WHEN coalesce(e.typtype, t.typtype) IN ('e', 'd') THEN n.nspname END,
  CASE WHEN coalesce(e.typtype, t.typtype) IN ('e', 'd') THEN coalesce(e.typname, t.typname) END
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
JOIN pg_catalog.pg_namespace n ON n.oid = coalesce(e.typnamespace, t.typnamespace)
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN ({ids}) ORDER BY a.attrelid, a.attnum
"""

_OPTIONS = (
    "concat_ws(' ', 'AS ' || format_type(q.seqtypid, NULL), 'INCREMENT BY ' || q.seqincrement, "
    "'MINVALUE ' || q.seqmin, 'MAXVALUE ' || q.seqmax, 'START WITH ' || q.seqstart, 'CACHE ' || q.seqcache, "
    "CASE WHEN q.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END)"
)

_OWN_SEQUENCES = f"""
SELECT d.refobjid, a.attname, q.seqrelid::regclass::text, {_OPTIONS}
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_sequence q ON q.seqrelid = d.objid
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
  AND d.deptype IN ('a', 'i') AND d.refobjid IN ({{ids}})
"""

_SEQUENCES = f"""
SELECT n.nspname, c.relname, {_OPTIONS}
FROM pg_catalog.pg_sequence q JOIN pg_catalog.pg_class c ON c.oid = q.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {_SCHEMAS}
"""

_CONSTRAINTS = """
SELECT k.conrelid, k.conname, k.contype::text, pg_get_constraintdef(k.oid),
  (SELECT string_agg(a.attname, chr(31) ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number),
  CASE WHEN k.contype = 'f' THEN k.confrelid::regclass::text || '(' ||
    (SELECT string_agg(a.attname, ', ' ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY u (number, place)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number) || ')' END,
  obj_description(k.oid, 'pg_constraint')
FROM pg_catalog.pg_constraint k WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conrelid IN ({ids})
ORDER BY k.conname
"""

_INDEXES = """
SELECT x.indrelid, r.relname, m.amname, pg_get_indexdef(x.indexrelid),
  (SELECT string_agg(a.attname, chr(31) ORDER BY u.place) FROM unnest(x.indkey) WITH ORDINALITY u (number, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.number),
  x.indisunique, obj_description(x.indexrelid, 'pg_class')
FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class r ON r.oid = x.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = r.relam
WHERE x.indrelid IN ({ids})
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid
    AND k.contype IN ('p', 'u', 'x'))
ORDER BY r.relname
"""

_ENUMS = f"""
SELECT n.nspname, t.typname, string_agg(e.enumlabel, chr(31) ORDER BY e.enumsortorder)
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid WHERE {_SCHEMAS} GROUP BY 1, 2
"""

_DOMAINS = f"""
SELECT n.nspname, t.typname,
  concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
    CASE WHEN t.typcollation <> b.typcollation THEN 'COLLATE ' || (SELECT quote_ident(l.collname)
      FROM pg_catalog.pg_collation l WHERE l.oid = t.typcollation) END,
    'DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN 'NOT NULL' END,
    (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY pg_get_constraintdef(k.oid))
     FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype WHERE t.typtype = 'd' AND {_SCHEMAS}
"""

_KINDS = {"p": "primary_key", "u": "unique", "f": "foreign_key", "c": "check", "x": "exclude"}
_IDENTITIES = {"a": "ALWAYS", "d": "BY DEFAULT"}
_GENERATED = {"s": "STORED", "v": "VIRTUAL"}
_LITERAL = re.compile(r"E?'(?:[^']|'')*'")
_CALL = re.compile(r'(?:\b([A-Za-z_][\w$]*)|"([^"]+)")\s*\(')


def identities(connection: Connection, tables: Iterable[Table]) -> dict[TableKey, int]:
    """The oid of each of these tables that exists, as the connection's search path finds it; not of views."""
    listed = list(tables)
    preparer = connection.dialect.identifier_preparer
    values = ", ".join(
        f"({number}, to_regclass({literal(preparer.format_table(table))}))" for number, table in enumerate(listed)
    )
    if not values:
        return {}
    rows = execute(connection, _NAMED.format(values=values)).fetchall()
    return {key_of(listed[number]): int(oid) for number, oid, kind in rows if kind in ("r", "p")}


def sequence_names(connection: Connection, sequences: Iterable[Sequence]) -> list[TypeName]:
    """Schema and name of each of these sequences, where they are or would be created."""
    default = str(connection.exec_driver_sql("SELECT current_schema()").scalar())
    return [(sequence.schema or default, str(sequence.name)) for sequence in sequences]


def drop(connection: Connection, tables: Iterable[Table]) -> None:
    """Drop these tables with everything that depends on them."""
    preparer = connection.dialect.identifier_preparer
    names = ", ".join(preparer.format_table(table) for table in tables)
    if names:
        execute(connection, f"DROP TABLE {names} CASCADE")


def read(connection: Connection, tables: Mapping[TableKey, int]) -> State:
    """The state of these tables, and of everything that belongs to no table."""
    keys = {oid: key for key, oid in tables.items()}
    ids = ", ".join(map(str, keys)) or "0"
    own: dict[tuple[int, str], tuple[str, str]] = {}
    for oid, column, name, options in _rows(connection, _OWN_SEQUENCES, ids):
        own[oid, column] = (name, options)
    columns: dict[int, dict[str, ColumnState]] = {}
    for oid, name, *row in _rows(connection, _COLUMNS, ids):
        columns.setdefault(oid, {})[name] = _column(row, own.get((oid, name)))
    items: dict[int, list[ItemState]] = {}
    for oid, name, kind, definition, on, target, comment in _rows(connection, _CONSTRAINTS, ids):
        item = ItemState(_KINDS[kind], name, definition, _split(on), target or "", comment or "")
        items.setdefault(oid, []).append(item)
    for oid, name, method, definition, on, unique, comment in _rows(connection, _INDEXES, ids):
        text = definition[definition.index(f" USING {method} (") + 1 :]
        shown = f"UNIQUE {text}" if unique else text
        items.setdefault(oid, []).append(
            ItemState("index", name, shown, _split(on), comment=comment or "", statement=definition)
        )
    found = {}
    for oid, unlogged, options, tablespace, method, partitioned, inherits in _rows(connection, _TABLES, ids):
        storage = [*sorted(_split(options)), *(f"TABLESPACE {tablespace}" for _ in range(bool(tablespace)))]
        storage += [f"USING {method}"] if method else []
        found[keys[oid]] = TableState(
            columns.get(oid, {}),
            tuple(items.get(oid, ())),
            bool(unlogged),
            tuple(storage),
            partitioned or inherits or "",
        )
    enums = {(schema, name): _split(labels) for schema, name, labels in _rows(connection, _ENUMS)}
    domains = {(schema, name): text for schema, name, text in _rows(connection, _DOMAINS)}
    sequences = {(schema, name): text for schema, name, text in _rows(connection, _SEQUENCES)}
    return State(found, enums, domains, sequences)


def _rows(connection: Connection, query: str, ids: str | None = None) -> list[Any]:
    return list(execute(connection, query.format(ids=ids) if ids is not None else query).fetchall())


def _column(row: list[Any], own: tuple[str, str] | None) -> ColumnState:
    kind, collation, nullable, default, identity, generated, storage, schema, name = row
    serial = own is not None and not identity and default == f"nextval({literal(own[0])}::regclass)"
    said = f"GENERATED {_IDENTITIES[identity]} AS IDENTITY ({own[1] if own else ''})" if identity else ""
    return ColumnState(
        type=kind,
        collation=collation or "",
        nullable=bool(nullable),
        default="" if generated or default is None else default,
        serial=serial,
        identity=said,
        generated=f"GENERATED ALWAYS AS ({default}) {_GENERATED.get(generated, generated)}" if generated else "",
        storage=storage or "",
        of_type=(schema, name) if name is not None else None,
    )


def _split(value: str | None) -> tuple[str, ...]:
    return tuple(value.split(_SEPARATOR)) if value else ()


def literal(text: str) -> str:
    """The text as a string literal of SQL, with its quotes doubled."""
    return "'" + text.replace("'", "''") + "'"


def same_default(connection: Connection, one: str, other: str, kind: str) -> bool:
    """Whether two server defaults give equal values of a type in one transaction.

    Volatile functions are never called: what has one differs where its text does.
    """
    if one == other:
        return True
    if not one or not other or _is_volatile(connection, f"{one} {other}"):
        return False
    first, second = f"CAST(({one}) AS {kind})", f"CAST(({other}) AS {kind})"
    # Types such as json have no equality.
    tests = (f"{first} IS NOT DISTINCT FROM {second}", f"{first}::text IS NOT DISTINCT FROM {second}::text")
    return any(_holds(connection, test) for test in tests)


def _holds(connection: Connection, test: str) -> bool:
    with suppress(DBAPIError), savepoint(connection):
        return bool(execute(connection, f"SELECT {test}").scalar())
    return False


def _is_volatile(connection: Connection, expression: str) -> bool:
    called = {name or quoted for name, quoted in _CALL.findall(_LITERAL.sub("", expression))}
    if not called:
        return False
    names = ", ".join(literal(name) for name in sorted(called))
    query = f"SELECT 1 FROM pg_catalog.pg_proc p WHERE p.provolatile = 'v' AND p.proname IN ({names}) LIMIT 1"
    return execute(connection, query).scalar() is not None
