"""Ways around SQLAlchemy: drivers below their ``connect``, sockets, processes."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.worker.redirect.redirected import run

DSN = "'host=127.0.0.1 port=1 dbname=library'"
DIRECT = {
    "psycopg2": [
        f"psycopg2.connect({DSN})",
        f"psycopg2._connect({DSN})",
        f"psycopg2._psycopg._connect({DSN})",
        f"psycopg2.extensions.connection({DSN})",
        f"psycopg2._psycopg.connection({DSN})",
        f"__import__('psycopg2.extras').extras.LoggingConnection({DSN})",
        f"__import__('psycopg2.extras').extras.LogicalReplicationConnection({DSN})",
        f"__import__('psycopg2.pool').pool.SimpleConnectionPool(1, 1, {DSN})",
    ],
    "psycopg": [
        f"psycopg.connect({DSN})",
        f"psycopg.Connection.connect({DSN})",
        f"asyncio.run(psycopg.AsyncConnection.connect({DSN}))",
        f"psycopg.pq.PGconn.connect(b{DSN})",
        f"psycopg.pq.PGconn.connect_start(b{DSN})",
        f"next(psycopg.generators.connect({DSN}))",
        f"__import__('psycopg_binary.pq').pq.PGconn.connect(b{DSN})",
        f"next(__import__('psycopg_binary._psycopg')._psycopg.connect({DSN}))",
    ],
    "asyncpg": [
        "asyncio.run(asyncpg.connect('postgresql://127.0.0.1:1/library'))",
        "asyncio.run(asyncpg.connection.connect(host='127.0.0.1', port=1))",
        "asyncio.run(asyncpg.connect_utils._connect(loop=None, host='127.0.0.1', port=1))",
    ],
    "pymysql": ["pymysql.connect(host='127.0.0.1', port=1)", "pymysql.connections.Connection(host='127.0.0.1')"],
    "aiomysql": [
        "asyncio.run(aiomysql.connect(host='127.0.0.1', port=1).__aenter__())",
        "asyncio.run(aiomysql.connection._connect(host='127.0.0.1', port=1))",
    ],
    "asyncmy": [
        "asyncio.run(asyncmy.connect(host='127.0.0.1', port=1).__aenter__())",
        "asyncmy.connection.Connection(host='127.0.0.1', port=1)",
    ],
    "pg8000": ["__import__('pg8000.native').native.Connection('me', host='127.0.0.1', port=1)"],
    "oracledb": [
        "oracledb.connect(user='me', password='x', dsn='127.0.0.1:1/library')",
        "oracledb.Connection(user='me', password='x', dsn='127.0.0.1:1/library')",
        "oracledb.create_pool(user='me', password='x', dsn='127.0.0.1:1/library', min=1)",
    ],
    "pyodbc": ["pyodbc.connect('DRIVER=x;SERVER=127.0.0.1')"],
    "mysql.connector": [
        "mysql.connector.connect(host='127.0.0.1', port=1)",
        "mysql.connector.connection.MySQLConnection(host='127.0.0.1', port=1)",
    ],
    "pymssql": ["pymssql.connect('127.0.0.1')", "pymssql._mssql.connect('127.0.0.1')"],
    "sqlite3": [
        "sqlite3.dbapi2.connect(decoy)",
        "sqlite3.Connection(decoy)",
        "__import__('_sqlite3').connect(decoy)",
        "sqlite3.connect(f'file:{decoy}?mode=ro', uri=True)",
    ],
}


def _installed(driver: str) -> bool:
    return find_spec(driver.partition(".")[0]) is not None


@pytest.mark.parametrize("driver", [driver for driver in DIRECT if _installed(driver)])
def test_a_driver_is_refused_below_its_connect_too(tmp_path: Path, driver: str) -> None:
    calls = DIRECT[driver]
    tried = "".join(f"said.append(attempt(lambda: str({call})))\n" for call in calls)
    found = run(tmp_path, f"import asyncio, {driver}\nsaid = []\n{tried}result = {{'said': said}}")
    said = found["said"]
    assert isinstance(said, list)
    for call, text in zip(calls, said, strict=True):
        assert f"A direct {driver.partition('.')[0]}" in text, call
        assert "connection was refused" in text, call


def test_a_connection_of_a_driver_is_still_one_to_isinstance(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        import psycopg2.extensions, psycopg2.extras
        base = psycopg2.extensions.connection.__mro__[1]
        plain = base.__new__(base)
        types = [psycopg2.extensions.connection, psycopg2._psycopg.connection, psycopg2.extras.LoggingConnection]
        result = {"found": [isinstance(plain, kind) for kind in types]}
        """,
    )
    assert found["found"] == [True, True, False]


def test_a_driver_that_can_not_be_protected_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyodbc.py").write_text("def connect_in_some_new_way(): ...\n")
    found = run(
        tmp_path,
        "sys.path.insert(0, folder)\nbefore = redirect.not_checked()\nimport pyodbc\n"
        "result = {'before': before, 'after': redirect.not_checked()}",
    )
    assert found["before"] == []
    assert found["after"] == ["direct connections of pyodbc (not monitored)"]


SOCKET = """\
import socket

def connect(port):
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
"""
LISTENER = """
import socket, types
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(0.2)
port = listener.getsockname()[1]
def contacts():
    try:
        listener.accept()[0].close()
    except TimeoutError:
        return 0
    return 1
sys.path.insert(0, folder)
"""


def test_a_socket_of_a_driver_written_in_python_is_refused_at_the_applications_line(tmp_path: Path) -> None:
    (tmp_path / "cx_Oracle.py").write_text(SOCKET.replace("connect(", "low_level(", 1))
    (tmp_path / "application.py").write_text("import cx_Oracle\n\n\ndef go(port):\n    cx_Oracle.low_level(port)\n")
    found = run(
        tmp_path,
        LISTENER + "import application\nresult = {'said': attempt(lambda: application.go(port)), 'seen': contacts()}",
    )
    assert "direct cx_Oracle connection was refused" in str(found["said"])
    assert f"{tmp_path}/application.py:5" in str(found["said"])
    assert found["seen"] == 0


def test_any_other_connection_is_named(tmp_path: Path) -> None:
    (tmp_path / "application.py").write_text(SOCKET)
    found = run(
        tmp_path,
        LISTENER + "import application\napplication.connect(port)\napplication.connect(port)\n"
        "result = {'not_checked': redirect.not_checked(), 'seen': contacts(), 'port': port}",
    )
    place = f"{tmp_path}/application.py:4"
    assert found["not_checked"] == [
        f"database access over the application's own connection to 127.0.0.1:{found['port']} (asked for at {place})"
    ]
    assert found["seen"] == 1


PROCESSES = {
    "import subprocess; subprocess.run(['true', '--password=hush'], check=True)": "true",
    "import subprocess; subprocess.run('true --password=hush', shell=True, check=True)": "sh",
    "import subprocess; subprocess.run(['/bin/true'], close_fds=False, check=True)": "true",
    "import os; os.system('true')": "a shell",
    "import os; os.posix_spawn('/bin/true', ['true'], {})": "/bin/true",
    "import os; os.fork() or os._exit(0)": "a copy of itself",
    "import multiprocessing as m; p = m.get_context('fork').Process(target=id, args=(1,)); p.start(); p.join()": (
        "a copy of itself"
    ),
    "import multiprocessing as m; p = m.get_context('spawn').Process(target=id, args=(1,)); p.start(); p.join()": (
        "python"
    ),
}


@pytest.mark.parametrize("start", PROCESSES)
def test_a_process_that_the_application_starts_is_named(tmp_path: Path, start: str) -> None:
    (tmp_path / "application.py").write_text(f"def go():\n    {start}\n")
    found = run(
        tmp_path,
        "sys.path.insert(0, folder)\nimport application\napplication.go()\n"
        "result = {'not_checked': redirect.not_checked()}",
    )
    lines = found["not_checked"]
    assert isinstance(lines, list)
    assert lines
    assert lines[0].startswith(f"databases that another process of the application uses: {PROCESSES[start]}")
    assert f"{tmp_path}/application.py:2" in lines[0]
    assert "hush" not in "".join(lines)


def test_many_processes_are_counted(tmp_path: Path) -> None:
    lines = "".join(f"    subprocess.run(['true'])  # {number}\n" for number in range(14))
    (tmp_path / "application.py").write_text(f"import subprocess\ndef go():\n{lines}")
    found = run(
        tmp_path,
        "sys.path.insert(0, folder)\nimport application\napplication.go()\n"
        "result = {'not_checked': redirect.not_checked()}",
    )
    shown = found["not_checked"]
    assert isinstance(shown, list)
    assert shown[10:] == ["4 more processes and connections of the application"]


@pytest.mark.parametrize("library", ["libpq", "libsqlite3"])
def test_a_library_that_the_application_loads_itself(tmp_path: Path, library: str) -> None:
    """Its functions are refused before they are called; here, another library has its name."""
    name = "PQconnectdb" if library == "libpq" else "sqlite3_open"
    found = run(
        tmp_path,
        f"""
        import ctypes, os, _sqlite3
        link = f"{{folder}}/{library}.so.9"
        os.symlink(_sqlite3.__file__, link)
        loaded = ctypes.CDLL(link)
        result = {{"not_checked": redirect.not_checked(), "said": attempt(lambda: loaded.{name})}}
        """,
    )
    assert found["not_checked"] == [f"connections that the application opens with {library}.so.9"]
    assert f"A direct ctypes ({name}) connection was refused" in str(found["said"])


@pytest.mark.parametrize(
    "replaced",
    ["c.set_authorizer(None)", "c.set_authorizer(lambda *a: 0)", "sqlite3.Connection.set_authorizer(c, None)"],
)
@pytest.mark.parametrize("factory", ["", ", factory=Own", ", 5, 0, '', True, Own"])
def test_an_authorizer_of_the_application_is_asked_beside_ours(tmp_path: Path, replaced: str, factory: str) -> None:
    found = run(
        tmp_path,
        f"""
        class Own(sqlite3.Connection):
            pass
        c = sqlite3.connect(":memory:"{factory})
        {replaced}
        c.execute("CREATE TABLE t (a)")
        result = {{
            "said": attempt(lambda: c.execute("ATTACH DATABASE ? AS old", (decoy,))),
            "kinds": [isinstance(c, sqlite3.Connection), isinstance(c, Own)],
        }}
        """,
    )
    assert "not authorized" in str(found["said"])
    assert "ATTACH" in str(found["refusal"])
    assert found["kinds"] == [True, bool(factory)]


def test_a_password_in_an_address_is_masked(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        import socket
        with socket.socket(socket.AF_UNIX) as one:
            attempt(lambda: one.connect("/nowhere?password=hush-hush"))
        result = {"not_checked": redirect.not_checked()}
        """,
    )
    assert found["not_checked"] == ["database access over the application's own connection to /nowhere?password=***"]
