"""Every connection goes to a scratch database and proves it, or is refused.

Layers, outermost first: SQLAlchemy's ``do_connect`` event (public, class-level, first in line) returns a connection
of ours; every pool's
creator is replaced, which covers ``creator=``, ``async_creator=`` and supplied pools; the known drivers refuse to
connect anywhere else (``drivers.py``); and whatever a pool gets in the end must show this run's mark before it is used.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any
from weakref import WeakSet

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import NullPool, Pool

from alembic_review.model.secrets.known_passwords import is_named_like_one, passwords_in
from alembic_review.model.secrets.masking import mask
from alembic_review.worker import internals
from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.redirect.audit_events import Audit
from alembic_review.worker.redirect.drivers import DRIVERS, guard
from alembic_review.worker.redirect.sqlite_authorizer import AlteredTables
from alembic_review.worker.same_signature import with_signature_of
from alembic_review.worker.worker_errors import WorkerError

_HARMLESS = {
    "postgresql": frozenset({"options", "server_settings", "context", "client_encoding", "application_name"}),
    "sqlite": frozenset({"check_same_thread", "detect_types", "isolation_level", "autocommit", "cached_statements"}),
}
_DRIVERS = {
    "postgresql": frozenset({"psycopg2", "psycopg2cffi", "psycopg", "psycopg_async", "asyncpg", "pg8000"}),
    "sqlite": frozenset({"pysqlite", "aiosqlite"}),
}
_MARK_QUERY = {
    "postgresql": (
        "SELECT shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname = current_database()"
    ),
    "sqlite": "PRAGMA application_id",
}


class RefusedError(Exception):
    """Raised into the application's code; the run ends even if the application swallows it."""


@dataclass(frozen=True)
class ScratchDatabase:
    """The database that the parent made for one original target; ``prepared`` when it is not empty any more.

    Its role may be a ``superuser`` of the server.
    """

    database: str
    host: str | None
    port: int | None
    user: str | None
    password: str | None
    mark: str
    query: dict[str, str]
    prepared: bool = False
    superuser: bool = False


@dataclass(frozen=True)
class Target:
    """An original target: ``label`` is its URL without a password, ``key`` tells targets apart."""

    key: tuple[Any, ...]
    label: str


class Redirect:
    """Sends connections to scratch databases; ``ask`` gets one from the parent or raises ``WorkerError``.

    ``learn`` hears the passwords that the application connects with.

    ``prepare`` fills a new database before the application's first connection to it, over an engine of its own, and is
    told whether the database is empty.
    """

    def __init__(
        self,
        ask: Callable[[Any, Target], ScratchDatabase],
        stacks: Stacks,
        prepare: Callable[[Engine, Target, bool], None] | None = None,
        learn: Callable[[Iterable[str]], object] = tuple,
    ) -> None:
        self._ask = ask
        self._fill = prepare
        self._learn = learn
        self._stacks = stacks
        self._lock = threading.RLock()
        self._urls: dict[int, tuple[Any, URL]] = {}
        self._makers: dict[int, tuple[Any, ...]] = {}
        self._engines: WeakSet[Engine] = WeakSet()
        self._made: Counter[int | None] = Counter()
        self._scratch: dict[tuple[Any, ...], ScratchDatabase] = {}
        self.targets: dict[int, Target] = {}
        self.refusal: WorkerError | None = None
        self.superuser = False  # for the time of a comparison
        self._watches_pools = True
        self._dialects: set[str] = set()
        self.altered = AlteredTables(self._refuse_file)
        self._audit = Audit(self._allows, self._reaches, self._refuse_raw, self._where, self.altered)

    def install(self) -> None:
        """Redirect and monitor all connections of this process from now on.

        Call it before the application is imported.
        """
        event.listen(Engine, "do_connect", self._do_connect)
        event.listen(Pool, "first_connect", self._prove, insert=True)
        event.listen(Pool, "connect", self._prove, insert=True)
        self._note_engines()
        self._note_dialects()
        self._hear_urls()
        self._watches_pools = internals.replace_pool_creator(self._pool_connect)
        self._drivers = guard(self._allows, self._refuse_raw, self._hear)
        self._audit.install()

    def hear(self, handlers: Mapping[str, Callable[..., None]]) -> None:
        """Call these for Python's audit events as well."""
        self._audit.also(handlers)

    @property
    def unwatched(self) -> bool:
        """Whether the application did something that can't be watched."""
        return bool(self._audit.not_checked())

    def not_checked(self) -> tuple[str, ...]:
        """One line for each way around the redirect that can't be watched, and for what went it."""
        pools = () if self._watches_pools else ("connection pools (not monitored with this version of SQLAlchemy)",)
        unwatched = sorted(self._drivers.unwatched)
        drivers = tuple(f"direct connections of {name} (not monitored)" for name in unwatched)
        return (*pools, *drivers, *self._audit.not_checked())

    def start_run(self) -> None:
        """The next run of ``env.py`` counts the engines that it makes anew, and opens connections of its own.

        What a revision sets for its session (``SET search_path``) would otherwise hold in the next run, too.
        """
        self._made.clear()
        self._close_pools()

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Meanwhile, every target has another, empty scratch database."""
        before, self._scratch = self._scratch, {}
        self._close_pools()
        try:
            yield
        finally:
            self._close_pools()
            self._scratch = before

    def _close_pools(self) -> None:
        """Engines that live longer than one run of ``env.py`` keep connections in their pools.

        Those of asyncio can't be closed once their event loop has ended; they are only let go.
        """
        for engine in list(self._engines):
            engine.dispose(close=not getattr(engine.dialect, "is_async", False))

    def proves(self, connection: Any) -> bool:
        """Tell whether a connection that was opened earlier leads to one of the present scratch databases."""
        shown = connection.exec_driver_sql(_MARK_QUERY[connection.dialect.name]).scalar()
        return str(shown) in {scratch.mark for scratch in self._scratch.values()}

    def database_of(self, target: Target) -> str:
        """The name or path of the scratch database that stands for this target; empty before its first connection."""
        scratch = self._scratch.get(target.key)
        return scratch.database if scratch is not None else ""

    def rights(self, dialect: Any) -> bool | None:
        """Whether the role behind a connection's dialect is a superuser; ``None`` where this is not PostgreSQL."""
        if dialect.name != "postgresql":
            return None
        target = self.targets.get(id(dialect))
        scratch = self._scratch.get(target.key) if target is not None else None
        return (scratch.superuser or self.superuser) if scratch is not None else None

    def refused(self, error: WorkerError) -> RefusedError:
        """Remember that the run ends with this error, and what to raise into the application's code."""
        self.refusal = self.refusal or error
        return RefusedError(error.message)

    def target_of(self, dialect: Any) -> Target:
        """The original target behind a connection's dialect. Raises ``WorkerError`` for a connection nobody saw."""
        try:
            return self.targets[id(dialect)]
        except KeyError:
            raise WorkerError("env.py configured a connection that no engine created.") from None

    def _note_engines(self) -> None:
        initialise = Engine.__init__

        def noted(engine: Any, pool: Any, dialect: Any, url: Any, *args: Any, **kwargs: Any) -> None:
            self._urls[id(dialect)] = (dialect, url)
            self._makers[id(dialect)] = self._maker()
            self._learn(_passwords_of(url))
            initialise(engine, pool, dialect, url, *args, **kwargs)
            self._engines.add(engine)

        Engine.__init__ = with_signature_of(initialise, noted)  # type: ignore[method-assign]

    def _maker(self) -> tuple[Any, ...]:
        """Which code is making an engine, and for the how many-eth time in this run of ``env.py``."""
        stack = self._stacks.walk(sys._getframe(1)).stack
        self._made[stack] += 1
        return stack, self._made[stack]

    def _note_dialects(self) -> None:
        """A driver that isn't installed fails before any connection: remember which dialects were asked for."""
        get_dialect = URL.get_dialect

        def noted(url: URL, *args: Any, **kwargs: Any) -> Any:
            self._dialects.add(url.get_backend_name())
            return get_dialect(url, *args, **kwargs)

        URL.get_dialect = with_signature_of(get_dialect, noted)  # type: ignore[method-assign]

    def _hear_urls(self) -> None:
        """A URL may never come to be an engine: its driver isn't installed, or only a message shows it."""
        create = vars(URL)["create"].__func__

        def noted(kind: Any, *args: Any, **kwargs: Any) -> Any:
            url = create(kind, *args, **kwargs)
            if isinstance(url.password, str):  # another object may ask somebody for the password
                self._learn(_passwords_of(url))
            return url

        URL.create = classmethod(with_signature_of(create, noted))  # type: ignore[method-assign,assignment]

    def unsupported(self) -> WorkerError | None:
        """What to say when loading a driver failed and the application asked for a dialect that isn't supported."""
        others = sorted(self._dialects - _DRIVERS.keys())
        if not others:
            return None
        return WorkerError(
            f"The application uses the dialect {', '.join(others)}, which is not supported.",
            f"Supported are {' and '.join(sorted(_DRIVERS))}.",
        )

    def _do_connect(self, dialect: Any, _record: Any, _cargs: Any, cparams: dict[str, Any]) -> Any:
        self._hear(_cargs, cparams)
        return self._connect(dialect, own=True, original=dict(cparams))

    def _hear(self, positional: Iterable[Any], named: Mapping[str, Any]) -> None:
        """Learn the passwords among the arguments of a connect."""
        strings = [value for value in (*positional, *named.values()) if isinstance(value, str)]
        found = [str(value) for name, value in named.items() if value and is_named_like_one(name)]
        self._learn([*found, *chain.from_iterable(map(passwords_in, strings))])

    def _pool_connect(self, pool: Any, record: Any, original: Callable[[Any], Any] | None) -> Any:
        if original is not None:
            return original(record)
        dialect = internals.pool_dialect(pool)
        if dialect is None:
            raise self._refuse(
                "A connection was refused: its pool has no dialect, so it can't be redirected to the scratch database.",
                "Pass the pool to create_engine(pool=…) instead of setting it on the engine.",
            )
        return self._connect(dialect, own=False, original={})

    def _connect(self, dialect: Any, *, own: bool, original: dict[str, Any]) -> Any:
        with self._lock:
            target = self._target(dialect, own=own)
            scratch = self._scratch.get(target.key) or self._open(dialect, target)
            positional, named = _arguments(dialect, scratch)
            for name in _HARMLESS[dialect.name] & original.keys():
                named[name] = original[name]
            with _without_libpq_variables():
                return dialect.connect(*positional, **named)

    def _open(self, dialect: Any, target: Target) -> ScratchDatabase:
        if dialect.driver not in _DRIVERS.get(dialect.name, ()) and dialect.name in _DRIVERS:
            raise self._refuse(f"The driver {dialect.name}+{dialect.driver} is not supported.")
        try:
            scratch = self._ask(dialect, target)
            self._scratch[target.key] = scratch
            if self._fill is not None:
                self._fill(self._own_engine(self._urls[id(dialect)][1], target), target, not scratch.prepared)
        except WorkerError as error:
            self._scratch.pop(target.key, None)
            raise self._refuse(error.message, error.hint) from error
        return scratch

    def over_own_connection(self, target: Target, work: Callable[[Connection], None]) -> None:
        """Call ``work`` with a connection to a target's database that the application never has."""
        dialect = next(dialect for dialect, _ in self._urls.values() if self.targets.get(id(dialect)) == target)
        drivername = "sqlite" if dialect.name == "sqlite" else str(self._urls[id(dialect)][1].drivername)
        engine = self._own_engine(URL.create(drivername), target)
        if engine.dialect.is_async:
            # An event loop belongs to a thread, and that of the application's thread is the application's.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(lambda: asyncio.run(_over_async_connection(engine, work))).result()
            return
        with engine.connect() as connection:
            work(connection)

    def _own_engine(self, url: URL, target: Target) -> Engine:
        """For connections that the application never has."""
        made = self._made.copy()
        engine = create_engine(url, poolclass=NullPool)
        self._made = made
        self.targets[id(engine.dialect)] = target
        return engine

    def _target(self, dialect: Any, *, own: bool) -> Target:
        known = self.targets.get(id(dialect))
        if known is not None:
            return known
        _, url = self._urls.get(id(dialect), (dialect, URL.create(dialect.name)))
        place = (url.host, url.port, url.database, tuple(sorted(map(str, url.query.items()))))
        memory = dialect.name == "sqlite" and url.database in (None, "", ":memory:")
        key: tuple[Any, ...] = (dialect.name, *place)
        if memory or not own:
            # The URL doesn't tell where these lead: each engine of a run counts as a target of its own.
            key = (*key, *(self._makers.get(id(dialect)) or self._maker()))
        target = Target(key, mask(url.render_as_string(hide_password=True)))
        self.targets[id(dialect)] = target
        self._urls.setdefault(id(dialect), (dialect, url))
        return target

    def _prove(self, connection: Any, record: Any) -> None:
        dialect = internals.pool_dialect(internals.pool_of(record))
        shown = _read_mark(connection, dialect.name if dialect is not None else None)
        if shown in {scratch.mark for scratch in self._scratch.values()}:
            return
        connection.close()
        raise self._refuse(
            "A connection to a database other than the scratch database of this run was closed.",
            "Open connections through an SQLAlchemy engine, as env.py's templates do.",
        )

    def _allows(self, values: dict[str, Any]) -> bool:
        """True for the arguments of a driver's connect that name a scratch database of this run."""
        name = str(values.get("database", values.get("dbname")))
        return any(name == scratch.database and _leads_to(values, scratch) for scratch in self._scratch.values())

    def _reaches(self, address: Any) -> bool:
        """True for the address of a socket that belongs to a scratch database of this run."""
        host, port = (address[0], address[1]) if isinstance(address, tuple) else (os.path.dirname(str(address)), None)
        return any(host == scratch.host and port in (None, scratch.port) for scratch in self._scratch.values())

    def _refuse_raw(self, driver: str) -> RefusedError:
        return self._refuse(
            f"A direct {driver} connection was refused: it is not redirected to the scratch database.",
            "Use Alembic's connection (op.get_bind()) or the engine of env.py.",
        )

    def _refuse_file(self) -> RefusedError:
        return self._refuse(
            "A statement that opens a file other than the scratch database (ATTACH, VACUUM INTO) was refused.",
            "Attach ':memory:' instead, or review the application on PostgreSQL, which has schemas of its own.",
        )

    def _refuse(self, message: str, hint: str = "") -> RefusedError:
        return self.refused(WorkerError(mask(message) + self._where(), hint))

    def _where(self) -> str:
        frame = self._stacks.place(sys._getframe(1), beyond=DRIVERS)
        return f" (asked for at {frame.path}:{frame.line})" if frame else ""


async def _over_async_connection(engine: Engine, work: Callable[[Connection], None]) -> None:
    from sqlalchemy.ext.asyncio import AsyncEngine  # noqa: PLC0415 - it needs greenlet, which not everybody has

    async with AsyncEngine(engine).connect() as connection:
        await connection.run_sync(work)


def _passwords_of(url: URL) -> list[str]:
    """The passwords of a URL, but for those that its other parts show as well."""
    found = [url.password, *(value for name, value in url.query.items() if is_named_like_one(name))]
    shown = {url.username, url.host, url.database}
    return [str(password) for password in found if password is not None and str(password) not in shown]


def _leads_to(values: dict[str, Any], scratch: ScratchDatabase) -> bool:
    """True for arguments of a connect that name the server of this database; pg8000 has a host beside a socket."""
    socket = values.get("unix_sock")
    return scratch.host in (None, os.path.dirname(str(socket)) if socket else values.get("host"))


@contextmanager
def _without_libpq_variables() -> Iterator[None]:
    """``PGHOSTADDR`` and ``PGSERVICE`` would lead elsewhere than the arguments say.

    https://www.postgresql.org/docs/current/libpq-envars.html
    """
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PG")}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _arguments(dialect: Any, scratch: ScratchDatabase) -> tuple[list[Any], dict[str, Any]]:
    """The driver's arguments for a scratch database."""
    name = f"{dialect.name}+{dialect.driver.replace('psycopg_async', 'psycopg')}"
    if dialect.name == "sqlite":
        positional, named = dialect.create_connect_args(URL.create(name, database=scratch.database))
        return list(positional), dict(named)
    socket = scratch.host is not None and scratch.host.startswith("/")
    url = URL.create(
        name,
        username=scratch.user,
        password=scratch.password,
        host="localhost" if socket else scratch.host,
        port=scratch.port,
        database=scratch.database,
        query=scratch.query,
    )
    positional, named = dialect.create_connect_args(url)
    named = dict(named)
    if socket and dialect.driver == "pg8000":
        named.pop("host", None)
        named.pop("port", None)
        named["unix_sock"] = f"{scratch.host}/.s.PGSQL.{scratch.port}"
    elif socket:
        named["host"] = scratch.host
    return list(positional), named


def _read_mark(connection: Any, dialect: str | None) -> str | None:
    for name in (dialect,) if dialect in _MARK_QUERY else tuple(_MARK_QUERY):
        try:
            cursor = connection.cursor()
            cursor.execute(_MARK_QUERY[name])
            row = cursor.fetchone()
            cursor.close()
            connection.rollback()
        except Exception:  # noqa: BLE001, S112 - any failure means: not proven
            continue
        return None if row is None or row[0] is None else str(row[0])
    return None
