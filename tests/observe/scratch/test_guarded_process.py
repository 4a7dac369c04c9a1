from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from alembic_review.observe.scratch import guarded_process
from alembic_review.observe.scratch.guarded_process import Guarded
from alembic_review.observe.scratch.server_account import Account

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OURSELVES = Account(uid=os.geteuid(), gid=os.getegid(), client="me", foreign=False)
DYING_PARENT = """
import os, signal, sys
from pathlib import Path
from alembic_review.observe.scratch.server_account import Account
from alembic_review.observe.scratch.guarded_process import Guarded
account = Account(uid=os.geteuid(), gid=os.getegid(), client="me", foreign=False)
guarded = Guarded(["sleep", "60"], account, Path(sys.argv[1]))
print(guarded.pid, flush=True)
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""


def _until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("status", [0, 7])
def test_the_status_of_the_program_comes_through(tmp_path: Path, status: int) -> None:
    log = tmp_path / "log"
    guarded = Guarded(["sh", "-c", f"echo said; exit {status}"], OURSELVES, log)
    assert _until(lambda: guarded.status() is not None)
    assert guarded.status() == status
    assert log.read_text() == "said\n"
    guarded.stop()


def test_stop_ends_the_program_and_waits(
    tmp_path: Path, alive: Callable[[list[int]], list[int]], family: Callable[[int], list[int]]
) -> None:
    guarded = Guarded(["sleep", "60"], OURSELVES, tmp_path / "log")
    assert _until(lambda: len(family(guarded.pid)) == 2)
    assert guarded.status() is None
    everyone = family(guarded.pid)
    guarded.stop()
    guarded.stop()
    assert alive(everyone) == []
    assert guarded.status() == -signal.SIGQUIT


def test_the_program_does_not_outlive_a_killed_parent(
    tmp_path: Path, alive: Callable[[list[int]], list[int]], family: Callable[[int], list[int]]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DYING_PARENT, str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        program = int(parent.stdout.readline())
        assert _until(lambda: len(family(program)) == 2)
        everyone = family(program)
        parent.communicate("go\n")
    assert _until(lambda: alive(everyone) == [])


def test_secrets_and_settings_of_the_user_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c nonsense=1")
    monkeypatch.setenv("DATABASE_PASSWORD", "s3cret")
    guarded = Guarded(["env"], OURSELVES, tmp_path / "log")
    assert _until(lambda: guarded.status() is not None)
    printed = (tmp_path / "log").read_text()
    assert "LC_ALL=C" in printed
    assert "PGOPTIONS" not in printed
    assert "s3cret" not in printed
    guarded.stop()


STUBBORN = ["sh", "-c", "trap '' QUIT; sleep 60 & echo $!; wait"]


def test_a_program_that_ignores_the_signal_is_killed_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alive: Callable[[list[int]], list[int]]
) -> None:
    monkeypatch.setattr(guarded_process, "_STOP_SECONDS", 0.1)
    log = tmp_path / "log"
    guarded = Guarded(STUBBORN, OURSELVES, log)
    assert _until(lambda: log.read_text().endswith("\n"))
    everyone = [guarded.pid, int(log.read_text())]
    guarded.stop()
    assert alive(everyone) == []
    assert guarded.status() == -signal.SIGKILL
