"""A child process that never outlives this one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from alembic_review.observe.scratch.server_account import Account, environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# The watcher holds the reading end of a pipe whose writing end only we have. When we close it, or die in any way, it
# reads the end of the file and sends SIGQUIT (an immediate shutdown) to the program, which has taken the place of the
# shell that started it; what ignores that is killed with its whole process group, the watcher included. Unlike
# PR_SET_PDEATHSIG this also works on macOS, does not follow the thread that started the program, needs no code of ours
# between fork and exec (preexec_fn may deadlock in a process with threads), and needs no right to signal another user's
# process. The process group keeps the program's number from being used again meanwhile.
_WATCHED = """
exec 3<&0 </dev/null
( read -r line <&3; kill -s QUIT "$$"
  n=0; while [ "$n" -lt 50 ] && kill -0 "$$"; do sleep 0.1; n=$((n+1)); done; kill -s KILL -- "-$$" ) >/dev/null 2>&1 &
exec "$@" 3<&-
"""
_STOP_SECONDS = 3.0
_INTERRUPTED_SECONDS = 60.0
# Until the watcher has gone; where nobody buries orphans, it stays a zombie, which is as good.
_POLLS, _POLL_SECONDS = 20, 0.001


class Guarded:
    """A running program with a watcher beside it; its output goes to ``log``. ``mark`` is for what it starts."""

    def __init__(self, arguments: Sequence[str | Path], account: Account, log: Path, mark: str = "") -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _WATCHED, "watched", *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd="/",  # the current folder may be closed to the server's account
                env=environment(mark),
                start_new_session=True,  # Ctrl-C in the terminal is for us, not for the server
                **account.credentials(),
            )
        self._stopped = False

    @property
    def pid(self) -> int:
        """Process id of the program, also its process group and session."""
        return self._process.pid

    def status(self) -> int | None:
        """Exit status of the program, ``None`` while it runs."""
        return self._process.poll()

    def interrupt(self) -> None:
        """Have a server write everything and end by itself. Raises ``OSError`` where that takes too long."""
        os.kill(self._process.pid, signal.SIGINT)
        try:
            status = self._process.wait(_INTERRUPTED_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error
        if status:
            raise OSError

    def stop(self) -> None:
        """End the program with all it started and wait for it; harmless when it has ended."""
        if self._stopped:
            return
        self._stopped = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        # initdb ignores SIGQUIT where we were started with it ignored (`cmd &` in a script), and so does a server that
        # has not come far; the watcher waits a while for both.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
            for _ in range(_POLLS):
                time.sleep(_POLL_SECONDS)
                os.killpg(self._process.pid, 0)
        self._process.wait()
