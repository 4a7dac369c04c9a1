"""The command line: options in, exit status out."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from alembic_review.cli import screen
from alembic_review.cli.commands import cli
from alembic_review.cli.options import State
from alembic_review.model.errors import ReviewError

__all__ = ["main", "run"]

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit status. A SIGTERM or SIGHUP cleans up like any other exit."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP, and means it
            signal.signal(number, _leave)
    sys.exit(run(argv))


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
    except (KeyboardInterrupt, click.Abort):
        screen.say("Interrupted.")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not look like a verdict of the gate
        internal = screen.internal_error(error)
        screen.show_error(internal, debug=state.debug)
        return internal.exit_code
    return status if isinstance(status, int) else 0


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
