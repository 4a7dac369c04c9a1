"""The gate over whole runs: every kind, several of them, from the settings, and never over a run that failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alembic_review.model.settings import FailOn
from alembic_review.reports import REPORTS

from .edits import Append, Edit, Replace, Write
from .harness import Application, make_application, run_tool
from .scenario import check_every_run

pytestmark = pytest.mark.one_stack

STORE = Replace(
    "site:acme/db/model/stores.py", 'sa.Index("ix_store_city", "city")', 'sa.Index("ix_store_town", "city")'
)
SETTINGS = '\n[tool.alembic-review]\nfail-on = ["pending", "upstream"]\n'
# The sample as it is, with an index that its framework has renamed in the models and in no revision.
REASONS = {
    FailOn.BLOCKED: "3 blocked changes",
    FailOn.PENDING: "4 pending changes",
    FailOn.UPSTREAM: "2 upstream changes",
    FailOn.ERROR: "3 errors",
    FailOn.WARNING: "1 warning",
}


def application(folder: Path, *edits: Edit) -> Application:
    return make_application(folder, (STORE, *edits), clean=False)


def refused(application: Application, *kinds: str) -> list[str]:
    """The reasons of a run, whose exit status has to agree with them."""
    run = run_tool(application, *(word for kind in kinds for word in ("--fail-on", kind)))
    assert run.report is not None, run.explain()
    check_every_run(run, application)
    gate = run.report["gate"]
    assert run.status == int(gate["refused"]) == int(bool(gate["reasons"])), run.explain()
    assert run.report["outcome"] == "blocked"
    return list(gate["reasons"])


def test_every_kind_refuses_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    poser = application(tmp_path)
    found = {kind: refused(poser, kind.value) for kind in FailOn}
    assert found == {**{kind: [reason] for kind, reason in REASONS.items()}, FailOn.NEVER: []}


def test_the_default_is_blocked_and_several_kinds_add_up(tmp_path: Path) -> None:
    poser = application(tmp_path)
    assert refused(poser) == [REASONS[FailOn.BLOCKED]]
    assert refused(poser, "warning", "pending") == [REASONS[FailOn.WARNING], REASONS[FailOn.PENDING]]


def test_the_command_line_replaces_what_the_settings_say(tmp_path: Path) -> None:
    poser = application(tmp_path, Append("pyproject.toml", SETTINGS))
    assert refused(poser) == [REASONS[FailOn.PENDING], REASONS[FailOn.UPSTREAM]]
    assert refused(poser, "warning") == [REASONS[FailOn.WARNING]]
    assert refused(poser, "never") == []


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
