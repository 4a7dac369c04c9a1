"""What runs leave on a server that is not theirs: databases of killed runs, roles, changed settings."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest

from alembic_review.observe.scratch import given_server, open_scratch
from alembic_review.observe.scratch.given_server import ServerScratch

from .servers import make_project, review

if TYPE_CHECKING:
    from tests.conftest import ServerAddress

NAMES = "SELECT datname FROM pg_database"
ROLES = "SELECT rolname FROM pg_roles"
# Creates a database on the server of its argument and waits.
RUN = """
import sys
from alembic_review.observe.scratch.given_server import ServerScratch
with ServerScratch(sys.argv[1]) as scratch:
    print(scratch.create().database, flush=True)
    sys.stdin.read()
"""


def _url(address: ServerAddress) -> str:
    return f"postgresql://postgres@/postgres?host={quote(address.host)}&port={address.port}"


@pytest.fixture
def look(scratch_server: ServerAddress) -> Iterator[Callable[[str], set[str]]]:
    with psycopg.connect(
        host=scratch_server.host, port=scratch_server.port, user="postgres", autocommit=True
    ) as connection:

        def execute(statement: str) -> set[str]:
            cursor = connection.execute(statement.encode())
            return {name for (name,) in cursor} if cursor.description else set()

        yield execute


@contextmanager
def _running(address: ServerAddress) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another run on the same server, and its database."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, _url(address)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.communicate()


def test_the_database_of_a_killed_run_is_dropped_by_the_next(
    scratch_server: ServerAddress, look: Callable[[str], set[str]]
) -> None:
    with _running(scratch_server) as (process, database):
        process.kill()
        process.wait()
        assert database in look(NAMES)
    with ServerScratch(_url(scratch_server)) as scratch:
        scratch.start()
        assert database not in look(NAMES)


def test_the_database_of_a_living_run_is_left_alone(
    scratch_server: ServerAddress, look: Callable[[str], set[str]]
) -> None:
    with _running(scratch_server) as (_, database):
        with ServerScratch(_url(scratch_server)) as scratch:
            scratch.start()
            assert database in look(NAMES)
        assert scratch.changes == ()
        assert database in look(NAMES)
    assert database not in look(NAMES)


def _named(run: str = "0" * 16, own: str = "1" * 8) -> str:
    return given_server._name(run, own)


OTHERS = {
    "short_name": ("alembic_review_0123456789abcdef", None, ""),
    "wrong_checksum": (f"alembic_review_{'0' * 16}_{'1' * 8}_{'2' * 8}", None, ""),
    "comment_of_somebody": (_named(), "production", ""),
    "comment_of_another_run": (_named(), f"alembic-review, run {'9' * 16}: x", ""),
    "other_owner": (_named(), f"alembic-review, run {'0' * 16}: x", "OWNER pg_monitor"),
    "longer_name": (f"{_named()}_copy", f"alembic-review, run {'0' * 16}: x", ""),
    "upper_case": (_named().upper(), f"alembic-review, run {'0' * 16}: x", ""),
}


def _marked(names: Any, quick: set[str]) -> list[Any]:
    return [pytest.param(name, id=name, marks=() if name in quick else pytest.mark.trust) for name in names]


@pytest.mark.parametrize("way", _marked(OTHERS, {"comment_of_somebody", "wrong_checksum"}))
def test_somebody_else_s_database_of_a_similar_name_is_left_alone(
    way: str, scratch_server: ServerAddress, look: Callable[[str], set[str]]
) -> None:
    name, comment, owner = OTHERS[way]
    look(f'CREATE DATABASE "{name}" {owner}')
    try:
        if comment is not None:
            look(f"""COMMENT ON DATABASE "{name}" IS '{comment}'""")
        with ServerScratch(_url(scratch_server)) as scratch:
            scratch.start()
            assert name in look(NAMES)
        assert name in look(NAMES)
    finally:
        look(f'DROP DATABASE "{name}"')


@pytest.mark.trust
@pytest.mark.parametrize("comment", [None, f"alembic-review, run {'0' * 16}: 12"], ids=["none_yet", "of_its_run"])
def test_a_run_that_was_killed_while_it_created_a_database_leaves_none(
    comment: str | None, scratch_server: ServerAddress, look: Callable[[str], set[str]]
) -> None:
    look(f"CREATE DATABASE {_named()}")
    if comment is not None:
        look(f"COMMENT ON DATABASE {_named()} IS '{comment}'")
    with ServerScratch(_url(scratch_server)) as scratch:
        scratch.start()
        assert _named() not in look(NAMES)


def _execute(*statements: str) -> str:
    return "\n".join(f"op.execute({statement!r})" for statement in statements)


def _outside_transaction(*statements: str) -> str:
    return "with op.get_context().autocommit_block():\n    " + _execute(*statements).replace("\n", "\n    ")


# What a run creates by name is dropped.
CREATED = {
    "role": _execute("CREATE ROLE left_over"),
    "user": _execute("CREATE USER left_over PASSWORD 'x'"),
    "quoted_role": _execute('CREATE ROLE "left_over"; GRANT SELECT ON kept TO left_over'),
    "role_do": _execute("DO $$ BEGIN IF true THEN CREATE ROLE left_over; END IF; END $$"),
    "role_owns": _execute("CREATE ROLE left_over; ALTER TABLE kept OWNER TO left_over"),
    "role_setting": _execute("CREATE ROLE left_over; ALTER ROLE left_over SET work_mem = '8MB'"),
    "renamed_role": _execute("CREATE ROLE first_name; ALTER ROLE first_name RENAME TO left_over"),
    "database": _outside_transaction("CREATE DATABASE left_over"),
    "database_of_role": _outside_transaction("CREATE ROLE left_over", "CREATE DATABASE left_over OWNER left_over"),
}


@pytest.mark.parametrize("way", _marked(CREATED, {"role", "database_of_role"}))
def test_what_a_run_creates_on_a_given_server_is_dropped(
    way: str, scratch_server: ServerAddress, look: Callable[[str], set[str]], tmp_path: Path
) -> None:
    before = look(NAMES) | look(ROLES)
    found = review(make_project(tmp_path / "project", CREATED[way]), _url(scratch_server))
    assert (found.status, found.codes) == (0, ()), found.text
    assert look(NAMES) | look(ROLES) == before


@pytest.mark.trust
@pytest.mark.parametrize("way", sorted(CREATED))
def test_so_is_what_a_failing_run_created(
    way: str, scratch_server: ServerAddress, look: Callable[[str], set[str]], tmp_path: Path
) -> None:
    before = look(NAMES) | look(ROLES)
    code = (
        CREATED[way].replace("op.execute(", "op.get_bind().exec_driver_sql(") + "\nop.execute('COMMIT; SELECT 1 / 0')"
    )
    found = review(make_project(tmp_path / "project", code), _url(scratch_server))
    assert found.status == 3, found.text
    assert look(NAMES) | look(ROLES) == before


# What it changed, and what can't be told to be its own, is AR901: the code, what the message says, and how to undo it.
CHANGED = {
    "alter_role": ("ALTER ROLE other_role CREATEDB", "role other_role was changed (rolcreatedb)", ""),
    "alter_role_set": (
        "ALTER ROLE other_role SET work_mem = '8MB'",
        "setting of role other_role was created",
        "ALTER ROLE other_role RESET ALL",
    ),
    "password": ("ALTER ROLE other_role PASSWORD 'x'", "role other_role was changed (password)", ""),
    "drop_role": ("DROP ROLE other_role", "role other_role was dropped", "CREATE ROLE other_role"),
    "rename_role": ("ALTER ROLE other_role RENAME TO renamed", "(name", "ALTER ROLE renamed RENAME TO other_role"),
    "grant_role": ("GRANT pg_monitor TO other_role", "membership of other_role in pg_monitor was created", ""),
    "comment": ("COMMENT ON ROLE other_role IS 'x'", "role other_role was changed (comment)", ""),
    "dynamic_role": (
        "DO $$ BEGIN EXECUTE 'CREATE ' || 'ROLE hidden'; END $$",
        "role hidden was created",
        "DROP ROLE hidden",
    ),
    "database_set": (
        "ALTER DATABASE postgres SET work_mem = '8MB'",
        "setting of database postgres was created",
        "ALTER DATABASE postgres RESET ALL",
    ),
    "database_grant": (
        "REVOKE CONNECT ON DATABASE postgres FROM public",
        "database postgres was changed (privileges)",
        "GRANT CONNECT ON DATABASE postgres TO public",
    ),
    "dynamic_alter_role": (
        "DO $$ BEGIN EXECUTE 'ALTER RO' || 'LE other_role CONNECTION LIMIT 3'; END $$",
        "role other_role was changed (rolconnlimit)",
        "",
    ),
}


@pytest.mark.parametrize("way", _marked(CHANGED, {"alter_role", "dynamic_role"}))
def test_what_a_run_changes_on_a_given_server_is_reported_and_blocks(
    way: str, scratch_server: ServerAddress, look: Callable[[str], set[str]], tmp_path: Path
) -> None:
    statement, message, restore = CHANGED[way]
    look("CREATE ROLE other_role")
    try:
        found = review(make_project(tmp_path / "project", _execute(statement)), _url(scratch_server))
        assert found.status == 1, found.text
        assert "AR901" in found.codes
        assert message in found.text
        assert found.review is not None
        assert found.review.outcome.value == "blocked"
    finally:
        if restore:
            look(restore)
        look("DROP ROLE other_role")


def test_a_run_that_fails_says_what_it_changed(
    scratch_server: ServerAddress, look: Callable[[str], set[str]], tmp_path: Path
) -> None:
    look("CREATE ROLE other_role")
    try:
        code = _execute("ALTER ROLE other_role CREATEDB; COMMIT; SELECT 1 / 0")
        found = review(make_project(tmp_path / "project", code), _url(scratch_server))
        assert found.status == 3
        assert "The run also changed the given server: role other_role was changed (rolcreatedb)." in found.text
    finally:
        look("DROP ROLE other_role")


CONTACTS = {
    "copy_to_program": "COPY kept TO PROGRAM 'true'",
    "copy_to_file": "COPY kept TO '/tmp/review-never-written'",
    "alter_system": "ALTER SYSTEM SET log_statement = 'all'",
    "lo_export": "SELECT lo_export(lo_from_bytea(0, 'x'), '/tmp/review-never-written')",
}


@pytest.mark.parametrize("way", _marked(CONTACTS, {"copy_to_program"}))
def test_a_superuser_of_a_given_server_reaches_no_files_and_programs(
    way: str, scratch_server: ServerAddress, tmp_path: Path
) -> None:
    found = review(make_project(tmp_path / "project", _outside_transaction(CONTACTS[way])), _url(scratch_server))
    assert found.status == 3
    assert "reaches outside the scratch database" in found.text
    assert not Path("/tmp/review-never-written").exists()


PROGRAMS = {
    "background": "sleep 1000 &",
    "session_of_its_own": "setsid sleep 1000 &",
    "orphan_of_an_orphan": "(setsid sh -c 'sleep 1000 & sleep 1000 & wait' &) &",
    "ignores_signals": "(trap '' HUP INT QUIT TERM; setsid sleep 1000) &",
}


def _marked_processes(folder: str) -> list[str]:
    mark = f"ALEMBIC_REVIEW_SERVER={folder}".encode()
    found = []
    for process in Path("/proc").iterdir():
        # A zombie has no environment.
        with contextlib.suppress(OSError):
            if process.name.isdecimal() and mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
@pytest.mark.parametrize("way", _marked(PROGRAMS, {"session_of_its_own"}))
def test_a_program_that_the_server_started_ends_with_the_run(way: str) -> None:
    with open_scratch("postgresql", None, superuser=True) as scratch:
        database = scratch.create()
        assert database.host is not None
        folder = str(Path(database.host).parent)
        with psycopg.connect(host=database.host, user="postgres", dbname=database.database) as connection:
            program = PROGRAMS[way].replace("'", "''")
            # What it is given has to be read: COPY fails where the other end of the pipe is closed too early.
            connection.execute(f"COPY (SELECT 1) TO PROGRAM '{program} cat >/dev/null 2>&1'".encode())
        deadline = time.monotonic() + 10
        while not any("sleep 1000" in line for line in _marked_processes(folder)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert _marked_processes(folder) == []


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
@pytest.mark.trust
def test_the_next_run_ends_the_program_of_a_killed_one() -> None:
    script = (
        "import sys, psycopg\n"
        "from alembic_review.observe.scratch import open_scratch\n"
        "scratch = open_scratch('postgresql', None, superuser=True)\n"
        "database = scratch.create()\n"
        "with psycopg.connect(host=database.host, user='postgres', dbname=database.database) as connection:\n"
        "    connection.execute(\"COPY (SELECT 1) TO PROGRAM 'setsid sleep 1000 >/dev/null 2>&1 & cat >/dev/null'\")\n"
        "print(database.host, flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = str(Path(process.stdout.readline().strip()).parent)
    process.kill()
    process.communicate()
    assert any("sleep 1000" in line for line in _marked_processes(folder))
    with open_scratch("postgresql", None) as scratch:
        scratch.start()
    assert _marked_processes(folder) == []
    assert not Path(folder).exists()
