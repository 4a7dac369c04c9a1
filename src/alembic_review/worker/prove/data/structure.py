"""What tables are made of, as far as rows can break it: columns, constraints and unique indexes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from warnings import catch_warnings, simplefilter

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SAWarning

from alembic_review.model.keys import TableKey

_SEPARATOR = "\x1f"
_SEQUENCE = re.compile(r"\bnextval\(", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """A column; ``number`` is what it keeps when it is renamed, where there is such a thing.

    ``plain`` is the type of its elements or the base type of its domain, with ``array`` for an array of it; ``labels``
    are those of an enum, ``checks`` the constraints of a domain by name. ``filled`` columns get a value from the server
    (identity, sequence), ``generated`` ones take none. ``always`` is an identity that takes none unless told to.
    """

    number: Any
    name: str
    type: str
    plain: str
    nullable: bool
    array: bool = False
    labels: tuple[str, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    default: str | None = None
    filled: bool = False
    generated: bool = False


@dataclass(frozen=True)
class Constraint:
    """A constraint or unique index.

    ``kind`` is ``primary``, ``unique``, ``foreign_key``, ``check`` or ``exclude``. ``expression`` tells that an index
    has more than plain columns, or a ``predicate``. What is not ``valid`` was not checked on rows that there are.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    definition: str
    target: Any = None
    target_columns: tuple[str, ...] = ()
    valid: bool = True
    expression: bool = False
    predicate: str = ""


@dataclass(frozen=True)
class Table:
    """A table; ``identity`` is what it keeps when it is renamed, where there is such a thing.

    ``bounds`` are the texts of its partitions' bounds.
    """

    identity: Any
    key: TableKey
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...] = ()
    bounds: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """The column of this name; ``None`` if there is none."""
        return next((column for column in self.columns if column.name == name), None)

    def of_kind(self, *kinds: str) -> list[Constraint]:
        """The constraints of these kinds, such as ``"unique"``, in their order."""
        return [one for one in self.constraints if one.kind in kinds]


Structure = Mapping[Any, Table]
"""Tables by identity."""


def read_structure(connection: Connection, names: Collection[str], known: Collection[Any] = ()) -> dict[Any, Table]:
    """The tables of these names or ``known`` identities, and all that their foreign keys lead to."""
    read = _postgresql if connection.dialect.name == "postgresql" else _sqlite
    found = read(connection, names, known)
    while True:
        wanted = {one.target for table in found.values() for one in table.of_kind("foreign_key")} - {None, *found}
        more = read(connection, (), wanted) if wanted else {}
        if not more:
            return found
        found |= more


def quoted(key: TableKey) -> str:
    """The name of a table in a statement."""
    return f"{quoted_name(key.schema)}.{quoted_name(key.name)}" if key.schema is not None else quoted_name(key.name)


def quoted_name(name: str) -> str:
    """A name in a statement; those of SQLAlchemy's dialects double percent signs, and so does ``text``."""
    return '"' + name.replace('"', '""') + '"'


def execute(connection: Connection, sql: str) -> Any:
    """Execute a statement in which nothing is a parameter."""
    return connection.execute(text(sql.replace(":", "\\:")))


# Constants put together; identities are integers and names are quoted.
_OWN = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' AND c.oid >= 16384"

_COLUMNS = f"""
SELECT c.oid, n.nspname, c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
  CASE WHEN e.oid IS NOT NULL THEN format_type(e.oid, a.atttypmod)
       WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod)
       ELSE format_type(a.atttypid, a.atttypmod) END,
  e.oid IS NOT NULL,
  (SELECT string_agg(l.enumlabel, chr(31) ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l
   WHERE l.enumtypid IN (t.oid, e.oid, t.typbasetype)),
  (SELECT string_agg(k.conname || chr(31) || pg_get_constraintdef(k.oid), chr(30)) FROM pg_catalog.pg_constraint k
   WHERE k.contypid = t.oid),
  NOT a.attnotnull AND NOT t.typnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text,
  CASE WHEN c.relkind = 'p' THEN (SELECT string_agg(pg_get_expr(p.relpartbound, p.oid), chr(31))
    FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class p ON p.oid = h.inhrelid WHERE h.inhparent = c.oid) END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p') AND {_OWN} AND ({{which}}) ORDER BY c.oid, a.attnum
"""

_CONSTRAINTS = """
SELECT k.conrelid, k.conname, k.contype::text, pg_get_constraintdef(k.oid),
  (SELECT string_agg(a.attname, chr(31) ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number),
  nullif(k.confrelid, 0),
  (SELECT string_agg(a.attname, chr(31) ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY u (number, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number),
  k.convalidated
FROM pg_catalog.pg_constraint k WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conrelid IN ({ids})
ORDER BY k.conname
"""

_INDEXES = """
SELECT x.indrelid, r.relname, pg_get_indexdef(x.indexrelid),
  (SELECT string_agg(a.attname, chr(31) ORDER BY u.place) FROM unnest(x.indkey) WITH ORDINALITY u (number, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.number WHERE u.place <= x.indnkeyatts),
  x.indexprs IS NOT NULL, coalesce(pg_get_expr(x.indpred, x.indrelid), '')
FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class r ON r.oid = x.indexrelid
WHERE x.indisunique AND x.indisvalid AND x.indrelid IN ({ids})
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid
    AND k.contype IN ('p', 'u', 'x'))
ORDER BY r.relname
"""

_KINDS = {"p": "primary", "u": "unique", "f": "foreign_key", "c": "check", "x": "exclude"}


def _postgresql(connection: Connection, names: Collection[str], known: Collection[Any]) -> dict[Any, Table]:
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(names))
    ids = ", ".join(str(int(identity)) for identity in sorted(known))
    which = [f"c.relname IN ({listed})"] * bool(listed) + [f"c.oid IN ({ids})"] * bool(ids)
    if not which:
        return {}
    columns: dict[Any, list[Column]] = {}
    keys: dict[Any, tuple[TableKey, tuple[str, ...]]] = {}
    for row in execute(connection, _COLUMNS.format(which=" OR ".join(which))).fetchall():
        oid, schema, table = row[:3]
        keys[oid] = (TableKey(schema, table), _split(row[14]))
        columns.setdefault(oid, []).append(_postgresql_column(row))
    constraints: dict[Any, list[Constraint]] = {}
    if keys:
        found = ", ".join(map(str, keys))
        for oid, name, kind, definition, own, target, others, valid in execute(
            connection, _CONSTRAINTS.format(ids=found)
        ).fetchall():
            constraints.setdefault(oid, []).append(
                Constraint(name, _KINDS[kind], _split(own), definition, target, _split(others), bool(valid))
            )
        for oid, name, definition, own, expression, predicate in execute(
            connection, _INDEXES.format(ids=found)
        ).fetchall():
            constraints.setdefault(oid, []).append(
                Constraint(
                    name, "unique", _split(own), definition, expression=bool(expression), predicate=str(predicate)
                )
            )
    return {
        oid: Table(oid, key, tuple(columns[oid]), tuple(constraints.get(oid, ())), bounds)
        for oid, (key, bounds) in keys.items()
    }


def _postgresql_column(row: Any) -> Column:
    number, name, kind, plain, array, labels, checks, nullable, default, identity, generated = row[3:14]
    pairs = [tuple(one.split(_SEPARATOR, 1)) for one in (checks or "").split("\x1e") if one]
    return Column(
        number=number,
        name=name,
        type=kind,
        plain=plain,
        nullable=bool(nullable) and not identity,
        array=bool(array),
        labels=_split(labels),
        checks=tuple((pair[0], pair[1]) for pair in pairs),
        default=default,
        filled=bool(identity) or bool(default and _SEQUENCE.search(default)),
        generated=bool(generated),
    )


def _split(value: str | None) -> tuple[str, ...]:
    return tuple(value.split(_SEPARATOR)) if value else ()


def _sqlite(connection: Connection, names: Collection[str], known: Collection[Any]) -> dict[Any, Table]:
    rows = execute(connection, "SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    lowered = {name.lower() for name in (*names, *known)}
    inspector = inspect(connection)
    with catch_warnings():
        simplefilter("ignore", SAWarning)
        return {name: _sqlite_table(connection, inspector, name) for (name,) in rows if name.lower() in lowered}


def _sqlite_table(connection: Connection, inspector: Any, name: str) -> Table:
    shown = quoted_name(name)
    info = execute(connection, f"PRAGMA table_xinfo({shown})").fetchall()
    primary = tuple(row[1] for row in sorted(info, key=lambda row: row[5]) if row[5])
    columns = []
    for _, column, kind, notnull, default, pk, hidden in info:
        rowid = primary == (column,) and str(kind).upper() == "INTEGER"
        columns.append(
            Column(
                number=column,
                name=column,
                type=str(kind),
                plain=str(kind),
                nullable=not notnull and not (rowid and pk),
                default=default,
                filled=rowid,
                generated=hidden in (2, 3),
            )
        )
    constraints = list(_sqlite_constraints(connection, inspector, name, shown))
    if primary:
        constraints.insert(0, Constraint("", "primary", primary, "PRIMARY KEY"))
    return Table(name, TableKey(None, name), tuple(columns), tuple(constraints))


def _sqlite_constraints(connection: Connection, inspector: Any, name: str, shown: str) -> Iterable[Constraint]:
    keys: dict[int, list[Any]] = {}
    for row in execute(connection, f"PRAGMA foreign_key_list({shown})").fetchall():
        keys.setdefault(row[0], []).append(row)
    for parts in keys.values():
        parts.sort(key=lambda row: row[1])
        target, own = parts[0][2], tuple(row[3] for row in parts)
        others = tuple(row[4] for row in parts)
        if None in others:
            others = tuple(inspector.get_pk_constraint(target).get("constrained_columns") or own)
        definition = f"FOREIGN KEY({', '.join(own)}) REFERENCES {target} ({', '.join(others)})"
        yield Constraint("", "foreign_key", own, definition, target, others)
    texts = dict(
        execute(connection, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    )
    for row in execute(connection, f"PRAGMA index_list({shown})").fetchall():
        index, unique, origin, partial = row[1], row[2], row[3], row[4]
        if not unique or origin == "pk":
            continue
        parts = execute(connection, f"PRAGMA index_info({quoted_name(index)})").fetchall()
        own = tuple(part[2] for part in parts if part[2] is not None)
        definition = texts.get(index) or f"UNIQUE ({', '.join(own)})"
        predicate = re.split(r"\bWHERE\b", definition, maxsplit=1, flags=re.IGNORECASE)[-1].strip() if partial else ""
        # SQLite names the index of a constraint itself, and numbers them.
        shown_name = "" if origin == "u" else index
        yield Constraint(shown_name, "unique", own, definition, expression=len(own) < len(parts), predicate=predicate)
    for check in inspector.get_check_constraints(name):
        expression = str(check["sqltext"])
        words = set(re.findall(r"\w+", expression))
        own = tuple(row[1] for row in execute(connection, f"PRAGMA table_xinfo({shown})").fetchall() if row[1] in words)
        yield Constraint(check.get("name") or "", "check", own, f"CHECK ({expression})")
