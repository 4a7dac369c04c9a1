"""The SQL of every change is what ``alembic upgrade --sql`` prints for the revision that autogenerate writes."""

from __future__ import annotations

import enum
import io
import re
import textwrap
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alembic
import pytest
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from psycopg import Connection as PsycopgConnection
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    func,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, Engine
from sqlalchemy.pool import StaticPool

from alembic_review.worker.compare.comparison import compare

ENV = """
from alembic import context

given = context.config.attributes
options = {"target_metadata": given["target"], "compare_server_default": True, **given["options"]}
if context.is_offline_mode():
    context.configure(url=given["engine"].url, literal_binds=True, dialect_opts={"paramstyle": "named"}, **options)
    context.run_migrations()
else:
    with given["engine"].connect() as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
"""
TEMPLATE = Path(alembic.__file__).parent / "templates" / "generic" / "script.py.mako"


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


def columns(*more: Any) -> tuple[Any, ...]:
    return (Column("id", Integer, primary_key=True), *more)


def new_column() -> tuple[Any, ...]:
    """A column with whatever Alembic writes as an operation of its own, or not as SQLAlchemy would."""
    return (
        Column("i", Integer, index=True),
        Column("iu", Integer, index=True, unique=True),
        Column("checked", Integer, CheckConstraint("checked > 0")),
        Column("moment", DateTime, server_default="2030-01-01", comment="100% sure"),
        Column("colour", Enum(Colour, name="colour")),
    )


def new_table(metadata: MetaData) -> Table:
    return Table(
        "added",
        metadata,
        Column("id", Integer, Sequence("added_seq"), primary_key=True),
        *new_column(),
        Column("u", Integer, unique=True),
        Column("twice", Integer, Computed("i * 2")),
        Column("flag", Boolean(create_constraint=True)),
        Column("kept_id", ForeignKey("kept.id", ondelete="CASCADE"), index=True),
        Index("ix_added_two", "i", "u"),
        UniqueConstraint("u", "twice", name="uq_added"),
        CheckConstraint("'%' <> ''", name="ck_added"),
        comment="50% of 'it'",
    )


def on_sqlite() -> tuple[MetaData, MetaData]:
    """Models before and after, with the operations that SQLite can do without a copy of the table."""
    before, after = MetaData(), MetaData()
    Table("kept", before, *columns(Column("old", Integer, index=True)))
    Table("gone", before, *columns(Column("x", Integer, index=True)))
    Table(
        "kept", after, *columns(Column("old", Integer), *new_column()), Index("ix_part", "old", sqlite_where=text("1"))
    )
    new_table(after)
    return before, after


def on_postgresql() -> tuple[MetaData, MetaData]:
    """Models before and after, with every kind of operation."""
    before, after = MetaData(), MetaData()
    Table(
        "kept",
        before,
        *columns(Column("old", Integer, index=True), Column("b", String(10), server_default="x")),
        Column("dropped", Integer),
        Column("gone_id", ForeignKey("gone.id", name="fk_gone")),
        UniqueConstraint("b", name="uq_old"),
    )
    Table("gone", before, *columns(Column("x", Integer, index=True)), comment="bye")
    Table("told", before, *columns(), comment="one")
    Table("untold", before, *columns(), comment="one")
    Table(
        "kept",
        after,
        *columns(Column("old", BigInteger, nullable=False, comment="%"), Column("b", String(10), server_default="y")),
        *new_column(),
        Column("u", Integer, unique=True),
        Column("flag", Boolean(create_constraint=True, name="ck_flag")),
        Column("added_id", ForeignKey("added.id"), index=True),
        Column("gone_id", Integer),
        UniqueConstraint("old", "b", name="uq_new"),
        Index("ix_part", "b", postgresql_where=text("b LIKE 'x%'")),
        Index("ix_lower", func.lower(text("b"))),
    )
    new_table(after)
    Table("one", after, *columns(Column("other", ForeignKey("two.id", name="fk_one", use_alter=True))))
    Table("two", after, *columns(Column("other", ForeignKey("one.id", name="fk_two"))))
    Table("shared", after, Column("a", Integer, Identity(), primary_key=True), Column("c", Enum(Colour, name="colour")))
    key = Column("id", postgresql.UUID, primary_key=True, server_default=text("gen_random_uuid()"))
    lists: tuple[Any, ...] = (Column("j", postgresql.JSONB), Column("words", postgresql.ARRAY(String)))
    Table("own", after, key, *lists, Index("ix_own", "j", postgresql_using="gin"))
    Table("told", after, *columns(), comment="two")
    Table("untold", after, *columns())
    return before, after


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = create_engine("sqlite://", poolclass=StaticPool)
    else:
        known: PsycopgConnection[Any] = request.getfixturevalue("scratch_connection")
        options = {"host": known.info.host, "port": str(known.info.port)}
        made = create_engine(URL.create("postgresql", known.info.user, database=known.info.dbname, query=options))
    yield made
    made.dispose()


def statements(printed: str) -> list[str]:
    """The statements in what Alembic or the tool prints, without Alembic's own."""
    lines = [line for line in printed.splitlines() if line.strip() and not line.startswith("--")]
    found = [re.sub(r"\s+", " ", part).strip() for part in "\n".join(lines).split(";")]
    return [one for one in found if one and "alembic_version" not in one and one not in ("BEGIN", "COMMIT")]


def config_of(folder: Path, engine: Engine, target: MetaData, options: dict[str, Any], printed: io.StringIO) -> Config:
    (folder / "versions").mkdir()
    (folder / "env.py").write_text(ENV)
    (folder / "script.py.mako").write_text(TEMPLATE.read_text())
    config = Config(stdout=io.StringIO(), output_buffer=printed)
    config.set_main_option("script_location", str(folder))
    config.attributes.update(engine=engine, target=target, options=options)
    return config


def of_tool(config: Config) -> list[str | None]:
    """The SQL of each operation of the comparison."""
    found: dict[int, str | None] = {}

    def work(_heads: Any, context: MigrationContext) -> Any:
        found.update({change.operation: change.sql for change in compare(context, lambda _kind: []).changes})
        return ()

    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, script, fn=work, dont_mutate=True):
        script.run_env()
    return list(found.values())


@pytest.mark.parametrize(
    ("engine", "models", "options"),
    [
        ("sqlite", on_sqlite, {}),
        ("sqlite", on_sqlite, {"render_as_batch": True}),
        ("postgresql", on_postgresql, {}),
        ("postgresql", on_postgresql, {"render_as_batch": True}),
    ],
    indirect=["engine"],
)
def test_every_statement_is_there_once_as_alembic_prints_it(
    tmp_path: Path, engine: Engine, models: Any, options: dict[str, Any]
) -> None:
    before, after = models()
    printed = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SQLAlchemy about computed columns and cycles, in its own words
        before.create_all(engine)
        config = config_of(tmp_path, engine, after, options, printed)
        shown = of_tool(config)
        command.revision(config, "all", autogenerate=True)
        command.upgrade(config, "head", sql=True)
    assert None not in shown
    found = [one for sql in shown for one in statements(sql or "")]
    assert found == statements(printed.getvalue())
    assert max(Counter(found).values()) == 1


TYPES = """
from sqlalchemy.types import UserDefinedType

class Plain(UserDefinedType):
    cache_ok = True
    def get_col_spec(self, **kw):
        return "PLAIN"

class Forgetful(Plain):
    def __repr__(self):
        return "<what it is>"
"""


@pytest.mark.parametrize("name", ["Plain", "Forgetful"])
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_types_whose_python_has_to_be_edited_have_sql_all_the_same(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A revision would have to import the first one's module; the second one can't be written down."""
    (tmp_path / "kinds.py").write_text(textwrap.dedent(TYPES))
    monkeypatch.syspath_prepend(tmp_path)
    kinds: Any = __import__("kinds")
    before, after = MetaData(), MetaData()
    Table("kept", before, *columns())
    Table("kept", after, *columns(Column("p", getattr(kinds, name), index=True)))
    before.create_all(engine)
    (tmp_path / "script").mkdir()
    shown = of_tool(config_of(tmp_path / "script", engine, after, {}, io.StringIO()))
    assert shown == ["ALTER TABLE kept ADD COLUMN p PLAIN;", "CREATE INDEX ix_kept_p ON kept (p);"]
