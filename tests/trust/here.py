"""Runs of the command line inside this process, for the many ways that differ in the application's code only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from alembic_review.cli import run
from tests.apps.harness import Application

FORMATS = ("terminal", "markdown", "html", "json", "sarif", "github", "gitlab")


@dataclass(frozen=True)
class Outcome:
    """What one run left: its exit status, the JSON report, the text of each report, and stderr."""

    status: int
    report: dict[str, Any]
    reports: Mapping[str, str]
    stderr: str

    @property
    def not_checked(self) -> str:
        return "\n".join(self.report["provenance"]["not_checked"])

    @property
    def failure(self) -> str:
        failure = self.report.get("failure")
        return f"{failure['message']}\n{failure['hint']}" if failure else ""

    def explain(self) -> str:
        """The run in short, for the message of a failing test."""
        changes = [(change["verdict"], change["kind"], change["table"]) for change in self.report.get("changes", ())]
        lines = [f"exit {self.status}", self.failure, str(changes), "not checked:", self.not_checked]
        return "\n".join([*lines, "stderr:", self.stderr])


def review(
    application: Application,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *arguments: str,
    formats: tuple[str, ...] = ("json",),
    conf: str | None = "alembic.ini",
) -> Outcome:
    """Review from the working directory, which the caller has changed to the project; reports go to ``folder``."""
    folder.mkdir()
    files = {name: folder / name for name in (*formats, "json")}
    named = [part for name, file in files.items() for part in ("-o", f"{name}={file}")]
    conf_arguments = ["-c", conf] if conf is not None else []
    capsys.readouterr()
    status = run([*conf_arguments, "--python", str(application.environment.python), *named, *arguments])
    told = capsys.readouterr()
    reports = {name: file.read_text() for name, file in files.items() if file.exists()}
    report = json.loads(reports["json"]) if "json" in reports else {}
    return Outcome(status, report, {**reports, "stdout": told.out}, told.err)
