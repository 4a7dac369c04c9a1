"""Accepted findings over whole runs: the settings, comments, a pull request, and what ``revision`` writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .edits import HEAD, MODEL, VERSIONS, Append, Replace, revision
from .harness import POSTGRESQL, Run, make_application, run_tool
from .pull_request import branched, commit, git
from .scenario import check_every_run, review_of, tree
from .test_revision import CORE_COLUMN, new_files, revise

pytestmark = pytest.mark.one_stack

REASON = "agreed with the maintainers"
SHAPE = "    shape = sa.Column(sa.String(10))\n"
SIZE = Replace(f"{MODEL}/widgets.py", SHAPE, "    weight = sa.Column(sa.Integer())\n")


def entry(code: str, **fields: str) -> Append:
    lines = [f'{key} = "{value}"' for key, value in {"code": code, "reason": REASON, **fields}.items()]
    return Append("pyproject.toml", "\n".join(["", "[[tool.alembic-review.accept]]", *lines, ""]))


def marks(run: Run, code: str) -> list[dict[str, Any] | None]:
    return [finding["accepted"] for finding in review_of(run)["findings"] if finding["code"] == code]


def test_a_blocked_change_is_accepted_by_its_fingerprint_and_the_outcome_stays(tmp_path: Path) -> None:
    poser = make_application(tmp_path, CORE_COLUMN)
    run = run_tool(poser)
    assert run.status == 1, run.explain()
    changes = review_of(run)["changes"]
    assert {change["verdict"] for change in changes} == {"blocked"}
    command = [sys.executable, "-m", "alembic_review", "accept", changes[0]["fingerprint"], "--reason", REASON]
    command += ["-c", "app/acme.conf", "--python", str(poser.environment.python)]
    done = subprocess.run(command, cwd=poser.project, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert f'fingerprint = "{changes[0]["fingerprint"]}"' in done.stdout
    for change in changes[1:]:
        entry("AR101", fingerprint=change["fingerprint"]).apply(poser.locate)
    page, sarif = tmp_path / "x.html", tmp_path / "x.sarif"
    run = run_tool(poser, "-o", f"sarif={sarif}", "-o", f"html={page}")
    check_every_run(run, poser)
    report = review_of(run)
    assert (run.status, report["outcome"], report["gate"]["reasons"]) == (0, "blocked", []), run.explain()
    assert (report["summary"]["blocked"], report["summary"]["accepted"]) == (0, 2 * len(changes))
    assert {change["accepted"]["reason"] for change in report["changes"]} == {REASON}
    assert '"suppressions"' in sarif.read_text()
    assert f"accepted: {REASON}" in page.read_text()

    before = tree(poser.project)
    ran = revise(poser)
    assert ran.status == 0, ran.explain()
    assert "Nothing to write: no safe change is pending." in ran.stderr
    assert new_files(poser, before) == []


def test_a_loss_that_is_accepted_is_not_written_and_the_rest_is(tmp_path: Path) -> None:
    accepted = entry("AR203", table="poser_widget", column="shape")
    poser = make_application(tmp_path, (SIZE, accepted, entry("AR201", table="poser_gadget")))
    run = run_tool(poser)
    check_every_run(run, poser)
    assert marks(run, "AR203") == [{"reason": REASON, "until": None}], run.explain()
    assert [change.get("accepted") is not None for change in review_of(run)["changes"]] == [False, True]
    (gone,) = (one for one in review_of(run)["findings"] if one["code"] == "AR904")
    assert (gone["location"]["path"], "poser_gadget" in gone["message"]) == ("pyproject.toml", True)

    before = tree(poser.project)
    ran = revise(poser)
    assert ran.status == 0, ran.explain()
    (path,) = new_files(poser, before)
    upgrade = path.read_text().partition("def upgrade")[2]
    assert "add_column('poser_widget', sa.Column('weight'" in upgrade
    assert "shape" not in upgrade


def test_a_finding_of_a_rename_is_accepted_with_the_same_rename(tmp_path: Path) -> None:
    renamed = Replace(f"{MODEL}/widgets.py", SHAPE, SHAPE.replace("shape", "form"))
    poser = make_application(tmp_path, (renamed,), database=POSTGRESQL)
    rename = ("--rename", "poser_widget.shape=form")
    (finding,) = review_of(run_tool(poser, *rename))["findings"]
    where = ("-c", "app/acme.conf", "--python", str(poser.environment.python), *rename)

    def printed(*arguments: str) -> str:
        command = [sys.executable, "-m", "alembic_review", *arguments, *where]
        done = subprocess.run(command, cwd=poser.project, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert f'code = "{finding["code"]}"' in printed("accept", finding["fingerprint"], "--reason", REASON)
    assert "poser_widget" in printed("owners")
    assert marks(run_tool(poser, *rename), finding["code"]) == [{"reason": REASON, "until": None}]


COMMENT = "  # alembic-review: accept AR210 the table is empty in production"
WEIGHT = (
    Replace(f"{MODEL}/widgets.py", SHAPE, f"{SHAPE}    weight = sa.Column(sa.Integer(), nullable=False)\n"),
    *revision(f"op.add_column('poser_widget', sa.Column('weight', sa.Integer(), nullable=False)){COMMENT}"),
)


def test_a_pull_request_lists_what_it_accepts_and_may_have_to_be_merged_first(tmp_path: Path) -> None:
    poser = branched(tmp_path, WEIGHT, before=(entry("AR201", revision=HEAD),), database=POSTGRESQL)
    run = run_tool(poser, "--since", "main")
    assert marks(run, "AR210") == [{"reason": "the table is empty in production", "until": None}], run.explain()
    assert run.status == 0, run.explain()
    (new,) = review_of(run)["pull_request"]["accepts"]
    assert (new["code"], new["state"], new["location"]["path"]) == (
        "AR210",
        "counts",
        f"{VERSIONS}/aa00bb11cc22_step.py",
    )
    assert [one["code"] for one in review_of(run)["findings"] if one["code"].startswith("AR9")] == []

    git(poser.project, "checkout", "--quiet", "main")
    Append("pyproject.toml", '\n[tool.alembic-review]\naccept-new = "after-merge"\n').apply(poser.locate)
    commit(poser, "a second person approves")
    git(poser.project, "checkout", "--quiet", "topic")
    git(poser.project, "merge", "--quiet", "main")
    Replace("pyproject.toml", "after-merge", "at-once").apply(poser.locate)
    run = run_tool(poser, "--since", "main")
    assert (run.status, marks(run, "AR210")) == (1, [None]), run.explain()
    assert [one["state"] for one in review_of(run)["pull_request"]["accepts"]] == ["after_merge"]

    git(poser.project, "checkout", "--quiet", "--force", "main")
    git(poser.project, "merge", "--quiet", "topic")
    run = run_tool(poser)
    assert run.status == 0, run.explain()


def test_a_baseline_takes_what_was_there_and_nothing_new(tmp_path: Path) -> None:
    poser = make_application(tmp_path, (Replace(f"{MODEL}/widgets.py", SHAPE, ""),))
    arguments = ("--fail-on", "warning", "--baseline", "known.json")
    missing = run_tool(poser, *arguments)
    assert (missing.status, missing.report) == (2, None), missing.explain()

    run = run_tool(poser, *arguments, "--update-baseline")
    check_every_run(run, poser)
    assert run.status == 0, run.explain()
    before = tree(poser.project)
    run = run_tool(poser, *arguments)
    assert (run.status, review_of(run)["baseline"]) == (0, {"file": "known.json", "known": 1, "gone": []}), (
        run.explain()
    )
    assert marks(run, "AR203") == [{"reason": "in the baseline known.json", "until": None}]

    for edit in (Replace(f"{MODEL}/widgets.py", "    size = sa.Column(sa.Integer())\n", ""), *CORE_COLUMN):
        edit.apply(poser.locate)
    Replace(f"{MODEL}/widgets.py", '        sa.Index("ix_poser_widget_size", "size"),\n', "").apply(poser.locate)
    run = run_tool(poser, *arguments, "--update-baseline")
    assert run.status == 1, run.explain()
    assert [reason for reason in review_of(run)["gate"]["reasons"] if "blocked" not in reason] == []
    assert "AR101" not in (poser.project / "known.json").read_text()
    assert (poser.project / "known.json").read_text().count('"AR203"') == 2
    assert before.keys() == {name for name in tree(poser.project) if not name.endswith("tampering.py")}
