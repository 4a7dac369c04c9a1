"""Where a run of env.py begins in the output, whatever the application does with its descriptors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic_review.model.worker_request import NEXT_RUN

SCRIPT = """
import os, sys
from alembic_review.worker.environment.printed_output import Output
output = Output()
print("first")
output.next_run()
{between}
sys.stdout.write("second")
output.next_run()
"""


def printed(between: str, folder: Path) -> bytes:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(between=between)],
        cwd=folder,
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_runs_are_separated_where_they_begin(tmp_path: Path) -> None:
    assert printed("", tmp_path) == b"first\n" + NEXT_RUN + b"second" + NEXT_RUN


def test_nothing_is_written_to_what_the_application_opened_instead(tmp_path: Path) -> None:
    steal = "os.closerange(3, 200); file = os.open('own', os.O_CREAT | os.O_WRONLY); os.dup2(file, 1); os.dup2(file, 2)"
    assert printed(steal, tmp_path) == b"first\n" + NEXT_RUN
    assert (tmp_path / "own").read_bytes() == b"second"


def test_without_a_pipe_nothing_is_written(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", SCRIPT.format(between="")], stdout=out, check=True, timeout=60)
    assert (tmp_path / "out").read_bytes() == b"first\nsecond"
