"""How long one review takes, and how much memory, beside the two Alembic commands that it stands for.

``nox -s speed`` (or ``python -m benchmarks.compare_with_alembic``) reviews rattail in turns with ``alembic upgrade
heads`` and ``alembic check`` on a database made by hand, on a server that runs already; neither making the database nor
starting that server is counted, while the review has to do both.

Memory is the sum of the resident memory of a command's processes at its highest, looked at every 10 ms in a run of its
own: for the review that is the tool, its worker and whatever else it starts, without PostgreSQL's own processes. Pages
that several processes share count once for each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic_review.observe.scratch import ScratchDatabase, open_scratch
from tests.realapps.applications import APPLICATIONS, Application
from tests.realapps.record import pointed_at

POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Measured:
    """Wall-clock seconds and peak memory in MiB of one command with its children."""

    seconds: float
    peak: float


def descendants(root: int) -> set[int]:
    """The process and its children, theirs included, that aren't database servers."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name, _, rest = (entry / "stat").read_text().rpartition(")")
            except OSError:  # it has ended meanwhile
                continue
            parents[int(entry.name)] = int(rest.split()[1])
            names[int(entry.name)] = name.partition("(")[2]
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return {pid for pid in found if names.get(pid) not in {"postgres", "initdb"}}


def resident(pids: set[int]) -> float:
    """The resident memory of processes, in MiB."""
    total = 0
    for pid in pids:
        try:
            total += int((Path("/proc") / str(pid) / "statm").read_text().split()[1])
        except (OSError, IndexError):  # it has ended meanwhile
            continue
    return total * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(command: Sequence[str], folder: Path, expected: set[int], *, memory: bool) -> Measured:
    """Run a command that has to end with one of the ``expected`` statuses; look at its memory only when asked to."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        peak = 0.0
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(POLL_SECONDS):
                peak = max(peak, resident(descendants(process.pid)))

        watcher = threading.Thread(target=watch)
        if memory:
            watcher.start()
        output, _ = process.communicate()
        seconds = time.perf_counter() - start
        done.set()
        if memory:
            watcher.join()
    if process.returncode not in expected:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Measured(seconds, peak)


def url(database: ScratchDatabase) -> str:
    """The address of a database for the application's conf file."""
    return f"postgresql://{database.user}@/{database.database}?host={database.host}&port={database.port}"


class Sides:
    """The two ways to look at ``application``; files are put into ``folder``."""

    def __init__(self, application: Application, folder: Path) -> None:
        self.application = application
        self.folder = folder
        self.alembic = str(application.environment.python.with_name("alembic"))
        self.conf = folder / "alembic.conf"

    def review(self, *, memory: bool) -> Measured:
        """One run of the tool."""
        tool = Path(sys.executable).with_name("alembic-review")
        python = self.application.environment.python
        command = [tool, "-c", self.application.conf, "--custom", "none", "--python", python, "-o", "json=review.json"]
        return measure([str(part) for part in command], self.folder, {0}, memory=memory)

    def by_hand(self, database: ScratchDatabase, *, memory: bool) -> tuple[Measured, Measured]:
        """Upgrade and check; rattail has changes of its own, so ``check`` ends with 255."""
        self.conf.write_text(pointed_at(self.application, url(database)), encoding="utf-8")
        command = [self.alembic, "-c", str(self.conf)]
        upgrade = measure([*command, "upgrade", "heads"], self.folder, {0}, memory=memory)
        return upgrade, measure([*command, "check"], self.folder, {255}, memory=memory)


def main() -> None:
    """Print medians and ratios."""
    parser = argparse.ArgumentParser(description="One review beside `alembic upgrade heads` and `alembic check`.")
    parser.add_argument("--rounds", type=int, default=7, help="how often each side is timed (default: 7)")
    rounds = parser.parse_args().rounds
    reviews, hands = [], []
    with tempfile.TemporaryDirectory() as folder, open_scratch("postgresql", None) as server:
        sides = Sides(APPLICATIONS["rattail"], Path(folder))
        sides.review(memory=False)  # byte code is written, and the data folder of the server cached
        sides.by_hand(server.create(), memory=False)
        for _ in range(rounds):
            reviews.append(sides.review(memory=False).seconds)
            hands.append(sum(part.seconds for part in sides.by_hand(server.create(), memory=False)))
        tool_peak = sides.review(memory=True).peak
        _, check = sides.by_hand(server.create(), memory=True)
    ours, theirs = statistics.median(reviews), statistics.median(hands)
    print(f"alembic-review                         {ours:6.2f} s  {spread(reviews)}")
    print(f"alembic upgrade heads + alembic check  {theirs:6.2f} s  {spread(hands)}")
    print(f"ratio                                  {ours / theirs:6.2f}")
    print(f"peak memory, alembic-review            {tool_peak:6.0f} MiB  (parent and worker)")
    print(f"peak memory, alembic check             {check.peak:6.0f} MiB")
    print(f"ratio                                  {tool_peak / check.peak:6.2f}")


def spread(seconds: Sequence[float]) -> str:
    """The fastest and the slowest of some runs."""
    return f"({min(seconds):.2f} to {max(seconds):.2f}, {len(seconds)} runs)"


if __name__ == "__main__":
    main()
