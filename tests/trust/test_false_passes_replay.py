"""A replay that failed, was rolled back, was never committed, or only stamped does not pass; what looks alike does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import dedent, indent

import pytest

from alembic_review.cli import run
from tests.trust.plain import POSTGRESQL, SQLITE, URLS

pytestmark = pytest.mark.one_stack

PYPROJECT = '[project]\nname = "plain"\nversion = "1"\n'
INI = "[alembic]\nscript_location = migrations\nsqlalchemy.url = {url}\nprepend_sys_path = .\n"
MODELS = """\
import sqlalchemy as sa
metadata = sa.MetaData()
book = sa.Table("book", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("title", sa.String(200)))
sa.Index("ix_title", book.c.title)
author = sa.Table("author", metadata, sa.Column("id", sa.Integer, primary_key=True))
"""
ENV = """\
import asyncio, concurrent.futures, contextlib, os, sys, threading
import sqlalchemy as sa
from alembic import command, context
from sqlalchemy import engine_from_config, pool
import models

config = context.config
section = config.get_section(config.config_ini_section, {{}})
comparing = config.cmd_opts.cmd[0].__name__ != "upgrade"

def make(**more):
    return engine_from_config(section, prefix="sqlalchemy.", **(more or {{"poolclass": pool.NullPool}}))

def configure(connection, **more):
    context.configure(connection=connection, target_metadata=models.metadata, **more)

def upgrade(connection, **more):
    configure(connection, **more)
    with context.begin_transaction():
        context.run_migrations()

engine = make()
{body}
"""
PLAIN = "with engine.connect() as connection:\n    upgrade(connection)\n"
REVISION = """\
import sqlalchemy as sa
from alembic import context, op
revision = "{name}"
down_revision = {parent!r}
depends_on = {depends_on!r}
{before}

def upgrade():
{upgrade}

def downgrade():
    pass
"""
CREATE_BOOK = 'op.create_table("book", sa.Column("id", sa.Integer, primary_key=True))'
ADD_TITLE = 'op.add_column("book", sa.Column("title", sa.String(200)))\nop.create_index("ix_title", "book", ["title"])'
CREATE_AUTHOR = 'op.create_table("author", sa.Column("id", sa.Integer, primary_key=True))'


def revision(
    name: str, upgrade: str, parent: object = None, *, before: str = "", depends_on: str | None = None
) -> dict[str, str]:
    """The file of one revision."""
    text = REVISION.format(
        name=name, parent=parent, depends_on=depends_on, before=before, upgrade=indent(dedent(upgrade), "    ")
    )
    return {f"migrations/versions/{name}.py": text}


A1, A2, A3 = revision("a1", CREATE_BOOK), revision("a2", ADD_TITLE, "a1"), revision("a3", CREATE_AUTHOR, "a2")
PROJECT = {"models.py": MODELS, "migrations/script.py.mako": "", **A1, **A2, **A3}


@dataclass(frozen=True)
class Way:
    """What env.py does, files that differ from those of the project, and a pattern that the message matches."""

    name: str
    said: str
    env: str = PLAIN
    database: str = SQLITE
    files: Mapping[str, str] = field(default_factory=dict)
    status: int = 3
    settings: str = ""


def on(database: str, *ways: tuple[str, str, str], files: Mapping[str, str] | None = None) -> list[Way]:
    """Ways to write env.py."""
    return [Way(f"{name}-{database}", said, env, database, files or {}) for name, said, env in ways]


def after(*statements: str) -> str:
    """An env.py that executes statements on a new connection after the revisions."""
    lines = "".join(f"    connection.execute(sa.text({statement!r}))\n" for statement in statements)
    return f"{PLAIN}with engine.begin() as connection:\n{lines}"


FAILING = revision("a2", 'op.add_column("book", sa.Column("title", sa.String(200)))\nop.execute("nonsense")', "a1")
FAILS = r"[Rr]evision a2 failed in .*a2\.py: .*nonsense[\s\S]*a2\.py:\d+ in upgrade"
TRY = "try:\n    with engine.connect() as connection:\n        upgrade(connection{options})\n{rescue}"
SWALLOWED = [
    ("except_exception", FAILS, TRY.format(options="", rescue="except Exception:\n    pass")),
    ("bare_except", FAILS, TRY.format(options="", rescue="except:\n    pass")),
    ("except_base_exception", FAILS, TRY.format(options="", rescue="except BaseException:\n    print('ignored')")),
    ("per_migration", FAILS, TRY.format(options=", transaction_per_migration=True", rescue="except Exception: pass")),
    (
        "in_savepoint",
        FAILS,
        """\
with engine.connect() as connection, connection.begin():
    with contextlib.suppress(Exception), connection.begin_nested():
        upgrade(connection)
""",
    ),
    (
        "autocommit",
        FAILS,
        """\
with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
    with contextlib.suppress(Exception):
        upgrade(connection)
""",
    ),
    ("sys_exit", FAILS, TRY.format(options="", rescue="except Exception:\n    sys.exit(0)")),
    ("os_exit", "", TRY.format(options="", rescue="except Exception:\n    os._exit(0)")),
]
SWALLOWED_ONCE = [
    (
        "suppress",
        FAILS,
        "with contextlib.suppress(Exception):\n    with engine.connect() as connection: upgrade(connection)",
    ),
    (
        "return_in_finally",
        FAILS,
        """\
def main():
    try:
        with engine.connect() as connection: upgrade(connection)
    finally:
        return None
main()
""",
    ),
    (
        "exit_of_a_manager",
        FAILS,
        """\
class Quiet:
    def __enter__(self): return self
    def __exit__(self, *_): return True
with Quiet(), engine.connect() as connection:
    upgrade(connection)
""",
    ),
    (
        "inside_the_transaction",
        FAILS,
        """\
with engine.connect() as connection:
    configure(connection)
    with context.begin_transaction():
        try:
            context.run_migrations()
        except Exception:
            pass
""",
    ),
    (
        "in_thread",
        FAILS,
        """\
def work():
    with engine.connect() as connection: upgrade(connection)
threading.excepthook = lambda _: None
thread = threading.Thread(target=work)
thread.start()
thread.join()
""",
    ),
    (
        "in_future",
        FAILS,
        """\
def work():
    with engine.connect() as connection: upgrade(connection)
with concurrent.futures.ThreadPoolExecutor() as executor:
    executor.submit(work)
""",
    ),
    (
        "gathered",
        FAILS,
        """\
async def work():
    with engine.connect() as connection: upgrade(connection)
async def main():
    await asyncio.gather(work(), return_exceptions=True)
asyncio.run(main())
""",
    ),
    (
        "retry",
        FAILS,
        """\
for attempt in range(3):
    try:
        with engine.connect() as connection: upgrade(connection)
    except Exception:
        continue
""",
    ),
    (
        "several_runs",
        FAILS,
        """\
for attempt in range(2):
    with engine.connect() as connection:
        configure(connection)
        for each in range(2):
            with contextlib.suppress(Exception), context.begin_transaction():
                context.run_migrations()
""",
    ),
    (
        "other_error",
        FAILS,
        TRY.format(options="", rescue="except Exception:\n    raise RuntimeError('no luck') from None"),
    ),
    (
        "logged",
        FAILS,
        TRY.format(options="", rescue="except Exception as error:\n    print('Migration failed:', error)"),
    ),
]
ASYNC = (
    "async_engine",
    FAILS,
    """\
from sqlalchemy.ext.asyncio import create_async_engine
async def main():
    try:
        async with create_async_engine("postgresql+asyncpg://nobody@db.invalid/never").connect() as connection:
            await connection.run_sync(upgrade)
    except Exception:
        pass
asyncio.run(main())
""",
)
RAISED = {
    "SystemExit_0": ("sys.exit|SystemExit", "raise SystemExit(0)"),
    "sys_exit": ("sys.exit", "import sys; sys.exit()"),
    "KeyboardInterrupt": ("KeyboardInterrupt", "raise KeyboardInterrupt"),
    "GeneratorExit": ("GeneratorExit", "raise GeneratorExit"),
    "CancelledError": ("CancelledError", "import asyncio; raise asyncio.CancelledError"),
    "StopIteration": ("StopIteration", "raise StopIteration"),
    "CommandError": ("not today", "from alembic.util import CommandError; raise CommandError('not today')"),
    "RevisionError": ("skip it", "raise RuntimeError('skip it')"),
    "os_exit": ("", "import os; os._exit(0)"),
}
SWALLOW = TRY.format(options="", rescue="except BaseException:\n    pass")
RAISING = [
    Way(f"{kind}-{name}", said, env, files=revision("a2", f"{ADD_TITLE}\n{code}", "a1"))
    for name, (said, code) in RAISED.items()
    for kind, env in (("caught", SWALLOW), ("uncaught", PLAIN))
]
BETWEEN = "a3 was not run|a3 is missing"
INTERRUPTED = [
    (
        "on_version_apply_raises",
        r"after \d of 3 revisions",
        """\
def applied(step, **_):
    if step.up_revision_id == "a2": raise RuntimeError("enough")
with contextlib.suppress(RuntimeError), engine.connect() as connection:
    upgrade(connection, on_version_apply=applied)
""",
    ),
    (
        "filtered_steps",
        "a2 was not run|not run",
        """\
with engine.connect() as connection:
    configure(connection)
    its = context.get_context()
    steps = its._migrations_fn
    its._migrations_fn = lambda heads, ctx: [step for step in steps(heads, ctx) if step.revision.revision == "a1"]
    with context.begin_transaction():
        context.run_migrations()
""",
    ),
    (
        "no_steps",
        "with a function of its own",
        """\
with engine.connect() as connection:
    configure(connection)
    context.get_context()._migrations_fn = lambda heads, ctx: []
    with context.begin_transaction():
        context.run_migrations()
""",
    ),
    (
        "replaced_step",
        "not run",
        """\
with engine.connect() as connection:
    configure(connection)
    its = context.get_context()
    steps = its._migrations_fn
    def skipped(heads, ctx):
        for step in steps(heads, ctx):
            if step.revision.revision == "a3": step.migration_fn = lambda **_: None
            yield step
    its._migrations_fn = skipped
    with context.begin_transaction():
        context.run_migrations()
""",
    ),
    (
        "other_function",
        "with a function of its own",
        """\
with engine.connect() as connection:
    upgrade(connection, fn=lambda heads, ctx: [])
""",
    ),
    (
        "thread_not_joined",
        "",
        """\
def work():
    import time
    with engine.connect() as connection:
        configure(connection, on_version_apply=lambda **_: time.sleep(5))
        with context.begin_transaction():
            context.run_migrations()
thread = threading.Thread(target=work, daemon=True)
thread.start()
import time
time.sleep(1)
""",
    ),
    (
        "forked",
        "did not run any migrations",
        """\
child = os.fork()
if child == 0:
    try:
        with engine.connect() as connection: upgrade(connection)
    finally:
        os._exit(0)
os.waitpid(child, 0)
""",
    ),
    (
        "offline_branch",
        "did not run any migrations",
        """\
if context.is_offline_mode():
    upgrade(None)
""",
    ),
    (
        "as_sql",
        "",
        """\
with engine.connect() as connection:
    upgrade(connection, as_sql=True)
""",
    ),
    (
        "only_current",
        "did not run any migrations",
        """\
with engine.connect() as connection:
    configure(connection)
    print(context.get_context().get_current_heads())
""",
    ),
]
LOST_VERSIONS = r"version table \S+ contains no revision, and revisions a1, a2, a3 are missing"
UNCOMMITTED = [
    (
        "autobegin",
        LOST_VERSIONS,
        """\
with engine.connect() as connection:
    connection.execute(sa.text("SELECT 1"))
    upgrade(connection)
""",
    ),
    (
        "begin_without_commit",
        LOST_VERSIONS,
        """\
with engine.connect() as connection:
    connection.begin()
    upgrade(connection)
""",
    ),
    (
        "dry_run",
        LOST_VERSIONS,
        """\
with engine.connect() as connection:
    transaction = connection.begin()
    upgrade(connection)
    transaction.rollback()
""",
    ),
    (
        "savepoint_rolled_back",
        LOST_VERSIONS,
        """\
with engine.connect() as connection, connection.begin():
    savepoint = connection.begin_nested()
    upgrade(connection)
    savepoint.rollback()
""",
    ),
    (
        "error_after_the_run",
        LOST_VERSIONS,
        """\
with contextlib.suppress(RuntimeError), engine.begin() as connection:
    upgrade(connection)
    raise RuntimeError("seeding failed")
""",
    ),
    (
        "rollback_as_sql",
        "",
        """\
with engine.connect() as connection:
    configure(connection)
    with contextlib.suppress(Exception), context.begin_transaction():
        context.run_migrations()
        connection.exec_driver_sql("ROLLBACK")
""",
    ),
    (
        "rollback_of_the_driver",
        LOST_VERSIONS,
        """\
with engine.begin() as connection:
    upgrade(connection)
    connection.connection.rollback()
""",
    ),
    (
        "invalidated",
        "",
        """\
with contextlib.suppress(Exception), engine.begin() as connection:
    upgrade(connection)
    connection.invalidate()
""",
    ),
    (
        "kept_connection",
        LOST_VERSIONS,
        """\
if not hasattr(models, "kept"):
    models.kept = engine.connect()
    models.kept.begin()
upgrade(models.kept)
""",
    ),
    (
        "never_ended",
        LOST_VERSIONS,
        """\
models.kept = connection = make().connect()
connection.begin()
upgrade(connection)
""",
    ),
    (
        "second_run_rolled_back",
        r"revision a3 is missing|revisions? a1, a2, a3 are missing",
        """\
with engine.connect() as connection:
    transaction = connection.begin()
    for each in range(2):
        upgrade(connection)
    transaction.rollback()
""",
    ),
]
WITHOUT_TRANSACTION = [
    (
        "no_begin_transaction",
        LOST_VERSIONS,
        """\
with engine.connect() as connection:
    configure(connection)
    context.run_migrations()
""",
    ),
    (
        "deferred_constraint",
        r"(?s)rolled back.*last error.*book_title_key|rolled back.*last error.*ForeignKeyViolation",
        TRY.format(options="", rescue="except Exception: pass"),
    ),
    (
        "temporary_schema",
        "version table",
        """\
with engine.connect() as connection:
    connection.execute(sa.text("SET search_path TO pg_temp"))
    connection.commit()
    upgrade(connection)
""",
    ),
    (
        "savepoint_between_revisions",
        "between two revisions|is missing|not recorded as applied",
        """\
with engine.begin() as connection:
    def applied(step, **_):
        if step.up_revision_id == "a1": connection.point = connection.begin_nested()
        if step.up_revision_id == "a2": connection.point.rollback()
    with contextlib.suppress(Exception):
        upgrade(connection, on_version_apply=applied)
""",
    ),
]
DEFERRED = revision(
    "a3",
    f"""\
    {CREATE_AUTHOR}
    op.execute("ALTER TABLE book ADD CONSTRAINT book_title_fk FOREIGN KEY (id) REFERENCES author "
        "DEFERRABLE INITIALLY DEFERRED")
    op.execute("INSERT INTO book (id) VALUES (1)")
    """,
    "a2",
)
PYSQLITE = """\
engine = make(poolclass=pool.NullPool)
@sa.event.listens_for(engine, "connect")
def connected(connection, record): connection.isolation_level = None
@sa.event.listens_for(engine, "begin")
def begun(connection): connection.exec_driver_sql("BEGIN")
"""
BEFORE_RUN = r"version table \S+ contains revisions a1, a2, a3 before the upgrade"
STAMPED = [
    (
        "stamp_of_the_context",
        BEFORE_RUN,
        """\
with engine.begin() as connection:
    configure(connection)
    if not comparing: context.get_context().stamp(context.script, "heads")
with engine.connect() as connection: upgrade(connection)
""",
    ),
    (
        "insert",
        BEFORE_RUN,
        """\
if not comparing:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('a3')"))
with engine.connect() as connection: upgrade(connection)
""",
    ),
    (
        "create_all_and_stamp",
        "before the upgrade",
        """\
with engine.begin() as connection:
    if not sa.inspect(connection).has_table("alembic_version"):
        models.metadata.create_all(connection)
        configure(connection)
        context.get_context().stamp(context.script, "heads")
with engine.connect() as connection: upgrade(connection)
""",
    ),
    (
        "half_stamped",
        r"version table \S+ contains revision a1 before the upgrade",
        """\
if not comparing:
    with engine.begin() as connection:
        configure(connection)
        context.get_context().stamp(context.script, "a1")
        connection.execute(sa.text("CREATE TABLE book (id INTEGER PRIMARY KEY)"))
with engine.connect() as connection: upgrade(connection)
""",
    ),
    (
        "only_stamped",
        "did not run any migrations",
        """\
with engine.begin() as connection:
    configure(connection)
    context.get_context().stamp(context.script, "heads")
""",
    ),
    ("versions_deleted", LOST_VERSIONS, after("DELETE FROM alembic_version")),
    ("versions_dropped", LOST_VERSIONS, after("DROP TABLE alembic_version")),
    (
        "version_set_back",
        "contains revision a1, and revisions a2, a3 are missing",
        after("UPDATE alembic_version SET version_num = 'a1'"),
    ),
    ("version_unknown", "version table", after("UPDATE alembic_version SET version_num = 'zz'")),
    (
        "other_version_table",
        "contains no revision",
        """\
with engine.connect() as connection:
    upgrade(connection, version_table="compared" if comparing else "alembic_version")
""",
    ),
    (
        "downgraded",
        "",
        f"""\
{PLAIN}
with engine.begin() as connection:
    connection.execute(sa.text("DROP TABLE author"))
    connection.execute(sa.text("UPDATE alembic_version SET version_num = 'a2'"))
""",
    ),
]
NOT_THERE = r"does not contain what the revisions created: "
UNDONE = [
    (
        "drop_all",
        rf"{NOT_THERE}the table \S*(author|book) \(revision a.\) is missing",
        f"{PLAIN}models.metadata.drop_all(engine)",
    ),
    ("drop_table", rf"{NOT_THERE}the table \S*author \(revision a3\) is missing", after("DROP TABLE author")),
    ("rename_table", NOT_THERE, after("ALTER TABLE author RENAME TO writer")),
    ("rename_column", NOT_THERE, after("ALTER TABLE book RENAME COLUMN title TO name")),
    ("drop_index", rf"{NOT_THERE}the index \S*ix_title.* is missing", after("DROP INDEX ix_title")),
    ("recreated", NOT_THERE, after("DROP TABLE author", "CREATE TABLE author (id BIGINT PRIMARY KEY)")),
    ("dropped_before_comparison", NOT_THERE, f"if comparing:\n    models.metadata.drop_all(engine)\n{PLAIN}"),
    (
        "dropped_in_the_comparison",
        NOT_THERE,
        """\
with engine.connect() as connection:
    if comparing: connection.execute(sa.text("DROP TABLE author"))
    upgrade(connection)
""",
    ),
    (
        "dropped_between",
        "between two revisions",
        """\
def applied(ctx, step, **_):
    if step.up_revision_id == "a2": ctx.connection.execute(sa.text("DROP TABLE book"))
with engine.connect() as connection:
    upgrade(connection, on_version_apply=applied)
""",
    ),
    (
        "index_dropped_between",
        "between two revisions",
        """\
def applied(ctx, step, **_):
    if step.up_revision_id == "a2": ctx.connection.execute(sa.text("DROP INDEX ix_title"))
with engine.connect() as connection:
    upgrade(connection, on_version_apply=applied)
""",
    ),
    (
        "after_the_last",
        NOT_THERE,
        """\
def applied(ctx, step, **_):
    if step.up_revision_id == "a3": ctx.connection.execute(sa.text("DROP TABLE author"))
with engine.connect() as connection:
    upgrade(connection, on_version_apply=applied)
""",
    ),
    (
        "by_the_driver",
        NOT_THERE,
        f"""\
{PLAIN}
raw = engine.raw_connection()
raw.cursor().execute("DROP TABLE author")
raw.commit()
""",
    ),
]
UNDONE_POSTGRESQL = [
    (name, NOT_THERE + said, after(*statements))
    for name, said, statements in (
        ("drop_column", r"the column book\.title \(revision a1\) is missing", ("ALTER TABLE book DROP COLUMN title",)),
        ("type_of_a_column", r"the column book\.title", ("ALTER TABLE book ALTER title TYPE TEXT",)),
        ("not_null", r"the column book\.title", ("ALTER TABLE book ALTER title SET NOT NULL",)),
        ("default", r"the column book\.title", ("ALTER TABLE book ALTER title SET DEFAULT 'x'",)),
        ("drop_constraint", "the constraint positive", ("ALTER TABLE book DROP CONSTRAINT positive",)),
        ("drop_view", "the view", ("DROP VIEW books",)),
        ("other_view", "the view", ("CREATE OR REPLACE VIEW books AS SELECT 1 + id AS id FROM book",)),
        ("drop_sequence", "the sequence", ("DROP SEQUENCE counter",)),
        ("drop_type", "the type", ("DROP TYPE mood",)),
        ("rename_value", "the type", ("ALTER TYPE mood RENAME VALUE 'good' TO 'fine'",)),
        ("drop_domain", "the type", ("DROP DOMAIN positive_number",)),
        ("drop_function", "the function", ("DROP FUNCTION one()",)),
        ("drop_schema", "", ("DROP SCHEMA shelf CASCADE",)),
        ("drop_trigger", "the trigger", ("DROP TRIGGER checked ON book",)),
        ("drop_extension", "the extension|the type", ("DROP EXTENSION citext",)),
        ("other_schema", "the table", ("ALTER TABLE author SET SCHEMA shelf",)),
    )
]
TRIGGER = (
    "CREATE TRIGGER checked BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
)
OBJECTS = f"""\
op.execute("ALTER TABLE book ADD CONSTRAINT positive CHECK (id > 0)")
op.execute("CREATE VIEW books AS SELECT id FROM book")
op.execute("CREATE SEQUENCE counter")
op.execute("CREATE TYPE mood AS ENUM ('good', 'bad')")
op.execute("CREATE DOMAIN positive_number AS INTEGER CHECK (VALUE > 0)")
op.execute("CREATE FUNCTION one() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'")
op.execute("CREATE SCHEMA shelf")
op.execute("{TRIGGER}")
op.execute("CREATE EXTENSION citext")
"""
WITH_OBJECTS = revision("a3", f"{CREATE_AUTHOR}\n{OBJECTS}", "a2")

NEVER_RUN = r"upgrade function of revision a2 (is|returned) .*whose body Alembic does not run[\s\S]*a2\.py:\d+"


def written(*ways: tuple[str, str]) -> list[Way]:
    """A revision a2 whose upgrade is written in another way."""
    found = []
    for name, text in ways:
        start, _, rest = A2["migrations/versions/a2.py"].partition("def upgrade():")
        end = rest[rest.index("def downgrade") :]
        code = dedent(text).replace("BODY", ADD_TITLE.replace("\n", "; "))
        found.append(Way(name, NEVER_RUN, files={"migrations/versions/a2.py": f"{start}{code}\n\n{end}"}))
    return found


WRITTEN = written(
    ("coroutine", "async def upgrade():\n    BODY"),
    ("generator", "def upgrade():\n    BODY\n    yield"),
    ("async_generator", "async def upgrade():\n    BODY\n    yield"),
    ("returned_coroutine", "async def work():\n    BODY\ndef upgrade():\n    return work()"),
    ("returned_generator", "def work():\n    BODY\n    yield\ndef upgrade():\n    return work()"),
    ("partial_coroutine", "import functools\nasync def work(n):\n    BODY\nupgrade = functools.partial(work, 1)"),
    (
        "decorated_coroutine",
        """\
        def decorated(function):
            return lambda: function()
        @decorated
        async def upgrade():
            BODY
    """,
    ),
    ("async_call", "class Work:\n    async def __call__(self):\n        BODY\nupgrade = Work()"),
    ("map", "def upgrade():\n    return map(op.execute, ['ALTER TABLE book ADD COLUMN title VARCHAR(200)'])"),
    (
        "generator_expression",
        "def upgrade():\n    return (op.execute(one) for one in ['ALTER TABLE book ADD title TEXT'])",
    ),
)

FALSE: list[Way] = [
    *on(SQLITE, *SWALLOWED, *SWALLOWED_ONCE, files=FAILING),
    *on(POSTGRESQL, *SWALLOWED, ASYNC, files=FAILING),
    *RAISING,
    *on(SQLITE, *INTERRUPTED),
    *on(POSTGRESQL, *UNCOMMITTED, WITHOUT_TRANSACTION[0], *WITHOUT_TRANSACTION[2:]),
    *on(POSTGRESQL, WITHOUT_TRANSACTION[1], files=DEFERRED),
    *on("sqlite", *((f"begin_{name}", said, PYSQLITE + env) for name, said, env in UNCOMMITTED if name not in {
        "kept_connection", "never_ended", "invalidated", "rollback_as_sql"})),
    *on(SQLITE, *STAMPED, *UNDONE),
    *on(POSTGRESQL, *STAMPED, *UNDONE),
    *on(POSTGRESQL, *UNDONE_POSTGRESQL, files=WITH_OBJECTS),
    *WRITTEN,
    Way("two_files_of_one_branch_rolled_back", "missing", """\
with engine.connect() as connection:
    configure(connection, transaction_per_migration=True)
    context.run_migrations()
    connection.rollback()
    connection.execute(sa.text("DELETE FROM alembic_version WHERE version_num = 'b1'"))
    connection.commit()
""", files={**revision("b1", "pass")}),
]  # fmt: skip


def _parameters(ways: list[Way], *quick: str) -> list[object]:
    names = [way.name for way in ways]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    assert not set(quick) - set(names)
    return [pytest.param(way, id=way.name, marks=() if way.name in quick else pytest.mark.trust) for way in ways]


Check = Callable[[Way], str]


@pytest.fixture
def check(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> Check:
    """Run the tool on the way's project and return its failure; else what was not checked, and errors."""
    folder = tmp_path / "project"

    def checked(way: Way) -> str:
        texts = {
            "pyproject.toml": PYPROJECT + way.settings,
            "alembic.ini": INI.replace("{url}", URLS[way.database]),
            "migrations/env.py": ENV.format(body=way.env),
            **PROJECT,
            **way.files,
        }
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.chdir(folder)
        monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
        status = run(["-o", f"json={tmp_path / 'report'}"])
        told = capsys.readouterr().err
        report = json.loads((tmp_path / "report").read_text())
        record_property("outcome", f"exit {status}")
        assert status == way.status, f"{told}\n{report}"
        assert "Traceback" not in told
        errors = [finding["code"] for finding in report["findings"] if finding["severity"] == "error"]
        return told if status == 3 else "\n".join([*report["provenance"]["not_checked"], *errors])

    return checked


@pytest.mark.parametrize(
    "way", _parameters(FALSE, "bare_except-sqlite", "dry_run-postgresql", "drop_table-sqlite", "coroutine")
)
def test_false_pass(way: Way, check: Check) -> None:
    told = check(way)
    assert re.search(way.said, told), told
    assert re.search("^Error", told, re.MULTILINE), told


def once(*statements: str) -> str:
    """The same for `alembic upgrade` only."""
    return after(*statements).replace("with engine.begin()", "if not comparing:\n  with engine.begin()")


TENANTS = """\
with engine.connect() as connection:
    for tenant in ("one", "two"):
        connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {tenant}"))
        connection.execute(sa.text(f"SET search_path TO {tenant}"))
        connection.commit()
        connection.dialect.default_schema_name = tenant
        upgrade(connection)
"""
POST = [
    ("rows", "rows of author .*after the revisions", once("INSERT INTO author VALUES (1)")),
    ("view", "view .*books .env.py added", once("CREATE VIEW books AS SELECT id FROM book")),
    ("another_index", "index .*ix_more.* .env.py added", once("CREATE INDEX ix_more ON author (id)")),
    ("nothing_alike", "", once("SELECT 1")),
]
POST_POSTGRESQL = [
    ("grants", "privileges or the owner of .*book .env.py", once("GRANT SELECT ON book TO PUBLIC")),
    ("row_security", "settings of the table book .env.py", once("ALTER TABLE book ENABLE ROW LEVEL SECURITY")),
    (
        "async_engine",
        "",
        """\
from sqlalchemy.ext.asyncio import create_async_engine
async def main():
    async with create_async_engine("postgresql+asyncpg://nobody@db.invalid/never").connect() as connection:
        await connection.run_sync(upgrade)
asyncio.run(main())
""",
    ),
    ("sequence", "the sequence .*counter .env.py added", once("CREATE SEQUENCE counter")),
    (
        "function",
        "the function .*one .env.py",
        once("CREATE FUNCTION one() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'"),
    ),
    ("type", "the type .*mood .env.py", once("CREATE TYPE mood AS ENUM ('good')")),
    ("schema", "the schema scrap .env.py", once("CREATE SCHEMA scrap")),
    ("analyze", "", once("ANALYZE book")),
    ("comment", "the comment of book .env.py", once("COMMENT ON TABLE book IS 'Books'")),
    (
        "trigger",
        "the trigger checked of book .env.py",
        once(TRIGGER),
    ),
    ("truncate", "rows of author", once("TRUNCATE TABLE author")),
    (
        "lock_timeout",
        "",
        """\
with engine.connect() as connection:
    connection.execute(sa.text("SET lock_timeout = 1000"))
    connection.commit()
    upgrade(connection)
""",
    ),
    ("tenants", "", TENANTS),
    (
        "version_table_schema",
        "",
        """\
with engine.begin() as connection:
    connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS meta"))
with engine.connect() as connection:
    upgrade(connection, version_table_schema="meta")
""",
    ),
]
STYLES = [
    ("begin", "", "with engine.begin() as connection:\n    upgrade(connection)\n"),
    (
        "explicit_commit",
        "",
        """\
with engine.connect() as connection:
    connection.execute(sa.text("SELECT 1"))
    upgrade(connection)
    connection.commit()
""",
    ),
    (
        "per_migration",
        "",
        "with engine.connect() as connection:\n    upgrade(connection, transaction_per_migration=True)\n",
    ),
    (
        "autocommit",
        "",
        """\
with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
    upgrade(connection)
""",
    ),
    (
        "in_joined_thread",
        "",
        """\
def work():
    with engine.connect() as connection: upgrade(connection)
thread = threading.Thread(target=work)
thread.start()
thread.join()
""",
    ),
    ("twice", "", "for each in range(2):\n    with engine.connect() as connection: upgrade(connection)\n"),
    (
        "kept_and_committed",
        "",
        """\
if not hasattr(models, "kept"): models.kept = engine.connect()
upgrade(models.kept)
""",
    ),
    (
        "own_version_table",
        "",
        """\
with engine.connect() as connection: upgrade(connection, version_table="plain_version")
""",
    ),
    (
        "savepoint_that_is_released",
        "",
        """\
with engine.begin() as connection:
    with connection.begin_nested(): upgrade(connection)
""",
    ),
    (
        "other_failure_caught",
        "",
        f"""\
with contextlib.suppress(Exception), engine.connect() as connection:
    connection.execute(sa.text("SELECT 1 FROM nowhere"))
{PLAIN}""",
    ),
    (
        "failure_after_the_commit",
        "",
        f"""\
{PLAIN}
with contextlib.suppress(Exception), engine.connect() as connection:
    connection.execute(sa.text("DROP TABLE nowhere"))
""",
    ),
    (
        "rolled_back_cleanup",
        "",
        f"""\
{PLAIN}
with engine.connect() as connection:
    transaction = connection.begin()
    connection.execute(sa.text("CREATE TABLE probe (id INTEGER)"))
    connection.execute(sa.text("DROP TABLE probe"))
    transaction.rollback()
""",
    ),
    (
        "lock_table",
        "",
        """\
if not comparing:
    with engine.begin() as connection: connection.execute(sa.text("CREATE TABLE upgrade_lock (id INTEGER)"))
with engine.connect() as connection: upgrade(connection)
if not comparing:
    with engine.begin() as connection: connection.execute(sa.text("DROP TABLE upgrade_lock"))
""",
    ),
    (
        "callback",
        "",
        """\
with engine.connect() as connection:
    upgrade(connection, on_version_apply=lambda ctx, **_: ctx.connection.execute(sa.text("SELECT 1")))
""",
    ),
    (
        "timed_steps",
        "",
        """\
with engine.connect() as connection:
    configure(connection)
    its = context.get_context()
    steps = its._migrations_fn
    def timed(heads, ctx):
        for step in steps(heads, ctx):
            original = step.migration_fn
            step.migration_fn = lambda original=original, **arguments: original(**arguments)
            yield step
    its._migrations_fn = timed
    with context.begin_transaction():
        context.run_migrations()
""",
    ),
]
SQLITE_STYLES = [
    ("transactional", "", f"{PYSQLITE}{PLAIN}"),
    (
        "in_memory",
        "",
        """\
engine = sa.create_engine("sqlite://", poolclass=pool.StaticPool)
with engine.connect() as connection: upgrade(connection)
""",
    ),
]


def changed(text: str) -> dict[str, str]:
    """More models."""
    return {"models.py": f"{MODELS}{text}\n"}


MORE = 'sa.Table("more", metadata, sa.Column("id", sa.Integer, primary_key=True))'
CREATE_MORE = CREATE_BOOK.replace('"book"', '"more"')
NO_OP = "pass"
BATCH = """\
with op.batch_alter_table("book", recreate="always") as batch:
    batch.add_column(sa.Column("title", sa.String(200)))
    batch.create_index("ix_title", ["title"])
"""
AUTOCOMMIT = """\
op.add_column("book", sa.Column("title", sa.String(200)))
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY ix_title ON book (title)")
"""
TRIED = """\
op.add_column("book", sa.Column("title", sa.String(200)))
op.create_index("ix_title", "book", ["title"])
try:
    with op.get_bind().begin_nested():
        op.execute("DROP TABLE nowhere")
except sa.exc.DBAPIError:
    pass
"""
BEFORE = """\
import sqlalchemy as sa
def create(connection):
    connection.execute(sa.text("CREATE TABLE book (id INTEGER NOT NULL PRIMARY KEY)"))
    connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(sa.text("INSERT INTO alembic_version VALUES ('a1')"))
"""
RENAMED = {
    **revision("a4", CREATE_MORE.replace("more", "much"), "a3"),
    **revision("a5", 'op.rename_table("much", "more")', "a4"),
    **changed(MORE),
}
SQUASHED = f"{CREATE_BOOK}\n{ADD_TITLE}\n{CREATE_AUTHOR}"
REPLACED = "CREATE OR REPLACE FUNCTION one() RETURNS INTEGER LANGUAGE sql AS 'SELECT 2'"
PREPARED = '[tool.alembic-review]\nbefore = "existing:create"\n'


def decorated(text: str) -> dict[str, str]:
    """The revision a2 with something before its upgrade."""
    return {"migrations/versions/a2.py": A2["migrations/versions/a2.py"].replace("def upgrade():", text)}


REVISIONS: list[tuple[str, str, Mapping[str, str], str]] = [
    ("no_op", SQLITE, revision("a4", NO_OP, "a3"), ""),
    (
        "decorated",
        SQLITE,
        decorated("def decorated(function):\n    return lambda: function()\n\n@decorated\ndef upgrade():"),
        "",
    ),
    (
        "asyncio_inside",
        SQLITE,
        decorated("async def work():\n    pass\n\ndef upgrade():\n    import asyncio; asyncio.run(work())"),
        "",
    ),
    ("returns_a_result", SQLITE, revision("a4", "return op.get_bind().execute(sa.text('SELECT 1'))", "a3"), ""),
    ("squashed", SQLITE, revision("a1", SQUASHED) | revision("a2", NO_OP, "a1") | revision("a3", NO_OP, "a2"), ""),
    ("dropped_later", SQLITE, revision("a4", CREATE_MORE, "a3") | revision("a5", 'op.drop_table("more")', "a4"), ""),
    ("renamed_later", SQLITE, RENAMED, ""),
    ("renamed_later", POSTGRESQL, RENAMED, ""),
    (
        "depends_on",
        SQLITE,
        revision("b1", CREATE_MORE) | revision("a4", NO_OP, "a3", depends_on="b1") | changed(MORE),
        "",
    ),
    (
        "merged",
        SQLITE,
        revision("b1", CREATE_MORE, "a2") | revision("c1", NO_OP, ("a3", "b1")) | changed(MORE),
        "",
    ),
    ("batch", SQLITE, revision("a2", BATCH, "a1"), ""),
    ("autocommit_block", POSTGRESQL, revision("a2", AUTOCOMMIT, "a1"), ""),
    ("savepoint_of_a_revision", POSTGRESQL, revision("a2", TRIED, "a1"), ""),
    ("savepoint_of_a_revision", SQLITE, revision("a2", TRIED, "a1"), ""),
    (
        "enum_value_later",
        POSTGRESQL,
        WITH_OBJECTS | revision("a4", "op.execute(\"ALTER TYPE mood ADD VALUE 'fair'\")", "a3"),
        "",
    ),
    ("function_replaced_later", POSTGRESQL, WITH_OBJECTS | revision("a4", f'op.execute("{REPLACED}")', "a3"), ""),
    ("before_with_a_version", SQLITE, {"existing.py": BEFORE}, PREPARED),
    ("before_with_a_version", POSTGRESQL, {"existing.py": BEFORE}, PREPARED),
]
LEGITIMATE: list[Way] = [
    *on(SQLITE, *POST, *STYLES, *SQLITE_STYLES),
    *on(POSTGRESQL, *POST, *STYLES, *POST_POSTGRESQL),
    *[
        Way(f"{name}-{kind}", "", database=kind, files=files, settings=settings)
        for name, kind, files, settings in REVISIONS
    ],
]


# The plan drops the index, env.py creates it again, and the downgrade of the plan then finds it there.
DOWNGRADES = {"another_index-sqlite": "AR802", "another_index-postgresql": "AR802"}


@pytest.mark.parametrize(
    "way",
    _parameters(LEGITIMATE, "grants-postgresql", "rows-sqlite", "depends_on-sqlite", "before_with_a_version-sqlite"),
)
def test_legitimate(way: Way, check: Check) -> None:
    """What looks like one of the false passes and is none."""
    error = DOWNGRADES.get(way.name, "")
    told = check(replace(way, status=1 if error else 0))
    assert re.search(way.said, told), told
    assert error in told
