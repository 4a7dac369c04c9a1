"""However the tool ends, its server ends too, and its folder goes: at once, or at the next start after SIGKILL."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from alembic_review.observe.scratch.run_folder import sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# As the command line does it: SIGTERM becomes SystemExit, and the scratch database is used in a with block.
RUN = """
import contextlib, signal, sys, threading, time
from pathlib import Path
from alembic_review.observe.scratch import open_scratch

def leave(*_):
    raise SystemExit(143)

signal.signal(signal.SIGTERM, leave)
scratch = open_scratch(sys.argv[1], None)
with contextlib.nullcontext() if sys.argv[2] == "forget" else scratch:
    threading.Thread(target=scratch.start).start()
    database = scratch.create()
    if database.dialect == "postgresql":
        print((Path(database.host).parent / "data" / "postmaster.pid").read_text().split()[0], flush=True)
    else:
        print(0, flush=True)
    if sys.argv[2] == "raise":
        raise RuntimeError("as an application would")
    if sys.argv[2] == "wait":
        time.sleep(60)
"""


def _run(dialect: str, what: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, dialect, what], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _ended(pids: list[int], alive: Callable[[list[int]], list[int]]) -> bool:
    deadline = time.monotonic() + 10
    while alive(pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
@pytest.mark.parametrize(
    "end",
    [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["interrupt", "terminate", "kill"],
)
def test_a_signal_leaves_nothing(
    base: Path,
    dialect: str,
    end: tuple[signal.Signals, int],
    alive: Callable[[list[int]], list[int]],
    family: Callable[[int], list[int]],
) -> None:
    number, status = end
    with _run(dialect, "wait") as run:
        assert run.stdout is not None
        server = int(run.stdout.readline())
        processes = family(server) if server else []
        assert len(list(base.iterdir())) == 1
        run.send_signal(number)
        run.communicate()
    assert run.returncode == status
    assert _ended(processes, alive)
    if number == signal.SIGKILL:
        assert len(list(base.iterdir())) == 1
        sweep(base)
    assert list(base.iterdir()) == []


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
@pytest.mark.parametrize(("what", "status"), [("raise", 1), ("forget", 0)])
def test_an_error_or_a_forgotten_close_leaves_nothing(
    base: Path, dialect: str, what: str, status: int, alive: Callable[[list[int]], list[int]]
) -> None:
    with _run(dialect, what) as run:
        output, _ = run.communicate()
    assert run.returncode == status
    server = int(output)
    assert not server or _ended([server], alive)
    assert list(base.iterdir()) == []


@pytest.mark.usefixtures("cache")
def test_a_terminal_interrupts_the_tool_but_not_its_server(base: Path, family: Callable[[int], list[int]]) -> None:
    with _run("postgresql", "wait") as run:
        assert run.stdout is not None
        server = int(run.stdout.readline())
        sessions = subprocess.run(
            ["ps", "-o", "pgid=", "-p", f"{run.pid},{server}"], capture_output=True, text=True, check=True
        )
        assert len(set(sessions.stdout.split())) == 2
        assert server in family(run.pid)
        run.terminate()
        run.communicate()
    assert list(base.iterdir()) == []
