"""Programs that the tool runs for an answer end with the run."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from alembic_review import processes


def test_the_answer_of_a_program() -> None:
    done = processes.run(["/bin/sh", "-c", "cat; echo no >&2; exit 3"], env={}, timeout=20, send=b"yes")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"yes", b"no\n")


def test_a_program_without_end_is_ended_with_all_it_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    with pytest.raises(subprocess.TimeoutExpired):
        processes.run(["/bin/sh", "-c", f"sleep 600 & echo $! > {started}; wait"], env=dict(os.environ), timeout=0.5)
    path = Path(f"/proc/{started.read_text().strip()}")
    deadline = time.monotonic() + 5
    while path.exists() and " Z " not in (path / "stat").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not path.exists() or " Z " in (path / "stat").read_text()


def test_a_program_is_marked_with_the_run_that_started_it() -> None:
    done = processes.run(["/usr/bin/env"], env={}, timeout=20)
    name, _, mark = done.stdout.decode().strip().partition("=")
    assert name == processes.VARIABLE
    assert mark.split(".")[:2] == [str(os.getpid()), processes.started(os.getpid())]


def test_a_process_that_is_gone_was_never_started() -> None:
    assert processes.started(2**22 + 1) == ""
