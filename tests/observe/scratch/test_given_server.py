from __future__ import annotations

import logging
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy_utils import drop_database

from alembic_review.model.errors import ObservationError
from alembic_review.observe.scratch import given_server, open_scratch

if TYPE_CHECKING:
    from psycopg import Connection

    from alembic_review.observe.scratch import ScratchDatabase
    from tests.conftest import ServerAddress

DATABASES = "SELECT datname FROM pg_database ORDER BY 1"


def _url(address: ServerAddress, user: str = "postgres", rest: str = "") -> str:
    return f"postgresql://{user}:s3cret@/any?host={quote(address.host)}&port={address.port}{rest}"


def _connect(database: ScratchDatabase) -> Connection[tuple[Any, ...]]:
    return psycopg.connect(
        dbname=database.database,
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        **dict(database.query),  # type: ignore[arg-type] # as keyword arguments of libpq
    )


def test_databases_come_and_go(scratch_server: ServerAddress, scratch_connection: Connection[Any]) -> None:
    scratch_connection.autocommit = True
    before = scratch_connection.execute(DATABASES).fetchall()
    with open_scratch("postgresql", _url(scratch_server, rest="&application_name=review")) as scratch:
        first, second = scratch.create(), scratch.create()
        assert (scratch.kind, first.dialect, first.password) == ("given", "postgresql", "s3cret")
        assert (first.host, first.port, first.user) == (scratch_server.host, scratch_server.port, "postgres")
        assert first.query == (("application_name", "review"),)
        with _connect(second) as connection:
            connection.execute("CREATE TABLE kept ()")
        third = scratch.copy(second)
        with _connect(third) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchall() == [(0,)]
        for database in (first, second, third):
            with _connect(database) as connection:
                mark = connection.execute(
                    "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
                )
                assert mark.fetchall() == [(database.mark,)]
        during = {name for (name,) in scratch_connection.execute(DATABASES)}
        assert during == {name for (name,) in before} | {first.database, second.database, third.database}
    scratch.close()
    assert scratch_connection.execute(DATABASES).fetchall() == before


def test_sessions_that_are_still_open_do_not_keep_a_database(
    scratch_server: ServerAddress, scratch_connection: Connection[Any]
) -> None:
    scratch_connection.autocommit = True
    with open_scratch("postgresql", _url(scratch_server)) as scratch:
        database = scratch.create()
        left = _connect(database)
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    left.close()
    names = {name for (name,) in scratch_connection.execute(DATABASES)}
    assert database.database not in names


def test_a_database_that_is_gone_already_is_no_trouble(
    scratch_server: ServerAddress, scratch_connection: Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    scratch_connection.autocommit = True
    with open_scratch("postgresql", _url(scratch_server)) as scratch:
        first, second = scratch.create(), scratch.create()
        scratch_connection.execute(f"DROP DATABASE {first.database}".encode())
    names = {name for (name,) in scratch_connection.execute(DATABASES)}
    assert not names & {first.database, second.database}
    assert caplog.records == []


def test_a_server_that_can_not_be_reached_is_named_without_its_password() -> None:
    url = "postgres://someone:s3cret@127.0.0.1:1/x?sslpassword=s3cret2"
    with open_scratch("postgresql", url) as scratch, pytest.raises(ObservationError) as caught:
        scratch.create()
    assert "The server postgresql://someone:***@127.0.0.1:1/x?sslpassword=" in caught.value.message
    assert "can't be reached" in caught.value.message
    assert "refused" in caught.value.message
    assert "s3cret" not in caught.value.message + caught.value.hint
    assert caught.value.__cause__ is None


def test_what_the_server_says_is_passed_on_without_the_password(scratch_server: ServerAddress) -> None:
    url = f"postgresql://s3cret:s3cret@/x?host={quote(scratch_server.host)}"
    with open_scratch("postgresql", url) as scratch, pytest.raises(ObservationError) as caught:
        scratch.start()
    assert 'Peer authentication failed for user "***"' in caught.value.message


def test_a_user_who_may_not_create_databases_is_told(
    scratch_server: ServerAddress, scratch_connection: Connection[Any]
) -> None:
    scratch_connection.execute("CREATE ROLE poor LOGIN")
    scratch_connection.commit()
    name = pwd.getpwuid(os.geteuid()).pw_name
    with (Path(scratch_server.host).parent / "pg_ident.conf").open("a", encoding="utf-8") as file:
        file.write(f'run "{name}" poor\n')
    scratch_connection.execute("SELECT pg_reload_conf()")
    scratch_connection.commit()
    try:
        with open_scratch("postgresql", _url(scratch_server, "poor")) as scratch:
            with pytest.raises(
                ObservationError, match=r"user 'poor' of the server .* may not create databases"
            ) as caught:
                scratch.create()
            assert 'ALTER ROLE "poor" CREATEDB' in caught.value.hint
        scratch_connection.execute("ALTER ROLE poor CREATEDB")
        scratch_connection.commit()
        with open_scratch("postgresql", _url(scratch_server, "poor")) as scratch:
            database = scratch.create()
            _connect(database).close()
        names = {name for (name,) in scratch_connection.execute(DATABASES)}
        assert database.database not in names
    finally:
        scratch_connection.execute("DROP ROLE poor")
        scratch_connection.commit()


def test_without_a_driver_the_way_to_get_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_server, "_DRIVERS", ("no_such_driver",))
    with (
        open_scratch("postgresql", "postgresql://u:s3cret@h/x") as scratch,
        pytest.raises(ObservationError, match="No PostgreSQL driver is installed beside alembic-review") as caught,
    ):
        scratch.start()
    assert "pip install 'psycopg[binary]'" in caught.value.hint


def test_an_asynchronous_driver_in_the_url_is_not_used_here(scratch_server: ServerAddress) -> None:
    url = _url(scratch_server).replace("postgresql:", "postgresql+asyncpg:")
    with open_scratch("postgresql", url) as scratch:
        _connect(scratch.create()).close()


def test_a_database_that_can_not_be_dropped_is_named(
    scratch_server: ServerAddress, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scratch = open_scratch("postgresql", _url(scratch_server))
    first, second = scratch.create(), scratch.create()

    def failing(url: Any) -> None:
        if url.database == first.database:
            message = "gone away, password s3cret"
            raise OSError(message)
        drop_database(url)

    monkeypatch.setattr(given_server, "drop_database", failing)
    with caplog.at_level(logging.WARNING):
        scratch.close()
    (record,) = caplog.records
    assert first.database in record.getMessage()
    assert "s3cret" not in record.getMessage()
    monkeypatch.undo()
    with psycopg.connect(host=scratch_server.host, user="postgres") as connection:
        names = {name for (name,) in connection.execute(DATABASES)}
        assert first.database in names
        assert second.database not in names
    with open_scratch("postgresql", _url(scratch_server)) as other:
        last = other.create()
        with _connect(last) as connection:
            names = {name for (name,) in connection.execute(DATABASES)}
    assert not names & {first.database, second.database}  # the next run drops what one has left
