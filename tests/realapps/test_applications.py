"""Applications from the package index, unmodified: the report is what plain Alembic finds, entry by entry."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.realapps.applications import APPLICATIONS, Application
from tests.realapps.runs import Described, Run, contents, describe, in_order

Review = Callable[..., Run]


def on_tables(application: Application, prefix: str) -> list[Described]:
    """The recorded changes on tables whose name starts with ``prefix``."""
    return [change for change in application.expected()["changes"] if change["table"].startswith(prefix)]


@pytest.fixture
def review(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Review:
    """Runs the tool on an application, whose conf names a host that doesn't exist, and reads the JSON report.

    Installed apart from the application unless ``beside`` is set: then it is the one in the application's environment.
    All runs share what is kept of a replay, as those of one developer do.
    """
    base = tmp_path_factory.getbasetemp()
    cache = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    cache.mkdir(exist_ok=True, mode=0o700)

    def run(application: Application, *options: str, beside: bool = False) -> Run:
        conf, folder = application.conf, application.project
        if folder is None:
            folder = tmp_path / "app"
            folder.mkdir()
            conf = Path(shutil.copy(conf, folder))
        python = application.environment.python
        where = [] if beside else ["--python", str(python)]
        tool = (python if beside else Path(sys.executable)).with_name("alembic-review")
        before = contents(folder)
        done = subprocess.run(
            [str(tool), "-c", str(conf), *where, "--full", "-o", "json=-", *options],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_CACHE_HOME": str(cache)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert contents(folder) == before, "the project was written to"
        assert "secret" not in done.stdout + done.stderr
        assert done.stdout, done.stderr
        return Run(done.returncode, json.loads(done.stdout), done.stderr)

    return run


def check(run: Run, application: Application, **verdicts: list[Described]) -> None:
    """The run let pass exactly what is recorded: each verdict has its changes, and none is lost or doubled."""
    expected = application.expected()
    assert in_order(run.described()) == in_order(expected["changes"])
    for verdict in ("safe", "upstream", "blocked"):
        assert in_order(run.described(verdict)) == in_order(verdicts.get(verdict, []))
        assert run.report["summary"][verdict] == len(verdicts.get(verdict, []))
    assert run.report["provenance"]["heads"] == expected["heads"]
    assert run.report["provenance"]["revisions"] == expected["revisions"]
    assert {table["name"] for table in run.report["tables"]} >= set(expected["tables"])
    assert not run.report["gate"]["refused"]
    assert run.status == 0, run.stderr


def test_rattail_alone_has_its_own_90_changes_and_passes(review: Review) -> None:
    rattail = APPLICATIONS["rattail"]

    run = review(rattail, "--custom", "none")

    check(run, rattail, upstream=rattail.expected()["changes"])
    assert Counter(change["kind"] for change in run.described()) == {"add_index": 90}
    assert run.owners("upstream") == {"rattail"}
    assert run.report["outcome"] == "clean"
    assert run.report["provenance"]["sqlalchemy"] == "1.4.54"
    assert run.report["provenance"]["alembic"] == "1.19.2"
    assert {table["role"] for table in run.report["tables"]} == {"core"}
    assert run.report["findings"] == []


@pytest.mark.parametrize("beside", [False, True], ids=["installed apart", "installed beside the application"])
def test_poser_on_rattail_without_a_revision_of_its_own(review: Review, beside: bool) -> None:
    poser, rattail = APPLICATIONS["poser"], APPLICATIONS["rattail"]
    own = on_tables(poser, "poser_")

    run = review(poser, beside=beside)

    check(run, poser, safe=own, upstream=rattail.expected()["changes"])
    assert Counter(change["kind"] for change in own) == {"add_table": 2, "add_index": 5}
    assert run.owners("safe") == {"poser"}
    assert run.owners("upstream") == {"rattail"}
    assert run.report["outcome"] == "safe"
    assert run.report["provenance"]["custom"] == ["poser"]
    assert run.report["provenance"]["sqlalchemy"] == "1.4.54"
    assert custom_tables(run) == {"poser_widget", "poser_widget_version"}


def test_poser_on_rattail_after_its_first_revision(review: Review) -> None:
    poser, rattail = APPLICATIONS["poser_migrated"], APPLICATIONS["rattail"]
    own = on_tables(poser, "poser_")

    run = review(poser)

    check(run, poser, safe=own, upstream=rattail.expected()["changes"])
    assert {change["table"] for change in own} == {"poser_widget_version"}
    assert without_dependency(run) == [
        ("6c1b0d1f5a3e", 'Set depends_on = "1515aa76b64a"; that revision creates vendor.')
    ]
    assert custom_tables(run) == {"poser_widget", "poser_widget_version"}


def test_sideshow_on_wuttjamaican_is_clean_and_no_proof_finds_anything(review: Review) -> None:
    sideshow = APPLICATIONS["sideshow"]

    run = review(sideshow, "--custom", "sideshow", "--prove")

    check(run, sideshow)
    proofs = {proof["proof"]: proof["state"] for proof in run.report["proofs"]}
    assert proofs == dict.fromkeys(("converges", "rows", "reverses", "locks", "renames", "blind_spots"), "held")
    assert run.report["outcome"] == "clean"
    assert len(run.report["provenance"]["heads"]) == 2
    assert run.report["provenance"]["revisions"] == 14
    assert len(run.report["tables"]) == 18
    assert run.report["provenance"]["sqlalchemy"].startswith("2.1.")
    assert without_dependency(run) == [("7a6df83afbd4", 'Set depends_on = "d686f7abe3e0"; that revision creates user.')]
    assert custom_tables(run) == {name for name in sideshow.expected()["tables"] if name.startswith("sideshow_")}


def without_dependency(run: Run) -> list[tuple[str, str]]:
    """Revisions that apply only by the order of ``version_locations``, and what to do.

    Nothing else may be found, besides what pending changes lock (AR7xx).
    """
    findings = [finding for finding in run.report["findings"] if not finding["code"].startswith("AR7")]
    assert {finding["code"] for finding in findings} <= {"AR513"}
    assert not [line for line in run.report["provenance"]["not_checked"] if "revision" in line]
    return [(finding["revision"], finding["hint"]) for finding in findings]


def custom_tables(run: Run) -> set[str]:
    return {table["name"] for table in run.report["tables"] if table["role"] == "custom"}


def test_the_first_revision_of_poser_on_rattail_holds_its_own_tables_only(tmp_path: Path) -> None:
    """Plain Alembic writes rattail's 90 indexes into it; with this one, the order of version_locations is free."""
    poser, rattail = APPLICATIONS["poser"], APPLICATIONS["rattail"]
    project = tmp_path / "project"
    assert poser.project is not None
    shutil.copytree(poser.project, project, ignore=shutil.ignore_patterns("__pycache__", "migrated"))
    (project / "poser/db/alembic/versions").mkdir(exist_ok=True)
    python = poser.environment.python
    # The copy comes before the project that is installed in editable mode.
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(project)}
    tool = [str(Path(sys.executable).with_name("alembic-review"))]

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*tool, *command, "-c", "app/rattail.conf", "--python", str(python)],
            cwd=project,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    run("revision", "-m", "add widgets")
    (path,) = (project / "poser/db/alembic/versions").glob("*.py")
    upgrade = path.read_text().partition("def upgrade")[2].partition("def downgrade")[0]
    own = on_tables(poser, "poser_")
    assert upgrade.count("op.create_table(") == sum(change["kind"] == "add_table" for change in own) == 2
    assert upgrade.count("op.create_index(") == sum(change["kind"] == "add_index" for change in own) == 5
    assert upgrade.count("op.") - upgrade.count("op.f(") == len(own)
    conf = project / "app/rattail.conf"
    names = ["poser.db:alembic/versions", "rattail.db:alembic/versions"]
    for order in (names, names[::-1]):
        text = re.sub(r"(?m)^version_locations = .*$", f"version_locations = {' '.join(order)}", conf.read_text())
        conf.write_text(text)
        report = json.loads(run("review", "-o", "json=-").stdout)
        assert report["outcome"] == "clean"
        found = [describe(change) for change in report["changes"] if change["verdict"] == "upstream"]
        assert in_order(found) == in_order(rattail.expected()["changes"])
        assert len(report["changes"]) == len(found)
