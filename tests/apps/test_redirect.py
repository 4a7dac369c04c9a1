"""Nothing but the scratch database is touched, however the application builds its connections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .decoy import Decoy, listening
from .edits import MODEL, Edit, Replace, Write, module
from .environments import stack
from .harness import Application, Run, make_application, make_project, run_alembic, run_tool
from .scenario import check_every_run, review_of
from .test_environments import ENV, PENDING, VERSION, functions, rows

OLD_STACK = stack().sqlalchemy < (2, 0)
# What `postgresql://` means to SQLAlchemy, and what stands for a connection of it.
DRIVER = "psycopg2" if OLD_STACK else "psycopg"
GENERIC = 'engine_from_config(\n        config.get_section(config.config_ini_section, {}),\n        prefix="sqlalchemy.",\n        poolclass=pool.NullPool,\n    )'  # noqa: E501
ASYNC = GENERIC.replace("engine_from_config", "async_engine_from_config")


@pytest.fixture
def decoy() -> Iterator[Decoy]:
    """Somebody who must not be contacted; the test fails when anybody was."""
    with listening() as listener:
        yield listener
    assert listener.contacts == 0


def aimed(project: str, decoy: Decoy, folder: Path, *edits: Edit) -> Application:
    """A plain project whose conf names the decoy; ``PORT`` in its env.py and revision becomes the decoy's."""
    scheme = "postgresql+asyncpg" if "async" in project else "postgresql"
    url = Replace(
        "alembic.ini",
        f"{scheme}://library:s3cr%%et@db.invalid/library",
        f"{scheme}://library:s3cr%%et@127.0.0.1:{decoy.port}/library",
    )
    application = make_project(folder, project, (url, *edits))
    for name in (ENV, VERSION):
        path = application.project / name
        path.write_text(path.read_text().replace("PORT", str(decoy.port)))
    return application


def arguments() -> str:
    """Arguments of the driver's ``connect`` that lead to the decoy."""
    return "host='127.0.0.1', port=PORT, user='library', password='s3cr%et', dbname='library'"


def refused(run: Run, application: Application, marker: str) -> None:
    """Exit 3 with the file and line of the comment ``marker``."""
    assert run.status == 3, run.explain()
    assert run.report is not None, run.explain()
    assert run.report["outcome"] == "failed"
    check_every_run(run, application)
    for path in (application.project / ENV, application.project / VERSION, application.project / MODEL / "extra.py"):
        if not path.exists():
            continue
        for number, text in enumerate(path.read_text().splitlines(), start=1):
            if marker in text:
                pattern = rf"{re.escape(path.name)}\W+(line )?{number}\b"
                assert re.search(pattern, run.report["failure"]["message"] + run.stderr), run.explain()
                return
    message = f"no line with {marker}"
    raise AssertionError(message)


def reviewed(application: Application) -> None:
    """The right answer, from the scratch database."""
    run = run_tool(application, conf="alembic.ini")
    check_every_run(run, application)
    assert rows(run) == PENDING


@pytest.mark.parametrize("own", ["url", "creator"])
def test_plain_alembic_does_contact_the_decoy(own: str, tmp_path: Path) -> None:
    with listening() as listener:
        edits = () if own == "url" else creating(ENGINES["creator"])
        run_alembic(aimed("env_generic", listener, tmp_path, *edits), "current")
    assert listener.contacts > 0


def test_a_plain_url(decoy: Decoy, tmp_path: Path) -> None:
    run = run_tool(aimed("env_generic", decoy, tmp_path), conf="alembic.ini")
    assert rows(run) == PENDING


def test_pg8000_that_names_a_host_beside_its_socket(decoy: Decoy, tmp_path: Path) -> None:
    application = aimed("env_generic", decoy, tmp_path, Replace("alembic.ini", "postgresql://", "postgresql+pg8000://"))
    reviewed(application)


def test_a_plain_asynchronous_url(decoy: Decoy, tmp_path: Path) -> None:
    run = run_tool(aimed("env_async", decoy, tmp_path), conf="alembic.ini")
    assert rows(run) == PENDING


ENGINES = {
    "creator": f"sa.create_engine('postgresql://', creator=lambda: driver.connect({arguments()}))",
    "creator-with-null-pool": "sa.create_engine('postgresql://', poolclass=pool.NullPool, "
    f"creator=lambda: driver.connect({arguments()}))",
    "pool": "sa.create_engine('postgresql://', "
    f"pool=pool.QueuePool(lambda: driver.connect({arguments()}), pool_size=1))",
    "static-pool": f"sa.create_engine('postgresql://', pool=pool.StaticPool(lambda: driver.connect({arguments()})))",
    "connect-args": "sa.create_engine('postgresql://db.invalid/library', "
    "connect_args=dict(host='127.0.0.1', port=PORT, connect_timeout=3))",
}


def creating(engine: str) -> tuple[Edit, ...]:
    """The generic environment with an engine of its own making."""
    return (
        functions(f"import {DRIVER} as driver"),
        Replace(ENV, f"connectable = {GENERIC}", f"connectable = {engine}"),
    )


@pytest.mark.parametrize("name", ENGINES)
def test_engines_with_a_connection_of_their_own(name: str, decoy: Decoy, tmp_path: Path) -> None:
    application = aimed("env_generic", decoy, tmp_path, *creating(ENGINES[name]))
    reviewed(application)


LISTENERS = {
    "rewriting": "def {name}(dialect, record, cargs, cparams):\n"
    "    cparams.clear()\n    cparams.update(host='127.0.0.1', port=PORT, user='library', connect_timeout=3)\n",
    "returning": f"def {{name}}(dialect, record, cargs, cparams):\n    return driver.connect({arguments()})\n",
}
HOOKS = {
    "engine": "sa.event.listen(connectable, 'do_connect', own)",
    "engine-first": "sa.event.listen(connectable, 'do_connect', own, insert=True)",
    "class": "sa.event.listen(sa.engine.Engine, 'do_connect', own)",
    "class-first": "sa.event.listen(sa.engine.Engine, 'do_connect', own, insert=True)",
}


# SQLAlchemy 1.4 takes no `insert` for this event.
@pytest.mark.parametrize("hook", [name for name in HOOKS if not (OLD_STACK and name.endswith("first"))])
@pytest.mark.parametrize("listener", LISTENERS)
def test_listeners_of_the_application(listener: str, hook: str, decoy: Decoy, tmp_path: Path) -> None:
    application = aimed(
        "env_generic",
        decoy,
        tmp_path,
        functions(f"import {DRIVER} as driver\n{LISTENERS[listener].format(name='own')}"),
        Replace(
            ENV,
            "    with connectable.connect() as connection:",
            f"    {HOOKS[hook]}\n    with connectable.connect() as connection:",
        ),
    )
    reviewed(application)


@pytest.mark.skipif(OLD_STACK, reason="SQLAlchemy 1.4 has no async_creator")
def test_asynchronous_creator(decoy: Decoy, tmp_path: Path) -> None:
    application = aimed(
        "env_async",
        decoy,
        tmp_path,
        functions(
            "import asyncpg\nfrom sqlalchemy.ext.asyncio import create_async_engine\n"
            "async def own():\n    return await asyncpg.connect("
            "host='127.0.0.1', port=PORT, user='library', database='library', timeout=5)\n"
        ),
        Replace(ENV, ASYNC, "create_async_engine('postgresql+asyncpg://', async_creator=own)"),
    )
    reviewed(application)


RAW = {
    "psycopg2": f"import psycopg2; psycopg2.connect({arguments()})  # RAW",
    "psycopg2-dsn": "import psycopg2; psycopg2.connect('postgresql://library:x@127.0.0.1:PORT/library')  # RAW",
    "psycopg2-class": "from psycopg2.extensions import connection; "
    "connection('host=127.0.0.1 port=PORT dbname=library')  # RAW",
    "psycopg-libpq": "from psycopg.pq import PGconn; PGconn.connect(b'host=127.0.0.1 port=PORT')  # RAW",
    "psycopg": f"import psycopg; psycopg.connect({arguments()})  # RAW",
    "psycopg-class": f"import psycopg; psycopg.Connection.connect({arguments()})  # RAW",
    "asyncpg": "import asyncio, asyncpg; "
    "asyncio.run(asyncpg.connect(host='127.0.0.1', port=PORT, user='library', timeout=5))  # RAW",
    "sqlite3": "import sqlite3; sqlite3.connect('decoy.db').execute('CREATE TABLE t (a)')  # RAW",
}


def available(name: str) -> bool:
    """psycopg 3 is no part of the old stack: `postgresql://` means psycopg2 there."""
    return not (OLD_STACK and name.startswith("psycopg") and not name.startswith("psycopg2"))


ATTACHING = (
    "from sqlalchemy import event\nevent.listen(sa.engine.Engine, 'connect', lambda c, _: c.execute({0!r}))  # RAW"
)


@pytest.mark.parametrize("statement", ["ATTACH DATABASE 'decoy.db' AS old", "VACUUM INTO 'decoy.db'"])
def test_files_beside_the_scratch_database(statement: str, tmp_path: Path) -> None:
    """SQLite opens them by itself, in a connection that was proven."""
    application = make_application(tmp_path, module(ATTACHING.format(statement) + "\n"))
    refused(run_tool(application), application, "# RAW")
    assert not (application.project / "decoy.db").exists()


RAW_NAMES = [name for name in RAW if available(name)]


@pytest.mark.parametrize("name", RAW_NAMES)
def test_raw_connection_in_env_py(name: str, decoy: Decoy, tmp_path: Path) -> None:
    application = aimed("env_generic", decoy, tmp_path, functions(RAW[name]))
    refused(run_tool(application, conf="alembic.ini"), application, "# RAW")
    assert not (application.project / "decoy.db").exists()


@pytest.mark.parametrize("name", [name for name in RAW_NAMES if name != "asyncpg"])
def test_raw_connection_in_a_revision(name: str, decoy: Decoy, tmp_path: Path) -> None:
    application = aimed(
        "env_generic",
        decoy,
        tmp_path,
        Replace(VERSION, "    op.create_table(\n", f"    {RAW[name]}\n    op.create_table(\n"),
    )
    refused(run_tool(application, conf="alembic.ini"), application, "# RAW")
    assert not (application.project / "decoy.db").exists()


def test_a_refusal_that_the_application_swallows(decoy: Decoy, tmp_path: Path) -> None:
    swallowed = (
        f"try:\n    import {DRIVER} as driver; driver.connect({arguments()})  # RAW\nexcept Exception:\n    pass"
    )
    application = aimed("env_generic", decoy, tmp_path, functions(swallowed))
    refused(run_tool(application, conf="alembic.ini"), application, "# RAW")


def test_a_process_that_env_py_starts_is_named(tmp_path: Path) -> None:
    application = make_project(
        tmp_path, "env_generic", (functions("import subprocess; subprocess.run(['true'], check=True)  # START"),)
    )
    run = run_tool(application, conf="alembic.ini")
    assert rows(run) == PENDING
    text = (application.project / ENV).read_text()
    line = text[: text.index("# START")].count("\n") + 1
    (said,) = [entry for entry in review_of(run)["provenance"]["not_checked"] if "another process" in entry]
    assert "uses: true" in said
    assert f"env.py:{line})" in said


MARSDB = """
from sqlalchemy.engine.default import DefaultDialect


class Dialect(DefaultDialect):
    name = "marsdb"
    driver = "rover"
    paramstyle = "named"
    supports_statement_cache = True

    @classmethod
    def dbapi(cls):
        import sys
        return sys.modules[__name__]

    import_dbapi = dbapi


paramstyle = "named"


def connect(*args, **kwargs):
    raise SystemExit(7)
"""


def test_another_dialect_is_named(tmp_path: Path) -> None:
    register = "from sqlalchemy.dialects import registry\nregistry.register('marsdb', 'marsdb', 'Dialect')"
    url = Replace("alembic.ini", "postgresql://library:s3cr%%et@", "marsdb://library:s3cr%%et@")
    application = make_project(tmp_path, "env_generic", (url, functions(register), Write("site:marsdb.py", MARSDB)))
    run = run_tool(application, conf="alembic.ini")
    assert run.status == 3, run.explain()
    check_every_run(run, application)
    assert "marsdb" in run.stderr, run.explain()
    assert "env.py" in run.stderr, run.explain()
