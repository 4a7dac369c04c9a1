"""A database URL that SQLAlchemy can't use."""

from __future__ import annotations

import os
import re
import sys
import traceback

from sqlalchemy.exc import InvalidRequestError, NoSuchModuleError

from alembic_review.worker.hints.fault import Fault

_REVIEWED = ("postgresql", "sqlite")
_IMPORTS_DRIVER = ("import_dbapi", "dbapi")  # the latter on SQLAlchemy 1.4
_ANY_URL = (
    "Any URL of the right dialect will do, for example postgresql://localhost/app: that database is not contacted."
)
_TEMPLATE = re.compile(r"^\s*sqlalchemy\.url\s*=\s*driver://", re.MULTILINE)
_PLUGIN = re.compile(r"Can't load plugin: sqlalchemy\.dialects:(\w+)(?:\.(\w+))?")


def hint(fault: Fault) -> str:
    """What to change about the URL, its dialect or its driver."""
    return (
        _unknown_dialect(fault)
        or without_driver(fault.error)
        or _without_url(fault.error)
        or _asynchronous(fault.error)
    )


def without_driver(error: BaseException) -> str:
    """What to do when SQLAlchemy's dialect could not import its driver."""
    for frame in reversed(traceback.extract_tb(error.__traceback__) if isinstance(error, ImportError) else ()):
        parts = frame.filename.split(os.sep)
        if frame.name in _IMPORTS_DRIVER and parts[-4:-2] == ["sqlalchemy", "dialects"]:
            dialect, driver = parts[-2], parts[-1].removesuffix(".py")
            if dialect not in _REVIEWED:
                return f"The URL has the dialect {dialect} ({driver}); only PostgreSQL and SQLite are supported."
            return (
                f"The URL requires the driver {driver} of the dialect {dialect}, which is not installed in the "
                f"application's environment ({sys.executable}): install it there, or name another interpreter with "
                "--python."
            )
    return ""


def _without_url(error: BaseException) -> str:
    """What to do when env.py found no URL where Alembic's templates look for one."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, KeyError) and error.args == ("url",) and frames[-1].name == "engine_from_config":
        return f"There is no sqlalchemy.url in the section that env.py reads. {_ANY_URL}"
    return ""


def _unknown_dialect(fault: Fault) -> str:
    found = _PLUGIN.search(str(fault.error)) if isinstance(fault.error, NoSuchModuleError) else None
    if found is None:
        return ""
    dialect, driver = found.groups()
    if dialect == "driver":
        where = f"sqlalchemy.url in {fault.circumstances.config}" if _has_template_url(fault) else "The URL"
        return f"{where} is still the driver://… of Alembic's template. {_ANY_URL}"
    if dialect == "postgres":
        return f"SQLAlchemy calls the dialect postgresql: replace postgres:// by postgresql:// in the URL. {_ANY_URL}"
    if dialect in _REVIEWED:
        return f"The dialect {dialect} has no driver {driver} in the SQLAlchemy of {sys.executable}. {_ANY_URL}"
    return f"The URL requires the dialect {dialect}; only PostgreSQL and SQLite are supported."


def _has_template_url(fault: Fault) -> bool:
    try:
        with open(fault.circumstances.config, encoding="utf-8", errors="replace") as stream:
            return _TEMPLATE.search(stream.read()) is not None
    except OSError:
        return False


def _asynchronous(error: BaseException) -> str:
    """What to do when the URL's driver and the kind of engine don't fit."""
    if type(error).__name__ == "MissingGreenlet" and isinstance(error, InvalidRequestError):
        return (
            "A synchronous engine connected with an asynchronous driver. Remove the driver from the URL that env.py "
            "uses (postgresql:// instead of postgresql+asyncpg://), or use create_async_engine() as Alembic's async "
            "template does."
        )
    if isinstance(error, InvalidRequestError) and "asyncio extension requires an async driver" in str(error):
        return (
            "The engine is asynchronous, but the driver of its URL is not: use an asynchronous driver, for example "
            "postgresql+asyncpg://."
        )
    return ""
