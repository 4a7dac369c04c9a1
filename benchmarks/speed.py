"""Time, CPU and memory of whole commands: reviews beside the Alembic commands that they replace.

``python -m benchmarks.speed --sizes 150 1000 5000 --rounds 7 --page docs/performance.md`` runs every command once per
round, one after the other, and reports medians and ratios. CPU is that of a command with all its children, the database
server of a review included; the shared server that Alembic's own commands use is added to theirs. Memory is the sum of
the proportional set sizes (PSS) of a command's processes at its highest, without PostgreSQL's own. All bytecode is
compiled beforehand, and reviews use a cache of their own.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import alembic_review
from alembic_review.observe.scratch import Scratch, ScratchDatabase, open_scratch
from benchmarks.compare_with_alembic import descendants, url
from benchmarks.generated import Generated, generate

POLL_SECONDS = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")
_BASE = "python -c pass"
_HELP = "alembic-review --help"
_HAND, _KEPT = "by hand", "maintained"
_COLD, _WARM, _SINCE = "cold", "one edited model", "--since, one new revision"
_MEANING = f"""\
Every command is a whole process with its children, run in turns with the others on generated applications. *{_HAND}*
creates a database and runs `alembic upgrade heads` and `alembic check`; *{_KEPT}* runs `alembic check` on a database
that is up to date. The reviews run with `--no-prove`: *{_COLD}* with `--no-cache`, *{_WARM}* with the revisions in the
[cache](how-to/cache.md), and *--since* in a checkout with one new revision. CPU includes the database server, memory
(PSS) does not.
"""


@dataclass(frozen=True)
class Measured:
    """Of one command: wall-clock and CPU seconds, and peak memory in MiB."""

    seconds: float
    cpu: float
    memory: float


def measure(command: Sequence[str], folder: Path, expected: Iterable[int], server: Callable[[], float]) -> Measured:
    """Run a command that has to end with one of the ``expected`` statuses; ``server`` reads a shared server's CPU."""
    used, shared, start = _cpu(), server(), time.perf_counter()
    peak = 0.0
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environ(folder)
    ) as process:
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(POLL_SECONDS):
                peak = max(peak, sum(map(_pss, descendants(process.pid))))

        watcher = threading.Thread(target=watch)
        watcher.start()
        output, _ = process.communicate()
        seconds = time.perf_counter() - start
        done.set()
        watcher.join()
    if process.returncode not in set(expected):
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Measured(seconds, _cpu() - used + server() - shared, peak)


def _environ(folder: Path) -> dict[str, str]:
    left_out = {"ALEMBIC_REVIEW_NO_CACHE", "PYTHONDONTWRITEBYTECODE", "XDG_CACHE_HOME"}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, "XDG_CACHE_HOME": str(folder.parent / "cache")}


def _compile(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True, env=_environ(folder))


def _cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _pss(pid: int) -> float:
    try:
        lines = (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def server_cpu(folder: str) -> float:
    """CPU seconds of the PostgreSQL processes whose data is below ``folder``, with those that have ended."""
    ticks = 0
    postmasters: set[int] = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if folder.encode() in b" ".join(words) and b"postgres" in words[0]:
                postmasters.add(int(entry.name))
        except OSError:
            continue
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(entry.name) in postmasters:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) in postmasters:
            ticks += sum(map(int, fields[11:13]))
    return ticks / _TICKS


class Application:
    """One generated application, and the ways to look at it; the maintained database is upgraded beforehand."""

    def __init__(self, folder: Path, tables: int, dialect: str, server: Scratch) -> None:
        self.server = server
        self._tables = tables
        self._named = "sqlite:///app.db" if dialect == "sqlite" else "postgresql://nobody@nowhere.invalid/app"
        (folder / "cache").mkdir()
        _compile(Path(alembic_review.__file__).parent)
        self.committed = self._generate(folder / "committed")
        database = server.create()
        self._folder = str(Path(str(database.host)).parent) if database.host else ""
        self._maintained = _url(database)
        self._alembic(self.committed, self._maintained, "upgrade", "heads")
        self.edited = self._generate(folder / "edited")
        self._review(self.edited)
        self.edited.edit_model(0)
        _compile(folder)
        self.proposed = self._proposed(folder / "proposed")

    def _generate(self, folder: Path) -> Generated:
        made = generate(folder, self._tables, self._named)
        _compile(folder)
        return made

    def cpu(self) -> float:
        """What the shared server has used so far."""
        return server_cpu(self._folder) if self._folder else 0.0

    def sides(self) -> Mapping[str, Callable[[], Measured]]:
        """Every command that is measured, by name."""
        return {
            _BASE: lambda: self._run(self.committed, [sys.executable, "-c", "pass"]),
            _HELP: lambda: self._review(self.committed, "--help"),
            _HAND: self.by_hand,
            _KEPT: lambda: self._alembic(self.committed, self._maintained, "check"),
            _COLD: lambda: self._review(self.committed, "--no-cache"),
            _WARM: lambda: self._review(self.edited),
            _SINCE: lambda: self._review(self.proposed, "--since", "HEAD~1"),
        }

    def by_hand(self) -> Measured:
        """A new database, ``upgrade heads`` and ``check``."""
        target = _url(self.server.create())
        parts = [self._alembic(self.committed, target, *words) for words in (("upgrade", "heads"), ("check",))]
        return Measured(
            sum(part.seconds for part in parts), sum(part.cpu for part in parts), max(part.memory for part in parts)
        )

    def _proposed(self, folder: Path) -> Generated:
        made = self._generate(folder)
        identity = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost")
        for step in range(2):
            if step:
                made.edit_model(0)
                made.add_revision()
            for words in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", f"step {step}")):
                subprocess.run(["git", *words], cwd=folder, check=True)  # noqa: S607 - the one on PATH
        return made

    def _run(self, application: Generated, command: Sequence[str], expected: Iterable[int] = (0,)) -> Measured:
        return measure(command, application.folder, expected, self.cpu)

    def _alembic(self, application: Generated, target: str, *words: str) -> Measured:
        command = [sys.executable, "-m", "alembic", "-c", str(application.config), "-x", f"url={target}", *words]
        return self._run(application, command)

    def _review(self, application: Generated, *words: str) -> Measured:
        options = [] if "--help" in words else ["-c", str(application.config), "-o", "json=-", "--no-prove"]
        return self._run(application, [sys.executable, "-m", "alembic_review", *options, *words])


def _url(database: ScratchDatabase) -> str:
    return url(database) if database.host else f"sqlite:///{database.database}"


def table(medians: Mapping[str, Measured]) -> list[str]:
    """Medians as a Markdown table, with their ratios to the work by hand and to a maintained database."""
    columns = ("time (s)", "CPU (s)", "memory (MiB)", "time / by hand", "time / maintained", "CPU / maintained")
    lines = [f"| command | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    hand, kept = medians[_HAND], medians[_KEPT]
    for name, one in medians.items():
        figures = (f"{one.seconds:.2f}", f"{one.cpu:.2f}", f"{one.memory:.0f}")
        ratios = (one.seconds / hand.seconds, one.seconds / kept.seconds, one.cpu / kept.cpu)
        lines.append(f"| {name} | {' | '.join([*figures, *(f'{ratio:.2f}' for ratio in ratios)])} |")
    start = medians[_HELP].cpu / max(medians[_BASE].cpu, 1 / _TICKS)
    memory = medians[_WARM].memory / kept.memory
    lines += ["", f"The review of *{_WARM}* takes {memory:.2f} times the memory of `alembic check`."]
    return [*lines, f"`--help` uses {start:.1f} times the CPU of `{_BASE}`."]


def _median(each: Sequence[Measured]) -> Measured:
    return Measured(*(statistics.median(getattr(one, name) for one in each) for name in ("seconds", "cpu", "memory")))


def _measured(dialect: str, size: int, rounds: int) -> dict[str, Measured]:
    """Medians of every command, by name."""
    with tempfile.TemporaryDirectory() as folder, open_scratch(dialect, None) as server:
        sides = Application(Path(folder), size, dialect, server).sides()
        found: dict[str, list[Measured]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, run in sides.items():
                found[name].append(run())
    return {name: _median(each) for name, each in found.items()}


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[150, 1000, 5000], help="numbers of tables, PostgreSQL")
    parser.add_argument("--sqlite", type=int, nargs="*", default=[150, 1000], help="numbers of tables, SQLite")
    parser.add_argument("--rounds", type=int, default=7, help="how often each command runs")
    parser.add_argument("--page", type=Path, help="the Markdown file to write; else standard output")
    options = parser.parse_args()
    lines = [
        "# Measurements",
        "",
        f"Medians of {options.rounds} alternating runs, written by `nox -s speed`.",
        "",
        _MEANING,
    ]
    for dialect, title, sizes in (("postgresql", "PostgreSQL", options.sizes), ("sqlite", "SQLite", options.sqlite)):
        growth: dict[int, float] = {}
        for size in sorted(sizes):
            medians = _measured(dialect, size, options.rounds)
            growth[size] = medians[_WARM].cpu / size
            lines += [f"## {size} tables on {title}", "", *table(medians), ""]
        for small, large in pairwise(sorted(growth)):
            ratio = f"{growth[large] / growth[small]:.2f}"
            lines += [f"On {title}, CPU per table at {large} tables is {ratio} times that at {small}.", ""]
    text = "\n".join(lines).rstrip() + "\n"
    if options.page is not None:
        options.page.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
