"""An optional observation that fails costs a line, never the review."""

from __future__ import annotations

import pytest

from alembic_review.model.errors import ObservationError
from alembic_review.model.optional_steps import Attempts


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError


def fail(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (KeyError("x"), "colours (KeyError: 'x' at optional_steps.py:"),
        (ObservationError("env.py ended.\nat line 3", hint="Mend it."), "colours (env.py ended)"),
        (ValueError("postgresql://me:s3cr3t@db/x\nnext"), "colours (ValueError: postgresql://me:***@db/x next at "),
        (ValueError("y" * 999), "colours (ValueError: " + "y" * 188 + " … at "),
        (UnprintableError(), "colours (test_optional_steps.UnprintableError: <exception str() failed> at "),
        (RecursionError(), "colours (RecursionError at "),
    ],
)
def test_a_failure_is_a_line_with_its_reason(error: Exception, line: str) -> None:
    attempts = Attempts()
    assert [attempts.attempt("colours", lambda: fail(error), 7) for _ in range(2)] == [7, 7]
    (failure,) = attempts.failures
    assert failure.startswith(line.replace("test_optional_steps", UnprintableError.__module__))
    assert "s3cr3t" not in failure
    assert ("--debug" in failure) is not isinstance(error, ObservationError)


def test_what_succeeds_leaves_nothing() -> None:
    attempts = Attempts()
    assert (attempts.attempt("colours", lambda: 3, 7), attempts.failures) == (3, [])


def test_the_traceback_is_for_who_debugs_and_has_no_password() -> None:
    shown: list[str] = []
    Attempts(shown.append).attempt("colours", lambda: fail(ValueError("postgresql://me:s3cr3t@db/x")), 7)
    (text,) = shown
    assert text.startswith("Traceback (most recent call last):")
    assert text.endswith("ValueError: postgresql://me:***@db/x\n")


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_what_ends_the_process_is_let_through(error: BaseException) -> None:
    with pytest.raises(type(error)):
        Attempts().attempt("colours", lambda: fail(error), 7)


def test_code_of_an_application_may_try_to_exit() -> None:
    attempts = Attempts(caught=(Exception, SystemExit))
    assert attempts.attempt("colours", lambda: fail(SystemExit(3)), 7) == 7
    assert attempts.failures[0].startswith("colours (SystemExit: 3 at ")
