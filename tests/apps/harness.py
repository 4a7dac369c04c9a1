"""Builds the application of a scenario and runs the tool on it, as a subprocess."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .edits import CLEAN, Edit, unchanged
from .environments import FIXTURES, Environment, install, install_editable, make_environment

POSTGRESQL = "postgresql"
SQLITE = "sqlite"
PASSWORD = "s3cr%et"
NO_CACHE = "ALEMBIC_REVIEW_NO_CACHE"
# Set by a session that runs all of these tests with the cache as well; the value is a file that lists its use, if any.
TWICE = "ALEMBIC_REVIEW_TESTS_WITH_CACHE"
# Set by `nox -s tests-large`: proofs are part of every run.
PROVE_ALL = "ALEMBIC_REVIEW_TESTS_PROVE"
# A run that hangs must not hang the tests; the tool's own limit is far above what any of these needs.
LIMIT_SECONDS = 90

_IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info")


@dataclass(frozen=True)
class Application:
    """A project on disk and the environment it is installed in."""

    folder: Path
    project: Path
    environment: Environment

    def locate(self, path: str) -> Path:
        """Where a path of an edit lies."""
        if path.startswith("site:"):
            return self.environment.site_packages / path.removeprefix("site:")
        if path.startswith("env:"):
            return self.environment.folder / path.removeprefix("env:")
        return self.project / path


@dataclass(frozen=True)
class Run:
    """What one run of the tool left: ``report`` is ``None`` when stdout held no JSON document."""

    status: int
    report: dict[str, Any] | None
    stdout: str
    stderr: str
    command: tuple[str, ...] = field(repr=False)

    @property
    def said(self) -> str:
        """Everything a person gets to read."""
        return self.stdout + self.stderr

    def explain(self) -> str:
        """The run in short, for the message of a failing test."""
        lines = [f"$ {' '.join(self.command)}", f"exit {self.status}", "--- stdout"]
        if self.report is None:
            lines.append(self.stdout)
        else:
            heads = ("outcome", "gate", "summary", "failure", "provenance")
            lines += [f"{name}: {self.report.get(name)}" for name in heads]
            lines += [_brief(change, "verdict", "kind", "cause", "reason") for change in self.report["changes"]]
            lines += [_brief(finding, "code", "blocks", "message", "hint") for finding in self.report["findings"]]
        return "\n".join([*lines, "--- stderr", self.stderr])


def _brief(entry: dict[str, Any], *names: str) -> str:
    place = entry["location"] and f"{entry['location']['path']}:{entry['location']['line']}"
    where = ".".join(str(entry.get(name)) for name in ("schema", "table", "name"))
    return f"* {where} {[entry[name] for name in names]} {place}"


def copy_tree(source: Path, target: Path, rename: Callable[[str], str] = unchanged) -> None:
    """Copy a fixture; ``rename`` goes over file names and texts."""
    if rename is unchanged:
        shutil.copytree(source, target, ignore=_IGNORED, dirs_exist_ok=True)
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            copied = target / rename(str(path.relative_to(source)))
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_text(rename(path.read_text()))


def make_application(
    folder: Path,
    edits: Iterable[Edit] = (),
    *,
    database: str = SQLITE,
    clean: bool = True,
    rename: Callable[[str], str] = unchanged,
) -> Application:
    """Poser in ``folder/project``, installed in editable mode beside acme and chronicle in ``folder/env``."""
    environment = make_environment(folder / "env")
    for name in ("chronicle", "acme"):
        source = FIXTURES / name
        if rename is not unchanged:
            copy_tree(source, folder / "sources" / rename(name), rename)
            source = folder / "sources" / rename(name)
        install(environment, source)
    application = Application(folder, folder / "project", environment)
    copy_tree(FIXTURES / rename("poser") if rename is unchanged else FIXTURES / "poser", application.project, rename)
    if database == SQLITE:
        _use_sqlite(application.project / rename("app/acme.conf"))
    for edit in (*(CLEAN if clean else ()), *edits):
        edit.apply(application.locate, rename)
    install_editable(environment, application.project)
    return application


def make_project(folder: Path, fixture: str, edits: Iterable[Edit] = ()) -> Application:
    """One of the plain Alembic projects in ``folder/project``, with an environment that holds the stack only."""
    application = Application(folder, folder / "project", make_environment(folder / "env"))
    copy_tree(FIXTURES / fixture, application.project)
    for edit in edits:
        edit.apply(application.locate)
    return application


def _use_sqlite(conf: Path) -> None:
    text, count = re.subn(r"(?m)^url = .*$", "url = sqlite:///%(here)s/poser.db", conf.read_text())
    if count != 1:
        message = f"{conf} has no single url"
        raise ValueError(message)
    conf.write_text(text)


def run_tool(
    application: Application,
    *arguments: str,
    conf: str | None = "app/acme.conf",
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    python: bool = True,
) -> Run:
    """Run the tool on ``application`` with a JSON report on stdout, from ``folder`` (default: the project).

    Without ``python``, it has to find the application's interpreter by itself.
    """
    command = [sys.executable, "-m", "alembic_review", *(("-c", conf) if conf else ())]
    command += ["--python", str(application.environment.python)] if python else []
    command += ["-o", "json=-", *arguments]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environ.update(variables or {})
    found = _run(command, folder or application.project, environ)
    if TWICE in environ:
        require_same_with_cache(found, command, folder or application.project, environ)
    return found


def run_without_proofs(application: Application, *arguments: str, **options: Any) -> Run:
    """As ``run_tool``, without the proofs: they take a third of the time of a run that shows something else."""
    return run_tool(application, *(() if PROVE_ALL in os.environ else ("--no-prove",)), *arguments, **options)


def require_same_with_cache(plain: Run, command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> list[str]:
    """The same run with the cache, twice, differs in nothing but provenance; how the cache was used in both."""
    cached = {name: value for name, value in environ.items() if name not in (NO_CACHE, TWICE)}
    uses = []
    for _ in range(2):
        again = _run(command, folder, cached)
        assert again.status == plain.status, again.explain()
        found = list(differing(comparable(again.report), comparable(plain.report)))
        assert not found, "\n".join([str(again.report and again.report["provenance"]["cache"]), *found])
        uses.append(str(again.report and again.report["provenance"]["cache"]))
    with (Path(environ[TWICE]) if environ.get(TWICE) else Path(os.devnull)).open("a") as log:
        log.write(f"{uses} {os.environ.get('PYTEST_CURRENT_TEST')}\n")
    return uses


def differing(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Where two JSON documents differ, and how."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from differing(one.get(key), other.get(key), f"{place}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differing(left, right, f"{place}[{number}]")
    elif one != other:
        yield f"{place}: {one!r}, not {other!r}"


def comparable(report: dict[str, Any] | None) -> dict[str, Any] | None:
    """A report without what differs between two equal runs, but with the rest of its provenance."""
    if report is None:
        return None
    changing = ("timings_ms", "date", "cache")
    kept = {name: value for name, value in report["provenance"].items() if name not in changing}
    return {**report, "provenance": kept}


def _run(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Run:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return Run(done.returncode, _document(done.stdout), done.stdout, done.stderr, tuple(command))


def run_alembic(application: Application, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run plain Alembic in the application's environment, for comparison."""
    command: Sequence[str] = (str(application.environment.python), "-m", "alembic", *arguments)
    return subprocess.run(command, cwd=application.project, capture_output=True, text=True, check=False)


def _document(stdout: str) -> dict[str, Any] | None:
    try:
        document = json.loads(stdout)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
