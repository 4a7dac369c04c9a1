"""An unusual environment for one run of the tool: how it is described, made, and checked."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.trust.plain import SQLITE, TOOL, Project, environ, make_project, remove, running, short_folder

LIMIT = 120.0
LONGEST = 4000  # characters on standard error
NOBODY = 65534

Prepare = Callable[["Place"], None]


@dataclass(frozen=True)
class Way:
    """One environment and the only right end of a run in it.

    ``shell`` starts the tool, which is ``"$@"`` to it. In the values of ``variables``, ``{folder}`` is the folder of
    the way; ``None`` takes a variable away. ``said`` is a pattern that standard error matches; without one, a run that
    passes has said nothing.
    """

    name: str
    status: int = 0
    said: str = ""
    database: str = SQLITE
    variables: Mapping[str, str | None] = field(default_factory=dict)
    shell: str = 'exec "$@"'
    argv: tuple[str, ...] = ()
    prepare: Prepare | None = None
    reports: bool = True
    quick: bool = False

    @property
    def id(self) -> str:
        return self.name if self.database == SQLITE else f"{self.name}-{self.database}"


@dataclass
class Place:
    """The folder of one way: a project, a home, a folder for temporary files; ``cache`` is the cache folder."""

    folder: Path
    project: Project
    cache: Path
    prepared: set[Path] = field(default_factory=set)

    def prepare(self, way: Way) -> None:
        """Make what the way needs."""
        if way.prepare is not None:
            way.prepare(self)
        self.prepared = self.files()

    @property
    def temporary(self) -> Path:
        return self.folder / "t"

    @property
    def report(self) -> Path:
        return self.folder / "out" / "report.json"

    @property
    def cached(self) -> Path:
        """The one file of the cache."""
        (file,) = self.cache.glob("alembic-review/*.pgdata")
        return file

    def own_cache(self) -> Path:
        """From now on, use a copy of the cache, whose one file is returned."""
        copied = self.folder / "cache"
        shutil.copytree(self.cache, copied)
        (copied / "alembic-review").chmod(0o700)
        self.cache = copied
        return self.cached

    def start(self, way: Way) -> subprocess.Popen[bytes]:
        """Start the tool."""
        given = {
            "TMPDIR": str(self.temporary),
            "HOME": str(self.folder / "home"),
            "XDG_CACHE_HOME": str(self.cache),
            "WAY_FOLDER": str(self.folder),
            "WAY_STATUS": str(self.folder / "status"),
        }
        variables = {**environ(**given), **way.variables}
        ready = {
            name: value.replace("{folder}", str(self.folder)) for name, value in variables.items() if value is not None
        }
        arguments = ["-o", "terminal", "-o", f"json={self.report}"] if way.reports else []
        arguments += [text.replace("{folder}", str(self.folder)) for text in way.argv]
        with (self.folder / "out" / "stdout").open("wb") as out, (self.folder / "out" / "stderr").open("wb") as err:
            return subprocess.Popen(
                ["/bin/sh", "-c", way.shell, "sh", *TOOL, *arguments],
                cwd=self.project.folder,
                env=ready,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def run(self, way: Way) -> int:
        """Run the tool to its end, and return its exit status as a shell shows it."""
        process = self.start(way)
        try:
            code = process.wait(LIMIT)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        kept = self.folder / "status"
        code = int(kept.read_text()) if kept.exists() else code
        return 128 - code if code < 0 else code

    @property
    def stderr(self) -> str:
        """What a person gets to read, but for what the application prints."""
        text = (self.folder / "out" / "stderr").read_text(errors="surrogateescape")
        return "".join(line for line in text.splitlines(keepends=True) if line.strip("x\n"))

    def result(self) -> dict[str, Any]:
        """What the JSON report says of the project, without what differs between two runs."""
        found = json.loads(self.report.read_text())
        return {key: found[key] for key in ("outcome", "gate", "changes", "findings", "summary")}

    def left(self) -> dict[str, object]:
        """Processes and temporary files."""
        return {
            "processes": running(str(self.folder)),
            "temporary": sorted(str(path) for path in self.files() - self.prepared),
        }

    def files(self) -> set[Path]:
        """Everything in the folder for temporary files."""
        return set(self.temporary.rglob("*"))

    def end(self) -> None:
        """End and remove what is left."""
        for pid in running(str(self.folder)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        remove(self.folder)


def make_place(database: str, cache: Path) -> Place:
    """The place of one way."""
    folder = short_folder("a")
    for name in ("t", "home", "out"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)
    project = make_project(folder / "project", database)
    return Place(folder, project, cache)


def check(way: Way, place: Place, status: int, expected: Mapping[str, Any]) -> None:
    """Hold a finished run to what the way says."""
    said = place.stderr
    assert status == way.status, said
    assert "Traceback" not in said, said
    assert "itself failed" not in said, said
    assert len(said) < LONGEST, f"{len(said)} characters: {said[:500]}"
    assert re.search(way.said, said) if way.said else status or not said, said
    if way.status in {2, 3} and said:
        assert re.search("^(Error|Usage)", said, re.MULTILINE), said
    if way.status == 0 and way.reports:
        assert place.result() == expected
    assert place.left() == {"processes": {}, "temporary": []}, said


def as_nobody(place: Place) -> None:
    """Give the project, and what the run writes to, to an account without any rights."""
    for path in (place.folder, *place.folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
