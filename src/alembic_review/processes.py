"""Programs that the tool runs for an answer, such as Git. They end with the run, however the run ends."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen

VARIABLE = "ALEMBIC_REVIEW_WORKER"
"""The environment variable that marks what a run started: a later run ends the marked processes of a killed run."""

PROCESSES = Path("/proc")
_STARTED = 19  # index of starttime among the fields of proc(5) after the name


def run(
    arguments: Sequence[str | Path], *, env: Mapping[str, str], timeout: float, send: bytes = b""
) -> CompletedProcess[bytes]:
    """Run a program to its end, with ``send`` as its input, and return its status and its output.

    The program and what it starts are one process group. The group is killed when the program does not finish within
    ``timeout`` seconds (raises ``subprocess.TimeoutExpired``) or the run is interrupted. Raises ``OSError`` when the
    program can't be started.
    """
    environ = {**env, VARIABLE: new_mark()}
    with Popen(arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environ, start_new_session=True) as process:
        try:
            stdout, stderr = process.communicate(send, timeout)
        except BaseException:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return CompletedProcess(arguments, process.returncode, stdout, stderr)


def new_mark() -> str:
    """A value for ``VARIABLE`` that also names this process, so that a later run sees whether it still lives."""
    return f"{os.getpid()}.{started(os.getpid())}.{secrets.token_hex(16)}"


def started(pid: int) -> str:
    """When a process was started, in clock ticks since the system was; empty when it is gone or can't be read."""
    try:
        text = (PROCESSES / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return ""
    state, *fields = text.rpartition(")")[2].split()
    return "" if state in "ZX" else fields[_STARTED - 1]
