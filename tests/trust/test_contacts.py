"""No database but the scratch database is contacted, however the application builds its connections.

Each way ends in one of three ways: it is refused with exit 3, it reaches the scratch database, or it is reported in
`not_checked`. A server that counts its contacts and a SQLite file that must not change see the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from alembic_review.worker.redirect.drivers import UNWATCHED
from tests.apps.decoy import Decoy, listening
from tests.apps.edits import Append, Edit, Replace, Write
from tests.apps.environments import stack
from tests.apps.harness import Application, make_project
from tests.apps.scenario import row
from tests.apps.test_environments import CONFIGURE, ENV, PENDING, VERSION, functions
from tests.apps.test_projects import sqlite_url
from tests.trust.here import Outcome, review

OLD_STACK = stack().sqlalchemy < (2, 0)
# What `postgresql://` means to SQLAlchemy.
DRIVER = "psycopg2" if OLD_STACK else "psycopg"
REFUSED, REDIRECTED, REPORTED = "refused", "redirected", "reported"
LISTED, STOPPED = "listed", "stopped"

TCP = "host='127.0.0.1', port=PORT, user='library', password='s3cr%et', dbname='library', connect_timeout=2"
DSN = "'host=127.0.0.1 port=PORT dbname=library connect_timeout=2'"
BYTES = "b'host=127.0.0.1 port=PORT connect_timeout=2'"
FILE = "'DECOY'"
URL = "postgresql://library:s3cr%et@127.0.0.1:PORT/library"
LIBPQ = (
    "ctypes.CDLL(glob.glob(os.path.dirname(os.path.dirname(psycopg2.__file__)) + '/psycopg2_binary.libs/libpq-*')[0])"
)


@dataclass(frozen=True)
class Way:
    """One style of application; ``edits`` are made to the generic project, on SQLite unless ``postgresql``."""

    edits: tuple[Edit, ...]
    outcome: str
    postgresql: bool = False
    variables: tuple[tuple[str, str], ...] = ()
    project: str = "env_generic"


def in_env(statement: str) -> tuple[Edit, ...]:
    return (functions(statement),)


def in_models(statement: str) -> tuple[Edit, ...]:
    return (Append("models.py", f"\n{statement}\n"),)


def in_revision(statement: str) -> tuple[Edit, ...]:
    body = "".join(f"    {line}\n" for line in statement.splitlines())
    return (Replace(VERSION, "    op.create_table(\n", f"{body}    op.create_table(\n"),)


def configured(arguments: str, before: str = "pass") -> tuple[Edit, ...]:
    new = f"context.configure(connection=connection, target_metadata=target_metadata, {arguments})"
    return (Replace(ENV, CONFIGURE, f"{before}\n        {new}"),)


def online(statement: str) -> tuple[Edit, ...]:
    """Where env.py has its connection."""
    return configured("", before=statement)


def ways_of_raw_connections() -> Iterator[tuple[str, Way]]:
    """Every call of a driver that opens a connection, at import time of env.py, in a revision and in the models."""
    for name, statement in RAW.items():
        if find_spec(name.partition("-")[0]) is None or (OLD_STACK and name.startswith("psycopg-")):
            continue
        yield f"env_py-{name}", Way(in_env(statement), REFUSED)
    for name in ("psycopg2-connect", "psycopg-libpq", "psycopg-connect", "sqlite3-connect", "sqlite3-class"):
        if not (OLD_STACK and name.startswith("psycopg-")):
            yield f"revision-{name}", Way(in_revision(RAW[name]), REFUSED)
            yield f"models-{name}", Way(in_models(RAW[name]), REFUSED)


def imported(modules: str, call: str) -> str:
    return f"import {modules}\n{call}"


RAW = {
    "psycopg2-connect": imported("psycopg2", f"psycopg2.connect({TCP})"),
    "psycopg2-dsn": imported("psycopg2", f"psycopg2.connect('{URL}')"),
    "psycopg2-_connect": imported("psycopg2", f"psycopg2._connect({DSN})"),
    "psycopg2-c_connect": imported("psycopg2", f"psycopg2._psycopg._connect({DSN})"),
    "psycopg2-class": imported("psycopg2.extensions", f"psycopg2.extensions.connection({DSN})"),
    "psycopg2-c_class": imported("psycopg2", f"psycopg2._psycopg.connection({DSN})"),
    "psycopg2-subclass": imported(
        "psycopg2.extensions", f"class Own(psycopg2.extensions.connection): pass\nOwn({DSN})"
    ),
    "psycopg2-logging": imported("psycopg2.extras", f"psycopg2.extras.LoggingConnection({DSN})"),
    "psycopg2-replication": imported("psycopg2.extras", f"psycopg2.extras.LogicalReplicationConnection({DSN})"),
    "psycopg2-pool": imported("psycopg2.pool", f"psycopg2.pool.SimpleConnectionPool(1, 1, {DSN})"),
    "psycopg2-threaded_pool": imported("psycopg2.pool", f"psycopg2.pool.ThreadedConnectionPool(1, 1, {DSN})"),
    "psycopg2-asynchronous": imported("psycopg2", f"psycopg2.connect({DSN}, async_=1)"),
    "psycopg2-from_import": f"from psycopg2 import connect\nconnect({TCP})",
    "psycopg2-import_module": f"import importlib\nimportlib.import_module('psycopg2').connect({TCP})",
    "psycopg2-reloaded": f"import importlib, psycopg2\nimportlib.reload(psycopg2).connect({TCP})",
    "psycopg-connect": imported("psycopg", f"psycopg.connect({TCP})"),
    "psycopg-conninfo": imported("psycopg", f"psycopg.connect({DSN})"),
    "psycopg-class": imported("psycopg", f"psycopg.Connection.connect({TCP})"),
    "psycopg-subclass": imported("psycopg", f"class Own(psycopg.Connection): pass\nOwn.connect({DSN})"),
    "psycopg-asynchronous": imported("asyncio, psycopg", f"asyncio.run(psycopg.AsyncConnection.connect({DSN}))"),
    "psycopg-libpq": f"from psycopg.pq import PGconn\nPGconn.connect({BYTES})",
    "psycopg-libpq_start": f"from psycopg.pq import PGconn\nPGconn.connect_start({BYTES})",
    "psycopg-generator": imported("psycopg.generators", f"next(psycopg.generators.connect({DSN}))"),
    "psycopg-binary": f"import psycopg\nfrom psycopg_binary.pq import PGconn\nPGconn.connect({BYTES})",
    "psycopg-binary_generator": f"import psycopg\nfrom psycopg_binary import _psycopg\nnext(_psycopg.connect({DSN}))",
    "psycopg-ctypes": (
        "import ctypes, ctypes.util, glob, os, psycopg2\nfound = glob.glob(os.path.dirname(os.path.dirname("
        "psycopg2.__file__)) + '/psycopg2_binary.libs/libpq-*')[0]\nctypes.util.find_library = lambda name: found\n"
        f"from psycopg.pq.pq_ctypes import PGconn\nPGconn.connect({BYTES})"
    ),
    "asyncpg-connect": imported(
        "asyncio, asyncpg", "asyncio.run(asyncpg.connect(host='127.0.0.1', port=PORT, user='library', timeout=5))"
    ),
    "asyncpg-dsn": imported("asyncio, asyncpg", f"asyncio.run(asyncpg.connect('{URL}', timeout=5))"),
    "asyncpg-module": imported(
        "asyncio, asyncpg", "asyncio.run(asyncpg.connection.connect(host='127.0.0.1', port=PORT, user='x'))"
    ),
    "asyncpg-pool": imported("asyncio, asyncpg", "async def go(): await asyncpg.create_pool('URL')\nasyncio.run(go())"),
    "asyncpg-_connect": imported(
        "asyncio, asyncpg", "asyncio.run(asyncpg.connect_utils._connect(loop=None, host='127.0.0.1', port=PORT))"
    ),
    "pg8000-native": imported("pg8000.native", "pg8000.native.Connection('me', host='127.0.0.1', port=PORT)"),
    "pg8000-dbapi": imported("pg8000.dbapi", "pg8000.dbapi.connect('me', host='127.0.0.1', port=PORT)"),
    "sqlite3-connect": imported("sqlite3", f"sqlite3.connect({FILE})"),
    "sqlite3-dbapi2": imported("sqlite3.dbapi2", f"sqlite3.dbapi2.connect({FILE})"),
    "sqlite3-class": imported("sqlite3", f"sqlite3.Connection({FILE})"),
    "sqlite3-c_module": imported("_sqlite3", f"_sqlite3.connect({FILE})"),
    "sqlite3-uri": imported("sqlite3", "sqlite3.connect('file:DECOY?mode=rw', uri=True)"),
    "sqlite3-path": imported("pathlib, sqlite3", f"sqlite3.connect(pathlib.Path({FILE}))"),
    "sqlite3-bytes": imported("sqlite3", f"sqlite3.connect(b{FILE})"),
    "sqlite3-again": imported("sqlite3", f"c = sqlite3.connect(':memory:')\nc.__init__({FILE})"),
    "sqlite3-factory": imported(
        "sqlite3", f"class Own(sqlite3.Connection): pass\nsqlite3.connect({FILE}, factory=Own)"
    ),
    "ctypes-libpq": imported("ctypes, glob, os, psycopg2", f"{LIBPQ}.PQconnectdb({BYTES})"),
    "ctypes-libpq_start": imported("ctypes, glob, os, psycopg2", f"{LIBPQ}.PQconnectStart({BYTES})"),
    "ctypes-libpq_login": imported(
        "ctypes, glob, os, psycopg2",
        f"{LIBPQ}.PQsetdbLogin(b'127.0.0.1', b'PORT', None, None, b'library', b'library', b'x')",
    ),
    "ctypes-libpq_item": imported("ctypes, glob, os, psycopg2", f"{LIBPQ}['PQconnectdb']({BYTES})"),
    "ctypes-libpq_ping": imported("ctypes, glob, os, psycopg2", f"{LIBPQ}.PQping({BYTES})"),
    "ctypes-loaded": imported(
        "ctypes, psycopg2, _sqlite3",
        "ctypes.CDLL(_sqlite3.__file__).sqlite3_open(b'DECOY', ctypes.byref(ctypes.c_void_p()))",
    ),
}

OPEN = f"import sqlite3; sqlite3.connect({FILE}).execute('CREATE TABLE x (a)')"
REACH = f"import {DRIVER}; {DRIVER}.connect({TCP})"
INDENTED = OPEN.replace("; ", "\n    ")
PLACES: dict[str, tuple[Edit, ...]] = {
    "thread": in_env(
        f"import threading\ndef go():\n    {INDENTED}\nt = threading.Thread(target=go)\nt.start(); t.join()"
    ),
    "pool_of_threads": in_env(
        f"from concurrent.futures import ThreadPoolExecutor\ndef go():\n    {INDENTED}\n"
        "with ThreadPoolExecutor() as executor: executor.submit(go).exception()"
    ),
    "swallowed": in_env(f"try:\n    {OPEN}\nexcept Exception: pass"),
    "swallowed_with_base_exception": in_env(f"try:\n    {OPEN}\nexcept BaseException: pass"),
    "suppressed": in_env(f"import contextlib\nwith contextlib.suppress(Exception):\n    {OPEN}"),
    "retried": in_env(f"for _ in range(3):\n    try:\n        {OPEN}\n        break\n    except Exception: pass"),
    "coroutine": in_env(f"import asyncio\nasync def go():\n    {OPEN}\nasyncio.run(go())"),
    "finalizer": in_env(f"class Own:\n    def __del__(self):\n        {OPEN}\nOwn()"),
    "exec": in_env(f"exec({OPEN!r})"),
    "metaclass": in_env(
        f"class Meta(type):\n    def __init__(cls, *a):\n        {OPEN}\nclass Own(metaclass=Meta): pass"
    ),
    "signal_handler": in_env(
        f"import signal, os\ndef go(*_):\n    {INDENTED}\nsignal.signal(signal.SIGUSR1, go)\nos.kill(os.getpid(), 10)"
    ),
    "logging_handler": in_env(
        f"import logging\nclass Own(logging.Handler):\n    def emit(self, record):\n        {OPEN}\n"
        "log = logging.getLogger('own'); log.addHandler(Own()); log.warning('x')"
    ),
    "online": online(OPEN),
    "after_migrations": (
        Replace(
            ENV,
            "            context.run_migrations()\n\n\nif",
            f"            context.run_migrations()\n    {OPEN}\n\n\nif",
        ),
    ),
    "include_object": (functions(f"def chosen(*_):\n    {INDENTED}"), *configured("include_object=chosen")),
    "include_name": (functions(f"def chosen(*_):\n    {INDENTED}"), *configured("include_name=chosen")),
    "compare_type": (functions(f"def same(*_):\n    {INDENTED}"), *configured("compare_type=same")),
    "compare_server_default": (
        functions(f"def same(*_):\n    {INDENTED}"),
        *configured("compare_server_default=same"),
        Replace("models.py", "sa.String(17)", "sa.String(17), server_default='x'"),
        Replace(
            VERSION,
            "sa.String(200), nullable=False),",
            "sa.String(200), nullable=False),\n        sa.Column('isbn', sa.String(17)),",
        ),
    ),
    "render_item": (functions(f"def own(*_):\n    {INDENTED}"), *configured("render_item=own")),
    "on_version_apply": (functions(f"def own(**_):\n    {INDENTED}"), *configured("on_version_apply=own")),
    "listener_connect": in_models(f"@sa.event.listens_for(sa.engine.Engine, 'connect')\ndef own(*_):\n    {INDENTED}"),
    "listener_statement": in_models(
        f"@sa.event.listens_for(sa.engine.Engine, 'before_cursor_execute')\ndef own(*_):\n    {INDENTED}"
    ),
    "listener_begin": in_models(f"@sa.event.listens_for(sa.engine.Engine, 'begin')\ndef own(*_):\n    {INDENTED}"),
    "listener_checkout": in_models(f"@sa.event.listens_for(sa.pool.Pool, 'checkout')\ndef own(*_):\n    {INDENTED}"),
    "listener_table": in_models(f"@sa.event.listens_for(sa.Table, 'after_create')\ndef own(*_, **k):\n    {INDENTED}"),
    "listener_mapper": (
        Replace("models.py", "import sqlalchemy as sa\n", "import sqlalchemy as sa\nimport sqlalchemy.orm\n"),
        Append(
            "models.py",
            "\n@sa.event.listens_for(sa.orm.Mapper, 'mapper_configured')\n"
            f"def own(*_):\n    {INDENTED}\nsa.orm.configure_mappers()\n",
        ),
    ),
    "revision_import": (Replace(VERSION, "import sqlalchemy as sa\n", f"import sqlalchemy as sa\n{OPEN}\n"),),
    "revision_bind": in_revision(f"op.get_bind()\n{OPEN}"),
    "server_of_a_driver": online(REACH),
    "server_in_a_listener": in_models(
        "@sa.event.listens_for(sa.engine.Engine, 'connect')\ndef own(*_):\n    " + REACH.replace("; ", "\n    ")
    ),
}

ATTACHED = f"ATTACH DATABASE {FILE} AS old"
FILES: dict[str, tuple[Edit, ...]] = {
    "attach_revision": in_revision(f'op.execute("{ATTACHED}")'),
    "attach_online": online(f'connection.exec_driver_sql("{ATTACHED}")'),
    "attach_on_connect": in_models(
        f'@sa.event.listens_for(sa.engine.Engine, "connect")\ndef own(c, _):\n    c.execute("{ATTACHED}")'
    ),
    "attach_parameter": online("connection.exec_driver_sql('ATTACH DATABASE ? AS old', ('DECOY',))"),
    "attach_expression": online(
        "connection.exec_driver_sql(\"ATTACH DATABASE 'DEC' || 'OY' AS old\")".replace("'DEC' || 'OY'", "'DECOY' || ''")
    ),
    "attach_uri": online("connection.exec_driver_sql(\"ATTACH DATABASE 'file:DECOY?mode=rw' AS old\")"),
    "attach_script": online(f'connection.connection.executescript("{ATTACHED}")'),
    "attach_memory_connection": in_env(f'import sqlite3\nsqlite3.connect(":memory:").execute("{ATTACHED}")'),
    "vacuum_into": online("connection.connection.execute(\"VACUUM INTO 'DECOY.copy'\")"),
    "authorizer_none": online(
        f'raw = connection.connection.dbapi_connection; raw.set_authorizer(None); raw.execute("{ATTACHED}")'
    ),
    "authorizer_own": online(
        f'raw = connection.connection.dbapi_connection; raw.set_authorizer(lambda *a: 0); raw.execute("{ATTACHED}")'
    ),
    "authorizer_class": online(
        "import sqlite3; raw = connection.connection.dbapi_connection; "
        f'sqlite3.Connection.set_authorizer(raw, None); raw.execute("{ATTACHED}")'
    ),
    "authorizer_own_class": in_env(
        "import sqlite3\nclass Own(sqlite3.Connection): pass\nc = sqlite3.connect(':memory:', factory=Own)\n"
        f'c.set_authorizer(None)\nc.execute("{ATTACHED}")'
    ),
    "authorizer_positional_class": in_env(
        "import sqlite3\nclass Own(sqlite3.Connection): pass\nc = sqlite3.connect(':memory:', 5, 0, '', True, Own)\n"
        f'c.set_authorizer(None)\nc.execute("{ATTACHED}")'
    ),
    "backup": online("import sqlite3; connection.connection.dbapi_connection.backup(sqlite3.connect('DECOY'))"),
}


def engine(made: str, more: str = "") -> tuple[Edit, ...]:
    """The generic environment with an engine of its own making."""
    generic = (
        "engine_from_config(\n        config.get_section(config.config_ini_section, {}),\n"
        '        prefix="sqlalchemy.",\n        poolclass=pool.NullPool,\n    )'
    )
    return (functions(f"import {DRIVER} as driver\n{more}"), Replace(ENV, generic, made))


CONNECT = f"driver.connect({TCP})"
ENGINES = {
    "url": engine(f"sa.create_engine('{URL}')"),
    "url_object": engine(
        "sa.create_engine(sa.engine.URL.create('postgresql', 'library', 's3cr%et', '127.0.0.1', PORT, 'library'))"
    ),
    "url_query": engine("sa.create_engine('postgresql:///library?host=127.0.0.1&port=PORT')"),
    "url_hosts": engine("sa.create_engine('postgresql:///library?host=127.0.0.1:PORT&host=127.0.0.1:PORT')"),
    "url_service": engine("sa.create_engine('postgresql:///?service=prod')"),
    "url_dsn": engine("sa.create_engine('postgresql:///?dsn=host%3D127.0.0.1%20port%3DPORT')"),
    "from_config": engine(f"sa.engine_from_config({{'sqlalchemy.url': '{URL}'}})"),
    "creator": engine(f"sa.create_engine('postgresql://', creator=lambda: {CONNECT})"),
    "creator_of_a_record": engine(f"sa.create_engine('postgresql://', creator=lambda record: {CONNECT})"),
    "creator_null_pool": engine(
        f"sa.create_engine('postgresql://', poolclass=pool.NullPool, creator=lambda: {CONNECT})"
    ),
    "pool": engine(f"sa.create_engine('postgresql://', pool=pool.QueuePool(lambda: {CONNECT}, pool_size=1))"),
    "static_pool": engine(f"sa.create_engine('postgresql://', pool=pool.StaticPool(lambda: {CONNECT}))"),
    "assertion_pool": engine(f"sa.create_engine('postgresql://', pool=pool.AssertionPool(lambda: {CONNECT}))"),
    "thread_pool": engine(f"sa.create_engine('postgresql://', pool=pool.SingletonThreadPool(lambda: {CONNECT}))"),
    "own_pool_class": engine(f"sa.create_engine('{URL}', poolclass=Own)", "class Own(pool.NullPool):\n    pass"),
    "connect_args": engine(
        "sa.create_engine('postgresql://db.invalid/library', connect_args=dict(host='127.0.0.1', port=PORT))"
    ),
    "connect_args_hostaddr": engine(
        "sa.create_engine('postgresql://db.invalid/library', connect_args=dict(hostaddr='127.0.0.1', port=PORT))"
    ),
    "connect_args_dsn": engine(f"sa.create_engine('postgresql://', connect_args=dict(dsn={DSN}))"),
    "connect_args_conninfo": engine(f"sa.create_engine('postgresql://', connect_args=dict(conninfo={DSN}))"),
    "connect_args_class": engine(
        f"sa.create_engine('{URL}', connect_args=dict(connection_factory=int, cursor_factory=int))"
    ),
    "future": engine(f"sa.create_engine('{URL}', future=True)"),
    "echo": engine(f"sa.create_engine('{URL}', echo=True, pool_pre_ping=True, pool_recycle=1)"),
    "options": engine(f"sa.create_engine('{URL}').execution_options(isolation_level='AUTOCOMMIT')"),
    "engine_at_import": engine("made", f"made = sa.create_engine('{URL}')"),
    "recreated_pool": engine("made", f"made = sa.create_engine('{URL}')\nmade.pool = made.pool.recreate()"),
    "replaced_pool": engine(
        "made", f"made = sa.create_engine('postgresql://')\nmade.pool = pool.QueuePool(lambda: {CONNECT})"
    ),
    "replaced_creator": engine(
        "made", f"made = sa.create_engine('postgresql://')\nmade.pool._creator = lambda *_: {CONNECT}"
    ),
    "replaced_arguments": engine(
        "made",
        f"made = sa.create_engine('postgresql://')\nmade.dialect.create_connect_args = lambda u: ([], dict({TCP}))",
    ),
    "rewriting_listener": engine(
        "made",
        f"made = sa.create_engine('postgresql://')\n@sa.event.listens_for(made, 'do_connect')\n"
        f"def own(d, r, a, k):\n    k.clear(); k.update({TCP})",
    ),
    "returning_listener": engine(
        "made",
        f"made = sa.create_engine('postgresql://')\n@sa.event.listens_for(made, 'do_connect')\n"
        f"def own(d, r, a, k):\n    return {CONNECT}",
    ),
    "rewriting_class_listener": engine(
        f"sa.create_engine('{URL}')",
        f"@sa.event.listens_for(sa.engine.Engine, 'do_connect')\ndef own(d, r, a, k):\n    k.clear(); k.update({TCP})",
    ),
    "returning_class_listener": engine(
        f"sa.create_engine('{URL}')",
        f"@sa.event.listens_for(sa.engine.Engine, 'do_connect')\ndef own(d, r, a, k):\n    return {CONNECT}",
    ),
    "rewriting_first_listener": engine(
        "made",
        f"made = sa.create_engine('postgresql://')\n"
        f"def own(d, r, a, k):\n    k.clear(); k.update({TCP})\nsa.event.listen(made, 'do_connect', own, insert=True)",
    ),
    "returning_first_listener": engine(
        "made",
        f"made = sa.create_engine('postgresql://')\n"
        f"def own(d, r, a, k):\n    return {CONNECT}\nsa.event.listen(made, 'do_connect', own, insert=True)",
    ),
    "first_class_listener": engine(
        f"sa.create_engine('{URL}')",
        f"def own(d, r, a, k):\n    return {CONNECT}\n"
        "sa.event.listen(sa.engine.Engine, 'do_connect', own, insert=True)",
    ),
    "psycopg2_url": engine(f"sa.create_engine('{URL.replace('://', '+psycopg2://')}')"),
    "psycopg_url": engine(f"sa.create_engine('{URL.replace('://', '+psycopg://')}')"),
    "pg8000_url": engine(f"sa.create_engine('{URL.replace('://', '+pg8000://')}')"),
    "plugin": engine(f"sa.create_engine('{URL}', plugins=[])"),
}
NEW_ONLY = {"url_dsn", "psycopg_url", "rewriting_first_listener", "returning_first_listener", "first_class_listener"}
# Their connections do not come from the dialect that SQLAlchemy made for the engine.
ENGINES_REFUSED = {"replaced_pool", "replaced_arguments"}

SQLITE_URLS = {
    "path": "sa.create_engine('sqlite:///DECOY')",
    "uri": "sa.create_engine('sqlite:///file:DECOY?mode=rw&uri=true')",
    "creator": "sa.create_engine('sqlite://', creator=lambda: sqlite3.connect('DECOY'))",
    "connect_args": "sa.create_engine('sqlite://', connect_args={'database': 'DECOY'})",
    "pool": "sa.create_engine('sqlite://', pool=pool.StaticPool(lambda: sqlite3.connect('DECOY')))",
    "module": "sa.create_engine('sqlite:///DECOY', module=sqlite3)",
}

CODE = '[sys.executable, "-c", "pass"]'
PROCESSES = {
    "run": f"import subprocess, sys\nsubprocess.run({CODE}, check=True)",
    "popen": f"import subprocess, sys\nsubprocess.Popen({CODE}).wait()",
    "check_output": f"import subprocess, sys\nsubprocess.check_output({CODE})",
    "shell": "import subprocess\nsubprocess.run('true', shell=True, check=True)",
    "system": "import os\nos.system('true')",
    "os_popen": "import os\nos.popen('true').close()",
    "spawn": "import os\nos.spawnv(os.P_WAIT, '/bin/true', ['true'])",
    "posix_spawn": "import os\nos.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)",
    "fork": "import os\npid = os.fork()\nif not pid: os._exit(0)\nos.waitpid(pid, 0)",
    "forkpty": "import os\npid, fd = os.forkpty()\nif not pid: os._exit(0)\nos.waitpid(pid, 0); os.close(fd)",
    "pty": "import pty\npty.spawn(['true'])",
    "multiprocessing_fork": (
        "import multiprocessing as m\np = m.get_context('fork').Process(target=id, args=(1,))\np.start(); p.join()"
    ),
    "multiprocessing_spawn": (
        "import multiprocessing as m\np = m.get_context('spawn').Process(target=id, args=(1,))\np.start(); p.join()"
    ),
    "asyncio": (
        "import asyncio\nasync def go():\n    await (await asyncio.create_subprocess_exec('true')).wait()\n"
        "asyncio.run(go())"
    ),
    "psql": "import subprocess\nsubprocess.run(['psql', '-h', '127.0.0.1', '-p', 'PORT', '-c', 'SELECT 1'])",
    "alembic": "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'alembic', '--version'], check=True)",
}
SOCKETS = {
    "create_connection": "import socket\nsocket.create_connection(('127.0.0.1', PORT)).close()",
    "connect": "import socket\ns = socket.socket(); s.connect(('127.0.0.1', PORT)); s.close()",
    "connect_ex": "import socket\ns = socket.socket(); s.connect_ex(('127.0.0.1', PORT)); s.close()",
    "http": (
        "import http.client\nc = http.client.HTTPConnection('127.0.0.1', PORT, timeout=3)\n"
        "try: c.request('GET', '/'); c.getresponse()\nexcept Exception: pass\nc.close()"
    ),
    "urllib": (
        "import urllib.request\ntry: urllib.request.urlopen('http://127.0.0.1:PORT', timeout=3)\nexcept Exception: pass"
    ),
    "asyncio": (
        "import asyncio\nasync def go():\n    r, w = await asyncio.open_connection('127.0.0.1', PORT)\n    w.close()\n"
        "    await w.wait_closed()\nasyncio.run(go())"
    ),
    "ftp": "import ftplib\ntry: ftplib.FTP(timeout=3).connect('127.0.0.1', PORT)\nexcept Exception: pass",
    "smtp": "import smtplib\ntry: smtplib.SMTP('127.0.0.1', PORT, timeout=3)\nexcept Exception: pass",
    "fast_open": (
        "import socket\ns = socket.socket()\ntry: s.sendto(b'x', 0x20000000, ('127.0.0.1', PORT))\n"
        "except OSError: pass\ns.close()"
    ),
    "fast_open_of_a_message": (
        "import socket\ns = socket.socket()\ntry: s.sendmsg([b'x'], [], 0x20000000, ('127.0.0.1', PORT))\n"
        "except OSError: pass\ns.close()"
    ),
    "ctypes_connect": (
        "import ctypes, socket, struct\ns = socket.socket()\na = struct.pack('<H', 2) + struct.pack('>H', PORT) + "
        "bytes([127, 0, 0, 1]) + bytes(8)\nctypes.CDLL(None).connect(s.fileno(), a, len(a))\ns.close()"
    ),
    "ctypes_libpq_loaded": imported("ctypes, glob, os, psycopg2", LIBPQ),
}


def all_ways() -> dict[str, Way]:
    found = dict(ways_of_raw_connections())
    found |= {f"place-{name}": Way(edits, REFUSED) for name, edits in PLACES.items()}
    found |= {f"file-{name}": Way(edits, REFUSED) for name, edits in FILES.items()}
    for name, edits in ENGINES.items():
        if not (OLD_STACK and name in NEW_ONLY):
            outcome = REFUSED if name in ENGINES_REFUSED else REDIRECTED
            found[f"engine-{name}"] = Way(edits, outcome, postgresql=True)
    for name, made in SQLITE_URLS.items():
        found[f"sqlite-{name}"] = Way(engine(made, "import sqlite3"), REDIRECTED)
    found |= {f"process-{name}": Way(in_env(code), REPORTED) for name, code in PROCESSES.items()}
    found |= {f"socket-{name}": Way(in_env(code), REPORTED) for name, code in SOCKETS.items()}
    found |= {
        f"native-{name}": Way((Write(f"{name}.py", ""), *in_env(f"import {name}")), LISTED)
        for name in sorted(UNWATCHED)
    }
    for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE"):
        value = "prod" if name == "PGSERVICE" else "127.0.0.1"
        variables = ((name, value), ("PGPORT", "PORT"))
        found[f"variable-{name}"] = Way(engine("sa.create_engine('postgresql://')"), REDIRECTED, True, variables)
    found["config-url"] = Way((), REDIRECTED, postgresql=True)
    found["config-asynchronous_url"] = Way((), REDIRECTED, postgresql=True, project="env_async")
    if not OLD_STACK:
        own = (
            "import asyncpg\nfrom sqlalchemy.ext.asyncio import create_async_engine\n"
            "async def own():\n    return await asyncpg.connect('URL', timeout=5)"
        )
        generic = (
            "async_engine_from_config(\n        config.get_section(config.config_ini_section, {}),\n"
            '        prefix="sqlalchemy.",\n        poolclass=pool.NullPool,\n    )'
        )
        replaced = Replace(ENV, generic, "create_async_engine('postgresql+asyncpg://', async_creator=own)")
        found["engine-asynchronous_creator"] = Way((functions(own), replaced), REDIRECTED, True, project="env_async")
    exec_in_place = "import os, sys\nos.execv(sys.executable, [sys.executable, '-c', 'pass'])"
    found["process-exec"] = Way(in_env(exec_in_place), STOPPED)
    return found


WAYS = all_ways()
QUICK = {
    *("env_py-psycopg2-connect", "env_py-ctypes-libpq", "place-swallowed", "file-authorizer_none"),
    *("engine-returning_class_listener", "sqlite-creator", "process-run", "socket-create_connection", "config-url"),
} | ({"env_py-psycopg-binary"} if not OLD_STACK else set())


@pytest.fixture
def decoy() -> Iterator[Decoy]:
    with listening() as listener:
        yield listener


def prepared(way: Way, folder: Path, replaced: Callable[[str], str]) -> Application:
    """The project of a way, with the decoys' port and path in it."""
    port = replaced("PORT")
    url = (
        Replace("alembic.ini", "@db.invalid/library", f"@127.0.0.1:{port}/library") if way.postgresql else sqlite_url()
    )
    application = make_project(folder, way.project, (url, *way.edits))
    for path in (application.project / ENV, application.project / VERSION, application.project / "models.py"):
        path.write_text(replaced(path.read_text()))
    return application


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.trust) for name in WAYS]
)
def test_no_contact_goes_unreported(  # noqa: PLR0917 - fixtures
    name: str,
    decoy: Decoy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    way = WAYS[name]
    file = tmp_path / "decoy.db"
    with sqlite3.connect(file) as made:
        made.execute("CREATE TABLE decoy (id INTEGER)")
    made.close()
    before = (file.read_bytes(), file.stat().st_mtime_ns)

    def replaced(text: str) -> str:
        return text.replace("'URL'", f"'{URL}'").replace("PORT", str(decoy.port)).replace("DECOY", str(file))

    application = prepared(way, tmp_path / "application", replaced)
    for variable, value in way.variables:
        monkeypatch.setenv(variable, replaced(value))
    monkeypatch.chdir(application.project)
    outcome = review(application, tmp_path / "reports", capsys)
    record_property("outcome", way.outcome)
    CHECKS[way.outcome](outcome)
    if way.outcome != REPORTED:
        assert decoy.contacts == 0, outcome.explain()
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before, outcome.explain()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["application", "decoy.db", "reports"]


def check_refused(outcome: Outcome) -> None:
    assert outcome.status == 3, outcome.explain()
    assert "refused" in outcome.failure or "other than the scratch database" in outcome.failure, outcome.explain()
    assert ".py:" in outcome.failure, outcome.explain()


def check_redirected(outcome: Outcome) -> None:
    assert outcome.status == 0, outcome.explain()
    assert sorted(row(change) for change in outcome.report["changes"]) == PENDING
    assert "database access " not in outcome.not_checked


def check_reported(outcome: Outcome) -> None:
    assert outcome.status == 0, outcome.explain()
    told = ("another process of the application", "database access ", "that the application opens")
    assert any(words in outcome.not_checked for words in told), outcome.explain()
    assert "env.py:" in outcome.not_checked, outcome.explain()


def check_listed(outcome: Outcome) -> None:
    assert outcome.status == 0, outcome.explain()
    assert "direct connections of" in outcome.not_checked, outcome.explain()


def check_stopped(outcome: Outcome) -> None:
    assert outcome.status == 3, outcome.explain()
    assert "ended with exit status" in outcome.failure, outcome.explain()


CHECKS = {
    REFUSED: check_refused,
    REDIRECTED: check_redirected,
    REPORTED: check_reported,
    LISTED: check_listed,
    STOPPED: check_stopped,
}
