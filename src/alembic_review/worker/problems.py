"""What the worker reports when it can't go on."""

from __future__ import annotations

import os
import re
import sys
import traceback
from types import TracebackType

import alembic
import sqlalchemy
from sqlalchemy.exc import DBAPIError

from alembic_review.model.masking import mask
from alembic_review.worker.drivers import CONNECT_FUNCTIONS

_LIBRARIES = tuple(os.path.dirname(module.__file__ or "") + os.sep for module in (alembic, sqlalchemy))
_STDLIB = os.path.dirname(os.__file__) + os.sep
_OURS = os.path.dirname(__file__) + os.sep
_FRAMES_SHOWN = 3
_REVIEWED = ("postgresql", "sqlite")
_IMPORTS_DRIVER = ("import_dbapi", "dbapi")  # the latter on SQLAlchemy 1.4
_NO_SUCH_SCHEMA = "3F000"  # https://www.postgresql.org/docs/current/errcodes-appendix.html
_ALTERING = re.compile(r'near "(ALTER|CONSTRAINT|DROP|COMMENT)": syntax error')
_STATEMENT_SHOWN = 500  # characters


class WorkerError(Exception):
    """The run can't go on; ``message`` says what and where, ``hint`` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(mask(message))
        self.message = mask(message)
        self.hint = mask(hint)


class StoppedError(WorkerError):
    """What was to be found out is known; the rest of this run of ``env.py`` is not needed."""


def failed(what: str, error: BaseException, otherwise: str = "") -> WorkerError:
    """What went wrong first: the error of ours that an application wrapped in one of its own, else ``what`` failed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, WorkerError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return WorkerError(f"{what}: {describe(error)}{at(places(error))}", hint_of(error, otherwise))


def describe(error: BaseException) -> str:
    """One or a few lines: the kind of error and its message, without SQLAlchemy's background links."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return f"{describe(error.orig)}{_statement(error)}"
    told = error.msg if isinstance(error, SyntaxError) and error.filename else str(error)  # its place is told apart
    text = told.split("\n(Background on this error")[0].strip()
    name = type(error).__name__
    return mask(f"{name}: {text}" if text else name)


def hint_of(error: BaseException, otherwise: str) -> str:
    """What to do about this error, where more is known of it than that it is the application's."""
    wanting = _without_driver(error) or _without_url(error)
    if wanting:
        return wanting
    original = error.orig if isinstance(error, DBAPIError) else error
    if _NO_SUCH_SCHEMA in (getattr(original, "sqlstate", None), getattr(original, "pgcode", None)):
        return (
            "The scratch database has only what env.py and the revisions create: let one of them make the schema "
            "(CREATE SCHEMA IF NOT EXISTS)."
        )
    return _without_batch(original or error) or otherwise


def _without_batch(error: BaseException) -> str:
    """What to do when SQLite, or Alembic for it, does not know how to alter a table."""
    text = str(error)
    refused = isinstance(error, NotImplementedError) and "SQLite" in text
    if refused or (type(error).__module__ == "sqlite3" and _ALTERING.search(text)):
        return (
            "SQLite alters a table only by making it anew: let env.py configure render_as_batch=True, and use "
            "op.batch_alter_table() in revisions."
        )
    return ""


def _without_driver(error: BaseException) -> str:
    """What to do when SQLAlchemy's dialect could not import its driver."""
    for frame in reversed(traceback.extract_tb(error.__traceback__) if isinstance(error, ImportError) else ()):
        parts = frame.filename.split(os.sep)
        if frame.name in _IMPORTS_DRIVER and parts[-4:-2] == ["sqlalchemy", "dialects"]:
            dialect, driver = parts[-2], parts[-1].removesuffix(".py")
            if dialect not in _REVIEWED:
                return f"The URL is one of {dialect} ({driver}); only PostgreSQL and SQLite can be reviewed yet."
            return (
                f"The URL asks for the driver {driver} of the dialect {dialect}, which is not installed beside the "
                f"application ({sys.executable}): install it there, or name another interpreter with --python."
            )
    return ""


def _without_url(error: BaseException) -> str:
    """What to do when env.py found no URL where Alembic's templates look for one."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, KeyError) and error.args == ("url",) and frames[-1].name == "engine_from_config":
        return (
            "There is no sqlalchemy.url in the section that env.py reads. Any URL of the right dialect will do, for "
            "example postgresql://localhost/app: that database is not contacted."
        )
    return ""


def _statement(error: DBAPIError) -> str:
    text = " ".join(str(error.statement or "").split())
    shown = text if len(text) <= _STATEMENT_SHOWN else f"{text[:_STATEMENT_SHOWN]} …"
    return mask(f"\n  statement: {shown}") if shown else ""


def application_frames(trace: TracebackType | None) -> list[str]:
    """``file:line in function`` of the last frames of the application's own code, innermost last."""
    frames = [
        f"{frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(trace)
        if not frame.filename.startswith((*_LIBRARIES, _OURS, "<"))
    ]
    return [frame for frame in frames if not _of_others(frame)][-_FRAMES_SHOWN:]


def places(error: BaseException) -> list[str]:
    """The application's frames, and at last the line that Python could not read."""
    frames = application_frames(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        frames.append(f"{error.filename}:{error.lineno}")
    return frames[-_FRAMES_SHOWN:]


def _of_others(frame: str) -> bool:
    """A frame of the standard library or of a database driver."""
    parts = frame.split(os.sep)
    for folder in ("site-packages", "dist-packages"):
        if folder in parts:
            return parts[parts.index(folder) + 1] in CONNECT_FUNCTIONS
    return frame.startswith(_STDLIB)


def at(frames: list[str]) -> str:
    return "".join(f"\n  at {frame}" for frame in frames)
