"""A server that the user names: sqlalchemy-utils creates and drops the databases."""

from __future__ import annotations

import contextlib
import logging
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy_utils import create_database, drop_database

from alembic_review.model.errors import ObservationError, UsageError
from alembic_review.observe.scratch.base import Scratch, ScratchDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import URL, Connection

_log = logging.getLogger(__name__)

# Asynchronous drivers are for applications; which one the application uses does not matter here.
_DRIVERS = ("psycopg", "psycopg2", "pg8000")
_LIBPQ_DRIVERS = ("psycopg", "psycopg2")
_MAINTENANCE = "postgres"
_CONNECT_SECONDS = "10"
_SECRETS = ("password", "sslpassword", "passfile")
_DRIVER_HINT = "Install one beside alembic-review: pip install 'psycopg[binary]'."
_EXISTS = text("SELECT 1 FROM pg_catalog.pg_database WHERE datname = :name")
# Only our own sessions: the server's workers may not be ended by everyone, and DROP DATABASE deals with them.
_END_SESSIONS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
    "WHERE datname = :name AND usename = session_user AND pid <> pg_backend_pid()"
)
_URL_HINT = "It looks like postgresql://user:password@host:5432/postgres."


class ServerScratch(Scratch):
    """Databases with random names on somebody else's server; only what this run created is ever dropped."""

    kind = "given"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = _parse(url)
        self._shown = _masked(self._url)
        self._admin = self._url
        self._user: str | None = None
        self._names: list[str] = []

    def _start(self) -> None:
        self._admin = _with_driver(self._url)
        with self._explained("can't be reached"), self._session() as connection:
            row = connection.exec_driver_sql(
                "SELECT session_user, rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
            ).one()
        self._user, may_create = str(row[0]), bool(row[1])
        if not may_create:
            raise ObservationError(
                f"The user {self._user!r} of the server {self._shown} may not create databases.",
                hint=f'Let it: ALTER ROLE "{self._user}" CREATEDB; or name another user in the URL.',
            )

    def _create(self) -> ScratchDatabase:
        # template1 may hold objects of the place; a scratch database starts empty everywhere.
        return self._new_database("template0")

    def _copy(self, database: ScratchDatabase) -> ScratchDatabase:
        return self._new_database(database.database)

    def _new_database(self, template: str) -> ScratchDatabase:
        name = f"alembic_review_{secrets.token_hex(8)}"
        mark = secrets.token_hex(16)
        # Noted first: an interrupt in the middle of it must not leave a database behind, and the name is ours alone.
        self._names.append(name)
        with self._explained("could not give a database"):
            create_database(self._admin.set(database=name), template=template)
            with self._session() as connection:
                connection.exec_driver_sql(f"COMMENT ON DATABASE {name} IS '{mark}'")
        return self._described(name, mark)

    def _close(self) -> None:
        for name in list(self._names):
            try:
                self._drop(name)
            except Exception as error:  # noqa: BLE001 - the other databases still have to go, whatever the driver raises
                _log.warning(
                    "The scratch database %s could not be dropped from %s: %s",
                    name,
                    self._shown,
                    self._without_secrets(error),
                )
            self._names.remove(name)

    def _drop(self, name: str) -> None:
        with self._session() as connection:
            if connection.execute(_EXISTS, {"name": name}).scalar() is None:
                return
            # No new sessions, then no old ones: a worker that was stopped may have left some.
            connection.exec_driver_sql(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
            connection.execute(_END_SESSIONS, {"name": name})
        drop_database(self._admin.set(database=name))

    def _described(self, name: str, mark: str) -> ScratchDatabase:
        """The database as the worker's driver needs it: what libpq takes from the query goes where it belongs."""
        query = [(key, value) for key, given in self._url.query.items() for value in _values(given)]
        known = dict(query)
        single = [key for key in ("host", "port", "user", "password") if sum(key == other for other, _ in query) == 1]
        port = self._url.port or (int(known["port"]) if "port" in single else None)
        return ScratchDatabase(
            dialect="postgresql",
            database=name,
            host=self._url.host or (known["host"] if "host" in single else None),
            port=port,
            user=self._url.username or (known["user"] if "user" in single else self._user),
            password=_password(self._url),
            mark=mark,
            query=tuple((key, value) for key, value in query if key not in {*single, "dbname"}),
        )

    @contextlib.contextmanager
    def _session(self) -> Iterator[Connection]:
        engine = create_engine(self._admin, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            raise ObservationError(
                f"The server {self._shown} {what}: {self._without_secrets(error)}",
                hint="Check the URL of --server, and that the server runs and lets this user in.",
            ) from None

    def _without_secrets(self, error: Exception) -> str:
        message = str(getattr(error, "orig", None) or error).strip()
        for secret in (_password(self._url), *(v for k in _SECRETS for v in _values(self._url.query.get(k, ())))):
            if secret:
                message = message.replace(secret, "***")
        return message


def _parse(given: str) -> URL:
    try:
        # libpq also knows the short scheme, SQLAlchemy no longer does.
        url = make_url("postgresql" + given.removeprefix("postgres") if given.startswith("postgres://") else given)
    except (ArgumentError, ValueError):  # their messages quote the URL, and with it the password
        message = "The URL of --server can't be read."
        raise UsageError(message, hint=_URL_HINT) from None
    dialect = url.get_backend_name()
    if dialect == "sqlite":
        message = "--server names a SQLite file, but SQLite needs no server: a scratch file is made without it."
        raise UsageError(message, hint="Leave --server out.")
    if dialect != "postgresql":
        message = f"--server names a server of the dialect {dialect!r}, which is not supported yet."
        raise UsageError(message, hint=_URL_HINT)
    return url


def _with_driver(url: URL) -> URL:
    """The URL of the maintenance database with a driver that this interpreter has."""
    asked = [url.drivername.partition("+")[2]]
    for driver in [name for name in asked if name in _DRIVERS] + [name for name in _DRIVERS if name not in asked]:
        candidate = url.set(drivername=f"postgresql+{driver}", database=_MAINTENANCE)
        if driver in _LIBPQ_DRIVERS and "connect_timeout" not in url.query:
            candidate = candidate.update_query_dict({"connect_timeout": _CONNECT_SECONDS})
        try:
            create_engine(candidate, poolclass=NullPool)
        except (ImportError, NoSuchModuleError):
            continue
        return candidate
    raise ObservationError(
        f"No PostgreSQL driver is installed beside alembic-review ({', '.join(_DRIVERS)}), so --server can't be used.",
        hint=_DRIVER_HINT,
    )


def _masked(url: URL) -> str:
    hidden = {key: "***" for key in _SECRETS if key in url.query}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def _password(url: URL) -> str | None:
    if url.password is not None:
        return str(url.password)
    return next(iter(_values(url.query.get("password", ()))), None)


def _values(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
