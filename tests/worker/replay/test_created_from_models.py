"""Tables that were created from the models themselves, noted before anybody knows which models are compared."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from psycopg import Connection as PsycopgConnection
from sqlalchemy import Column, Integer, MetaData, create_engine, event, exc
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import StaticPool

from alembic_review.model.worker_request import WorkerRequest
from alembic_review.worker.definitions.definition_sites import Witnesses
from alembic_review.worker.redirect.connections import Target
from alembic_review.worker.redirect.sqlite_authorizer import AlteredTables
from alembic_review.worker.replay.catalogue import catalogue_of
from alembic_review.worker.replay.created_from_models import Creations
from alembic_review.worker.replay.upgrade import Noted, Replayed
from alembic_review.worker.session import Session
from tests.worker.conftest import Modules, load

MODELS = """
    from sqlalchemy import Column, Enum, Index, Integer, MetaData, String, Table

    metadata = MetaData()
    book = Table(
        "book",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("isbn", String(17), index=True),
        Column("state", Enum("new", "old", name="book_state")),
    )
    author = Table("author", metadata, Column("id", Integer, primary_key=True))
"""
CODE = """
    from sqlalchemy import Column, Integer, MetaData, Table
    from sqlalchemy.orm import declarative_base
    from sqlalchemy.schema import CreateTable

    from shelf.models import author, book, metadata


    def create_all(connection, op):
        metadata.create_all(connection)


    def some(connection, op):
        metadata.create_all(connection, tables=[book])


    def create(connection, op):
        author.create(connection, checkfirst=True)


    def executed(connection, op):
        connection.execute(CreateTable(author))


    def executed_by_op(connection, op):
        op.execute(CreateTable(author))


    def if_not_exists(connection, op):
        connection.execute(CreateTable(author, if_not_exists=True))


    def copies(connection, op):
        copied = MetaData()
        for table in metadata.sorted_tables:
            table.to_metadata(copied)
        second = MetaData()
        for table in copied.sorted_tables:
            table.to_metadata(second)
        second.create_all(connection)


    def copy_of_another_name(connection, op):
        copied = MetaData()
        author.to_metadata(copied, name="writer")
        copied.create_all(connection)


    def operation(connection, op):
        op.create_table("author", Column("id", Integer, primary_key=True))


    def own_models(connection, op):
        Base = declarative_base()

        class Author(Base):
            __tablename__ = "author"
            id = Column(Integer, primary_key=True)

        Base.metadata.create_all(connection)


    def own_table(connection, op):
        Table("author", MetaData(), Column("id", Integer, primary_key=True)).create(connection)


    def found_there(connection, op):
        connection.exec_driver_sql("CREATE TABLE author (id INTEGER PRIMARY KEY)")
        author.create(connection, checkfirst=True)
        connection.execute(CreateTable(author, if_not_exists=True))


    def dropped(connection, op):
        author.create(connection)
        author.drop(connection)


    def created_anew(connection, op):
        author.create(connection)
        author.drop(connection)
        operation(connection, op)


    def rolled_back(connection, op):
        savepoint = connection.begin_nested()
        author.create(connection)
        savepoint.rollback()
        operation(connection, op)


    def failed(connection, op):
        operation(connection, op)
        savepoint = connection.begin_nested()
        try:
            author.create(connection, checkfirst=False)
        except Exception:
            savepoint.rollback()
"""
ALL = "metadata.create_all()"
SHAPES = {
    "create_all": {"author": ALL, "book": ALL},
    "some": {"book": ALL},
    "create": {"author": "table.create()"},
    "executed": {"author": "CreateTable"},
    "executed_by_op": {"author": "CreateTable"},
    "if_not_exists": {"author": "CreateTable"},
    "copies": {"author": ALL, "book": ALL},
    "copy_of_another_name": {},
    "operation": {},
    "own_models": {},
    "own_table": {},
    "found_there": {},
    "dropped": {},
    "created_anew": {},
    "rolled_back": {},
    "failed": {},
}
BOTH = pytest.mark.parametrize("run", ["sqlite", "postgresql"], indirect=True)
HERE = Target(("here",), "here")


@dataclass
class Run:
    """One database: code runs as a revision, or outside of all."""

    connection: Connection
    creations: Creations
    replayed: list[Replayed] = field(default_factory=list)

    def start(self) -> None:
        """What env.py's ``run_migrations`` begins with."""
        altered = AlteredTables(lambda: None)
        self.replayed.append(Replayed(catalogue_of(self.connection, altered), frozenset({"r1", "r2"})))
        self.replayed[0].last = self.replayed[0].catalogue.snapshot(self.connection, digests=False)

    def revision(self, name: str, code: Callable[..., None]) -> None:
        context = MigrationContext.configure(self.connection)
        script = type("Script", (), {"revision": name, "path": f"{name}.py"})()
        Noted(self.replayed[0], context, lambda: self.code(code), script)()

    def code(self, code: Callable[..., None]) -> None:
        code(self.connection, Operations(MigrationContext.configure(self.connection)))

    def found(self, *targets: MetaData, target: Target = HERE) -> list[tuple[str, str, str]]:
        replayed = self.replayed[0]
        name = replayed.namer(self.connection, all_schemas=False)
        creations, _ = self.creations.of(target, replayed, self.connection, targets or [models().metadata], name)
        return [(creation.key.name, creation.call, creation.revision) for creation in creations]


def models() -> Any:
    return load("shelf.models")


def code(name: str) -> Callable[..., None]:
    function: Callable[..., None] = getattr(load("shelf.code"), name)
    return function


@pytest.fixture
def run(request: pytest.FixtureRequest, witnesses: Witnesses, write: Modules) -> Iterator[Run]:
    write({"shelf/__init__.py": "", "shelf/models.py": MODELS, "shelf/code.py": CODE})
    database = getattr(request, "param", "sqlite")
    if database == "sqlite":
        engine = create_engine("sqlite://", poolclass=StaticPool)
    else:
        known: PsycopgConnection[Any] = request.getfixturevalue("scratch_connection")
        options = {"host": known.info.host, "port": str(known.info.port)}
        engine = create_engine(
            URL.create("postgresql", known.info.user, database=known.info.dbname, query=options), poolclass=StaticPool
        )
    replayed: list[Replayed] = []
    creations = Creations(
        witnesses.stacks, witnesses.original, lambda _: HERE, lambda _: replayed[0] if replayed else None
    )
    creations.install()
    with engine.connect() as connection:
        # The drivers of SQLite begin no transaction for DDL: savepoints need one.
        if database == "sqlite":
            connection.exec_driver_sql("BEGIN")
        yield Run(connection, creations, replayed)
    for name in ("before_execute", "after_execute"):
        event.remove(Engine, name, getattr(creations, f"_{name.partition('_')[0]}"))
    engine.dispose()


@pytest.mark.parametrize("name", SHAPES)
def test_a_revision_creates_tables_from_the_models(name: str, run: Run) -> None:
    run.start()
    run.revision("r1", code(name))
    assert run.found() == [(table, call, "r1") for table, call in SHAPES[name].items()]


@pytest.mark.parametrize("run", ["postgresql"], indirect=True)
def test_postgresql_names_its_tables_otherwise(run: Run) -> None:
    run.start()
    run.revision("r1", code("rolled_back"))
    assert run.found() == []
    run.revision("r2", code("if_not_exists"))
    assert run.found() == []
    run.revision("r3", lambda connection, _: connection.exec_driver_sql("DROP TABLE author"))
    run.revision("r4", code("copies"))
    assert run.found() == [("author", ALL, "r4"), ("book", ALL, "r4")]


@pytest.mark.parametrize("name", SHAPES)
def test_code_before_the_first_revision_creates_tables_from_the_models(name: str, run: Run) -> None:
    run.code(code(name))
    run.start()
    assert run.found() == [(table, call, "") for table, call in SHAPES[name].items()]


def test_code_after_the_last_revision_creates_what_no_revision_did(run: Run) -> None:
    run.start()
    run.revision("r1", code("operation"))
    run.code(code("create_all"))
    assert run.found() == [("book", ALL, "")]


def test_a_table_that_a_later_revision_creates_anew_is_compared_with_the_models(run: Run) -> None:
    run.code(code("create_all"))
    run.start()
    run.revision("r1", lambda connection, _: models().metadata.drop_all(connection))
    run.revision("r2", lambda connection, _: connection.exec_driver_sql("CREATE TABLE author (id INTEGER)"))
    assert run.found() == []


def test_only_tables_of_the_target_metadata_count(run: Run) -> None:
    run.start()
    run.revision("r1", code("create_all"))
    assert run.found(MetaData()) == []
    assert run.found(MetaData(), models().metadata) == [("author", ALL, "r1"), ("book", ALL, "r1")]


def test_another_database_does_not_count(run: Run) -> None:
    run.start()
    run.revision("r1", code("create_all"))
    assert run.found(target=Target(("there",), "here")) == []
    assert run.found(target=Target(("here",), "by another driver"))


def test_the_call_is_told_by_file_and_line(run: Run) -> None:
    run.start()
    run.revision("r1", code("create_all"))
    name = run.replayed[0].namer(run.connection, all_schemas=False)
    (first, second), _ = run.creations.of(HERE, run.replayed[0], run.connection, [models().metadata], name)
    assert first.stack is not None
    assert first.stack == second.stack
    stacks = run.creations.stacks
    innermost = stacks.frames[stacks.stacks[first.stack][0]]
    assert (innermost.module, innermost.function) == ("shelf.code", "create_all")
    assert linecache.getline(innermost.path, innermost.line).strip() == "metadata.create_all(connection)"


def test_tables_of_a_metadata_that_is_not_compared_are_told_apart(run: Run, witnesses: Witnesses) -> None:
    run.creations.definition = witnesses.definition
    run.start()
    run.revision("r1", code("create_all"))
    name = run.replayed[0].namer(run.connection, all_schemas=False)
    own, others = run.creations.of(HERE, run.replayed[0], run.connection, [MetaData()], name)
    assert own == ()
    assert [creation.key.name for creation in others] == ["author", "book"]
    stacks = run.creations.stacks
    assert others[0].defined is not None
    innermost = stacks.frames[stacks.stacks[others[0].defined][0]]
    assert linecache.getline(innermost.path, innermost.line).startswith("author = Table(")


ALREADY = {
    "table": lambda op: op.create_table("book", Column("id", Integer)),
    "index": lambda op: op.create_index("ix_book_isbn", "book", ["id"]),
    "column": lambda op: op.add_column("book", Column("isbn", Integer)),
}


@BOTH
@pytest.mark.parametrize("kind", ALREADY)
def test_what_exists_already_is_explained_by_the_call_that_created_it(kind: str, run: Run) -> None:
    run.code(code("some"))
    with pytest.raises(exc.DBAPIError) as caught:
        run.code(lambda _, op: ALREADY[kind](op))
    hint = run.creations.hint(caught.value, HERE, lambda package: package == "shelf")
    assert hint.startswith(f"{ALL} at {load('shelf.code').__file__}:")
    assert " had already created the table book from the models. " in hint
    assert hint.endswith("Move that call to code that env.py does not run, such as a start-up handler or a command.")
    assert run.creations.hint(caught.value, Target(("there",), "there"), lambda _: True) == ""


def test_what_a_revision_created_is_explained_with_its_name(run: Run) -> None:
    run.start()
    run.revision("r1", code("some"))
    with pytest.raises(exc.DBAPIError) as caught:
        run.code(lambda _, op: ALREADY["table"](op))
    outer = RuntimeError("wrapped")
    outer.__cause__ = caught.value
    hint = run.creations.hint(outer, HERE, lambda _: True)
    assert hint.endswith("Create the tables of revision r1 with op.create_table().")


def test_what_the_settings_created_before_the_first_revision_is_explained_by_them(run: Run) -> None:
    run.creations.before = True
    run.code(code("some"))
    run.creations.before = False
    with pytest.raises(exc.DBAPIError) as caught:
        run.code(lambda _, op: ALREADY["table"](op))
    hint = run.creations.hint(caught.value, HERE, lambda _: True)
    assert hint.endswith("The function of `before` must create only objects that exist before the first revision.")


@pytest.mark.parametrize("statement", ["CREATE TABLE other (id INTEGER)", "SELECT nothing FROM book"])
def test_another_error_has_no_such_hint(statement: str, run: Run) -> None:
    run.code(code("some"))
    run.connection.exec_driver_sql("CREATE TABLE other (id INTEGER)")
    with pytest.raises(exc.DBAPIError) as caught:
        run.connection.exec_driver_sql(statement)
    assert run.creations.hint(caught.value, HERE, lambda _: True) == ""
    assert run.creations.hint(ValueError("already exists"), HERE, lambda _: True) == ""


def test_a_database_is_known_whatever_the_driver() -> None:
    """The label of a target names the driver; a synchronous engine may create what asyncpg migrates."""
    nobody: Any = None
    session = Session(nobody, WorkerRequest(config=None))
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        replayed = Replayed(catalogue_of(connection, AlteredTables(lambda: None)), frozenset())
        session.replayed.append((Target(("here",), "sqlite+aiosqlite://"), replayed))
        assert session._replayed_on(connection) is None
        session.redirect.targets[id(engine.dialect)] = Target(("here",), "sqlite://")
        assert session._replayed_on(connection) is replayed
        session.redirect.targets[id(engine.dialect)] = Target(("there",), "sqlite://")
        assert session._replayed_on(connection) is None
