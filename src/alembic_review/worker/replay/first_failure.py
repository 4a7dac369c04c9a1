"""The first failure of a step of ``run_migrations``, which env.py may catch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from inspect import (
    isasyncgen,
    isasyncgenfunction,
    isawaitable,
    iscoroutinefunction,
    isgenerator,
    isgeneratorfunction,
    unwrap,
)
from typing import Any

from alembic.util.exc import CommandError
from sqlalchemy.exc import SQLAlchemyError

from alembic_review.worker.worker_errors import StoppedError, WorkerError, application_frames, own

_FUNCTIONS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("a coroutine function", iscoroutinefunction),
    ("an asynchronous generator function", isasyncgenfunction),
    ("a generator function", isgeneratorfunction),
)
_RESULTS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("a coroutine or another awaitable", isawaitable),
    ("an asynchronous generator", isasyncgen),
    ("a generator", isgenerator),
    ("an iterator that nothing consumes", lambda value: isinstance(value, (map, filter, zip))),
)


@contextmanager
def noted(failed: list[WorkerError]) -> Iterator[None]:
    """Keep the error of our own work, which env.py may catch."""
    try:
        yield
    except StoppedError:
        raise
    except WorkerError as error:
        failed.append(error)
        raise
    except Exception as error:
        if not _is_own(error):
            raise
        failed.append(own(error))
        raise failed[-1] from error


def remembered(
    steps: Iterable[Any], failed: list[WorkerError], explain: Callable[[BaseException], WorkerError]
) -> Iterator[Any]:
    """The same steps; what their functions raise is added to ``failed``.

    ``explain`` words an exception that is not an error of ours, such as ``SystemExit``.
    """
    iterator = iter(steps)
    while True:
        with noted(failed):
            try:
                step = next(iterator)
            except StopIteration:
                return
        step.migration_fn = _remembering(step.migration_fn, failed, explain)
        yield step


def not_run(function: Any) -> str:
    """How a function is called whose body does not run when it is called; empty for an ordinary function."""
    return next((kind for kind, test in _FUNCTIONS if test(function)), "")


def not_consumed(value: Any) -> str:
    """The same of what a function returned: code that nothing runs. A coroutine is closed, as nobody awaits it."""
    kind = next((kind for kind, test in _RESULTS if test(value)), "")
    if kind and hasattr(value, "close"):
        value.close()
    return kind


def definition(function: Any) -> str:
    """``file:line`` of a function, behind its decorators; empty where there is none."""
    while isinstance(function, partial):
        function = function.func
    function = unwrap(function)
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""


def _remembering(
    function: Any, failed: list[WorkerError], explain: Callable[[BaseException], WorkerError]
) -> Callable[..., Any]:
    def call(**arguments: Any) -> Any:
        try:
            return function(**arguments)
        except StoppedError:
            raise
        except WorkerError as error:
            failed.append(error)
            raise
        except BaseException as error:
            failed.append(explain(error))
            raise

    return call


def _is_own(error: Exception) -> bool:
    """Tell whether our own work failed and not the application's code, such as a filter, which has frames below ours.

    What a database or Alembic says has hints of its own.
    """
    return not isinstance(error, (SQLAlchemyError, CommandError)) and not application_frames(error.__traceback__)
