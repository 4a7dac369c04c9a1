"""Statements outside of revisions: of Alembic, of the worker, or of env.py."""

from __future__ import annotations

import os
import re
from types import FrameType

import alembic
import sqlalchemy

from alembic_review.worker.packages import is_of_stdlib

_SQLALCHEMY = os.path.dirname(sqlalchemy.__file__) + os.sep
_ALEMBIC = os.path.dirname(alembic.__file__) + os.sep
_RUNTIME = os.path.join(_ALEMBIC, "runtime") + os.sep
# Repeated on a database that has been migrated, these change nothing.
_LEAVES_ALL = re.compile(
    r"\s*(?:(?:SELECT|SET|SHOW|RESET|BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|LOCK)\b"
    r"|PRAGMA\s+[\w.]+\s*(?:\(\s*[\w.'\"]*\s*\))?\s*;?\s*$|PRAGMA\s+foreign_keys\b"
    r"|CREATE\s+(?:SCHEMA|EXTENSION)\s+IF\s+NOT\s+EXISTS\b)",
    re.IGNORECASE,
)
_FURTHER = re.compile(r";\s*\S")


def leaves_all(statement: str) -> bool:
    """True for one statement that only reads, or that is one of session and transaction."""
    return _LEAVES_ALL.match(statement) is not None and _FURTHER.search(statement) is None


def own_of_alembic(frame: FrameType | None, worker: str) -> bool:
    """Whether a statement is executed by Alembic for its version table, or by the worker, whose files begin so."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(worker):
            return True
        if name.startswith(_RUNTIME) and frame.f_code.co_name != "execute":
            return True
        if not name.startswith((_SQLALCHEMY, _ALEMBIC, "<")) and not is_of_stdlib(name):
            return False
        frame = frame.f_back
    return False
