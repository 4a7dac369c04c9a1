"""``alembic-review`` and ``python -m alembic_review``: loads the command line, and can be interrupted meanwhile."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line and leave with its exit status; from here on an interrupt shows no traceback."""
    # An exception in the middle of an import may be turned into another one or get lost: leave at once.
    if watched := signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from alembic_review.cli import main as command_line  # noqa: PLC0415 - takes most of the time before there is work

    if watched:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        command_line()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    finally:
        if watched:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the exit status is decided


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"Interrupted.\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
