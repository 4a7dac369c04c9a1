"""A server that the user names: sqlalchemy-utils creates and drops the databases.

A run holds an advisory lock in the maintenance database as long as it lives. Its databases carry the number of the run
in their names and comments, so that the next run of the same user can tell which ones a killed run left.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy_utils import create_database, drop_database

from alembic_review.model.errors import ObservationError, UsageError
from alembic_review.model.facts import ServerChange
from alembic_review.model.text_lengths import shortened
from alembic_review.observe.scratch import server_inventory
from alembic_review.observe.scratch.base import Scratch, ScratchDatabase

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy.engine import URL, Connection, Engine

_log = logging.getLogger(__name__)

# Asynchronous drivers are for applications; which one the application uses does not matter here.
_DRIVERS = ("psycopg", "psycopg2", "pg8000")
_LIBPQ_DRIVERS = ("psycopg", "psycopg2")
_MAINTENANCE = "postgres"
_PORTS = range(1, 65536)
_CONNECT_SECONDS = "10"
_SECRETS = ("password", "sslpassword", "passfile")
_DRIVER_HINT = "Install one beside alembic-review: pip install 'psycopg[binary]'."
_EXISTS = text("SELECT 1 FROM pg_catalog.pg_database WHERE datname = :name")
# Only our own sessions: the server's workers may not be ended by everyone, and DROP DATABASE deals with them.
_END_SESSIONS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
    "WHERE datname = :name AND usename = session_user AND pid <> pg_backend_pid()"
)
_OURS = re.compile(r"alembic_review_(?P<run>[0-9a-f]{16})_(?P<own>[0-9a-f]{8})_(?P<check>[0-9a-f]{8})")
_COMMENT = "alembic-review, run {run}: "
_LEFT = text(
    "SELECT datname::text, shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database "
    "WHERE datname LIKE 'alembic\\_review\\_%' AND pg_get_userbyid(datdba) = session_user"
)
_LOCK = text("SELECT pg_catalog.pg_advisory_lock(:key)")
_TRY_LOCK = text("SELECT pg_catalog.pg_try_advisory_lock(:key)")
_UNLOCK = text("SELECT pg_catalog.pg_advisory_unlock(:key)")
_SLOTS = text("SELECT slot_name::text FROM pg_catalog.pg_replication_slots WHERE database = :name")
_DROP_SLOT = text("SELECT pg_catalog.pg_drop_replication_slot(:slot)")
_URL_HINT = "It looks like postgresql://user:password@host:5432/postgres."


class ServerScratch(Scratch):
    """Databases with random names on somebody else's server; only what runs of this user created is ever dropped.

    The rest of the server is compared before and after: ``changes`` is what the run changed and can't undo.
    """

    kind = "given"

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = _parse(url)
        self._shown = _masked(self._url)
        self._admin = self._url
        self._user: str | None = None
        self._names: list[str] = []
        self._run = secrets.token_hex(8)
        self._keeper: Connection | None = None
        self._before: server_inventory.Inventory | None = None
        self._statements: set[str] = set()

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
        with self._explained("could not be inspected"):
            self._keeper = self._engine().connect()
            self._keeper.execute(_LOCK, {"key": _key(self._run)})
            self._sweep(self._keeper)
            self._before = server_inventory.take(_query(self._keeper))

    def _sweep(self, connection: Connection) -> None:
        """Drop the databases of runs of this user that were killed: nobody holds their lock."""
        for name, comment in connection.execute(_LEFT).all():
            run = _run_of(name, comment)
            if run is None or run == self._run or not connection.execute(_TRY_LOCK, {"key": _key(run)}).scalar():
                continue
            try:
                self._drop(name)
            except Exception as error:  # noqa: BLE001 - a leftover must not keep this run from its work
                _log.warning(
                    "The database %s of a killed run could not be dropped: %s", name, self._without_secrets(error)
                )
            finally:
                connection.execute(_UNLOCK, {"key": _key(run)})

    def _create(self) -> ScratchDatabase:
        # template1 may hold objects of the place; a scratch database starts empty everywhere.
        return self._new_database("template0")

    def _copy(self, database: ScratchDatabase) -> ScratchDatabase:
        return self._new_database(database.database)

    def _new_database(self, template: str) -> ScratchDatabase:
        name = _name(self._run, secrets.token_hex(4))
        mark = _COMMENT.format(run=self._run) + secrets.token_hex(16)
        # Noted first: an interrupt in the middle of it must not leave a database behind, and the name is ours alone.
        self._names.append(name)
        with self._explained("could not create a database"):
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
        try:
            self._look_again()
        except Exception as error:  # noqa: BLE001 - as above; what can't be looked at may have been changed
            _log.warning(
                "The server %s could not be compared after the run: %s", self._shown, self._without_secrets(error)
            )
            self.changes = (ServerChange("server", self._shown, "changed", ("it can't be compared",)),)
        if self._keeper is not None:
            # Whatever became of the connection, the lock ends with it.
            with contextlib.suppress(Exception):
                self._keeper.close()
            self._keeper = None

    def _look_again(self) -> None:
        """Drop what the run is known to have created, and note what else is not as it was."""
        before, self._before = self._before, None
        if before is None:
            return
        with self._session() as connection:
            created = server_inventory.created_by(self._statements)
            reasons: dict[tuple[str, str], str] = {}
            after = server_inventory.take(_query(connection))
            plain = connection.execution_options(no_parameters=True)  # a name may hold a %
            ours = [one for key, one in after.entries.items() if key not in before.entries]
            for one in sorted(ours, key=lambda entry: _DROPPED.get(entry.kind, len(_DROPPED))):
                if one.kind in _DROPPED and (one.kind, one.name) in created:
                    try:
                        plain.exec_driver_sql(f"DROP {one.kind.upper()} {_quoted(one.name)}")
                    except SQLAlchemyError as error:
                        reasons[one.kind, one.identity] = self._without_secrets(error).partition("\n")[0]
            after = server_inventory.take(_query(connection))
        self.changes = tuple(sorted(_changes(before, after, created, reasons), key=lambda c: (c.kind, c.name)))

    def _drop(self, name: str) -> None:
        with self._session() as connection:
            if connection.execute(_EXISTS, {"name": name}).scalar() is None:
                return
            # No new sessions, then no old ones: a worker that was stopped may have left some.
            connection.exec_driver_sql(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
            connection.execute(_END_SESSIONS, {"name": name})
            for (slot,) in connection.execute(_SLOTS, {"name": name}).all():
                connection.execute(_DROP_SLOT, {"slot": slot})
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
            superuser=self._before is not None and self._before.superuser,
            note=self._statements.add,
        )

    @contextlib.contextmanager
    def _session(self) -> Iterator[Connection]:
        with self._engine().connect() as connection:
            yield connection

    def _engine(self) -> Engine:
        return create_engine(self._admin, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError, UnicodeError) as error:  # a host name that is too long is a UnicodeError
            raise ObservationError(
                f"The server {shortened(self._shown)} {what}: {self._without_secrets(error)}",
                hint="Check the URL of --server, and that the server runs and accepts this user.",
            ) from None

    def _without_secrets(self, error: Exception) -> str:
        message = " ".join(str(getattr(error, "orig", None) or error).split())  # libpq indents a second line
        for secret in (_password(self._url), *(v for k in _SECRETS for v in _values(self._url.query.get(k, ())))):
            if secret:
                message = message.replace(secret, "***")
        return shortened(message)


# What is dropped first: a tablespace may hold a database, and a role may own both.
_DROPPED = {"database": 0, "tablespace": 1, "role": 2}


def _changes(
    before: server_inventory.Inventory,
    after: server_inventory.Inventory,
    created: Collection[tuple[str, str]],
    reasons: Mapping[tuple[str, str], str],
) -> Iterator[ServerChange]:
    """What this run may have changed. Databases of other runs of this tool come and go meanwhile."""
    for key in {*before.entries, *after.entries}:
        old, new = before.entries.get(key), after.entries.get(key)
        one = new or old
        if one is None or _OURS.search(one.name):
            continue
        if not (after.could_change(one) or before.could_change(one) or (one.kind, one.name) in created):
            continue
        if old is None:
            yield ServerChange(one.kind, one.name, "created", reason=reasons.get(key, ""))
        elif new is None:
            yield ServerChange(one.kind, one.name, "dropped")
        elif what := server_inventory.differing(old, new):
            yield ServerChange(one.kind, old.name, "changed", what)


def _name(run: str, own: str) -> str:
    """A database's name, which nobody else gives by chance: it ends with a checksum."""
    return f"alembic_review_{run}_{own}_{hashlib.sha256(f'{run} {own}'.encode()).hexdigest()[:8]}"


def _run_of(name: str, comment: str | None) -> str | None:
    """The run that created a database; without a comment, it was killed before it could write one."""
    match = _OURS.fullmatch(name)
    if match is None or name != _name(match["run"], match["own"]):
        return None
    return match["run"] if comment is None or comment.startswith(_COMMENT.format(run=match["run"])) else None


def _key(run: str) -> int:
    """The number of a run's advisory lock, of 64 bits with a sign."""
    return int.from_bytes(hashlib.sha256(f"alembic-review {run}".encode()).digest()[:8], "big", signed=True)


def _query(connection: Connection) -> server_inventory.Query:
    return lambda statement: connection.exec_driver_sql(statement).all()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _parse(given: str) -> URL:
    try:
        # libpq also knows the short scheme, SQLAlchemy no longer does.
        url = make_url("postgresql" + given.removeprefix("postgres") if given.startswith("postgres://") else given)
    except (ArgumentError, ValueError):  # their messages quote the URL, and with it the password
        message = "The URL of --server can't be read."
        raise UsageError(message, hint=_URL_HINT) from None
    dialect = url.get_backend_name()
    if dialect == "sqlite":
        message = "--server names an SQLite file, but SQLite has no server; a scratch file is created without it."
        raise UsageError(message, hint="Omit --server.")
    if dialect != "postgresql":
        message = f"--server names a server of the dialect {dialect!r}, which is not supported yet."
        raise UsageError(message, hint=_URL_HINT)
    if url.port is not None and url.port not in _PORTS:
        raise UsageError(f"The port {url.port} of --server is not a number from 1 to {_PORTS[-1]}.", hint=_URL_HINT)
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
