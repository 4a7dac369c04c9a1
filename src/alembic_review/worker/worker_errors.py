"""What the worker reports when it can't go on."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from types import TracebackType

import alembic
import sqlalchemy
from sqlalchemy.exc import DBAPIError

from alembic_review.model.secrets.masking import mask
from alembic_review.model.text_lengths import LONGEST_HINT, LONGEST_MESSAGE, shortened
from alembic_review.worker.driver_errors import class_name, database_text
from alembic_review.worker.packages import package_of_path
from alembic_review.worker.redirect.drivers import CONNECT_FUNCTIONS

_LIBRARIES = tuple(os.path.dirname(module.__file__ or "") + os.sep for module in (alembic, sqlalchemy))
_STDLIB = os.path.dirname(os.__file__) + os.sep
_OURS = os.path.dirname(__file__) + os.sep
_FRAMES_SHOWN = 3
_SITE = frozenset({"site-packages", "dist-packages"})
_STATEMENT_SHOWN = 500  # characters


class WorkerError(Exception):
    """The run can't go on; ``message`` says what and where, ``hint`` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = shortened(mask(message), LONGEST_MESSAGE)
        self.hint = shortened(mask(hint), LONGEST_HINT)
        super().__init__(self.message)


class StoppedError(WorkerError):
    """What was to be found out is known; the rest of this run of ``env.py`` is not needed."""


def wrapped(error: BaseException) -> WorkerError | None:
    """The error of ours that an application wrapped in one of its own."""
    seen: set[int] = set()  # an application may set causes in a circle
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, WorkerError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def own(error: BaseException) -> WorkerError:
    """What nobody foresaw in our own work."""
    where = at(application_frames(error.__traceback__))
    return WorkerError(
        f"The review failed: {describe(error)}{where}", "Run again with --debug for the whole traceback."
    )


def describe(error: BaseException) -> str:
    """The kind of error and its message, cut to a readable length and without SQLAlchemy's background links."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return f"{describe(error.orig)}{_statement(error)}"
    # The place of a syntax error is told apart.
    told = error.msg if isinstance(error, SyntaxError) and error.filename else database_text(error)
    text = told.split("\n(Background on this error")[0].strip()
    name = class_name(error)
    return shortened(mask(f"{name}: {text}" if text else name))


def _statement(error: DBAPIError) -> str:
    text = " ".join(str(error.statement or "").split())
    shown = text if len(text) <= _STATEMENT_SHOWN else f"{text[:_STATEMENT_SHOWN]} …"
    return mask(f"\n  statement: {shown}") if shown else ""


def recognise(may_be_custom: Callable[[str | None], bool]) -> None:
    """From now on, a package in site-packages is the application's when ``may_be_custom`` says so of its name."""
    _Application.may_be_custom = staticmethod(may_be_custom)


class _Application:
    """What is known of the application in this process."""

    may_be_custom: Callable[[str | None], bool] = staticmethod(lambda _package: False)


def is_application(path: str) -> bool:
    """True for a file of the application: not of the standard library, and not otherwise installed.

    The application itself may be installed; see ``recognise``.
    """
    if path.startswith((*_LIBRARIES, _OURS, "<")):
        return False
    if not _SITE.isdisjoint(path.split(os.sep)):
        return _Application.may_be_custom(package_of_path(path) or os.path.splitext(os.path.basename(path))[0])
    return not path.startswith(_STDLIB)


def application_stack(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    """The application's frames of a stack, innermost last; where it has none, those of what is installed."""
    frames = [
        frame for frame in traceback.extract_tb(trace) if not frame.filename.startswith((*_LIBRARIES, _OURS, "<"))
    ]
    own = [frame for frame in frames if is_application(frame.filename)]
    return own or [frame for frame in frames if not _of_others(frame.filename)]


def application_frames(trace: TracebackType | None) -> list[str]:
    """``file:line in function`` of the last frames of the application's own code, innermost last."""
    return [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in application_stack(trace)][-_FRAMES_SHOWN:]


def places(error: BaseException) -> list[str]:
    """The application's frames, and at last the line that Python could not read."""
    frames = application_frames(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        frames.append(f"{error.filename}:{error.lineno}")
    return frames[-_FRAMES_SHOWN:]


def _of_others(path: str) -> bool:
    """A file of the standard library or of a database driver."""
    parts = path.split(os.sep)
    for folder in _SITE.intersection(parts):
        return parts[parts.index(folder) + 1] in CONNECT_FUNCTIONS
    return path.startswith(_STDLIB)


def at(frames: list[str]) -> str:
    """The frames as lines ``at FILE:LINE in NAME``, to be appended to a message; empty if there are none."""
    return "".join(f"\n  at {frame}" for frame in frames)
