"""What a revision did, told from two snapshots, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from alembic.migration import MigrationContext
from psycopg import Connection as PsycopgConnection
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Connection
from sqlalchemy.pool import StaticPool

from alembic_review.model.facts import Alteration, Downgrade, TableKey
from alembic_review.worker.redirect.sqlite_authorizer import AlteredTables
from alembic_review.worker.replay.catalogue import catalogue_of, version_tables
from alembic_review.worker.replay.downgrade_trials import Notes
from alembic_review.worker.replay.upgrade import Noted, Replayed

CORE = TableKey(None, "core")
BEFORE = [
    "CREATE TABLE core (id INTEGER PRIMARY KEY, name VARCHAR(20), size INTEGER)",
    "CREATE INDEX ix_core_name ON core (name)",
    "CREATE TABLE other (id INTEGER PRIMARY KEY)",
]


@pytest.fixture(params=["postgresql", "sqlite"])
def connection(request: pytest.FixtureRequest) -> Iterator[Connection]:
    if request.param == "sqlite":
        engine = create_engine("sqlite://", poolclass=StaticPool)
    else:
        known: PsycopgConnection[Any] = request.getfixturevalue("scratch_connection")
        # The driver that this SQLAlchemy takes by itself: psycopg2 on 1.4 and 2.0, psycopg on 2.1.
        options = {"host": known.info.host, "port": str(known.info.port)}
        engine = create_engine(
            URL.create("postgresql", known.info.user, database=known.info.dbname, query=options), poolclass=StaticPool
        )
    with engine.connect() as connection:
        for statement in BEFORE:
            connection.exec_driver_sql(statement)
        yield connection
    engine.dispose()


class Revision:
    revision = "abc"
    path = "abc.py"


def replayed(result: Replayed, connection: Connection, *, all_schemas: bool = False) -> Replayed:
    """With the names that Alembic gives the tables."""
    return result.named(result.namer(connection, all_schemas=all_schemas))


def upgrade(connection: Connection, statements: list[str], *, listening: bool = True) -> Replayed:
    """Run one watched revision that executes these statements."""
    altered = AlteredTables(lambda: None)
    altered.opened()
    if listening and connection.dialect.name == "sqlite":
        altered.listen(connection.connection.dbapi_connection)
    result = Replayed(catalogue_of(connection, altered), frozenset({"abc"}))
    result.last = result.catalogue.snapshot(connection, digests=False)

    def run() -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    Noted(result, MigrationContext.configure(connection), run, Revision())()
    return result


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["CREATE TABLE mine (id INTEGER)"], []),
        (["ALTER TABLE core ADD COLUMN extra INTEGER"], [("column", "added", "extra")]),
        (["CREATE INDEX ix_mine ON core (size)"], [("index", "added", "ix_mine")]),
        (["CREATE INDEX ix_mine ON core (lower(name))"], [("index", "added", "ix_mine")]),
        (["DROP INDEX ix_core_name"], [("index", "removed", "ix_core_name")]),
        (
            ["DROP INDEX ix_core_name", "CREATE INDEX ix_core_name ON core (size)"],
            [("index", "changed", "ix_core_name")],
        ),
        (
            ["DROP INDEX ix_core_name", "CREATE INDEX ix_core_name ON core (name) WHERE size > 1"],
            [("index", "changed", "ix_core_name")],
        ),
        (["DROP TABLE core"], [("table", "dropped", None)]),
        (["CREATE VIEW seen AS SELECT name FROM core"], []),
        (["CREATE TABLE mine (id INTEGER PRIMARY KEY, core_id INTEGER REFERENCES core (id))"], []),
        (["INSERT INTO core (id) VALUES (1)", "UPDATE core SET size = 2"], []),
    ],
)
def test_a_revision_is_told_by_what_it_did(
    connection: Connection, statements: list[str], expected: list[tuple[str, str, str | None]]
) -> None:
    result = replayed(upgrade(connection, statements), connection)
    assert [(a.kind, a.action, a.name) for a in result.alterations] == expected
    assert all(alteration.key == CORE for alteration in result.alterations)


OTHERS = {
    "schema": ("postgresql", "CREATE SCHEMA more", "DROP SCHEMA more"),
    "view": ("", "CREATE VIEW seen AS SELECT name FROM core", "DROP VIEW seen"),
    "materialized view": (
        *("postgresql", "CREATE MATERIALIZED VIEW seen AS SELECT name FROM core", "DROP MATERIALIZED VIEW seen"),
    ),
    "replaced view": (
        "postgresql",
        "CREATE OR REPLACE VIEW old AS SELECT id, size FROM core",
        "CREATE OR REPLACE VIEW old AS SELECT id, size + 0 AS size FROM core",
    ),
    "function": (
        "postgresql",
        "CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 2'",
    ),
    "sequence": ("postgresql", "CREATE SEQUENCE numbers", "DROP SEQUENCE numbers"),
    "altered sequence": ("postgresql", "ALTER SEQUENCE had INCREMENT 2", "ALTER SEQUENCE had INCREMENT 1"),
    "extension": ("postgresql", "DROP EXTENSION plpgsql", "CREATE EXTENSION plpgsql"),
    "trigger of a view": (
        "sqlite",
        "CREATE TRIGGER tr INSTEAD OF INSERT ON old BEGIN SELECT 1; END",
        "DROP TRIGGER tr",
    ),
    "rows": ("", "INSERT INTO core (id) VALUES (1)", "DELETE FROM core"),
    "numbers": ("postgresql", "SELECT nextval('had')", "SELECT nextval('had')"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_belongs_to_no_table_counts_as_well(connection: Connection, case: str) -> None:
    """A downgrade does nothing only where none of it is another than before."""
    dialect, there, back = OTHERS[case]
    if dialect not in ("", connection.dialect.name):
        pytest.skip("another database's")
    connection.exec_driver_sql("CREATE VIEW old AS SELECT id, size FROM core")
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("CREATE SEQUENCE had")
    result = upgrade(connection, [there])
    found: list[Downgrade] = []
    notes = Notes(result, MigrationContext.configure(connection), lambda: None, found.append)
    before = notes.snapshot()
    connection.exec_driver_sql(back)
    notes.done("abc", before)
    did = case not in ("rows", "numbers")
    assert [(one.needed, one.changed) for one in found] == [(did, did)]
    assert result.alterations == []


def test_the_creating_revision_is_known(connection: Connection) -> None:
    result = upgrade(connection, ["CREATE TABLE mine (id INTEGER)"])
    assert [(o.key.name, o.revision, o.package) for o in result.origins({"abc": "poser"})] == [("mine", "abc", "poser")]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("ALTER TABLE core ALTER COLUMN name TYPE VARCHAR(99)", ("column", "changed", "name")),
        ("ALTER TABLE core ALTER COLUMN size SET DEFAULT 7", ("column", "changed", "size")),
        ("ALTER TABLE core ALTER COLUMN size SET NOT NULL", ("column", "changed", "size")),
        ("COMMENT ON COLUMN core.size IS 'big'", ("column", "changed", "size")),
        ("COMMENT ON TABLE core IS 'big'", ("table", "changed", None)),
        ("ALTER TABLE core ADD CONSTRAINT ck CHECK (size > 0)", ("constraint", "added", "ck")),
        ("ALTER TABLE core DROP CONSTRAINT core_pkey CASCADE", ("constraint", "removed", "core_pkey")),
        ("ALTER TABLE core DROP COLUMN size", ("column", "removed", "size")),
        ("ALTER TABLE core RENAME TO renamed", ("table", "renamed", "renamed")),
        ("DO $$ BEGIN EXECUTE 'ALTER TABLE core DROP COLUMN size'; END $$", ("column", "removed", "size")),
        (
            "ALTER TABLE core DROP COLUMN size; ALTER TABLE core ADD COLUMN size INTEGER",
            ("column", "changed", "size"),
        ),
        ("ALTER TABLE core ALTER COLUMN name SET STORAGE EXTERNAL", ("column", "changed", "name")),
        ("ALTER TABLE core ALTER COLUMN size SET STATISTICS 5", ("column", "changed", "size")),
        ("ALTER TABLE core ALTER COLUMN size SET (n_distinct = 5)", ("column", "changed", "size")),
        ("ALTER TABLE core DISABLE TRIGGER tr", ("trigger", "changed", "tr")),
        ("ALTER TABLE core DISABLE TRIGGER ALL", ("setting", "changed", "triggers of foreign keys")),
        ("DROP TRIGGER tr ON core", ("trigger", "removed", "tr")),
        ("ALTER SEQUENCE core_number_seq RENAME TO numbers", ("setting", "changed", "sequences")),
        ("ALTER SEQUENCE core_number_seq INCREMENT BY 2", ("setting", "changed", "sequences")),
        ("CREATE SEQUENCE mine OWNED BY core.size", ("setting", "changed", "sequences")),
        (
            "CREATE TRIGGER tr2 BEFORE UPDATE ON core FOR EACH ROW EXECUTE FUNCTION same()",
            ("trigger", "added", "tr2"),
        ),
        ("CREATE RULE ru AS ON DELETE TO core DO INSTEAD NOTHING", ("rule", "added", "ru")),
        ("CREATE POLICY po ON core USING (size > 0)", ("policy", "added", "po")),
        ("ALTER TABLE core ENABLE ROW LEVEL SECURITY", ("setting", "changed", "row security")),
        ("CREATE STATISTICS st ON name, size FROM core", ("statistics", "added", "st")),
        ("ALTER TABLE core SET UNLOGGED", ("setting", "changed", "persistence")),
        ("ALTER TABLE core SET (fillfactor = 50)", ("setting", "changed", "storage")),
        ("ALTER TABLE core REPLICA IDENTITY FULL", ("setting", "changed", "replica identity")),
        ("ALTER TABLE core OWNER TO pg_monitor", ("setting", "changed", "owner")),
        ("ALTER TABLE core INHERIT parent", ("setting", "changed", "inheritance")),
    ],
)
@pytest.mark.parametrize("connection", ["postgresql"], indirect=True)
def test_postgresql_tells_everything(
    connection: Connection, statement: str, expected: tuple[str, str, str | None]
) -> None:
    for before in (
        "CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "CREATE TRIGGER tr BEFORE INSERT ON core FOR EACH ROW EXECUTE FUNCTION same()",
        "CREATE TABLE parent (size INTEGER)",
        "CREATE UNLOGGED TABLE child (core_id INTEGER REFERENCES core (id))",
        "ALTER TABLE core ADD COLUMN number SERIAL",
    ):
        connection.exec_driver_sql(before)
    result = upgrade(connection, [statement])
    altered = [a for a in result.alterations if a.key.name == "core" and (a.kind, a.name) != ("column", "id")]
    found = [(a.kind, a.action, a.name) for a in altered]
    assert expected in found
    assert [entry for entry in found if entry[0] == expected[0]] == [expected]


@pytest.mark.parametrize("connection", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("made", "changed", "before", "after"),
    [
        ("AS ENUM ('a', 'b')", "ADD VALUE 'c'", ("public.mood", "a", "b"), ("public.mood", "a", "b", "c")),
        ("AS ENUM ('a', 'b')", "RENAME TO humour", ("public.mood", "a", "b"), ("public.humour", "a", "b")),
        ("AS ENUM ('a')", "SET SCHEMA app", ("public.mood", "a"), ("app.mood", "a")),
    ],
)
def test_what_is_done_to_a_shared_type_is_done_to_every_column_that_had_it(
    connection: Connection, made: str, changed: str, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    connection.exec_driver_sql(f"CREATE TYPE mood {made}")
    connection.exec_driver_sql("CREATE SCHEMA app")
    connection.exec_driver_sql("ALTER TABLE core ADD COLUMN mood mood")
    result = replayed(upgrade(connection, [f"ALTER TYPE mood {changed}"]), connection)
    texts = (str(before), str(after))
    assert result.alterations == [Alteration("abc", CORE, "column", "changed", "mood", ("mood",), *texts)]


@pytest.mark.parametrize("connection", ["postgresql"], indirect=True)
@pytest.mark.parametrize("changed", ["ADD CHECK (value > 1)", "SET DEFAULT 1", "SET NOT NULL", "RENAME TO numbers"])
def test_so_it_is_for_domains(connection: Connection, changed: str) -> None:
    connection.exec_driver_sql("CREATE DOMAIN counted AS INTEGER")
    connection.exec_driver_sql("ALTER TABLE core ADD COLUMN many counted")
    result = replayed(upgrade(connection, [f"ALTER DOMAIN counted {changed}"]), connection)
    assert [(a.kind, a.action, a.name) for a in result.alterations] == [("column", "changed", "many")]


@pytest.mark.parametrize("connection", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("all_schemas", "expected"),
    [
        (False, [(None, "core"), (None, "mine"), (None, "other"), ("public", "mine")]),
        (True, [(None, "core"), (None, "mine"), (None, "other"), ("app", "mine")]),
    ],
)
def test_tables_on_the_search_path_have_no_schema(
    connection: Connection, all_schemas: bool, expected: list[tuple[str | None, str]]
) -> None:
    statements = ["CREATE TABLE mine (id integer)", "CREATE SCHEMA app", "CREATE TABLE app.mine (id integer)"]
    result = upgrade(connection, [*statements, "SET search_path TO app, public"])
    # Alembic's own word goes first: what the dialect calls its default schema.
    connection.dialect.default_schema_name = "public" if all_schemas else "app"
    named = replayed(result, connection, all_schemas=all_schemas)
    assert sorted(((key.schema, key.name) for key, _ in named.last.tables.values()), key=str) == sorted(
        expected, key=str
    )
    assert result.alterations == []


@pytest.mark.parametrize("connection", ["sqlite"], indirect=True)
def test_triggers_of_sqlite_belong_to_their_tables(connection: Connection) -> None:
    body = "BEGIN UPDATE core SET size = 1; END"
    statements = [
        "CREATE VIEW seen AS SELECT name FROM core",
        f"CREATE TRIGGER tr_seen INSTEAD OF INSERT ON seen {body}",
        f"CREATE TRIGGER tr AFTER INSERT ON CORE {body}",
    ]
    result = upgrade(connection, statements)
    assert [(a.key, a.kind, a.action, a.name) for a in result.alterations] == [(CORE, "trigger", "added", "tr")]
    assert {key.name for key, _ in result.last.tables.values()} == {"core", "other"}


DROPPED_AND_MADE = ["DROP TABLE core", "CREATE TABLE mine (id INTEGER)"]


def test_a_drop_and_a_create_are_no_rename(connection: Connection) -> None:
    result = replayed(upgrade(connection, DROPPED_AND_MADE), connection)
    assert [(a.kind, a.action, a.key) for a in result.alterations] == [("table", "dropped", CORE)]
    assert [origin.key.name for origin in result.origins({})] == ["mine"]


@pytest.mark.parametrize("connection", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("statements", "listening"),
    [
        (["ALTER TABLE core RENAME TO renamed"], True),
        (["ALTER TABLE CORE RENAME TO renamed", "CREATE TABLE mine (id INTEGER)"], True),
        (["ALTER TABLE core ADD COLUMN extra INTEGER", *DROPPED_AND_MADE], True),
        (DROPPED_AND_MADE, False),
    ],
)
def test_sqlite_can_not_always_tell_a_rename(connection: Connection, statements: list[str], listening: bool) -> None:
    result = upgrade(connection, statements, listening=listening)
    gone = [(a.kind, a.action, a.key) for a in result.alterations if a.kind == "table"]
    assert gone == [("table", "dropped_or_renamed", CORE)]
    assert result.origins({}) == ()


def test_type_users_are_columns_of_the_type_and_of_its_arrays(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        assert catalogue_of(connection, AlteredTables(lambda: None)).type_users(connection, "mood") == []
        return
    connection.exec_driver_sql("CREATE TYPE mood AS ENUM ('good')")
    connection.exec_driver_sql("CREATE TABLE a (one mood, many mood[], none integer)")
    found = catalogue_of(connection, AlteredTables(lambda: None)).type_users(connection, "mood")
    assert sorted((key.name, column) for key, column in found) == [("a", "many"), ("a", "one")]


def test_version_tables_have_one_column(connection: Connection) -> None:
    for name, columns in [
        ("alembic_version_x", "version_num VARCHAR(32) NOT NULL PRIMARY KEY"),
        ("versions", "version_num VARCHAR(32), what TEXT"),
        ("empty", "id INTEGER"),
    ]:
        connection.exec_driver_sql(f"CREATE TABLE {name} ({columns})")
    catalogue = catalogue_of(connection, AlteredTables(lambda: None))
    tables = {one: key for one, (key, _) in catalogue.snapshot(connection, digests=False).tables.items()}
    found = version_tables(catalogue, connection, tables)
    assert [key.name for key in found] == ["alembic_version_x"]
