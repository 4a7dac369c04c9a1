"""Statements of old models on the schema of the base and on a new one, on PostgreSQL and SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, Connection
from sqlalchemy.orm import declarative_base, deferred
from sqlalchemy.pool import StaticPool

from alembic_review.worker.prove.rolling.statements import readers
from alembic_review.worker.prove.rolling.trial import Trial

Model = Callable[[Any], None]


@pytest.fixture
def postgresql(scratch_connection: Any) -> Iterator[Connection]:
    """The schema is dropped and made again from statement to statement."""
    info = scratch_connection.info
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


def tried(connection: Connection, model: Model, *today: str) -> Trial:
    """The models of a base in a database made from them, and then in one where the statements ``today`` were executed.

    The trial sees first what they lead to, then the base, then what they lead to again.
    """
    base = declarative_base()
    model(base)
    trial = Trial(readers([base.metadata]))
    for step in (trial.look, trial.base, trial.today):
        base.metadata.create_all(connection)
        for statement in today if step != trial.base else ():
            connection.exec_driver_sql(statement)
        step(connection)
        _clear(connection)
    return trial


def _clear(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS new, public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        return
    rows = connection.exec_driver_sql("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    for kind, name in sorted(rows, key=lambda row: row[0] == "table"):
        connection.exec_driver_sql(f"DROP {kind} IF EXISTS {name}")


def shown(trial: Trial) -> list[str]:
    return sorted(
        f"{one.kind or 'other'} {one.key.name}.{one.column or one.name or '*'} {one.action}"
        for one in trial.broken.values()
    )


def widget(base: Any) -> None:
    class Widget(base):  # type: ignore[misc]
        __tablename__ = "widget"
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(50))
        size = sa.Column(sa.Integer)
        made = sa.Column(sa.DateTime, nullable=False, server_default=sa.func.now())
        state = sa.Column(sa.String(10), sa.CheckConstraint("state IN ('new', 'old')", name="ck_state"), default="new")


def parts(base: Any) -> None:
    """An owner with parts that can't do without it, a table that extends it, a link table, and a subclass."""
    widget(base)

    class Owner(base):  # type: ignore[misc]
        __tablename__ = "owner"
        id = sa.Column(sa.Integer, primary_key=True)
        kind = sa.Column(sa.String(10), nullable=False)
        __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "owner"}  # noqa: RUF012

    class Extended(Owner):
        __tablename__ = "extended"
        owner_id = sa.Column(sa.Integer, sa.ForeignKey("owner.id"), primary_key=True)
        note = deferred(sa.Column(sa.Text))
        __mapper_args__ = {"polymorphic_identity": "extended"}  # noqa: RUF012

    class Part(base):  # type: ignore[misc]
        __tablename__ = "part"
        id = sa.Column(sa.Integer, primary_key=True)
        owner_id = sa.Column(sa.Integer, sa.ForeignKey("owner.id"), nullable=False)
        code = sa.Column("kode", sa.String(5), nullable=False, unique=True)

    sa.Table(
        "link",
        base.metadata,
        sa.Column("part_id", sa.ForeignKey("part.id"), primary_key=True),
        sa.Column("owner_id", sa.ForeignKey("owner.id"), primary_key=True),
    )


ANY = [
    ("nothing", widget, (), []),
    ("several tables", parts, (), []),
    ("nullable column", widget, ("ALTER TABLE widget ADD COLUMN colour varchar(10)",), []),
    (
        "NOT NULL column with a default",
        widget,
        ("ALTER TABLE widget ADD COLUMN colour varchar(10) NOT NULL DEFAULT 'red'",),
        [],
    ),
    ("new table", widget, ("CREATE TABLE gadget (id integer PRIMARY KEY, widget_id integer REFERENCES widget)",), []),
    (
        "dropped columns",
        widget,
        ("ALTER TABLE widget DROP COLUMN name", "ALTER TABLE widget DROP COLUMN size"),
        ["missing_column widget.name select", "missing_column widget.size select"],
    ),
    (
        "renamed column",
        widget,
        ("ALTER TABLE widget RENAME COLUMN name TO title",),
        ["missing_column widget.name select"],
    ),
    ("renamed table", widget, ("ALTER TABLE widget RENAME TO gadget",), ["missing_table widget.* select"]),
    (
        "dropped tables",
        parts,
        ("DROP TABLE link", "DROP TABLE part"),
        ["missing_table link.* select", "missing_table part.* select"],
    ),
    (
        "deferred column",
        parts,
        ("ALTER TABLE extended DROP COLUMN note",),
        ["missing_column extended.note insert"],
    ),
    (
        "column of another name in the database",
        parts,
        ("ALTER TABLE part RENAME COLUMN kode TO code",),
        ["missing_column part.kode select", "required part.code insert"],
    ),
]


@pytest.mark.parametrize(("model", "today", "found"), [case[1:] for case in ANY], ids=[case[0] for case in ANY])
@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_on_both(
    request: pytest.FixtureRequest, database: str, model: Model, today: tuple[str, ...], found: list[str]
) -> None:
    trial = tried(request.getfixturevalue(database), model, *today)
    assert shown(trial) == found
    assert trial.not_checked == []
    assert len(trial.rows) == len(trial.models)


POSTGRESQL = [
    (
        "NOT NULL columns without a default",
        ("ALTER TABLE widget ADD COLUMN colour varchar(10) NOT NULL", "ALTER TABLE widget ADD COLUMN n int NOT NULL"),
        ["required widget.colour insert", "required widget.n insert"],
    ),
    ("column that becomes NOT NULL", ("ALTER TABLE widget ALTER size SET NOT NULL",), ["not_null widget.size insert"]),
    (
        "server default that is dropped",
        ("ALTER TABLE widget ALTER made DROP DEFAULT",),
        ["default widget.made insert"],
    ),
    (
        "NOT NULL with a default of the server, which an explicit NULL does not get",
        ("ALTER TABLE widget ALTER size SET DEFAULT 0", "ALTER TABLE widget ALTER size SET NOT NULL"),
        ["not_null widget.size insert"],
    ),
    ("shorter text", ("ALTER TABLE widget ALTER name TYPE varchar(10)",), ["narrow widget.name insert"]),
    ("longer text", ("ALTER TABLE widget ALTER name TYPE text",), []),
    ("larger number", ("ALTER TABLE widget ALTER size TYPE bigint",), []),
    (
        "another type",
        ("ALTER TABLE widget ALTER name TYPE integer USING name::integer",),
        ["cast widget.name insert"],
    ),
    (
        "CHECK",
        ("ALTER TABLE widget ADD CONSTRAINT ck_size CHECK (size > 0)",),
        ["check widget.size insert"],
    ),
    (
        "CHECK that is not validated",
        ("ALTER TABLE widget ADD CONSTRAINT ck_size CHECK (size > 0) NOT VALID",),
        ["check widget.size insert"],
    ),
    (
        "values that a CHECK no longer allows",
        (
            "ALTER TABLE widget DROP CONSTRAINT ck_state",
            "ALTER TABLE widget ADD CONSTRAINT ck_state CHECK (state IN ('new'))",
        ),
        ["check widget.state insert"],
    ),
    ("unique", ("ALTER TABLE widget ADD UNIQUE (name)",), []),
    (
        "foreign key",
        ("CREATE TABLE gadget (id int PRIMARY KEY)", "ALTER TABLE widget ADD FOREIGN KEY (size) REFERENCES gadget"),
        [],
    ),
    (
        "view of the old name",
        ("ALTER TABLE widget RENAME TO gadget", "CREATE VIEW widget AS SELECT * FROM gadget"),
        [],
    ),
    (
        "view of the old name without a column",
        ("ALTER TABLE widget RENAME TO gadget", "CREATE VIEW widget AS SELECT id, name, size, made FROM gadget"),
        ["missing_column widget.state select"],
    ),
    (
        "view of the old name that takes no rows",
        ("ALTER TABLE widget RENAME TO gadget", "CREATE VIEW widget AS SELECT DISTINCT * FROM gadget"),
        ["other widget.* insert"],
    ),
    (
        "column that becomes generated",
        ("ALTER TABLE widget DROP COLUMN name", "ALTER TABLE widget ADD name text GENERATED ALWAYS AS ('x') STORED"),
        ["other widget.* insert"],
    ),
    (
        "identity in place of a sequence",
        (
            "ALTER TABLE widget ALTER id DROP DEFAULT",
            "ALTER TABLE widget ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        ),
        [],
    ),
    (
        "trigger that fills what old code does not know",
        (
            "ALTER TABLE widget ADD COLUMN colour text NOT NULL",
            "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.colour = 'red'; RETURN NEW; END$$",
            "CREATE TRIGGER fill BEFORE INSERT ON widget FOR EACH ROW EXECUTE FUNCTION fill()",
        ),
        [],
    ),
    (
        "table in another schema",
        ("CREATE SCHEMA new", "ALTER TABLE widget SET SCHEMA new"),
        ["missing_table widget.* select"],
    ),
    (
        "trigger",
        (
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no longer'; END$$",
            "CREATE TRIGGER no BEFORE INSERT ON widget FOR EACH ROW EXECUTE FUNCTION no()",
        ),
        ["other widget.* insert"],
    ),
    (
        "constraint that is checked at the end of the transaction",
        (
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no longer'; END$$",
            "CREATE CONSTRAINT TRIGGER no AFTER INSERT ON widget INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no()",
        ),
        ["other widget.* insert"],
    ),
]


@pytest.mark.parametrize(("today", "found"), [case[1:] for case in POSTGRESQL], ids=[case[0] for case in POSTGRESQL])
def test_on_postgresql(postgresql: Connection, today: tuple[str, ...], found: list[str]) -> None:
    trial = tried(postgresql, widget, *today)
    assert shown(trial) == found
    assert trial.not_checked == []


def test_a_rebuilt_table_of_sqlite(sqlite: Connection) -> None:
    rebuilt = (
        """CREATE TABLE other (id integer PRIMARY KEY, name varchar(50), size integer NOT NULL,
           made datetime NOT NULL DEFAULT CURRENT_TIMESTAMP, state varchar(10), colour text NOT NULL)""",
        "DROP TABLE widget",
        "ALTER TABLE other RENAME TO widget",
    )
    trial = tried(sqlite, widget, *rebuilt)
    assert shown(trial) == ["not_null widget.size insert", "required widget.colour insert"]


def test_what_fails_on_the_base_is_no_finding(postgresql: Connection) -> None:
    def model(base: Any) -> None:
        widget(base)

        class Viewed(base):  # type: ignore[misc]
            __table__ = sa.Table("widget_view", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))

        Viewed.__table__.to_metadata(base.metadata)

    base = declarative_base()
    model(base)
    trial = Trial(readers([base.metadata]))
    base.metadata.tables["widget"].create(postgresql)
    trial.look(postgresql)
    trial.base(postgresql)
    trial.today(postgresql)
    assert trial.broken == {}
    assert [one.table.name for one in trial.readable] == ["widget"]


def test_the_statement_is_shown_as_it_was_executed(postgresql: Connection) -> None:
    trial = tried(postgresql, widget, "ALTER TABLE widget ALTER name TYPE integer USING name::integer")
    (broken,) = trial.broken.values()
    assert broken.classes == ("Widget",)
    assert broken.statement.sql.startswith("INSERT INTO widget (name, size, state) VALUES ('")
    assert broken.error.sqlstate == "22P02"
