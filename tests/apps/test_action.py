"""The action's own script on the sample application, with the real tool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reports.formats.test_github import commands
from tests.reports.formats.test_sarif import VALIDATOR
from tests.test_ci import script

from .edits import Edit, Write
from .harness import POSTGRESQL, Application, make_application

pytestmark = pytest.mark.one_stack


def review(folder: Path, *edits: Edit) -> tuple[Application, subprocess.CompletedProcess[str]]:
    application = make_application(folder / "app", edits, database=POSTGRESQL, clean=False)
    tool = folder / "venv" / "bin" / "alembic-review"
    tool.parent.mkdir(parents=True)
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m alembic_review "$@"\n')
    tool.chmod(0o755)
    given = {
        "FOLDER": str(folder),
        "CONFIG": "app/acme.conf",
        "APPLICATION_PYTHON": str(application.environment.python),
    }
    runner = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(folder / "output")}
    runner["GITHUB_STEP_SUMMARY"] = str(folder / "summary")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script("Review")],
        cwd=application.project,
        env={**os.environ, **given, **runner, "ARGUMENTS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    return application, done


def annotated(done: subprocess.CompletedProcess[str]) -> list[str | None]:
    lines = "".join(line for line in done.stdout.splitlines(keepends=True) if line.startswith("::"))
    return [command.properties.get("file") for command in commands(lines) if command.name == "error"]


def test_a_refused_review_is_in_the_log_the_summary_and_the_reports(tmp_path: Path) -> None:
    application, done = review(tmp_path)

    outputs = (tmp_path / "output").read_text().splitlines()
    assert outputs == ["written=true", "status=1", f"reports={tmp_path}/reports"]
    assert "BLOCKED  2 problems (3 changes)" in done.stdout
    _verdict, *places = annotated(done)
    assert places == ["poser/db/model/catalog.py"] * 3
    assert (application.project / str(places[0])).exists()
    assert (tmp_path / "summary").read_text() == (tmp_path / "reports" / "review.md").read_text()
    assert json.loads((tmp_path / "reports" / "review.json").read_text())["outcome"] == "blocked"
    VALIDATOR.validate(json.loads((tmp_path / "reports" / "review.sarif").read_text()))


def test_a_review_that_could_not_be_made_is_an_annotation_too(tmp_path: Path) -> None:
    _, done = review(tmp_path, Write("site:acme/db/alembic/env.py", 'raise RuntimeError("the moon is full")\n'))

    assert "status=3" in (tmp_path / "output").read_text().splitlines()
    assert annotated(done) == [None]
    assert "the moon is full" in (tmp_path / "summary").read_text()
