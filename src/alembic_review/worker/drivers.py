"""The known database drivers, made to refuse connections that SQLAlchemy's redirect never sees."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Allows = Callable[["dict[str, Any]"], bool]
Refuse = Callable[[str], Exception]

CONNECT_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "psycopg2": ("connect",),
    "psycopg2cffi": ("connect",),
    "psycopg": ("Connection.connect", "AsyncConnection.connect", "connect"),
    "asyncpg": ("connection.connect", "connect"),
    "pg8000": ("core.CoreConnection.__init__",),
    "pymysql": ("connections.Connection.__init__",),
    "MySQLdb": ("connect", "Connect"),
    "mysql.connector": ("connect",),
    "mariadb": ("connect",),
    "oracledb": ("connect", "connect_async"),
    "cx_Oracle": ("connect", "Connection"),
    "pyodbc": ("connect",),
    "pymssql": ("connect",),
}
"""Where each driver opens a connection; sqlite3 is watched through Python's audit events."""

_MEMORY = ("", ":memory:")


def guard(allows: Allows, refuse: Refuse) -> None:
    """From now on a driver connects only where ``allows`` says so; else what ``refuse`` returns is raised."""
    finder = _DriverFinder(allows, refuse)
    for name in CONNECT_FUNCTIONS:
        if name in sys.modules:
            finder.protect(sys.modules[name])
    sys.meta_path.insert(0, finder)
    sys.addaudithook(functools.partial(_audit, allows, refuse))


def _audit(allows: Allows, refuse: Refuse, event: str, arguments: tuple[Any, ...]) -> None:
    if event != "sqlite3.connect":
        return
    database = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes, os.PathLike)) else str(arguments[0])
    if database not in _MEMORY and not allows({"database": database}):
        raise refuse("sqlite3")


class _DriverFinder(importlib.abc.MetaPathFinder):
    """Protects a driver as soon as somebody imports it."""

    def __init__(self, allows: Allows, refuse: Refuse) -> None:
        self._allows = allows
        self._refuse = refuse
        self._busy: set[str] = set()

    def find_spec(
        self,
        fullname: str,
        _path: Sequence[str] | None,
        _target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find a driver the usual way, and have it protected once its module has run."""
        if fullname not in CONNECT_FUNCTIONS or fullname in self._busy:
            return None
        self._busy.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._busy.discard(fullname)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self.protect(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def protect(self, module: ModuleType) -> None:
        for dotted in CONNECT_FUNCTIONS[module.__name__]:
            owner: Any = module
            *parents, name = dotted.split(".")
            for parent in parents:
                owner = getattr(owner, parent, None)
            original = getattr(owner, name, None)
            if original is None:
                continue
            raw = vars(owner).get(name)
            if isinstance(raw, classmethod):
                setattr(owner, name, classmethod(self._wrap(raw.__func__, module.__name__)))
            else:
                setattr(owner, name, self._wrap(original, module.__name__))

    def _wrap(self, function: Callable[..., Any], driver: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def connect(*args: Any, **kwargs: Any) -> Any:
            if not self._allows(_values(function, args, kwargs)):
                raise self._refuse(driver)
            return function(*args, **kwargs)

        return connect


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
