"""Blind spots: tables as revisions made them, and the models built in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import URL, Connection
from sqlalchemy.pool import StaticPool

from alembic_review.model.proofs import BlindSpot
from alembic_review.worker.prove.blind.building import declared
from alembic_review.worker.prove.blind.comparing import Came, compare_models
from alembic_review.worker.prove.data.structure import execute

V2 = not sa.__version__.startswith("1.")


@pytest.fixture
def postgresql(scratch_connection: Any) -> Iterator[Connection]:
    info = scratch_connection.info
    options = {"host": info.host, "port": str(info.port)}
    engine = create_engine(URL.create("postgresql", info.user, database=info.dbname, query=options))
    with engine.connect() as connection, connection.begin():
        yield connection
    engine.dispose()


@pytest.fixture
def sqlite() -> Iterator[Connection]:
    with create_engine("sqlite://", poolclass=StaticPool).connect() as connection:
        yield connection


Declare = Callable[[sa.MetaData], object]


def widget(*items: Any, **options: Any) -> Declare:
    """A table ``widget`` with an ``id``."""
    return lambda metadata: sa.Table(
        "widget", metadata, sa.Column("id", sa.Integer, primary_key=True), *[_made(one) for one in items], **options
    )


def _made(item: Any) -> Any:
    # An object belongs to one table; those of the parameters are made anew in each test.
    return item() if callable(item) and not isinstance(item, type) and not hasattr(item, "_set_parent") else item


def compared(connection: Connection, statements: tuple[str, ...], *declare: Declare) -> Came:
    for statement in statements:
        execute(connection, statement)
    metadata = sa.MetaData()
    for one in declare:
        one(metadata)
    return compare_models(connection, [metadata], declared([metadata]))


def shown(spot: BlindSpot) -> str:
    item = spot.column or spot.name or ""
    weaker = "lacks" if spot.weaker else "name" if spot.renamed else "has"
    return f"{spot.kind} {weaker} {item}: {spot.existing or '-'} / {spot.wanted or '-'}"


@dataclass(frozen=True)
class Case:
    """``statements`` are those of revisions; ``found`` is what differs from the models."""

    name: str
    statements: tuple[str, ...]
    declare: tuple[Declare, ...]
    found: tuple[str, ...] = ()
    needs_2: bool = False


SERIAL = "id serial PRIMARY KEY"
OPTIONS = "AS integer INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1 NO CYCLE"
LIMITS = "AS bigint INCREMENT BY {by} MINVALUE 1 MAXVALUE 9223372036854775807 START WITH {start} CACHE 1 NO CYCLE"
column = sa.Column

POSTGRESQL = (
    Case(
        "check",
        (f"CREATE TABLE widget ({SERIAL}, qty integer, CONSTRAINT old CHECK (qty > 9))",),
        (widget(lambda: column("qty", sa.Integer), lambda: sa.CheckConstraint("qty > 0", name="new")),),
        ("check lacks new: CHECK ((qty > 9)) / CHECK ((qty > 0))",),
    ),
    Case(
        "check that only the database has",
        (f"CREATE TABLE widget ({SERIAL}, qty integer, CONSTRAINT old CHECK (qty > 9))",),
        (widget(lambda: column("qty", sa.Integer)),),
        ("check has old: CHECK ((qty > 9)) / -",),
    ),
    Case(
        "the same check, in other words and not valid",
        (
            f"CREATE TABLE widget ({SERIAL}, qty integer, state varchar(9), price numeric(6, 2), UNIQUE (state, qty))",
            "ALTER TABLE widget ADD CONSTRAINT a CHECK ((qty) <> 3) NOT VALID",
            "ALTER TABLE widget ADD CONSTRAINT z CHECK (price >= 0.0)",
            "ALTER TABLE widget ADD CHECK (state::text = ANY (ARRAY['a'::text, 'b'::text]))",
        ),
        (
            widget(
                lambda: column("qty", sa.Integer),
                lambda: column("state", sa.String(9)),
                lambda: sa.CheckConstraint("qty != 3", name="a"),
                lambda: column("price", sa.Numeric(6, 2)),
                lambda: sa.CheckConstraint("price >= 0", name="z"),
                lambda: sa.CheckConstraint("state IN ('a', 'b')"),
                lambda: sa.UniqueConstraint("qty", "state"),
            ),
        ),
    ),
    Case(
        "names that the models give, and names that they do not give",
        (
            ("CREATE TABLE widget (id serial CONSTRAINT pk PRIMARY KEY, a integer, b integer, "
            "CONSTRAINT x CHECK (a > 0), CONSTRAINT y CHECK (b > 0))"),
        ),
        (
            widget(
                lambda: column("a", sa.Integer),
                lambda: column("b", sa.Integer),
                lambda: sa.CheckConstraint("a > 0", name="given"),
                lambda: sa.CheckConstraint("b > 0"),
            ),
        ),
        ("check name given: x / given",),
    ),
    Case(
        "server defaults",
        (
            (f"CREATE TABLE widget ({SERIAL}, a timestamp, b integer DEFAULT 1, c integer DEFAULT 2, d uuid "
            "DEFAULT gen_random_uuid(), e double precision DEFAULT random())"),
        ),
        (
            widget(
                lambda: column("a", sa.DateTime, server_default=sa.func.now()),
                lambda: column("b", sa.Integer),
                lambda: column("c", sa.Integer, server_default="3"),
                lambda: column("d", pg.UUID, server_default=sa.text("gen_random_uuid()")),
                lambda: column("e", pg.DOUBLE_PRECISION, server_default=sa.text("random() + 0")),
            ),
        ),
        (
            "server_default has b: 1 / -",
            "server_default lacks a: - / now()",
            "server_default lacks c: 2 / 3",
            "server_default lacks e: random() / (random() + (0)::double precision)",
        ),
    ),
    Case(
        "equal server defaults",
        (
            "CREATE SEQUENCE elsewhere",
            ("CREATE TABLE widget (id integer PRIMARY KEY DEFAULT nextval('elsewhere'), a timestamp DEFAULT now(), "
            "b numeric DEFAULT '0', c jsonb DEFAULT '{}', d boolean DEFAULT 'f', e json DEFAULT '[]', "
            "f timestamptz DEFAULT (now() AT TIME ZONE 'utc'), g varchar(9) DEFAULT 'a%b')"),
        ),
        (
            widget(
                lambda: column("a", sa.DateTime, server_default=sa.text("CURRENT_TIMESTAMP")),
                lambda: column("b", sa.Numeric, server_default=sa.text("0")),
                lambda: column("c", pg.JSONB, server_default=sa.text("'{}'::jsonb")),
                lambda: column("d", sa.Boolean, server_default=sa.false()),
                lambda: column("e", pg.JSON, server_default=sa.text("'[]'::json")),
                lambda: column("f", sa.DateTime(True), server_default=sa.text("timezone('utc', now())")),
                lambda: column("g", sa.String(9), server_default="a%b"),
            ),
        ),
    ),
    Case(
        "identity",
        (f"CREATE TABLE widget ({SERIAL})",),
        (lambda metadata: sa.Table("widget", metadata, column("id", sa.Integer, sa.Identity(), primary_key=True)),),
        (f"identity lacks id: - / GENERATED BY DEFAULT AS IDENTITY ({OPTIONS})",),
    ),
    Case(
        "options of an identity",
        ("CREATE TABLE widget (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",),
        (
            lambda metadata: sa.Table(
                "widget", metadata, column("id", sa.Integer, sa.Identity(always=True, start=5), primary_key=True)
            ),
        ),
        (
            (f"identity has id: GENERATED ALWAYS AS IDENTITY ({OPTIONS}) / "
            f"GENERATED ALWAYS AS IDENTITY ({OPTIONS.replace('START WITH 1', 'START WITH 5')})"),
        ),
    ),
    Case(
        "generated column",
        (f"CREATE TABLE widget ({SERIAL}, a integer, b integer, c integer GENERATED ALWAYS AS (a + 1) STORED)",),
        (
            widget(
                lambda: column("a", sa.Integer),
                lambda: column("b", sa.Integer, sa.Computed("a * 2", persisted=True)),
                lambda: column("c", sa.Integer, sa.Computed("a + 1", persisted=True)),
            ),
        ),
        ("generated lacks b: - / GENERATED ALWAYS AS ((a * 2)) STORED",),
    ),
    Case(
        "primary key",
        ("CREATE TABLE widget (a integer PRIMARY KEY, b integer NOT NULL)",),
        (lambda metadata: sa.Table(
            "widget", metadata, column("a", sa.Integer, primary_key=True), column("b", sa.Integer, primary_key=True)
        ),),
        ("primary_key lacks widget_pkey: PRIMARY KEY (a) / PRIMARY KEY (a, b)",),
    ),
    Case(
        "the same primary key in another order, and a foreign key that the models declare twice",
        (
            "CREATE TABLE owner (a integer, b integer, PRIMARY KEY (b, a))",
            f"CREATE TABLE widget ({SERIAL}, a integer, b integer)",
            "ALTER TABLE widget ADD CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES owner (a, b)",
        ),
        (
            lambda metadata: sa.Table(
                "owner", metadata, column("a", sa.Integer, primary_key=True), column("b", sa.Integer, primary_key=True)
            ),
            widget(
                lambda: column("a", sa.Integer),
                lambda: column("b", sa.Integer),
                lambda: sa.ForeignKeyConstraint(["a", "b"], ["owner.a", "owner.b"], name="fk"),
                lambda: sa.ForeignKeyConstraint(["a", "b"], ["owner.a", "owner.b"], name="again"),
            ),
        ),
    ),
    Case(
        "exclude",
        (f"CREATE TABLE widget ({SERIAL}, during tsrange)",),
        (
            widget(
                lambda: column("during", pg.TSRANGE),
                lambda: pg.ExcludeConstraint(("during", "&&"), name="ex", using="gist"),
            ),
        ),
        ("exclude lacks ex: - / EXCLUDE USING gist (during WITH &&)",),
    ),
    Case(
        "indexes",
        (
            f"CREATE TABLE widget ({SERIAL}, a integer, b text)",
            "CREATE INDEX one ON widget (a)",
            "CREATE INDEX two ON widget (a)",
            "CREATE INDEX three ON widget (b)",
            "CREATE INDEX same ON widget (a) WHERE b IS NOT NULL",
        ),
        (
            widget(
                lambda: column("a", sa.Integer),
                lambda: column("b", sa.Text),
                lambda: sa.Index("one", "a", postgresql_using="hash"),
                lambda: sa.Index("two", "a", postgresql_include=["b"]),
                lambda: sa.Index("three", "b", postgresql_ops={"b": "text_pattern_ops"}),
                lambda: sa.Index("same", "a", postgresql_where=sa.text("(b is not null)"),
                                 postgresql_concurrently=True),
            ),
        ),
        (
            "index lacks one: USING btree (a) / USING hash (a)",
            "index lacks three: USING btree (b) / USING btree (b text_pattern_ops)",
            "index lacks two: USING btree (a) / USING btree (a) INCLUDE (b)",
        ),
    ),
    Case(
        "unique constraint",
        (f"CREATE TABLE widget ({SERIAL}, a integer, b integer, CONSTRAINT u UNIQUE (a))",
         "CREATE UNIQUE INDEX other ON widget (b)"),
        (
            widget(
                lambda: column("a", sa.Integer),
                lambda: column("b", sa.Integer),
                lambda: sa.UniqueConstraint("a", name="u", deferrable=True),
                lambda: sa.UniqueConstraint("b", name="other"),
            ),
        ),
        ("unique lacks u: UNIQUE (a) / UNIQUE (a) DEFERRABLE",),
    ),
    Case(
        "foreign key",
        (
            "CREATE TABLE owner (id serial PRIMARY KEY)",
            f"CREATE TABLE widget ({SERIAL}, a integer REFERENCES owner, b integer REFERENCES owner)",
        ),
        (
            lambda metadata: sa.Table("owner", metadata, column("id", sa.Integer, primary_key=True)),
            widget(
                lambda: column("a", sa.ForeignKey("owner.id", match="FULL")),
                lambda: column("b", sa.ForeignKey("owner.id")),
            ),
        ),
        (
            ("foreign_key lacks widget_a_fkey: FOREIGN KEY (a) REFERENCES owner(id) / "
            "FOREIGN KEY (a) REFERENCES owner(id) MATCH FULL"),
        ),
    ),
    Case(
        "collation and type",
        (f"CREATE TABLE widget ({SERIAL}, a varchar(9), b interval, c timestamp)",),
        (
            widget(
                lambda: column("a", sa.String(9, collation="C")),
                lambda: column("b", pg.INTERVAL(fields="DAY TO SECOND")),
                lambda: column("c", pg.TIMESTAMP(precision=3)),
            ),
        ),
        (
            "collation lacks a: - / C",
            "type lacks b: interval / interval day to second",
            "type lacks c: timestamp without time zone / timestamp(3) without time zone",
        ),
    ),
    Case(
        "enum values",
        ("CREATE TYPE state AS ENUM ('a', 'b')", "CREATE TYPE kind AS ENUM ('a', 'b')",
         f"CREATE TABLE widget ({SERIAL}, state state, kinds kind[])"),
        (
            widget(
                lambda: column("state", sa.Enum("a", "c", name="state")),
                lambda: column("kinds", pg.ARRAY(pg.ENUM("a", name="kind", create_type=False))),
            ),
        ),
        ("enum_value has kinds: a, b / a", "enum_value lacks state: a, b / a, c"),
    ),
    Case(
        "an enum that the models only name",
        ("CREATE TYPE state AS ENUM ('a', 'b')", f"CREATE TABLE widget ({SERIAL}, state state)"),
        (widget(lambda: column("state", pg.ENUM(name="state", create_type=False))),),
    ),
    Case(
        "table",
        (f"CREATE UNLOGGED TABLE widget ({SERIAL}) WITH (fillfactor=90)",),
        (widget(postgresql_with={"fillfactor": 70}) if V2 else widget(),),
        (
            f"storage {'lacks' if V2 else 'has'} : fillfactor=90 / {'fillfactor=70' if V2 else '-'}",
            "unlogged lacks : UNLOGGED / LOGGED",
        ),
    ),
    Case(
        "partitioning",
        ("CREATE TABLE widget (id integer PRIMARY KEY)",),
        (lambda metadata: sa.Table(
            "widget", metadata, column("id", sa.Integer, primary_key=True, autoincrement=False),
            postgresql_partition_by="RANGE (id)",
        ),),
        ("partitioning lacks : - / PARTITION BY RANGE (id)",),
    ),
    Case(
        "nullability",
        (f"CREATE TABLE widget ({SERIAL}, a integer, b integer NOT NULL)",),
        (widget(lambda: column("a", sa.Integer, nullable=False), lambda: column("b", sa.Integer)),),
        ("nullable has b: NOT NULL / NULL", "nullable lacks a: NULL / NOT NULL"),
    ),
    Case(
        "sequence",
        (f"CREATE TABLE widget ({SERIAL})", "CREATE SEQUENCE other START 5"),
        (widget(), lambda metadata: sa.Sequence("ticket", metadata=metadata, increment=2),
         lambda metadata: sa.Sequence("other", metadata=metadata)),
        (
            f"sequence has other: {LIMITS.format(by=1, start=5)} / {LIMITS.format(by=1, start=1)}",
            f"sequence lacks ticket: - / {LIMITS.format(by=2, start=1)}",
        ),
    ),
    Case(
        "comment of a constraint",
        (f"CREATE TABLE widget ({SERIAL}, a integer, CONSTRAINT ck CHECK (a > 0))",),
        (
            widget(
                lambda: column("a", sa.Integer, comment="not compared here"),
                lambda: sa.CheckConstraint("a > 0", name="ck", comment="positive"),
                comment="not either",
            ),
        ),
        ("comment has ck: - / positive",),
        needs_2=True,
    ),
    Case(
        "domain",
        ("CREATE DOMAIN positive AS integer", f"CREATE TABLE widget ({SERIAL}, a positive)"),
        (widget(lambda: column("a", pg.DOMAIN("positive", sa.Integer, check="VALUE > 0"))),),
        ("domain lacks a: integer / integer CHECK ((VALUE > 0))",),
        needs_2=True,
    ),
    Case(
        "what comes and goes with columns, and tables that only one side has",
        (
            "CREATE TABLE other (id integer PRIMARY KEY)",
            f"CREATE TABLE widget ({SERIAL}, old integer CHECK (old > 0))",
            "CREATE VIEW shown AS SELECT * FROM widget",
        ),
        (
            widget(lambda: column("new", sa.Integer, sa.CheckConstraint("new > 0"), index=True)),
            lambda metadata: sa.Table("pending", metadata, column("id", sa.Integer, primary_key=True)),
            lambda metadata: sa.Table("shown", metadata, column("id", sa.Integer, primary_key=True)),
        ),
    ),
)  # fmt: skip


def cases(every: tuple[Case, ...]) -> list[object]:
    old = pytest.mark.skipif(not V2, reason="not in SQLAlchemy 1.4")
    return [pytest.param(case, id=case.name, marks=[old] if case.needs_2 else []) for case in every]


@pytest.mark.parametrize("case", cases(POSTGRESQL))
def test_postgresql(postgresql: Connection, case: Case) -> None:
    came = compared(postgresql, case.statements, *case.declare)
    assert tuple(sorted(map(shown, came.spots))) == tuple(sorted(case.found))
    assert list(came.built.not_checked()) == []


# What no operation expresses, or only by hand.
WITHOUT_CODE = ("partitioning", "domain")


@pytest.mark.parametrize("case", [one for one in cases(POSTGRESQL) if one.values[0].found])  # type: ignore[attr-defined]
def test_the_suggested_code_makes_the_database_equal_and_takes_it_back(postgresql: Connection, case: Case) -> None:
    def compared_again() -> list[BlindSpot]:
        metadata = sa.MetaData()
        for one in case.declare:
            one(metadata)
        execute(postgresql, "SAVEPOINT before")
        spots = compare_models(postgresql, [metadata], declared([metadata])).spots
        execute(postgresql, "ROLLBACK TO SAVEPOINT before")
        return list(spots)

    def run(code: str) -> None:
        exec(code, {"op": Operations(MigrationContext.configure(postgresql)), "sa": sa})

    for statement in case.statements:
        execute(postgresql, statement)
    first = compared_again()
    for spot in first:
        if spot.upgrade is not None:
            run(spot.upgrade)
    # PostgreSQL drops no value of an enum, and a missing one does no harm then.
    left = [spot for spot in compared_again() if spot.kind != "enum_value" or spot.weaker]
    assert [shown(spot) for spot in left if spot.kind not in WITHOUT_CODE] == []
    back = [spot for spot in first if spot.downgrade is not None]
    for spot in reversed(back):
        run(spot.downgrade or "")
    again = [shown(spot) for spot in compared_again()]
    assert [shown(spot) for spot in back if shown(spot) not in again] == []


def test_what_cant_be_built_is_left_out(postgresql: Connection) -> None:
    class Unknown(sa.types.UserDefinedType):  # type: ignore[type-arg]
        cache_ok = True

        def get_col_spec(self, **_: Any) -> str:
            return "geometry"

    came = compared(
        postgresql,
        (f"CREATE TABLE lost ({SERIAL}, a text)", f"CREATE TABLE widget ({SERIAL}, a integer, b text DEFAULT 'x')"),
        lambda metadata: sa.Table("lost", metadata, column("id", sa.Integer, primary_key=True), column("a", Unknown())),
        widget(
            lambda: column("a", sa.ForeignKey("lost.id")),
            lambda: column("b", sa.Text),
            lambda: sa.Index("ix", "b", postgresql_ops={"b": "unheard_of"}),
        ),
    )
    assert [shown(spot) for spot in came.spots] == ["server_default has b: 'x'::text / -"]
    assert list(came.built.not_checked()) == [
        'blind spots of lost (type "geometry" does not exist)',
        'blind spots of ix on widget (operator class "unheard_of" does not exist for access method "btree")',
        'blind spots of a on widget (relation "lost" does not exist)',
    ]
    assert [key.name for key in came.compared] == ["widget"]


def test_listeners_to_the_creation_of_tables_take_part(postgresql: Connection) -> None:
    metadata = sa.MetaData()
    table = sa.Table("widget", metadata, column("id", sa.Integer, primary_key=True), column("a", sa.Integer))
    ddl: Any = sa.DDL
    sa.event.listen(table, "after_create", ddl("ALTER TABLE widget ADD CONSTRAINT ck CHECK (a > 0)"))
    sa.event.listen(
        metadata, "before_create", ddl("CREATE FUNCTION there() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    )
    execute(postgresql, "CREATE FUNCTION there() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    execute(postgresql, f"CREATE TABLE widget ({SERIAL}, a integer CONSTRAINT ck CHECK (a > 0))")
    came = compare_models(postgresql, [metadata], [table])
    assert (came.spots, list(came.built.not_checked())) == ((), [])


def test_the_models_are_as_before(postgresql: Connection) -> None:
    """What builds them must not take constraints out of them."""
    metadata = sa.MetaData()
    owner = sa.Table("owner", metadata, column("id", sa.Integer, primary_key=True))
    table = sa.Table("widget", metadata, column("id", sa.ForeignKey("owner.id"), primary_key=True))
    before = str(sa.schema.CreateTable(table).compile(dialect=postgresql.dialect))
    execute(postgresql, "CREATE TABLE owner (id integer PRIMARY KEY)")
    execute(postgresql, "CREATE TABLE widget (id integer PRIMARY KEY REFERENCES owner)")
    compare_models(postgresql, [metadata], [owner, table])
    assert str(sa.schema.CreateTable(table).compile(dialect=postgresql.dialect)) == before
    assert "FOREIGN KEY" in before


ID = "id INTEGER NOT NULL"
_REBUILT = """CREATE TABLE "widget" (
\tid INTEGER NOT NULL, -- the key
\tcode VARCHAR(9),
\towner INTEGER,
\tPRIMARY KEY (id),
\tUNIQUE (code),
\tFOREIGN KEY(owner) REFERENCES "owner" (id) ON DELETE CASCADE
)"""
SQLITE = (
    Case(
        "checks",
        (f"CREATE TABLE widget ({ID}, qty INTEGER CHECK (qty <> 3), PRIMARY KEY (id), CONSTRAINT old CHECK (qty > 9))",
        ),
        (
            widget(
                lambda: column("qty", sa.Integer),
                lambda: sa.CheckConstraint("qty != 3"),
                lambda: sa.CheckConstraint("(qty > 0)", name="new"),
            ),
        ),
        ("check has old: CHECK (qty > 9) / -", "check lacks new: - / CHECK (qty > 0)"),
    ),
    Case(
        "server defaults",
        ((f"CREATE TABLE widget ({ID}, a DATETIME, b INTEGER DEFAULT '0', c DATETIME DEFAULT (datetime('now')), "
         "d INTEGER DEFAULT 2, PRIMARY KEY (id))"),),
        (
            widget(
                lambda: column("a", sa.DateTime, server_default=sa.func.now()),
                lambda: column("b", sa.Integer, server_default=sa.text("0")),
                lambda: column("c", sa.DateTime, server_default=sa.text("CURRENT_TIMESTAMP")),
                lambda: column("d", sa.Integer, server_default=sa.text("3")),
            ),
        ),
        ("server_default lacks a: - / CURRENT_TIMESTAMP", "server_default lacks d: 2 / 3"),
    ),
    Case(
        "collation, generated and primary key",
        ('CREATE TABLE widget (id INTEGER NOT NULL, a INTEGER, b INTEGER, "c" TEXT NOT NULL COLLATE "NOCASE")',),
        (
            widget(
                lambda: column("a", sa.Integer),
                lambda: column("b", sa.Integer, sa.Computed("a * 2")),
                lambda: column("c", sa.Text(collation="BINARY"), nullable=False),
            ),
        ),
        (
            "collation lacks c: NOCASE / BINARY",
            "generated lacks b: - / GENERATED ALWAYS AS (a * 2) VIRTUAL",
            "primary_key lacks : - / PRIMARY KEY (id)",
        ),
    ),
    Case(
        "indexes",
        (f"CREATE TABLE widget ({ID}, a INTEGER, b TEXT, PRIMARY KEY (id))", "CREATE INDEX one ON widget (a)",
         "CREATE INDEX two ON widget (a) WHERE b is not null"),
        (
            widget(
                lambda: column("a", sa.Integer),
                lambda: column("b", sa.Text),
                lambda: sa.Index("one", "a", sqlite_where=sa.text("a > 0")),
                lambda: sa.Index("two", "a", sqlite_where=sa.text("b IS NOT NULL")),
            ),
        ),
        ("index lacks one: (a) / (a) WHERE a > 0",),
    ),
    Case(
        "storage",
        (f"CREATE TABLE widget ({ID}, PRIMARY KEY (id))",),
        (widget(sqlite_autoincrement=True),),
        ("storage lacks : - / AUTOINCREMENT",),
    ),
    Case(
        "the same after a rebuild",
        ("CREATE TABLE owner (id INTEGER PRIMARY KEY)",
         _REBUILT, """ALTER TABLE widget ADD COLUMN "more" TEXT DEFAULT 'a, b'"""),
        (
            lambda metadata: sa.Table("owner", metadata, column("id", sa.Integer, primary_key=True)),
            widget(
                lambda: column("code", sa.String(9), unique=True),
                lambda: column("owner", sa.ForeignKey("owner.id", ondelete="CASCADE")),
                lambda: column("more", sa.Text, server_default="a, b"),
            ),
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", cases(SQLITE))
def test_sqlite(sqlite: Connection, case: Case) -> None:
    came = compared(sqlite, case.statements, *case.declare)
    assert tuple(sorted(map(shown, came.spots))) == tuple(sorted(case.found))
    assert list(came.built.not_checked()) == []
