"""What a database said about a statement, told apart without importing any driver."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.exc import DBAPIError

from alembic_review.model.proofs import DatabaseError
from alembic_review.model.secrets.masking import mask
from alembic_review.model.text_lengths import shortened
from alembic_review.worker.driver_errors import chain, database_text, original, sqlstate

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATES = {
    "23502": "not_null",
    "23505": "unique",
    "22001": "narrow",
    "22003": "narrow",
    "42804": "cast",
    "42846": "cast",
    "22P02": "cast",
    "22007": "cast",
    "22008": "cast",
    "23503": "foreign_key",
    "23514": "check",
    "23P01": "exclude",
}
_LONGEST = 300  # characters of a message

_SQLITE = (
    ("not_null", re.compile(r"NOT NULL constraint failed: (?P<table>[^.]+)\.(?P<column>.+)")),
    ("not_null", re.compile(r"Cannot add a NOT NULL column with default value NULL")),
    ("unique", re.compile(r"UNIQUE constraint failed: index '(?P<name>[^']+)'")),
    ("unique", re.compile(r"UNIQUE constraint failed: (?P<table>[^.]+)\.(?P<column>[^,]+)")),
    ("check", re.compile(r"CHECK constraint failed: (?P<name>.+)")),
    ("foreign_key", re.compile(r"FOREIGN KEY constraint failed")),
    ("cast", re.compile(r"datatype mismatch|cannot store \w+ value in \w+ column", re.IGNORECASE)),
)


def hazard_of(error: DatabaseError) -> str:
    """The kind of hazard that an error shows, as in ``Hazard``; empty for any other error."""
    if error.sqlstate:
        return _STATES.get(error.sqlstate, "")
    return next((kind for kind, pattern in _SQLITE if pattern.search(error.message)), "")


def database_error(error: BaseException) -> DatabaseError | None:
    """What the database said; ``None`` for an exception that is not a database's."""
    wrapped = next((one for one in chain(error) if isinstance(one, DBAPIError)), None)
    if wrapped is None and not sqlstate(error) and type(error).__module__ != "sqlite3":
        return None
    driver = original(wrapped if wrapped is not None else error)
    fields = _fields(driver)
    message = str(fields.get("message") or database_text(driver)).strip()
    state = sqlstate(driver)
    names = {name: _name(fields.get(name)) for name in ("schema", "table", "column", "constraint")}
    if not state:
        names |= _sqlite_names(message)
    return DatabaseError(
        shortened(mask(message.split("\n", 1)[0]), _LONGEST), state, mask(str(fields.get("detail") or "")), **names
    )


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _fields(driver: Any) -> dict[str, Any]:
    """The fields of the server's message as psycopg and psycopg2 (``diag``), asyncpg and pg8000 give them."""
    diag = getattr(driver, "diag", None)
    if diag is not None:
        names = {"message": "message_primary", "detail": "message_detail"}
        names |= {name: f"{name}_name" for name in ("schema", "table", "column", "constraint")}
        return {name: getattr(diag, attribute, None) for name, attribute in names.items()}
    for one in chain(driver):
        if type(one).__module__.startswith("asyncpg."):
            found = {name: getattr(one, f"{name}_name", None) for name in ("schema", "table", "column", "constraint")}
            return {**found, "message": getattr(one, "message", None), "detail": getattr(one, "detail", None)}
    first = driver.args[0] if driver.args else None
    if isinstance(first, dict):
        keys = {"message": "M", "detail": "D", "schema": "s", "table": "t", "column": "c", "constraint": "n"}
        return {name: first.get(key) for name, key in keys.items()}
    return {}


def _sqlite_names(message: str) -> dict[str, str | None]:
    for _, pattern in _SQLITE:
        match = pattern.search(message)
        if match is not None:
            groups = match.groupdict()
            return {"table": groups.get("table"), "column": groups.get("column"), "constraint": groups.get("name")}
    return {}
