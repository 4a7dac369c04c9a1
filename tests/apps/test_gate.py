"""The gate over whole runs: every kind, several of them, from the settings, and never over a run that failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alembic_review.reports import REPORTS

from .edits import Append, Edit, Replace, Write
from .harness import POSTGRESQL, Application, make_application, run_tool
from .scenario import check_every_run

pytestmark = pytest.mark.one_stack

STORE = Replace(
    "site:acme/db/model/stores.py", 'sa.Index("ix_store_city", "city")', 'sa.Index("ix_store_town", "city")'
)
SETTINGS = '\n[tool.alembic-review]\nfail-on = ["upstream"]\n'
# The sample as it is, with an index that its framework has renamed in the models and in no revision.
BLOCKED, PENDING, UPSTREAM, WARNING = "3 blocked changes", "9 pending changes", "2 upstream changes", "8 warnings"


def application(folder: Path, *edits: Edit) -> Application:
    return make_application(folder, (STORE, *edits), database=POSTGRESQL, clean=False)


def refused(application: Application, *kinds: str) -> list[str]:
    """The reasons of a run, whose exit status has to agree with them."""
    run = run_tool(application, *(word for kind in kinds for word in ("--fail-on", kind)))
    assert run.report is not None, run.explain()
    check_every_run(run, application)
    gate = run.report["gate"]
    assert run.status == int(gate["refused"]) == int(bool(gate["reasons"])), run.explain()
    assert run.report["outcome"] == "blocked"
    return list(gate["reasons"])


def test_kinds_add_up_and_never_only_reports(tmp_path: Path) -> None:
    poser = application(tmp_path)
    assert refused(poser) == [BLOCKED]
    assert refused(poser, "warning", "pending") == [BLOCKED, PENDING, WARNING]
    assert refused(poser, "never") == []
    Append("pyproject.toml", SETTINGS).apply(poser.locate)
    assert refused(poser, "pending") == [BLOCKED, PENDING, UPSTREAM]


def test_severity_makes_errors_of_warnings_and_leaves_what_blocks(tmp_path: Path) -> None:
    poser = application(tmp_path)
    Append("pyproject.toml", '\n[tool.alembic-review]\nseverity = { AR101 = "off", AR106 = "info" }\n').apply(
        poser.locate
    )
    assert refused(poser) == [BLOCKED]
    Replace("pyproject.toml", "AR106", "AR999").apply(poser.locate)
    run = run_tool(poser)
    assert (run.status, run.report) == (2, None), run.explain()
    assert "names AR999, which is not the code of a check" in run.stderr


@pytest.mark.parametrize("kinds", [(), ("never",)], ids=["default", "never"])
def test_a_failed_run_is_3_and_every_report_says_why(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    poser = application(tmp_path, Write("site:acme/db/alembic/env.py", 'raise RuntimeError("the moon is full")\n'))
    files = {report.name: tmp_path / f"report.{report.name}" for report in REPORTS}
    for file in files.values():
        file.write_text("of an earlier run")

    outputs = [word for name, file in files.items() for word in ("-o", f"{name}={file}")]
    run = run_tool(poser, *outputs, *(word for kind in kinds for word in ("--fail-on", kind)))

    assert run.status == 3, run.explain()
    check_every_run(run, poser)
    saved = json.loads(files["json"].read_text())
    assert (saved["outcome"], saved["gate"]["refused"]) == ("failed", True)
    assert "the moon is full" in saved["failure"]["message"]
    told = {name: " ".join(file.read_text().split()) for name, file in files.items()}  # however it is wrapped
    assert [name for name, text in told.items() if "the moon is full" not in text] == []
