"""What is in the database, read with as few and as narrow queries as will do.

A snapshot maps each table to a digest that changes when anything about the table changes; details are read only for
tables whose digest did. PostgreSQL's answer comes from its system catalogues
(https://www.postgresql.org/docs/current/catalogs.html).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from warnings import catch_warnings, simplefilter

from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SAWarning

from alembic_review.model.facts import TableKey
from alembic_review.worker.redirect.sqlite_authorizer import AlteredTables
from alembic_review.worker.replay.catalogue_digests import OTHERS, OWN_SCHEMAS, SEQUENCES, names, tables


class Definition(NamedTuple):
    """What an item is, as text, and on which columns; ``place`` is another one after a removal and an addition."""

    text: str
    columns: tuple[str, ...] = ()
    place: str = ""


Details = Mapping["tuple[str, str | None]", Definition]
"""By ``(kind, name)`` of a column, index, constraint, trigger, rule, policy, of extended statistics or of a setting of
the table, or ``("table", None)`` for its comment."""

_VERSION = "version_num"

Namer = Callable[[TableKey], TableKey]
"""From the name that a table has in the catalogue to the one that Alembic's comparison gives it."""


@dataclass(frozen=True)
class Snapshot:
    """``tables`` maps an identity that survives a rename, where there is one, to name and digest.

    ``types`` maps such an identity of an enum or domain to its name and what it allows. ``others`` is a digest of what
    belongs to no table: schemas, views, functions, sequences, extensions.
    """

    tables: Mapping[Any, tuple[TableKey, str]]
    types: Mapping[str, tuple[str, ...]]
    others: str = ""


class Catalogue(Protocol):
    """One database's catalogue, with the schema of every table spelled out where the database has schemas."""

    def snapshot(self, connection: Connection, *, digests: bool) -> Snapshot:
        """Every table there is."""
        ...

    def details(self, connection: Connection, identities: Iterable[Any]) -> Mapping[Any, Details]:
        """Definitions of everything on these tables, by table identity."""
        ...

    def type_users(self, connection: Connection, type_name: str, /) -> list[tuple[TableKey, str]]:
        """Columns of a shared type."""
        ...

    def start_revision(self) -> None:
        """A revision is about to run."""
        ...

    def may_be_renamed(self, connection: Connection, went: Iterable[TableKey]) -> bool:
        """True when one of the tables that went during this revision may be there by another name and identity."""
        ...

    def explained(self, connection: Connection) -> bool:
        """False when something changed that snapshots which don't read everything have missed."""
        ...

    def namer(self, connection: Connection, tables: Iterable[TableKey], *, all_schemas: bool) -> Namer:
        """How Alembic calls tables on this connection; ``all_schemas`` is env.py's ``include_schemas``."""
        ...


def version_tables(catalogue: Catalogue, connection: Connection, tables: Mapping[Any, TableKey]) -> list[TableKey]:
    """Those of these tables, by identity, that have the one column of Alembic's own version table."""
    details = catalogue.details(connection, tables) if tables else {}
    columns = {one: [name for kind, name in items if kind == "column"] for one, items in details.items()}
    return [key for one, key in tables.items() if columns.get(one) == [_VERSION]]


def catalogue_of(connection: Connection, altered: AlteredTables) -> Catalogue:
    """The catalogue reader for a connection's dialect; ``altered`` listens to the connections to SQLite."""
    return PostgresCatalogue() if connection.dialect.name == "postgresql" else SqliteCatalogue(altered)


# Constants put together; what an application brings is never part of these texts, but for quoted names of types.
_TYPES = f"""
SELECT t.oid, concat_ws('.', n.nspname, t.typname), e.enumlabel
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid
WHERE t.oid >= 16384 AND {OWN_SCHEMAS} ORDER BY t.oid, e.enumsortorder
"""

_DOMAINS = f"""
SELECT t.oid, concat_ws('.', n.nspname, t.typname),
  concat_ws(' ', format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typcollation, t.typdefault,
    (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname)
     FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid))
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'd' AND t.oid >= 16384 AND {OWN_SCHEMAS}
"""

_DETAILS = f"""
SELECT a.attrelid, 'column', a.attname,
  concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attcollation,
    pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum), a.attstorage, a.attstattarget,
    a.attoptions::text),
  a.attname, a.attnum::text
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN ({{ids}})
UNION ALL
SELECT x.indrelid, 'index', r.relname, pg_get_indexdef(x.indexrelid),
  (SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
   WHERE a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)), ''
FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class r ON r.oid = x.indexrelid
WHERE x.indrelid IN ({{ids}})
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u',
  'x'))
UNION ALL
SELECT k.conrelid, 'constraint', k.conname, pg_get_constraintdef(k.oid),
  (SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
   WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)), ''
FROM pg_catalog.pg_constraint k WHERE k.conrelid IN ({{ids}}) AND k.contype <> 'n'
UNION ALL
SELECT t.tgrelid, 'trigger', t.tgname, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled), NULL, ''
FROM pg_catalog.pg_trigger t WHERE t.tgrelid IN ({{ids}}) AND NOT t.tgisinternal
UNION ALL
SELECT r.ev_class, 'rule', r.rulename, concat_ws(' ', pg_get_ruledef(r.oid), r.ev_enabled), NULL, ''
FROM pg_catalog.pg_rewrite r WHERE r.ev_class IN ({{ids}})
UNION ALL
SELECT p.polrelid, 'policy', p.polname, concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::text,
  pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), NULL, ''
FROM pg_catalog.pg_policy p WHERE p.polrelid IN ({{ids}})
UNION ALL
SELECT s.stxrelid, 'statistics', s.stxname, pg_get_statisticsobjdef(s.oid), NULL, ''
FROM pg_catalog.pg_statistic_ext s WHERE s.stxrelid IN ({{ids}})
UNION ALL
SELECT c.oid, v.kind, v.name, v.text, NULL, ''
FROM pg_catalog.pg_class c CROSS JOIN LATERAL (VALUES
  ('table', NULL, coalesce(obj_description(c.oid, 'pg_class'), '')),
  ('setting', 'row security', concat_ws(' ', c.relrowsecurity, c.relforcerowsecurity)),
  ('setting', 'persistence', c.relpersistence::text),
  ('setting', 'storage', concat_ws(' ', c.reltablespace, c.reloptions::text)),
  ('setting', 'replica identity', c.relreplident::text),
  ('setting', 'owner', c.relowner::text),
  ('setting', 'inheritance', coalesce((SELECT string_agg(h.inhparent::text, ' ' ORDER BY h.inhseqno)
    FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid), '')),
  ('setting', 'triggers of foreign keys', (SELECT string_agg(DISTINCT t.tgenabled::text, '')
    FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND t.tgisinternal AND t.tgenabled <> 'O')),
  ('setting', 'sequences', (SELECT string_agg(concat_ws(' ', r.relname, r.relnamespace, q.seqstart, q.seqincrement,
      q.seqmin, q.seqmax, q.seqcycle, q.seqtypid), ', ' ORDER BY r.relname)
    FROM {SEQUENCES} WHERE d.refobjid = c.oid))
) v (kind, name, text)
WHERE c.oid IN ({{ids}})
"""

_TYPE_USERS = """
SELECT n.nspname, c.relname, a.attname
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'f')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typlen = -1
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.oid >= 16384
"""

_SEARCH_PATH = "SELECT unnest(current_schemas(false))"


class PostgresCatalogue:
    """PostgreSQL: a table keeps its oid through a rename."""

    def snapshot(self, connection: Connection, *, digests: bool) -> Snapshot:
        """Every table; without digests only names, which is an order of magnitude cheaper."""
        if not digests:
            rows = connection.exec_driver_sql(names()).fetchall()
            return Snapshot({oid: (TableKey(schema, name), "") for oid, schema, name in rows}, {})
        rows = self.read(connection)
        found = {oid: (TableKey(schema, name), digest) for oid, schema, name, digest, _ in rows}
        return Snapshot(found, self.types(connection), self.others(connection))

    @staticmethod
    def read(connection: Connection, only: Iterable[Any] | None = None) -> Sequence[Any]:
        """Identity, schema, name, digest and indexes of every table, or of these only."""
        return connection.exec_driver_sql(tables(only)).fetchall()

    @staticmethod
    def types(connection: Connection) -> Mapping[str, tuple[str, ...]]:
        """Name and values of every enum and domain, by identity."""
        found: dict[str, tuple[str, ...]] = {}
        for query in (_TYPES, _DOMAINS):
            for oid, name, value in connection.exec_driver_sql(query).fetchall():
                found[str(oid)] = (*found.get(str(oid), (name,)), value)
        return found

    @staticmethod
    def others(connection: Connection) -> str:
        """A digest of what belongs to no table."""
        return str(connection.exec_driver_sql(OTHERS).scalar())

    def details(self, connection: Connection, identities: Iterable[Any]) -> Mapping[Any, Details]:
        """Definitions of everything on these tables, by table identity."""
        ids = ", ".join(str(int(identity)) for identity in identities)
        found: dict[Any, dict[tuple[str, str | None], Definition]] = {}
        if not ids:
            return found
        for oid, kind, name, text, columns, place in connection.exec_driver_sql(_DETAILS.format(ids=ids)).fetchall():
            names = tuple(columns.split(",")) if columns else ()
            found.setdefault(oid, {})[kind, name] = Definition(text, names, place)
        return found

    def type_users(self, connection: Connection, type_name: str) -> list[tuple[TableKey, str]]:
        """Columns of this type, or of arrays of it; an oid of digits names the type too."""
        wanted = type_name.replace("'", "''")
        match = f"'{wanted}' IN (t.typname, e.typname, t.oid::text, e.oid::text)"
        rows = connection.exec_driver_sql(f"{_TYPE_USERS} AND {match} ORDER BY 1, 2, a.attnum").fetchall()
        return [(TableKey(schema, table), column) for schema, table, column in rows]

    def start_revision(self) -> None:
        """Nothing to do."""

    def explained(self, _connection: Connection) -> bool:
        """True: every snapshot reads everything."""
        return True

    def may_be_renamed(self, _connection: Connection, _went: Iterable[TableKey]) -> bool:
        """False: the identity would still be there."""
        return False

    def namer(self, connection: Connection, tables: Iterable[TableKey], *, all_schemas: bool) -> Namer:
        """Alembic leaves out the dialect's default schema, and, looking at no other, whatever the search path finds."""
        default = connection.dialect.default_schema_name
        path = [default] if default else []
        if not all_schemas:
            path += connection.exec_driver_sql(_SEARCH_PATH).scalars()
        known = list(tables)
        found: dict[str, str] = {}
        for schema in path:
            for key in known:
                if key.schema == schema:
                    found.setdefault(key.name, schema)

        def name(key: TableKey) -> TableKey:
            plain = key.schema in path and found.get(key.name, key.schema) == key.schema
            return TableKey(None, key.name) if plain else key

        return name


# The triggers of views are left out with the views.
_SQLITE_OBJECTS = """
SELECT t.tbl_name, o.type, o.name, o.sql
FROM sqlite_master t JOIN sqlite_master o ON o.tbl_name = t.name COLLATE NOCASE
WHERE t.type = 'table' AND o.type IN ('table', 'index', 'trigger') ORDER BY 1, 2, 3
"""


_SQLITE_VIEWS = """
SELECT o.type, o.name, o.sql FROM sqlite_master v JOIN sqlite_master o ON o.tbl_name = v.name COLLATE NOCASE
WHERE v.type = 'view' ORDER BY 1, 2
"""


class SqliteCatalogue:
    """SQLite: the schema table holds each object's own text (https://www.sqlite.org/schematab.html)."""

    def __init__(self, altered: AlteredTables) -> None:
        self._altered = altered
        self._questions = 0

    def snapshot(self, connection: Connection, *, digests: bool) -> Snapshot:
        """Every table; without digests only names."""
        rows = connection.exec_driver_sql(_SQLITE_OBJECTS).fetchall()
        texts: dict[str, str] = {}
        for table, kind, name, sql in rows:
            if not str(table).startswith("sqlite_"):
                texts[table] = f"{texts.get(table, '')}{kind} {name} {sql}\n" if digests else ""
        views = connection.exec_driver_sql(_SQLITE_VIEWS).fetchall() if digests else []
        others = "\n".join(" ".join(map(str, row)) for row in views)
        return Snapshot({name: (TableKey(None, name), text) for name, text in texts.items()}, {}, others)

    def details(self, connection: Connection, identities: Iterable[Any]) -> Mapping[Any, Details]:
        """Definitions of everything on these tables, through reflection."""
        inspector = inspect(connection)
        texts: dict[str, dict[tuple[str, str | None], Definition]] = {}
        for table, kind, name, sql in connection.exec_driver_sql(_SQLITE_OBJECTS).fetchall():
            if kind != "table" and sql is not None:
                texts.setdefault(table, {})[kind, name] = Definition(sql)
        # Reflection says more of what it knows, and nothing of triggers and of indexes on expressions.
        with catch_warnings():
            simplefilter("ignore", SAWarning)
            return {name: {**texts.get(name, {}), **_inspected(inspector, name)} for name in identities}

    def type_users(self, _connection: Connection, _type_name: str) -> list[tuple[TableKey, str]]:
        """Nothing: SQLite has no types of its own."""
        return []

    def start_revision(self) -> None:
        """What earlier revisions altered doesn't count."""
        self._altered.forget()

    def may_be_renamed(self, connection: Connection, went: Iterable[TableKey]) -> bool:
        """True when one of them was altered, or when nobody would have heard of it."""
        heard = self._altered.listens(lambda: self._ask(connection))
        return not heard or any(key.name in self._altered for key in went)

    def explained(self, _connection: Connection) -> bool:
        """True: every snapshot reads everything."""
        return True

    def _ask(self, connection: Connection) -> None:
        """Another text each time: a statement that SQLite knows already is not compiled again."""
        self._questions += 1
        connection.exec_driver_sql(f"SELECT {self._questions}").fetchall()

    def namer(self, _connection: Connection, _tables: Iterable[TableKey], *, all_schemas: bool) -> Namer:  # noqa: ARG002 - the interface's name
        """The same names: there are no schemas."""
        return lambda key: key


def _inspected(inspector: Any, table: str) -> Details:
    found: dict[tuple[str, str | None], Definition] = {("table", None): Definition("")}
    for column in inspector.get_columns(table):
        text = f"{column['type']!r} {column['nullable']} {column.get('default')} {column.get('computed')}"
        found["column", column["name"]] = Definition(text, (column["name"],))
    for index in inspector.get_indexes(table):
        columns = tuple(name or "" for name in index["column_names"])
        more = sorted((key, str(value)) for key, value in index.get("dialect_options", {}).items())
        found["index", index["name"]] = Definition(
            f"{index['unique']} {index.get('expressions', columns)} {more}", columns
        )
    groups = {
        "primary key": [inspector.get_pk_constraint(table)],
        "unique": inspector.get_unique_constraints(table),
        "foreign key": inspector.get_foreign_keys(table),
        "check": inspector.get_check_constraints(table),
    }
    for group, constraints in groups.items():
        for constraint in constraints:
            columns = tuple(constraint.get("constrained_columns") or constraint.get("column_names") or ())
            text = f"{group} {sorted((str(k), str(v)) for k, v in constraint.items() if k != 'name')}"
            found["constraint", constraint.get("name") or text] = Definition(text, columns)
    return found
