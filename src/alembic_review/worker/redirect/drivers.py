"""The known database drivers, made to refuse connections that SQLAlchemy's redirect never sees."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from alembic_review.worker.on_import import when_imported

Allows = Callable[["dict[str, Any]"], bool]
Refuse = Callable[[str], Exception]
Hear = Callable[["tuple[Any, ...]", "dict[str, Any]"], None]

CONNECT_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "psycopg2": (
        "connect",
        "_connect",
        "_psycopg._connect",
        "_psycopg.connection.__init__",
        "_psycopg.ReplicationConnection.__init__",
        "extensions.connection.__init__",
    ),
    "psycopg2cffi": ("connect", "_connect", "extensions.connection.__init__"),
    "psycopg": (
        "Connection.connect",
        "AsyncConnection.connect",
        "connect",
        "generators.connect",
        "pq.PGconn.connect",
        "pq.PGconn.connect_start",
        # Their compiled modules need the original class until all of them are loaded.
        "_cmodule.psycopg_binary.pq.PGconn.connect",
        "_cmodule.psycopg_binary.pq.PGconn.connect_start",
        "_cmodule.psycopg_c.pq.PGconn.connect",
        "_cmodule.psycopg_c.pq.PGconn.connect_start",
    ),
    "psycopg.pq.pq_ctypes": ("PGconn.connect", "PGconn.connect_start"),
    "psycopg_binary._psycopg": ("connect",),
    "psycopg_c._psycopg": ("connect",),
    "asyncpg": ("connection.connect", "connect", "connect_utils._connect"),
    "pg8000": ("core.CoreConnection.__init__",),
    "pymysql": ("connections.Connection.__init__",),
    "aiomysql": ("connection.Connection.__init__",),
    "asyncmy": ("connection.Connection.__init__", "connection.connect", "connect"),
    "MySQLdb": ("connect", "Connect", "Connection"),
    "MySQLdb.connections": ("Connection.__init__",),
    "MySQLdb._mysql": ("connect", "connection.__init__"),
    "mysql.connector": ("connect", "abstracts.MySQLConnectionAbstract.connect"),
    "mysql.connector.aio": ("connect", "abstracts.MySQLConnectionAbstract.__init__"),
    "mariadb": ("connect", "connections.Connection.__init__"),
    "oracledb": (
        "connect",
        "connect_async",
        "create_pool",
        "create_pool_async",
        "Connection.__init__",
        "AsyncConnection.__init__",
    ),
    "cx_Oracle": ("connect", "Connection", "SessionPool"),
    "pyodbc": ("connect",),
    "pymssql": ("connect", "_pymssql.connect", "_mssql.connect", "_mssql.MSSQLConnection.__init__"),
}
"""Where each driver opens a connection, from the function that people call down to the lowest one that Python reaches.

sqlite3 is watched through Python's audit events, and so are the sockets of drivers written in Python.
"""

UNWATCHED = frozenset({"adbc_driver_manager", "connectorx", "duckdb", "hdbcli", "ibm_db", "psqlpy", "turbodbc"})
"""Modules in C or Rust that open connections to databases where Python does not see them."""

DRIVERS = frozenset(name.partition(".")[0] for name in CONNECT_FUNCTIONS)
"""The top-level modules of the known drivers."""

_inside: ContextVar[bool] = ContextVar("alembic_review_inside_connect", default=False)
"""True within a connect that was allowed: the driver's own layers below it need no second answer."""


def guard(allows: Allows, refuse: Refuse, hear: Hear) -> DriverGuard:
    """From now on a driver connects only where ``allows`` says so; else what ``refuse`` returns is raised.

    ``hear`` gets the arguments of what is refused.
    """
    found = DriverGuard(allows, refuse, hear)
    when_imported(CONNECT_FUNCTIONS.keys(), found.protect)
    when_imported(UNWATCHED, lambda module: found.unwatched.add(module.__name__))
    return found


class DriverGuard:
    """Protects drivers; ``unwatched`` names those it could not protect."""

    def __init__(self, allows: Allows, refuse: Refuse, hear: Hear) -> None:
        self._allows = allows
        self._refuse = refuse
        self._hear = hear
        self.unwatched: set[str] = set()

    def protect(self, module: ModuleType) -> None:
        """Wrap the functions of this driver that open connections."""
        wrapped = [self._protect(module, dotted) for dotted in CONNECT_FUNCTIONS[module.__name__]]
        if not any(wrapped):
            self.unwatched.add(module.__name__)

    def _protect(self, module: ModuleType, dotted: str) -> bool:
        """False when this version of the driver has no such name, or it can't be replaced."""
        *parents, name = dotted.split(".")
        owner: Any = module
        above: Any = None
        for parent in parents:
            above, owner = owner, getattr(owner, parent, None)
        if owner is None or getattr(owner, name, None) is None:
            return False
        raw = inspect.getattr_static(owner, name)
        guarded: Any = self._wrap(getattr(owner, name), module.__name__)
        if isinstance(raw, classmethod):
            guarded = classmethod(self._wrap(raw.__func__, module.__name__))
        try:
            setattr(owner, name, guarded)
        except TypeError:
            # A type written in C: whoever asks its module for it gets a subclass, which does allow this.
            owner = standing(owner)
            setattr(owner, name, guarded)
            setattr(above, parents[-1], owner)
        return True

    def _wrap(self, function: Callable[..., Any], driver: str) -> Callable[..., Any]:
        def checked(*args: Any, **kwargs: Any) -> None:
            if not _inside.get() and not self._allows(_values(function, args, kwargs)):
                self._hear(args, kwargs)
                raise self._refuse(driver)

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def connect_later(*args: Any, **kwargs: Any) -> Any:
                checked(*args, **kwargs)
                with _allowed():
                    return await function(*args, **kwargs)

            return connect_later

        @functools.wraps(function)
        def connect(*args: Any, **kwargs: Any) -> Any:
            checked(*args, **kwargs)
            with _allowed():
                return function(*args, **kwargs)

        return connect


@contextmanager
def _allowed() -> Iterator[None]:
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


def standing(original: type) -> type:
    """A subclass that stands for ``original``: instances of the one are instances of the other."""

    class Standing(type(original)):  # type: ignore[misc]
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, original) if cls is made else super().__instancecheck__(instance)

    made: type = Standing(original.__name__, (original,), {"__module__": original.__module__})
    return made


def _values(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a connect by name; a connection string is never ours, we always name each part."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return {} if args else kwargs
    values: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        variadic = bound.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD
        values.update(value if variadic else {name: value})
    return {} if values.get("dsn") or values.get("conninfo") else values
