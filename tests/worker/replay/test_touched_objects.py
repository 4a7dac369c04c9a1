"""What revisions did, told from events and from digests of everything: the same, whatever they execute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection as PsycopgConnection
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from alembic_review.observe.scratch import Scratch, ScratchDatabase, open_scratch
from alembic_review.worker.redirect.sqlite_authorizer import AlteredTables
from alembic_review.worker.replay.catalogue import PostgresCatalogue
from alembic_review.worker.replay.catalogue_digests import tables
from alembic_review.worker.replay.touched_objects import Doubts, EventCatalogue, observing
from alembic_review.worker.replay.upgrade import Noted, Replayed

# Everything is tried on a database that may lack what a statement needs; what fails is rolled back.
STATEMENTS = [
    "CREATE TABLE a (id serial PRIMARY KEY, name varchar(20), size integer)",
    "CREATE TABLE b (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a_id integer REFERENCES a (id), note text)",
    "CREATE TABLE c (LIKE a INCLUDING ALL)",
    "CREATE TABLE d AS SELECT * FROM a",
    "CREATE TABLE IF NOT EXISTS a (id integer)",
    "CREATE TEMP TABLE t (id integer)",
    "CREATE UNLOGGED TABLE u (id integer)",
    "CREATE TABLE kid (more integer) INHERITS (a)",
    "CREATE TABLE parts (id integer, day date) PARTITION BY RANGE (id)",
    "CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10)",
    "CREATE TABLE part2 (id integer, day date)",
    "ALTER TABLE parts ATTACH PARTITION part2 FOR VALUES FROM (10) TO (20)",
    "ALTER TABLE parts DETACH PARTITION part2",
    "CREATE INDEX ix_parts ON parts (day)",
    "ALTER TABLE parts ADD COLUMN more integer",
    "ALTER TABLE a ADD COLUMN extra integer DEFAULT 1",
    "ALTER TABLE a DROP COLUMN extra",
    "ALTER TABLE a ALTER COLUMN id TYPE bigint",
    "ALTER TABLE a ALTER COLUMN name SET NOT NULL",
    "ALTER TABLE a ALTER COLUMN name SET DEFAULT 'x'",
    "ALTER TABLE a ALTER COLUMN name SET STATISTICS 10",
    "ALTER TABLE a RENAME COLUMN size TO weight",
    "ALTER TABLE a RENAME TO renamed",
    "ALTER TABLE renamed RENAME TO a",
    "ALTER TABLE a SET SCHEMA more",
    "ALTER TABLE more.a SET SCHEMA public",
    "ALTER TABLE a SET (fillfactor = 70)",
    "ALTER TABLE a ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE a REPLICA IDENTITY FULL",
    "ALTER TABLE a ADD CONSTRAINT positive CHECK (size > 0) NOT VALID",
    "ALTER TABLE a VALIDATE CONSTRAINT positive",
    "ALTER TABLE a DROP CONSTRAINT positive",
    "ALTER TABLE a DROP CONSTRAINT a_pkey CASCADE",
    "ALTER TABLE a RENAME CONSTRAINT positive TO above_zero",
    "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey",
    "ALTER TABLE b ADD CONSTRAINT late FOREIGN KEY (a_id) REFERENCES a (id) NOT VALID",
    "ALTER TABLE a ADD CONSTRAINT once UNIQUE (name)",
    "ALTER TABLE a OWNER TO reader",
    "ALTER TABLE b ALTER COLUMN id SET INCREMENT 2",
    "ALTER TABLE b ALTER COLUMN id DROP IDENTITY",
    "ALTER TABLE a DISABLE TRIGGER ALL",
    "ALTER TABLE a CLUSTER ON a_pkey",
    "CREATE INDEX ix_a ON a (name)",
    "CREATE INDEX ix_a_lower ON a (lower(name)) WHERE size > 1",
    "DROP INDEX ix_a",
    "ALTER INDEX ix_a RENAME TO ix_b",
    "ALTER INDEX ix_a SET (fillfactor = 50)",
    "CREATE STATISTICS st ON name, size FROM a",
    "DROP STATISTICS st",
    "COMMENT ON TABLE a IS 'all of them'",
    "COMMENT ON TABLE a IS NULL",
    "COMMENT ON COLUMN a.name IS 'its name'",
    "COMMENT ON INDEX ix_a IS 'fast'",
    "GRANT SELECT ON a TO reader",
    "GRANT SELECT (name) ON a TO reader",
    "REVOKE SELECT (name) ON a FROM reader",
    "REVOKE ALL ON a FROM reader",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
    "GRANT USAGE ON SCHEMA public TO reader",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader",
    "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM reader",
    "TRUNCATE a CASCADE",
    "TRUNCATE a RESTART IDENTITY CASCADE",
    "INSERT INTO a (name) VALUES ('one')",
    "DELETE FROM a",
    "DROP TABLE a",
    "DROP TABLE a CASCADE",
    "DROP TABLE b",
    "DROP TABLE c, d",
    "DROP TABLE parts",
    "DROP TABLE kid",
    "CREATE TYPE mood AS ENUM ('sad', 'happy')",
    "ALTER TYPE mood RENAME VALUE 'sad' TO 'glum'",
    "ALTER TYPE mood RENAME TO feeling",
    "CREATE TABLE moody (id integer, feels mood)",
    "ALTER TABLE a ADD COLUMN feels mood",
    "DROP TYPE mood",
    "DROP TYPE mood CASCADE",
    "CREATE DOMAIN positive_number AS integer CHECK (VALUE > 0)",
    "ALTER DOMAIN positive_number ADD CONSTRAINT small CHECK (VALUE < 100)",
    "ALTER DOMAIN positive_number DROP CONSTRAINT small",
    "CREATE TABLE counted (n positive_number)",
    "DROP DOMAIN positive_number CASCADE",
    "CREATE TYPE pair AS (x integer, y integer)",
    "CREATE TABLE pairs OF pair",
    "ALTER TYPE pair ADD ATTRIBUTE z integer CASCADE",
    "CREATE SEQUENCE numbers",
    "ALTER SEQUENCE numbers INCREMENT 5",
    "ALTER SEQUENCE numbers OWNED BY a.id",
    "ALTER SEQUENCE numbers OWNED BY NONE",
    "ALTER TABLE numbers RENAME TO counters",
    "SELECT nextval('numbers')",
    "DROP SEQUENCE numbers CASCADE",
    "DROP SEQUENCE a_id_seq CASCADE",
    "CREATE VIEW seen AS SELECT name FROM a",
    "CREATE OR REPLACE VIEW seen AS SELECT name FROM a WHERE size > 0",
    "DROP VIEW seen",
    "CREATE MATERIALIZED VIEW kept AS SELECT name FROM a",
    "REFRESH MATERIALIZED VIEW kept",
    "CREATE INDEX ix_kept ON kept (name)",
    "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE OR REPLACE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE TRIGGER tr BEFORE INSERT ON a FOR EACH ROW EXECUTE PROCEDURE noted()",
    "CREATE TRIGGER tr_seen INSTEAD OF INSERT ON seen FOR EACH ROW EXECUTE PROCEDURE noted()",
    "ALTER TABLE a DISABLE TRIGGER tr",
    "ALTER TRIGGER tr ON a RENAME TO tr2",
    "DROP TRIGGER tr ON a",
    "DROP FUNCTION noted() CASCADE",
    "CREATE RULE quiet AS ON DELETE TO a DO INSTEAD NOTHING",
    "DROP RULE quiet ON a",
    "CREATE POLICY some_rows ON a USING (size > 0)",
    "ALTER POLICY some_rows ON a USING (size > 1)",
    "DROP POLICY some_rows ON a",
    "CREATE SCHEMA more",
    "CREATE TABLE more.a (id integer PRIMARY KEY)",
    "ALTER SCHEMA more RENAME TO others",
    "ALTER SCHEMA others RENAME TO more",
    "DROP SCHEMA more CASCADE",
    "CREATE SCHEMA both_at_once CREATE TABLE inner_table (id integer) CREATE INDEX ON inner_table (id)",
    "CREATE EXTENSION IF NOT EXISTS citext",
    "DROP EXTENSION IF EXISTS citext CASCADE",
    "DROP OWNED BY reader",
    "REASSIGN OWNED BY reader TO CURRENT_USER",
    "CLUSTER a USING a_pkey",
    "REINDEX TABLE a",
    "ANALYZE a",
    "RESET ALL",
    "SET alembic_review.touched = ''",
    "DO $$ BEGIN CREATE TABLE f (i int); RAISE 'no'; EXCEPTION WHEN OTHERS THEN CREATE TABLE e (i int); END $$",
    "DO $$ BEGIN ALTER TABLE a ADD COLUMN late integer; CREATE INDEX ix_late ON a (late); END $$",
]
# Parents are read with all their children; a has none here.
CREATED = [one for one in STATEMENTS if one.startswith("CREATE ") and "INHERITS" not in one]
# These need a superuser, as whom no revision is observed by events; they are doubted all the same.
SUPERUSER = [
    "UPDATE pg_catalog.pg_attribute SET attnotnull = NOT attnotnull WHERE attrelid = 'a'::regclass AND attnum = 3",
    "UPDATE pg_class SET relname = 'taken' WHERE oid = 'a'::regclass",
    "DELETE FROM pg_description",
    "SET session_replication_role = replica",
    "SET event_triggers = off",
    "ALTER EVENT TRIGGER alembic_review_on_end DISABLE",
    "ALTER EVENT TRIGGER alembic_review_on_end ENABLE ALWAYS",
    "DROP EVENT TRIGGER alembic_review_on_drop",
]


@pytest.fixture(scope="module")
def server() -> Iterator[Scratch]:
    """As a review has it: the role is not a superuser."""
    with open_scratch("postgresql", None) as scratch:
        with connected(scratch.create()) as connection:
            connection.exec_driver_sql("CREATE ROLE reader")
            connection.commit()
        yield scratch


@contextmanager
def connected(database: ScratchDatabase) -> Iterator[Connection]:
    """A connection over the driver that this SQLAlchemy takes by itself."""
    query = {"host": str(database.host), "port": str(database.port)}
    url = URL.create("postgresql", database.user, database=database.database, query=query)
    engine = create_engine(url, poolclass=NullPool, future=True)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


class Revision:
    path = "abc.py"

    def __init__(self, number: int) -> None:
        self.revision = f"r{number}"


class Observed:
    """One database whose revisions are observed both ways."""

    def __init__(self, connection: Connection, watched: frozenset[str]) -> None:
        self.connection = connection
        self.context = MigrationContext.configure(connection)
        self.events = EventCatalogue()
        self.by_events = Replayed(self.events, watched)
        self.by_digests = Replayed(PostgresCatalogue(), watched)
        for one in (self.by_events, self.by_digests):
            one.last = one.catalogue.snapshot(connection, digests=False)
        event.listen(connection.engine, "before_cursor_execute", Doubts(lambda _: self.events)._before)
        self.number = 0

    def revision(self, statements: list[tuple[str, bool]]) -> None:
        """Run one revision; a statement with False is rolled back."""

        def run() -> None:
            for statement, kept in statements:
                savepoint = self.connection.begin_nested()
                try:
                    self.connection.exec_driver_sql(statement)
                except DBAPIError:
                    savepoint.rollback()
                else:
                    savepoint.commit() if kept else savepoint.rollback()

        inner = Noted(self.by_digests, self.context, run, Revision(self.number))
        Noted(self.by_events, self.context, inner, Revision(self.number))()
        self.number += 1

    def require_equal(self) -> None:
        one, other = self.by_events, self.by_digests
        assert one.alterations == other.alterations
        assert one.effective == other.effective
        assert one.creators == other.creators
        assert (one.gone, one.taken) == (other.gone, other.taken)
        assert list(one.last.tables) == list(other.last.tables)
        assert {key for key, _ in one.last.tables.values()} == {key for key, _ in other.last.tables.values()}
        if one.digested:
            assert one.last == other.last
            assert one.known == other.known


def observe(server: Scratch, revisions: list[list[tuple[str, bool]]], watched: list[bool], *, superuser: bool) -> bool:
    """Compare both ways after these revisions; whether the events explain everything."""
    database = server.create()
    assert database.allow is not None
    database.allow(superuser)
    try:
        with connected(database) as connection:
            names = frozenset(f"r{number}" for number, one in enumerate(watched) if one)
            observed = Observed(connection, names)
            for statements in revisions:
                observed.revision(statements)
            explained = observed.events.explained(connection)
            if explained:
                observed.require_equal()
            connection.rollback()
    finally:
        database.allow(False)
    return explained


def revisions_of(statements: list[str]) -> st.SearchStrategy[list[list[tuple[str, bool]]]]:
    # Most revisions need a table to work on.
    some = st.lists(st.tuples(st.sampled_from(statements), st.integers(0, 7).map(bool)), max_size=6)
    begun = some.map(lambda rest: [(STATEMENTS[0], True), (STATEMENTS[1], True), *rest])
    return st.tuples(begun, st.lists(some, min_size=1, max_size=4)).map(lambda two: [two[0], *two[1]])


@given(revisions=revisions_of(STATEMENTS), watched=st.lists(st.booleans(), min_size=5, max_size=5))
@settings(max_examples=60)
def test_both_ways_give_the_same_facts(
    server: Scratch, revisions: list[list[tuple[str, bool]]], watched: list[bool]
) -> None:
    assert observe(server, revisions, watched, superuser=False)


@given(revisions=revisions_of([*STATEMENTS[:60], *SUPERUSER * 3]))
@settings(max_examples=25)
def test_what_a_superuser_does_to_the_catalogues_is_never_missed(
    server: Scratch, revisions: list[list[tuple[str, bool]]]
) -> None:
    observe(server, revisions, [True] * 5, superuser=True)


@pytest.fixture(scope="module")
def full(server: Scratch) -> Iterator[Connection]:
    """A database with everything that the statements create."""
    with connected(server.create()) as connection:
        Observed(connection, frozenset()).revision([(one, True) for one in CREATED])
        connection.commit()
        yield connection


@pytest.mark.one_stack  # what the server notes of a statement
@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_each_statement_alone(full: Connection, statement: str, *, watched: bool) -> None:
    """In a revision of its own, between others."""
    observed = Observed(full, frozenset({"r0", "r2"} | ({"r1"} if watched else set())))
    observed.revision([("CREATE TABLE y (id integer)", True)])
    observed.revision([(statement, True)])
    observed.revision([("CREATE TABLE z (id integer)", True)])
    assert observed.events.explained(full)
    observed.require_equal()
    full.rollback()


def test_only_what_was_touched_is_read_again(full: Connection) -> None:
    observed = Observed(full, frozenset({"r0", "r1"}))
    observed.revision([("CREATE TABLE y (id integer)", True)])
    seen: list[str] = []
    event.listen(full.engine, "before_cursor_execute", lambda *arguments: seen.append(arguments[2]))
    before = observed.events.snapshot(full, digests=True)
    full.exec_driver_sql("ALTER TABLE a ADD COLUMN more integer")
    after = observed.events.snapshot(full, digests=True)
    changed = [
        key.name for identity, (key, _) in after.tables.items() if after.tables[identity] != before.tables[identity]
    ]
    assert changed == ["a"]
    (oid,) = (identity for identity, (key, _) in after.tables.items() if key.name == "a" and key.schema == "public")
    assert [text for text in seen if "pg_attribute" in text] == [tables({oid})]
    full.rollback()
    assert observed.events.snapshot(full, digests=True) == PostgresCatalogue().snapshot(full, digests=True)


def test_another_session_is_doubted(server: Scratch) -> None:
    database = server.create()
    with connected(database) as connection, connected(database) as other:
        connection.exec_driver_sql("CREATE TABLE a (id integer)")
        connection.commit()
        observed = Observed(connection, frozenset({"r0", "r1"}))
        observed.revision([("CREATE TABLE b (id integer)", True)])
        connection.commit()
        other.exec_driver_sql("ALTER TABLE a ADD COLUMN more integer")
        other.commit()
        assert not observed.events.explained(connection)
        event.listen(other.engine, "before_cursor_execute", Doubts(lambda _: observed.events)._before)
        other.exec_driver_sql("ALTER TABLE a ADD COLUMN yet_more integer")
        other.commit()
        observed.revision([])
        assert observed.events.explained(connection)
        observed.require_equal()
        connection.rollback()


def test_a_server_without_the_triggers_is_read_in_full(scratch_connection: PsycopgConnection[Any]) -> None:
    info = scratch_connection.info
    database = ScratchDatabase("postgresql", info.dbname, info.host, info.port, info.user)
    with connected(database) as connection:
        assert type(observing(connection, AlteredTables(lambda: None), digests=False)) is PostgresCatalogue


def test_digests_can_be_asked_for(server: Scratch) -> None:
    with connected(server.create()) as connection:
        kinds = [type(observing(connection, AlteredTables(lambda: None), digests=one)) for one in (False, True)]
    assert kinds == [EventCatalogue, PostgresCatalogue]


def test_the_role_of_revisions_can_not_stop_the_triggers(server: Scratch) -> None:
    with connected(server.create()) as connection:
        for statement in (
            "ALTER EVENT TRIGGER alembic_review_on_end DISABLE",
            "DROP EVENT TRIGGER alembic_review_on_drop",
            "DROP FUNCTION pg_catalog.alembic_review_note() CASCADE",
            "ALTER FUNCTION pg_catalog.alembic_review_note() OWNER TO CURRENT_USER",
        ):
            with pytest.raises(DBAPIError, match=r"must be owner|permission denied"):
                connection.exec_driver_sql(statement)
            connection.rollback()
