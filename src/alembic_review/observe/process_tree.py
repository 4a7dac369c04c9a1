"""Ends everything that a process started, also what moved into a session of its own (Linux; elsewhere its group)."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from subprocess import Popen
from typing import Any

from alembic_review.processes import PROCESSES, VARIABLE, started

_PATIENCE = 5.0
_PAUSE = 0.002


def end(process: Popen[Any], mark: str) -> None:
    """Kill ``process`` and all it started, and wait for it. ``mark`` is the value its ``VARIABLE`` was given.

    The process has to be a subreaper (prctl(2)): then orphans among its descendants stay its descendants. It is
    stopped first, so that nothing can be started while we look.
    """
    process.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        found = _alive_descendants(process.pid, mark)
        if not found:
            break
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_orphans() -> None:
    """Kill what killed runs of the same user left: processes with a mark whose own process is gone.

    A process in another PID namespace has a mark with numbers of that namespace, so it is left alone.
    """
    for pid in _pids():
        mark = _mark_of(pid)
        run, _, rest = mark.partition(".")
        if run.isdecimal() and started(int(run)) != rest.partition(".")[0] and _is_near(pid):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _is_near(pid: int) -> bool:
    """Whether a process is this user's, and numbered as we are."""
    space = "ns/pid"
    try:
        process = PROCESSES / str(pid)
        same = (process / space).readlink() == (PROCESSES / "self" / space).readlink()
        return same and process.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _mark_of(pid: int) -> str:
    start = f"{VARIABLE}=".encode()
    try:
        variables = (PROCESSES / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    return next((one.removeprefix(start).decode(errors="replace") for one in variables if one.startswith(start)), "")


def end_marked(variable: str, value: str) -> None:
    """Kill every process whose environment has ``variable`` with this ``value``, and all it goes on to start."""
    deadline = time.monotonic() + _PATIENCE
    while found := [pid for pid in _pids() if _has(pid, variable, value) and _is_alive(pid)]:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(_PAUSE)


def _is_alive(pid: int) -> bool:
    state = _state(pid)
    return pid != os.getpid() and state is not None and state[0] != "Z"


def _alive_descendants(root: int, mark: str) -> set[int]:
    """Descendants of ``root``, and whoever carries the mark; without zombies, which are ended already."""
    states = {pid: state for pid in _pids() if (state := _state(pid)) is not None}
    found = {pid for pid in states if pid != root and _carries(pid, mark)}
    grown = {root, *found}
    while grown:
        grown = {pid for pid, (_, parent) in states.items() if parent in grown} - found
        found |= grown
    return {pid for pid in found if states[pid][0] != "Z"} - {root, os.getpid()}


def _pids() -> list[int]:
    try:
        return [int(path.name) for path in PROCESSES.iterdir() if path.name.isdecimal()]
    except OSError:
        return []


def _state(pid: int) -> tuple[str, int] | None:
    """State and parent of a process (proc(5)); ``None`` when it is gone, or the system has no such file."""
    try:
        text = (PROCESSES / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    state, parent = text.rpartition(")")[2].split()[:2]
    return state, int(parent)


def _carries(pid: int, mark: str) -> bool:
    return _mark_of(pid) == mark


def _has(pid: int, variable: str, value: str) -> bool:
    try:
        return os.fsencode(f"{variable}={value}") in (PROCESSES / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
