"""What the application prints: where each run of env.py begins in it."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress

from alembic_review.model.worker_request import NEXT_RUN


def flush() -> None:
    """Let out what the application printed."""
    for stream in (sys.stdout, sys.__stdout__, sys.stderr):
        with suppress(Exception):
            if stream is not None:
                stream.flush()


class Output:
    """The parent's pipe, whatever the application does with its own stdout afterwards."""

    def __init__(self) -> None:
        self._pipe = _identity(1)
        try:
            self._descriptors = (os.dup(1), 1, 2)
        except OSError:
            self._descriptors = (1, 1, 2)

    def next_run(self) -> None:
        """Tell the parent that env.py runs from here on: what it has shown already need not be shown again."""
        flush()
        for descriptor in self._descriptors:
            # The application may have closed ours and opened a file of its own under that number.
            if self._pipe is not None and _identity(descriptor) == self._pipe:
                with suppress(OSError):
                    os.write(descriptor, NEXT_RUN)
                    return


def _identity(descriptor: int) -> tuple[int, int] | None:
    """What a descriptor leads to, if it is a pipe."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISFIFO(status.st_mode) else None
