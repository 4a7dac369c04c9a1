"""A run that is interrupted or killed has the right exit status and leaves nothing: no process, folder or file.

What SIGKILL leaves in the folder for temporary files is gone after the next run.
"""

from __future__ import annotations

import errno
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.trust.plain import (
    POSTGRESQL,
    SQLITE,
    TOOL,
    Project,
    environ,
    make_project,
    remove,
    running,
    short_folder,
)

pytestmark = [
    pytest.mark.one_stack,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes through /proc"),
]

LIMIT = 60.0
PATIENCE = 1.5  # how long what was killed may take to end without the next run
AT_MOST = 8.0  # a server that ignores SIGQUIT is given five seconds

STATUS = {"INT": 130, "TERM": 143, "HUP": 129, "QUIT": 131, "KILL": 137, "ABRT": 134}
KILLED = {"QUIT", "KILL", "ABRT"}  # these end the process at once

FOREGROUND: tuple[str, ...] = ()
BACKGROUND = ("/bin/sh", "-c", 'trap "" INT QUIT; exec "$@"', "sh")  # how a shell starts `cmd &` in a script
NOHUP = ("/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh")
STARTS = {"foreground": FOREGROUND, "background": BACKGROUND, "nohup": NOHUP}


@dataclass(frozen=True)
class Way:
    """Stop in ``phase``, then send ``signals``; ``code`` is what the application does in that phase."""

    phase: str
    signals: tuple[str, ...]
    database: str = SQLITE
    code: str = ""
    start: str = "foreground"
    name: str = ""
    status: int = 0
    quick: bool = False

    @property
    def id(self) -> str:
        what = self.name or self.phase.replace(" ", "_")
        background = [] if self.start == "foreground" else [self.start]
        return "-".join([what, *self.signals, self.database, *background])

    @property
    def expected(self) -> int:
        return self.status or STATUS[self.signals[0]]


APPLICATION_PHASES = (
    "context",
    "preload",
    "before",
    "models",
    "env",
    "connected",
    "revision file",
    "first revision",
    "inside revision",
    "last revision",
    "transaction",
    "end of env",
    "comparison",
    "downgrade",
)
SERVER_PHASES = ("folder", "data", "server", "socket")

BEHAVIOURS = {
    "ignores_signals": "import signal\nfor n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(600)",
    "busy_loop": "while True: pass",
    "catches_everything": "while True:\n try: time.sleep(600)\n except BaseException: pass",
    "forks_a_child": "os.fork()\ntime.sleep(600)",
    "forks_children_that_ignore_signals": (
        "import signal\nfor n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)\n"
        "for _ in range(5): os.fork() or time.sleep(600)\ntime.sleep(600)"
    ),
    "child_in_a_session_of_its_own": "os.fork() or os.setsid()\ntime.sleep(600)",
    "daemon": (
        "if not os.fork():\n os.setsid()\n if os.fork(): os._exit(0)\n time.sleep(600)\nos.wait()\ntime.sleep(600)"
    ),
    "subprocess": "import subprocess\nsubprocess.run(['sleep', '600'])",
    "detached_subprocess": (
        "import subprocess\nsubprocess.Popen(['sleep', '600'], start_new_session=True, stdin=subprocess.DEVNULL, "
        "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\ntime.sleep(600)"
    ),
    "thread": "import threading\nthreading.Thread(target=time.sleep, args=(600,)).start()\ntime.sleep(600)",
    "many_threads": (
        "import threading\nfor _ in range(50): threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "time.sleep(600)"
    ),
    "thread_pool": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor() as pool: list(pool.map(time.sleep, [600] * 4))"
    ),
    "multiprocessing": (
        "import multiprocessing\nmultiprocessing.get_context('fork').Process(target=time.sleep, args=(600,)).start()\n"
        "time.sleep(600)"
    ),
    "prints_without_end": "while True: print('x' * 1000)",
    "stopped": "import signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "waits_for_a_lock": "import fcntl\nr, w = os.pipe()\nos.read(r, 1)",
    "exit_handler_that_hangs": "import atexit\natexit.register(time.sleep, 600)\ntime.sleep(600)",
    "temporary_file_open": "import tempfile\nf = tempfile.TemporaryFile()\ntime.sleep(600)",
    "asyncio": "import asyncio\nasyncio.run(asyncio.sleep(600))",
    "closes_descriptors": "os.closerange(0, 3)\ntime.sleep(600)",
    "c_code": "import ctypes\nctypes.CDLL(None).sleep(600)",
    "sql": "import sqlite3\nsqlite3.connect(':memory:').execute("
    "'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT max(x) FROM c').fetchall()",
}


def _ways() -> Iterator[Way]:
    for database in (SQLITE, POSTGRESQL):
        for phase in APPLICATION_PHASES:
            yield Way(phase, ("TERM",), database, quick=(phase, database) == ("comparison", POSTGRESQL))
            yield Way(phase, ("INT",), database, quick=(phase, database) == ("models", SQLITE))
            yield Way(phase, ("KILL",), database, quick=(phase, database) == ("inside revision", POSTGRESQL))
        for phase in ("models", "inside revision", "comparison"):
            yield Way(phase, ("HUP",), database)
            yield Way(phase, ("QUIT",), database)
            yield Way(phase, ("ABRT",), database)
            yield Way(phase, ("INT", "INT"), database)
            yield Way(phase, ("INT", "TERM"), database)
            yield Way(phase, ("TERM", "TERM", "HUP", "INT"), database)
            yield Way(phase, ("TERM",), database, start="background", quick=phase == "models" and database == SQLITE)
            yield Way(phase, ("KILL",), database, start="background")
            yield Way(phase, ("TERM",), database, start="nohup")
    for phase in SERVER_PHASES:
        for name in ("INT", "TERM", "KILL", "QUIT"):
            yield Way(phase, (name,), POSTGRESQL, quick=(phase, name) == ("server", "TERM"))
        yield Way(phase, ("TERM",), POSTGRESQL, start="background", quick=phase == "data")
    for name, code in BEHAVIOURS.items():
        for number in ("INT", "KILL"):
            quick = (name, number) in {("ignores_signals", "INT"), ("daemon", "KILL")}
            yield Way("env", (number,), SQLITE, code, name=name, quick=quick)


WAYS = list(_ways())


def _parameter(way: Way) -> object:
    return pytest.param(way, id=way.id, marks=() if way.quick else pytest.mark.trust)


@dataclass
class Place:
    """Where one way happens: its folder for temporary files, its cache, and what marks its processes."""

    folder: Path
    cache: Path
    record: Callable[[str, object], None]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def mark(self) -> Path:
        return self.folder / "reached"

    @property
    def temporary(self) -> Path:
        return self.folder / "t"

    def start(
        self,
        project: Project,
        *arguments: str,
        phase: str = "",
        code: str = "",
        start: str = "foreground",
        start_new_session: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Start the tool."""
        return self.run(
            [*STARTS[start], *TOOL, "--full", *arguments],
            project,
            start_new_session=start_new_session,
            WAY_PHASE=phase,
            WAY_CODE=code,
        )

    def run(
        self, command: Sequence[str], project: Project, *, start_new_session: bool = False, **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start a program with the variables of this way."""
        own = {"TMPDIR": str(self.temporary), "XDG_CACHE_HOME": str(self.cache), "WAY_MARK": str(self.mark)}
        with (self.folder / "stdout").open("wb") as stdout, (self.folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                command,
                cwd=project.folder,
                env=environ(**own, **variables),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=start_new_session,
            )
        self.processes.append(process)
        return process

    def wait_for(self, reached: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
        """Wait until a phase is reached."""
        deadline = time.monotonic() + LIMIT
        while not reached():
            assert process.poll() is None, f"ended before with {process.returncode}\n{self.said()}"
            assert time.monotonic() < deadline, f"never got there\n{self.said()}"
            time.sleep(0.002)

    def said(self) -> str:
        """What a person gets to read, but for what the application prints."""
        lines = (self.folder / "stderr").read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if not line.startswith("xxx"))[-3000:]

    def ended(self, process: subprocess.Popen[bytes]) -> int:
        """The exit status as a shell shows it."""
        code = process.wait(LIMIT)
        return 128 - code if code < 0 else code

    def left(self) -> dict[str, object]:
        """Processes, temporary files, and files in the cache that are no cache."""
        return {
            "processes": running(str(self.folder)),
            "temporary": sorted(path.name for path in self.temporary.iterdir()),
            "cache": sorted(path.name for path in self.cache.rglob("*") if path.is_file() and path.suffix != ".pgdata"),
        }

    def check(self, project: Project, *, killed: bool) -> None:
        """Nothing is left: at once, or when it was killed, after the next run."""
        nothing: dict[str, object] = {"processes": {}, "temporary": [], "cache": []}
        deadline = time.monotonic() + PATIENCE
        if killed:
            while running(str(self.folder)) and time.monotonic() < deadline:
                time.sleep(0.02)
            if self.left() != nothing:
                process = self.start(project)
                assert self.ended(process) == 0, self.said()
                deadline += AT_MOST
        while killed and running(str(self.folder)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self.left() == nothing, self.said()


@pytest.fixture(scope="module")
def cache() -> Iterator[Path]:
    """A cache that earlier runs filled."""
    folder = short_folder("kc")
    project = make_project(folder / "project", POSTGRESQL)
    (folder / "t").mkdir()
    variables = {"TMPDIR": str(folder / "t"), "XDG_CACHE_HOME": str(folder / "cache")}
    subprocess.run(TOOL, cwd=project.folder, env=environ(**variables), check=True, capture_output=True)
    yield folder / "cache"
    remove(folder)


@pytest.fixture(scope="module")
def projects() -> Iterator[dict[str, Project]]:
    """The project on either database."""
    folder = short_folder("kp")
    yield {database: make_project(folder / database, database) for database in (SQLITE, POSTGRESQL)}
    remove(folder)


@pytest.fixture
def place(cache: Path, record_property: Callable[[str, object], None]) -> Iterator[Place]:
    """The place of one way."""
    folder = short_folder("k")
    (folder / "t").mkdir()
    made = Place(folder, cache, record_property)
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.kill()
            process.wait()
    for pid in running(str(folder)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    remove(folder)


def send(process: subprocess.Popen[bytes], names: Sequence[str]) -> None:
    """Send signals, with a moment between them."""
    for number, name in enumerate(names):
        if number:
            time.sleep(0.02)
        process.send_signal(signal.Signals[f"SIG{name}"])


def _reached(place: Place, phase: str) -> Callable[[], object]:
    if phase == "folder":
        return lambda: list(place.temporary.glob("alembic-review-*"))
    if phase == "data":  # initdb is at work
        return lambda: list(place.temporary.glob("alembic-review-*/data/base"))
    if phase == "server":
        return lambda: list(place.temporary.glob("alembic-review-*/data/postmaster.pid"))
    if phase == "socket":
        return lambda: list(place.temporary.glob("alembic-review-*/socket/.s*"))
    return place.mark.exists


@pytest.mark.parametrize("way", [_parameter(way) for way in WAYS])
def test_signal(way: Way, place: Place, projects: dict[str, Project]) -> None:
    project = projects[way.database]
    before = project.files()
    phase = way.phase
    if phase in SERVER_PHASES:
        place.cache = place.folder / "cache" if phase in {"folder", "data"} else place.cache
        place.cache.mkdir(exist_ok=True)
        phase = "models"  # does not get further than that
    process = place.start(project, phase=phase, code=way.code, start=way.start)
    place.wait_for(_reached(place, way.phase), process)
    if way.code:
        time.sleep(0.05)  # the application does what it does
    send(process, way.signals)
    status = place.ended(process)
    place.record("outcome", f"exit {status}")
    assert status == way.expected, place.said()
    assert "Traceback" not in place.said()
    place.check(project, killed=way.signals[0] in KILLED)
    assert project.files() == before


DELAYS = (0, 50, 100, 200, 300, 400, 500, 700, 900, 1200)


@pytest.mark.trust
@pytest.mark.parametrize("milliseconds", DELAYS)
@pytest.mark.parametrize("name", ["TERM", "KILL"])
def test_signal_at_any_time(name: str, milliseconds: int, place: Place, projects: dict[str, Project]) -> None:
    project = projects[POSTGRESQL]
    process = place.start(project, phase="end of env")
    time.sleep(milliseconds / 1000)
    send(process, [name])
    status = place.ended(process)
    place.record("outcome", f"exit {status}")
    assert status == STATUS[name], place.said()
    assert "Traceback" not in place.said()
    place.check(project, killed=True)


def hanging_program(path: Path, mark: Path) -> Path:
    """A program that says that it runs, and hangs."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n: > {mark}\nsleep 600\n")
    path.chmod(0o755)
    return path


def fifo_is_read(path: Path) -> Callable[[], object]:
    """Whether somebody waits for what comes through a FIFO."""

    def is_read() -> bool:
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            return error.errno != errno.ENXIO
        return True

    return is_read


@pytest.mark.parametrize("name", ["INT", "TERM", pytest.param("KILL", marks=pytest.mark.trust)])
@pytest.mark.parametrize(
    "where",
    [
        pytest.param("report", marks=pytest.mark.trust),
        pytest.param("interpreter", marks=pytest.mark.trust),
        pytest.param("git", marks=pytest.mark.trust),
        "saved_report",
    ],
)
def test_signal_while_the_tool_waits(where: str, name: str, place: Place, projects: dict[str, Project]) -> None:
    project = projects[SQLITE]
    fifo = place.folder / "fifo"
    reached: Callable[[], object] = place.mark.exists
    arguments: tuple[str, ...] = ()
    path = os.environ["PATH"]
    if where == "report":
        os.mkfifo(fifo)
        arguments = ("-o", f"markdown={place.mark}", "-o", f"json={fifo}")
    elif where == "interpreter":
        arguments = ("--python", str(hanging_program(place.folder / "bin" / "python", place.mark)))
    elif where == "git":
        hanging_program(place.folder / "bin" / "git", place.mark)
        path = f"{place.folder / 'bin'}{os.pathsep}{path}"
        arguments = ("--since", "main")
    else:
        os.mkfifo(fifo)
        arguments = ("render", str(fifo))
        held = os.open(fifo, os.O_RDWR)  # or the tool would read the end of it at once
        reached = lambda: _opened(process, fifo)  # noqa: E731
    process = place.run([*TOOL, *arguments], project, PATH=path)
    place.wait_for(reached, process)
    time.sleep(0.02)
    send(process, [name])
    status = place.ended(process)
    if where == "saved_report":
        os.close(held)
    place.record("outcome", f"exit {status}")
    assert status == STATUS[name], place.said()
    assert "Traceback" not in place.said()
    place.check(project, killed=name == "KILL")


def _opened(process: subprocess.Popen[bytes], path: Path) -> bool:
    found = Path(f"/proc/{process.pid}/fd")
    with suppress(OSError):
        return any(os.path.realpath(entry) == str(path) for entry in found.iterdir())
    return False


def on_a_terminal(place: Place, project: Project, phase: str) -> tuple[subprocess.Popen[bytes], int]:
    """A run that a terminal of its own controls; the terminal's other end."""
    ours, theirs = pty.openpty()
    code = (
        "import fcntl, os, sys, termios\nos.setsid()\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    variables = {"TMPDIR": str(place.temporary), "XDG_CACHE_HOME": str(place.cache), "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *TOOL],
        cwd=project.folder,
        env=environ(**variables, WAY_PHASE=phase, WAY_MARK=str(place.mark), WAY_CODE=""),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    (place.folder / "stderr").touch()
    place.processes.append(process)
    return process, ours


TERMINALS = {
    "ctrl_c": (b"\x03", 130),
    "ctrl_c_twice": (b"\x03\x03", 130),
    "ctrl_backslash": (b"\x1c", 131),
    "closed": (b"", 129),
}


@pytest.mark.parametrize("database", [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.trust)])
@pytest.mark.parametrize("phase", [pytest.param("models", marks=pytest.mark.trust), "comparison"])
@pytest.mark.parametrize(
    "key",
    ["ctrl_c", "closed", *(pytest.param(key, marks=pytest.mark.trust) for key in ("ctrl_c_twice", "ctrl_backslash"))],
)
def test_terminal(key: str, phase: str, database: str, place: Place, projects: dict[str, Project]) -> None:
    project = projects[database]
    process, terminal = on_a_terminal(place, project, phase)
    try:
        place.wait_for(place.mark.exists, process)
        keys, expected = TERMINALS[key]
        if keys:
            os.write(terminal, keys)
        else:
            os.close(terminal)
            terminal = -1
        status = place.ended(process)
    finally:
        if terminal >= 0:
            os.close(terminal)
    place.record("outcome", f"exit {status}")
    assert status == expected
    place.check(project, killed=key == "ctrl_backslash")


@pytest.mark.trust
@pytest.mark.parametrize("database", [SQLITE, POSTGRESQL])
@pytest.mark.parametrize(
    "how", ["group", "shell", "pipe_reader", "ignored_INT", "ignored_HUP", "continued", "ignored_PIPE"]
)
def test_others(how: str, database: str, place: Place, projects: dict[str, Project]) -> None:
    """Signals that do not end the run, and ends of others around it: TERM is what ends the run."""
    project = projects[database]
    start = {"ignored_INT": "background", "ignored_HUP": "nohup"}.get(how, "foreground")
    if how == "shell":
        pid_file = place.folder / "pid"
        command = ("/bin/sh", "-c", '"$@" & echo $! >"$WAY_PID"; wait', "sh", *TOOL)
        process = place.run(command, project, WAY_PHASE="comparison", WAY_CODE="", WAY_PID=str(pid_file))
    else:
        process = place.start(project, phase="comparison", start=start, start_new_session=how == "group")
    place.wait_for(place.mark.exists, process)
    if how == "group":
        os.killpg(process.pid, signal.SIGTERM)
    elif how == "shell":  # the run itself lives on without its shell
        pid = int(pid_file.read_text())
        send(process, ["KILL"])
        process.wait()
        time.sleep(0.2)
        assert pid in running(str(place.folder))
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + AT_MOST
        while pid in running(str(place.folder)) and time.monotonic() < deadline:
            time.sleep(0.02)
        place.record("outcome", "terminated")
        place.check(project, killed=False)
        return
    else:
        signals = {
            "ignored_INT": ["INT", "QUIT"],
            "ignored_HUP": ["HUP"],
            "continued": ["STOP", "CONT"],
            "ignored_PIPE": ["PIPE"],
            "pipe_reader": ["WINCH"],
        }[how]
        send(process, signals)
        time.sleep(0.2)
        assert process.poll() is None, place.said()
        send(process, ["TERM"])
    status = place.ended(process)
    place.record("outcome", f"exit {status}")
    assert status == 143, place.said()
    place.check(project, killed=False)


PARTS = ("models", "inside revision", "comparison", "downgrade")
INITIAL = 3  # databases of a new server: template0, template1 and postgres


@pytest.mark.trust
@pytest.mark.parametrize("name", ["KILL", "SEGV"])
@pytest.mark.parametrize("phase", PARTS)
@pytest.mark.parametrize("victim", ["worker", "server"])
def test_a_part_is_killed(victim: str, name: str, phase: str, place: Place, projects: dict[str, Project]) -> None:
    """The run ends by itself with exit status 3, or without what it could not try."""
    project = projects[POSTGRESQL]
    code = "while not os.path.exists(os.environ['WAY_MARK'] + '.go'): time.sleep(0.01)"
    process = place.start(project, phase=phase, code=code)
    place.wait_for(place.mark.exists, process)
    # The server is ready when the first scratch database is there; one that ends before is started once more.
    place.wait_for(lambda: len(list(place.temporary.glob("alembic-review-*/data/base/*"))) > INITIAL, process)
    time.sleep(0.3)
    text = "worker/__main__.py" if victim == "worker" else "config_file="
    (pid,) = [
        pid
        for pid, line in running(str(place.folder)).items()
        if text in line and "watched" not in line and _parent(pid) in {process.pid, 1, os.getpid()}
    ][:1]
    os.kill(pid, signal.Signals[f"SIG{name}"])
    place.mark.with_suffix(".go").touch()
    status = place.ended(process)
    place.record("outcome", f"exit {status}")
    assert status == (0 if phase == "downgrade" else 3), place.said()
    assert "Traceback" not in place.said()
    place.check(project, killed=False)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
