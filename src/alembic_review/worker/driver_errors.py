"""The exceptions of drivers, told apart without importing any driver."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from types import FrameType

import alembic
import sqlalchemy
from sqlalchemy.exc import DBAPIError

_SQLALCHEMY = os.path.dirname(sqlalchemy.__file__) + os.sep
_ALEMBIC = os.path.dirname(alembic.__file__) + os.sep
# Input may be any setting, and its links are for pydantic's users.
_PYDANTIC = re.compile(r" \[type=\w+, input_value=.*\]$|\n +For further information visit .*$", re.MULTILINE)
_CLASS = re.compile(r"\A<class '[\w.]+\.(\w+)'>: ")


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that it was raised from or while handling."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def original(error: BaseException) -> BaseException:
    """The driver's own exception, where SQLAlchemy wrapped it."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE as psycopg and asyncpg (``sqlstate``), psycopg2 (``pgcode``) and pg8000 (a dictionary) give it."""
    driver = original(error)
    for name in ("sqlstate", "pgcode"):
        code = getattr(driver, name, None)
        if isinstance(code, str):
            return code
    return str(_pg8000(driver).get("C", ""))


def database_text(error: BaseException) -> str:
    """The message of an exception, without the class name of asyncpg, the dictionary of pg8000 or pydantic's input."""
    fields = _pg8000(error)
    if fields:
        lines = (("", "M"), ("DETAIL:  ", "D"), ("HINT:  ", "H"))
        return "\n".join(f"{label}{fields[key]}" for label, key in lines if key in fields)
    text = _CLASS.sub("", str(error))
    return _PYDANTIC.sub("", text) if type(error).__module__.startswith("pydantic") else text


def class_name(error: BaseException) -> str:
    """The name of the exception; asyncpg's own where SQLAlchemy's adapter stands for it."""
    found = _CLASS.match(str(error)) if type(error).__module__.startswith("sqlalchemy.dialects.") else None
    return found.group(1) if found else type(error).__name__


def is_sqlite(error: BaseException) -> bool:
    """Whether an exception was raised by the module ``sqlite3``."""
    return type(error).__module__ == "sqlite3"


def in_sqlalchemy(frame: FrameType, folder: str = "") -> bool:
    """True for a frame of SQLAlchemy, or of one of its subpackages."""
    return frame.f_code.co_filename.startswith(_SQLALCHEMY + (folder + os.sep if folder else ""))


def in_alembic(frame: FrameType) -> bool:
    """True for a frame of Alembic."""
    return frame.f_code.co_filename.startswith(_ALEMBIC)


def _pg8000(error: BaseException) -> Mapping[str, str]:
    first = error.args[0] if error.args else None
    if type(error).__module__.partition(".")[0] == "pg8000" and isinstance(first, dict):
        return first
    return {}
