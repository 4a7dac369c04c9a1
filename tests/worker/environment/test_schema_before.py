"""What the settings make before the first revision, on PostgreSQL and SQLite, over each driver."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import greenlet_spawn

from alembic_review.observe.scratch import open_scratch
from alembic_review.observe.scratch.base import ScratchDatabase
from alembic_review.worker.environment.schema_before import Before
from alembic_review.worker.worker_errors import WorkerError
from tests.worker.conftest import Modules
from tests.worker.environment.test_sql_files import DUMP
from tests.worker.redirect.redirected import run

DRIVERS = ["psycopg2", "asyncpg"] + (["psycopg"] if sa.__version__ >= "2" else [])


@pytest.fixture(scope="module")
def server() -> Iterator[object]:
    with open_scratch("postgresql", None) as scratch:
        yield scratch


@pytest.fixture
def database(server: object) -> ScratchDatabase:
    made: ScratchDatabase = server.create()  # type: ignore[attr-defined]
    return made


def engine_of(database: ScratchDatabase, driver: str = "psycopg2") -> Engine:
    query = {"host": str(database.host), "port": str(database.port)}
    url = URL.create(f"postgresql+{driver}", username=database.user, database=database.database, query=query)
    return sa.create_engine(url, poolclass=NullPool)


def read(engine: Engine, query: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def file(folder: Path, text: str) -> str:
    path = folder / "before.sql"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_unedited_dump_over_each_driver(driver: str, database: ScratchDatabase) -> None:
    before = Before(str(DUMP))
    engine = engine_of(database, driver)
    if engine.dialect.is_async:

        async def apply() -> None:
            await greenlet_spawn(before.apply, engine)

        asyncio.run(apply())
    else:
        before.apply(engine)
    plain = engine_of(database)
    assert read(plain, "SELECT code, name, note, since::text, flag::text, tags::text FROM country ORDER BY code") == [
        ("at", "Österreich 😀", "\\N \\.", "infinity", "\\x", "{}"),
        ("ch", "O'Neil", None, None, None, None),
        ("de", "tab\there \\ back\nnewline", "50 % off %s :name $1", "1990-10-03", "\\x00ff27", '{"a,b","c\\"d",NULL}'),
    ]
    assert read(plain, "SELECT id, title, binding::text, country FROM book ORDER BY id") == [
        (1, "", 'hard; "deluxe"', "de"),
        (2, "\\.", None, None),
    ]
    assert read(plain, "SELECT (SELECT count(*) FROM archive.marker), (SELECT count(*) FROM archive.sale)") == [(1, 1)]
    assert read(plain, "SELECT larger(2, 3), count(*) FROM paperback") == [(3, 0)]
    # Nobody but the account of the scratch server owns anything, and the mark of the database is still there.
    owners = "SELECT DISTINCT tableowner = current_user FROM pg_tables WHERE schemaname IN ('public', 'archive')"
    assert read(plain, owners) == [(True,)]
    mark = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    assert read(plain, mark) == [(database.mark,)]
    assert before.not_checked() == (
        "ownership and privileges before the first revision (17 statements of `before` left out)",
    )


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("CREATE TABLE a (id int);\n\nCREATE TABLE b (\n  id nonsense\n);", 'type "nonsense" does not exist', 3),
        ("SET search_path = x;\nALTER DATABASE shop SET search_path = x;", "for the whole server: ALTER DATABASE", 2),
        ("\\connect shop\n", "\\connect is a command of psql", 1),
        ("CREATE TABLE a (id int);\nCOPY a (id) FROM stdin;\n1\n2\nthree\n\\.\n", "invalid input syntax", 5),
        ("CREATE TABLE a (id int);\nCOPY a FROM stdin WITH (FORMAT csv);\n1\n\\.\n", "Only plain text", 2),
    ],
)
def test_an_error_names_file_and_line(
    text: str, message: str, line: int, database: ScratchDatabase, tmp_path: Path
) -> None:
    path = file(tmp_path, text)
    with pytest.raises(WorkerError) as caught:
        Before(path).apply(engine_of(database))
    assert message in caught.value.message
    assert caught.value.message.endswith(f"\n  at {path}:{line}")
    assert caught.value.hint


def test_what_old_and_cleaning_dumps_hold(database: ScratchDatabase, tmp_path: Path) -> None:
    path = file(
        tmp_path,
        "SET client_encoding = 'LATIN1';\nSET of.the_future = on; SET nobody_knows_it = 1;\n"
        "SET SESSION AUTHORIZATION 'nobody_here';\nDROP SCHEMA IF EXISTS public;\nCREATE SCHEMA public;\n"
        "ALTER SCHEMA public OWNER TO \"no body\";\nCOMMENT ON SCHEMA public IS 'standard';\n"
        "CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog;\nCOMMENT ON EXTENSION plpgsql IS 'x';\n"
        "COMMENT ON DATABASE shop IS 'theirs';\nCREATE TABLE public.a (id int);\n"
        "ALTER TABLE public.a OWNER TO nobody_here;\n"
        "REVOKE ALL ON TABLE public.a FROM PUBLIC;\nGRANT ALL ON TABLE public.a TO nobody_here;",
    )
    before = Before(path)
    before.apply(engine_of(database))
    assert read(engine_of(database), "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("a",)]
    assert before.left_out == 5


def test_a_dump_of_sqlite(tmp_path: Path) -> None:
    path = file(
        tmp_path,
        "PRAGMA foreign_keys=OFF;\nPRAGMA application_id=5;\nBEGIN TRANSACTION;\n"
        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, \"b;\" TEXT);\nINSERT INTO a VALUES(1,'it''s; %s');\n"
        "DELETE FROM sqlite_sequence;\nINSERT INTO sqlite_sequence VALUES('a',1);\n"
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a WHERE id = 0; END;\nCOMMIT;\n",
    )
    engine = sa.create_engine(f"sqlite:///{tmp_path}/x.db", poolclass=NullPool)
    Before(path).apply(engine)
    assert read(engine, 'SELECT id, "b;" FROM a') == [(1, "it's; %s")]
    assert read(engine, "PRAGMA application_id") == [(0,)]


CALLABLES = """
import sqlalchemy as sa

def create(connection):
    connection.execute(sa.text("CREATE TABLE made (id INTEGER)"))
    connection.execute(sa.text("INSERT INTO made VALUES (1)"))

def wrong(connection):
    connection.execute(sa.text("INSERT INTO missing VALUES (1)"))

class Tables:
    create = staticmethod(create)

nothing = None
"""


@pytest.mark.parametrize("name", ["create", "Tables.create"])
def test_a_callable(name: str, write: Modules, tmp_path: Path) -> None:
    write({"legacy_tables.py": CALLABLES})
    engine = sa.create_engine(f"sqlite:///{tmp_path}/x.db", poolclass=NullPool)
    Before(f"legacy_tables:{name}").apply(engine)
    assert read(engine, "SELECT id FROM made") == [(1,)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("legacy_tables:wrong", r"no such table: missing(.|\n)*legacy_tables.py:9 in wrong"),
        ("legacy_tables:nothing", "is None, not a callable"),
        ("legacy_tables:absent", "has no absent"),
        ("legacy_absent:create", "there is no module legacy_absent"),
    ],
)
def test_a_callable_that_fails(name: str, message: str, write: Modules, tmp_path: Path) -> None:
    write({"legacy_tables.py": CALLABLES})
    with pytest.raises(WorkerError, match=message) as caught:
        Before(name).apply(sa.create_engine(f"sqlite:///{tmp_path}/x.db", poolclass=NullPool))
    assert caught.value.message.startswith("`before`")


def test_every_scratch_database_is_filled_before_its_first_connection(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        filled = []
        def fill(engine, target, first):
            with engine.begin() as connection:
                connection.execute(text("CREATE TABLE earlier (id INTEGER)"))
                connection.execute(text("PRAGMA foreign_keys = ON"))
            filled.append([target.label, str(engine.url), type(engine.pool).__name__])

        redirect._fill = fill
        one, other = sa.create_engine("sqlite:///a.db"), sa.create_engine("sqlite:///b.db")
        with one.connect() as connection:
            setting = connection.execute(text("PRAGMA foreign_keys")).scalar()
        result = {"tables": [where(one), where(one), where(other)], "setting": setting}
        with redirect.elsewhere():
            result["elsewhere"] = where(one)
        result["filled"] = filled
        """,
    )
    assert found["tables"] == [["scratch0", "earlier"], ["scratch0", "earlier"], ["scratch1", "earlier"]]
    assert found["elsewhere"] == ["scratch2", "earlier"]
    assert found["setting"] == 0
    labels = ["sqlite:///a.db", "sqlite:///b.db", "sqlite:///a.db"]
    assert found["filled"] == [[label, label, "NullPool"] for label in labels]
    assert found["refusal"] is None


def test_engines_are_counted_as_if_nothing_had_been_filled(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        redirect._fill = lambda engine, target, first: where(engine)
        def connected():
            return [sa.create_engine("sqlite://").connect().exec_driver_sql("SELECT name FROM sqlite_master").scalar()
                    for _ in range(2)]
        first = connected()
        redirect.start_run()
        result = {"first": first, "second": connected()}
        """,
    )
    assert found["first"] == ["scratch0", "scratch1"]
    assert found["second"] == found["first"]


def test_what_can_not_be_filled_is_refused(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        from alembic_review.worker.worker_errors import WorkerError
        def fill(engine, target, first):
            raise WorkerError("no such role", "make it")
        redirect._fill = fill
        result = {"said": attempt(lambda: where(sa.create_engine("sqlite:///a.db"))), "hint": redirect.refusal.hint}
        """,
    )
    assert "no such role" in str(found["said"])
    assert "no such role" in str(found["refusal"])
    assert found["hint"] == "make it"
