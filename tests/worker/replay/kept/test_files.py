from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from alembic_review.worker.replay.kept.files import ReadFiles

SHARED_MEMORY = Path("/dev/shm")


def opened(path: str, mode: str = "r") -> ReadFiles:
    """What is noted when a revision opens this file."""
    files = ReadFiles()
    with files.revisions():
        files.handlers()["open"](path, mode, 0)
    return files


def test_a_device_does_not_count() -> None:
    assert not opened(os.devnull).of_revisions
    assert opened(os.devnull, "w").refused == ""


def test_a_file_counts_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("1")
    assert list(opened(str(path)).of_revisions) == [str(path)]
    assert opened(str(path), "w").refused == "a revision writes to rows.csv"


@pytest.mark.skipif(not os.access(SHARED_MEMORY, os.W_OK), reason="no file system in memory here")
def test_a_file_in_shared_memory_is_not_a_device() -> None:
    with tempfile.NamedTemporaryFile(dir=SHARED_MEMORY) as file:
        assert list(opened(file.name).of_revisions) == [file.name]
        assert opened(file.name, "w").refused.startswith("a revision writes to")
