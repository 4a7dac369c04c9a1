"""Rows from the catalogue, on PostgreSQL and SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Connection
from sqlalchemy.pool import StaticPool

from alembic_review.worker.prove.data.hazards import dangers
from alembic_review.worker.prove.data.hostile import ACCEPTED, IMPOSSIBLE, Hostile, wishes
from alembic_review.worker.prove.data.seeding import ROWS, Seeder, empty
from alembic_review.worker.prove.data.structure import execute, read_structure

NAMES = {"owner", "widget", "part", "event", "lonely"}


@pytest.fixture
def postgresql(scratch_connection: Any) -> Iterator[Connection]:
    info = scratch_connection.info
    # The driver that this SQLAlchemy takes by itself: psycopg2 on 1.4 and 2.0, psycopg on 2.1.
    options = {"host": info.host, "port": str(info.port)}
    url = URL.create("postgresql", info.user, database=info.dbname, query=options)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def sqlite() -> Iterator[Connection]:
    with create_engine("sqlite://", poolclass=StaticPool, isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection


def made(connection: Connection, *statements: str) -> Seeder:
    for statement in statements:
        execute(connection, statement)
    return Seeder(connection, read_structure(connection, NAMES))


def counted(connection: Connection, table: str) -> int:
    return int(execute(connection, f"SELECT count(*) FROM {table}").scalar())


DIFFICULT = (
    "CREATE TYPE state AS ENUM ('new', 'done')",
    "CREATE DOMAIN code AS text CHECK (length(VALUE) = 4)",
    "CREATE TABLE owner (id uuid PRIMARY KEY, parent uuid REFERENCES owner, kind varchar(1) UNIQUE)",
    """CREATE TABLE widget (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner uuid NOT NULL REFERENCES owner,
        at timestamptz NOT NULL,
        state state NOT NULL, code code NOT NULL, doc jsonb NOT NULL, tags text[] NOT NULL, span int4range NOT NULL,
        price numeric(6,2) NOT NULL CHECK (price >= 10), status text NOT NULL CHECK (status IN ('a', 'b')),
        start date NOT NULL, stop date NOT NULL CHECK (stop > start),
        twice integer GENERATED ALWAYS AS (length(status)) STORED,
        EXCLUDE USING gist (span WITH &&))""",
    "CREATE TABLE part (widget bigint NOT NULL REFERENCES widget, no smallint NOT NULL, PRIMARY KEY (widget, no))",
    """CREATE TABLE event (day date NOT NULL, name text) PARTITION BY RANGE (day)""",
    "CREATE TABLE event_2031 PARTITION OF event FOR VALUES FROM ('2031-01-01') TO ('2031-12-31')",
)


def test_difficult_tables_are_filled(postgresql: Connection) -> None:
    seeder = made(postgresql, *DIFFICULT)
    seeder.fill()
    assert seeder.reasons == {}
    assert {name: counted(postgresql, name) for name in ("owner", "widget", "part", "event")} == dict.fromkeys(
        ("owner", "widget", "part", "event"), ROWS
    )
    assert counted(postgresql, "widget WHERE owner IS NULL OR tags = '{}'") == 0


def test_a_table_that_takes_no_row_has_the_reason_of_the_server(postgresql: Connection) -> None:
    seeder = made(postgresql, "CREATE TABLE lonely (id integer PRIMARY KEY, CHECK (id IS NULL))")
    seeder.fill()
    (reason,) = seeder.reasons.values()
    assert "check constraint" in reason


def test_what_has_a_cycle_is_filled_over_its_nullable_key(postgresql: Connection) -> None:
    seeder = made(
        postgresql,
        "CREATE TABLE owner (id integer PRIMARY KEY, best integer)",
        "CREATE TABLE widget (id integer PRIMARY KEY, owner integer NOT NULL REFERENCES owner)",
        "ALTER TABLE owner ADD FOREIGN KEY (best) REFERENCES widget",
    )
    seeder.fill()
    assert seeder.reasons == {}


def test_a_required_reference_to_itself_is_filled(postgresql: Connection) -> None:
    seeder = made(postgresql, "CREATE TABLE widget (id serial PRIMARY KEY, parent integer NOT NULL REFERENCES widget)")
    seeder.fill()
    assert (seeder.reasons, counted(postgresql, "widget")) == ({}, ROWS)


def test_sqlite_tables_are_filled(sqlite: Connection) -> None:
    seeder = made(
        sqlite,
        "CREATE TABLE owner (id INTEGER PRIMARY KEY, name VARCHAR(5) NOT NULL UNIQUE)",
        """CREATE TABLE widget (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES owner (id),
           price NUMERIC(4, 2) NOT NULL, at DATETIME NOT NULL, done BOOLEAN NOT NULL,
           size TEXT NOT NULL CONSTRAINT ck CHECK (size IN ('S', 'M')))""",
    )
    seeder.fill()
    assert (seeder.reasons, counted(sqlite, "owner"), counted(sqlite, "widget")) == ({}, ROWS, ROWS)


def test_emptying_a_table_empties_what_refers_to_it(postgresql: Connection) -> None:
    seeder = made(postgresql, *DIFFICULT)
    seeder.fill()
    owner = next(identity for identity, table in seeder.tables.items() if table.key.name == "owner")
    empty(postgresql, seeder.tables, [owner])
    assert [counted(postgresql, name) for name in ("owner", "widget", "part")] == [0, 0, 0]


REFERRED = (
    "CREATE TABLE owner (id integer PRIMARY KEY)",
    "CREATE TABLE other (id integer PRIMARY KEY, owner integer REFERENCES owner)",
    "INSERT INTO owner VALUES (1)",
)


def the_owner(connection: Connection, *statements: str) -> tuple[Seeder, Any]:
    seeder = made(connection, *statements)
    return seeder, next(identity for identity, table in seeder.tables.items() if table.key.name == "owner")


def test_emptying_a_table_does_not_touch_others_that_have_no_rows(postgresql: Connection) -> None:
    """TRUNCATE writes every table anew that refers to it, directly or not."""
    seeder, owner = the_owner(postgresql, *REFERRED)
    files = "SELECT relname, relfilenode FROM pg_class WHERE relname IN ('owner', 'other') ORDER BY 1"
    before = execute(postgresql, files).fetchall()
    empty(postgresql, seeder.tables, [owner])
    assert execute(postgresql, files).fetchall() == before
    assert counted(postgresql, "owner") == 0


@pytest.mark.parametrize(
    "obstacle",
    [
        ("INSERT INTO other VALUES (1, 1)",),
        (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
            "CREATE TRIGGER refuse BEFORE DELETE ON owner FOR EACH ROW EXECUTE FUNCTION refuse()",
        ),
        ("CREATE RULE refuse AS ON DELETE TO owner DO INSTEAD NOTHING",),
    ],
    ids=["rows that refer to it", "trigger", "rule"],
)
@pytest.mark.parametrize("level", ["AUTOCOMMIT", "READ COMMITTED"])
def test_emptying_a_table_succeeds_whatever_keeps_its_rows(
    postgresql: Connection, obstacle: tuple[str, ...], level: str
) -> None:
    seeder, owner = the_owner(postgresql, *REFERRED, *obstacle)
    with postgresql.engine.connect() as opened:
        connection = opened.execution_options(isolation_level=level)
        empty(connection, seeder.tables, [owner])
        assert counted(connection, "owner") == 0


def test_a_table_that_was_emptied_can_be_altered_in_the_same_transaction(postgresql: Connection) -> None:
    seeder, owner = the_owner(
        postgresql,
        REFERRED[0],
        "CREATE TABLE other (id integer, owner integer REFERENCES owner DEFERRABLE INITIALLY DEFERRED)",
        REFERRED[2],
    )
    with postgresql.engine.connect() as opened:
        connection = opened.execution_options(isolation_level="READ COMMITTED")
        empty(connection, seeder.tables, [owner])
        execute(connection, "ALTER TABLE owner ADD COLUMN more integer NOT NULL UNIQUE")


# The state of each danger of `changes`, with rows made for it.

OWNED = (
    "CREATE TABLE owner (id integer PRIMARY KEY)",
    "CREATE TABLE widget (id integer PRIMARY KEY, name varchar(20), owner integer, live boolean, size integer)",
)
CHANGES = {
    "ALTER TABLE widget ALTER name SET NOT NULL": ACCEPTED,
    "ALTER TABLE widget ADD CONSTRAINT c UNIQUE (name)": ACCEPTED,
    "ALTER TABLE widget ADD CONSTRAINT c UNIQUE (name, size)": ACCEPTED,
    "CREATE UNIQUE INDEX c ON widget (lower(name))": ACCEPTED,
    "CREATE UNIQUE INDEX c ON widget (name) WHERE NOT live": ACCEPTED,
    "CREATE UNIQUE INDEX c ON widget (coalesce(size, 0))": ACCEPTED,
    "ALTER TABLE widget ALTER name TYPE varchar(5)": ACCEPTED,
    "ALTER TABLE widget ALTER size TYPE smallint": ACCEPTED,
    "ALTER TABLE widget ADD CONSTRAINT c FOREIGN KEY (owner) REFERENCES owner": ACCEPTED,
    "ALTER TABLE widget ADD CONSTRAINT c CHECK (size > 0)": ACCEPTED,
    "ALTER TABLE widget ADD CONSTRAINT c CHECK (name IN ('a', 'b'))": ACCEPTED,
    "ALTER TABLE widget ADD CONSTRAINT c CHECK (name IS NOT NULL OR size IS NOT NULL)": ACCEPTED,
}
IMPOSSIBLE_AFTER = {
    "ALTER TABLE widget ALTER name SET NOT NULL": "ALTER TABLE widget ADD CHECK (name IS NOT NULL)",
    "ALTER TABLE widget ADD CONSTRAINT c UNIQUE (name, size)": "ALTER TABLE widget ADD UNIQUE (name)",
    "ALTER TABLE widget ADD CONSTRAINT c FOREIGN KEY (owner) REFERENCES owner ON DELETE CASCADE": (
        "ALTER TABLE widget ADD FOREIGN KEY (owner) REFERENCES owner"
    ),
    "ALTER TABLE widget ADD CONSTRAINT c CHECK (size > 0)": "ALTER TABLE widget ADD CHECK (size > 10)",
}
SAFE = (
    "ALTER TABLE widget ADD COLUMN more integer NOT NULL DEFAULT 0",
    "ALTER TABLE widget ADD COLUMN more integer GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE widget ADD CONSTRAINT c CHECK (size > 0) NOT VALID",
    "ALTER TABLE widget ADD CONSTRAINT c FOREIGN KEY (owner) REFERENCES owner NOT VALID",
    "CREATE INDEX c ON widget (name)",
    "ALTER TABLE widget RENAME name TO label",
    "ALTER TABLE widget DROP COLUMN size",
)


def state(connection: Connection, change: str, *more: str) -> tuple[list[str], bool]:
    """What became of the hostile rows for a change, and whether the change then fails."""
    seeder = made(connection, *OWNED, *more)
    execute(connection, "BEGIN")
    execute(connection, change)
    coming = dangers(seeder.tables, read_structure(connection, NAMES))
    execute(connection, "ROLLBACK")
    seeder.wishes = wishes(connection, seeder.tables, coming)
    seeder.fill()
    states = [Hostile(seeder).add(one) for one in coming]
    try:
        execute(connection, change)
    except Exception:  # noqa: BLE001 - whatever the server says, it refuses the rows
        return states, True
    return states, False


@pytest.mark.parametrize("change", CHANGES)
def test_hostile_rows_make_a_change_fail(postgresql: Connection, change: str) -> None:
    assert state(postgresql, change) == ([ACCEPTED], True)


@pytest.mark.parametrize(("change", "before"), IMPOSSIBLE_AFTER.items())
def test_a_row_that_cannot_exist_is_no_danger(postgresql: Connection, change: str, before: str) -> None:
    assert state(postgresql, change, before) == ([IMPOSSIBLE], False)


@pytest.mark.parametrize("change", SAFE)
def test_a_change_that_rows_cannot_break_is_no_danger(postgresql: Connection, change: str) -> None:
    assert state(postgresql, change) == ([], False)


def test_benign_rows_fulfil_what_the_plan_adds(postgresql: Connection) -> None:
    seeder = made(postgresql, *OWNED)
    change = "ALTER TABLE widget ADD CHECK (name IN ('a', 'b')), ADD CHECK (size < 5), ALTER owner TYPE smallint"
    execute(postgresql, "BEGIN")
    execute(postgresql, change)
    coming = dangers(seeder.tables, read_structure(postgresql, NAMES))
    execute(postgresql, "ROLLBACK")
    seeder.wishes = wishes(postgresql, seeder.tables, coming)
    seeder.fill()
    execute(postgresql, change)
    assert counted(postgresql, "widget WHERE name IN ('a', 'b') AND size < 5") == ROWS


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_a_narrower_check_is_tried_with_what_the_present_one_names(
    request: pytest.FixtureRequest, database: str
) -> None:
    connection = request.getfixturevalue(database)
    # SQLAlchemy 1.4 reads the CHECKs of SQLite line by line.
    seeder = made(connection, "CREATE TABLE widget (id integer, who text NOT NULL,\nCHECK (who IN ('me', 'you'))\n)")
    seeder.fill()
    before = dict(seeder.tables)
    execute(connection, "CREATE TABLE part (id integer, who text NOT NULL,\nCHECK (who IN ('me'))\n)")
    (after,) = read_structure(connection, {"part"}).values()
    (old,) = before.values()
    (danger,) = dangers(before, {old.identity: replace(after, identity=old.identity, key=old.key)})
    assert danger.hazard.kind == "check"
    assert Hostile(seeder).add(danger) == ACCEPTED
    assert ("you",) in seeder.rows(old, ["who"])
