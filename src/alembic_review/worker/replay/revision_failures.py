"""What a revision script raised, as facts."""

from __future__ import annotations

import os
import traceback

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from alembic_review.model.facts import Place, RevisionFailure
from alembic_review.worker.driver_errors import sqlstate
from alembic_review.worker.worker_errors import describe

LOCK_TIMEOUT = 10_001  # ms; an application that sets one of its own has another
_LOCK_NOT_AVAILABLE = "55P03"  # https://www.postgresql.org/docs/current/errcodes-appendix.html
_LOCKED_FILE = "database is locked"  # https://www.sqlite.org/rescode.html#busy
_STATEMENT = "\n  statement: "


def failure_of(error: BaseException, path: str) -> RevisionFailure:
    """One line of this error, its statement, and the innermost line of the revision's file at ``path``."""
    told, _, statement = describe(error).partition(_STATEMENT)
    real = os.path.realpath(path)
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if os.path.realpath(frame.filename) == real and frame.lineno
    ]
    return RevisionFailure(told.split("\n", 1)[0], statement, Place(real, lines[-1] if lines else 1))


def wait_briefly_for_locks(connection: Connection) -> None:
    """A connection that the application left open may hold one for ever. SQLite waits for seconds by itself."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET lock_timeout = {LOCK_TIMEOUT}")


def is_locked(error: BaseException) -> bool:
    """Tell whether somebody else's lock is the reason."""
    return sqlstate(error) == _LOCK_NOT_AVAILABLE or (isinstance(error, DBAPIError) and _LOCKED_FILE in str(error.orig))
