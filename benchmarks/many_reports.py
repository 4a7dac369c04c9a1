"""What it costs to write every report there is instead of one.

``nox -s speed`` (or ``python -m benchmarks.many_reports``) reviews the sample application in turns with one ``-o`` and
with one for each format, on a scratch PostgreSQL of its own each time, and compares the medians.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from alembic_review.reports import REPORTS
from tests.apps.harness import POSTGRESQL, Application, make_application


def seconds(application: Application, formats: Sequence[str]) -> float:
    """Wall-clock time of one run that writes ``formats``; the check of the sample fails, so it has to end with 1."""
    command = [sys.executable, "-m", "alembic_review", "-c", "app/acme.conf"]
    command += ["--python", str(application.environment.python)]
    command += [word for name in formats for word in ("-o", f"{name}={application.folder / name}")]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=application.project, capture_output=True, text=True, check=False)
    spent = time.perf_counter() - start
    if done.returncode != 1:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return spent


def main() -> None:
    """Print medians and their ratio."""
    parser = argparse.ArgumentParser(description="A run with every report beside a run with one.")
    parser.add_argument("--rounds", type=int, default=15, help="how often each side is timed (default: 15)")
    rounds = parser.parse_args().rounds
    every = [report.name for report in REPORTS]
    one: list[float] = []
    many: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        application = make_application(Path(folder), database=POSTGRESQL, clean=False)
        seconds(application, every)  # byte code is written, and the data folder of the server cached
        for _ in range(rounds):
            one.append(seconds(application, ["json"]))
            many.append(seconds(application, every))
    single, all_of_them = statistics.median(one), statistics.median(many)
    print(f"one report     {single:6.3f} s  (json)")
    print(f"{len(every)} reports      {all_of_them:6.3f} s  ({', '.join(every)})")
    print(f"ratio          {all_of_them / single:6.3f}")


if __name__ == "__main__":
    main()
