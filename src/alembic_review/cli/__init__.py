"""The command line: options in, exit status out."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from alembic_review.cli import screen
from alembic_review.cli.lazy_commands import cli
from alembic_review.cli.options import State
from alembic_review.model.errors import ObservationError, ReviewError

__all__ = ["main", "run"]

INTERRUPTED = 130
_CLICK_BROKEN_PIPE = 1  # click leaves with it, and it must not look like a failed check
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_UNTOUCHED = (signal.SIG_DFL, signal.default_int_handler)  # nohup ignores SIGHUP, and means it


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit status. A SIGTERM or SIGHUP cleans up like any other exit."""
    for number in _SIGNALS:
        if signal.getsignal(number) in _UNTOUCHED:
            signal.signal(number, _leave)
    if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
        # As in `cmd &` of a script. Processes that we start would inherit this, and SIGQUIT is what ends a server.
        signal.signal(signal.SIGQUIT, _already_leaving)
    # Where it is ignored, the kernel forgets how children ended, and every one of them seems to have succeeded.
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    screen.open_closed_streams()
    try:
        sys.exit(run(argv))
    finally:
        _ignore_signals()
        screen.give_up_streams()


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; errors are shown on stderr."""
    state = State()
    try:
        status: object = cli.main(
            args=None if argv is None else list(argv), prog_name="alembic-review", standalone_mode=False, obj=state
        )
    except ReviewError as error:
        screen.show_error(error, debug=state.debug)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except SystemExit as leaving:
        if leaving.code != _CLICK_BROKEN_PIPE:
            raise
        return ReviewError.exit_code
    except (KeyboardInterrupt, click.Abort):
        screen.say("Interrupted.")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not look like a failed check
        told = _full(error) if isinstance(error, OSError) and error.filename is None else screen.internal_error(error)
        screen.show_error(told, debug=state.debug)
        return told.exit_code
    return status if isinstance(status, int) else 0


def _full(error: OSError) -> ReviewError:
    """An error of --help or --version: what the other commands write is told where they write it."""
    return ObservationError(f"Standard output could not be written to: {error.strerror}.")


def _leave(number: int, _frame: FrameType | None) -> None:
    """End the run once: pressing Ctrl-C again does not interrupt the cleaning up, which takes seconds at most."""
    for other in _SIGNALS:
        if signal.getsignal(other) is _leave:
            signal.signal(other, _already_leaving)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _ignore_signals() -> None:
    """Keep the exit status: when Python ends, it resets handlers of signals, and a second signal would be its end."""
    for number in _SIGNALS:
        if signal.getsignal(number) in {_leave, _already_leaving}:
            signal.signal(number, signal.SIG_IGN)


def _already_leaving(_number: int, _frame: FrameType | None) -> None:
    """Do nothing; unlike ``SIG_IGN``, no process that is started meanwhile inherits this."""
