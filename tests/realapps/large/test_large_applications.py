"""Larger applications from the package index, unmodified, with the settings that each needs and nothing else.

Each report is compared entry by entry with what plain Alembic finds. Why the verdicts are right stands beside them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.realapps.large.applications import APPLICATIONS, Application
from tests.realapps.runs import Run, contents, in_order

Review = Callable[..., Run]


@pytest.fixture
def review(tmp_path: Path) -> Review:
    """Runs the tool in an application's project, whose settings name no host that exists, and reads the report."""

    def run(application: Application, *options: str, project: Path | None = None) -> Run:
        project = project or application.project
        before = contents(project)
        tool = [str(Path(sys.executable).with_name("alembic-review")), "--python", str(application.environment.python)]
        done = subprocess.run(
            [*tool, *application.arguments, "--full", "-o", "json=-", *options],
            cwd=project,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **application.variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert contents(project) == before, "the project was written to"
        assert ":secret@" not in done.stdout + done.stderr
        assert done.stdout, done.stderr
        return Run(done.returncode, json.loads(done.stdout), done.stderr)

    return run


def check(run: Run, application: Application, verdict: str) -> None:
    """Every recorded change is there once, with this verdict; every table is known; the check passes."""
    compare(run, application)
    assert {change["verdict"] for change in run.report["changes"]} <= {verdict}
    assert not run.report["gate"]["refused"]
    assert run.status == 0, run.stderr


def compare(run: Run, application: Application) -> None:
    """Every recorded change is there once, and every table is known."""
    assert "failure" not in run.report, run.stderr
    expected = application.expected()
    changes = [change for history in expected for change in history["changes"]]
    assert in_order(run.described()) == in_order(changes)
    assert sorted(run.report["provenance"]["heads"]) == sorted(head for one in expected for head in one["heads"])
    assert run.report["provenance"]["revisions"] == sum(history["revisions"] for history in expected)
    assert {table["name"] for table in run.report["tables"]} >= {name for one in expected for name in one["tables"]}
    assert run.report["provenance"]["database"].startswith(application.dialect)


def owners(run: Run, role: str) -> dict[str, set[str]]:
    """The owners of the tables with this role, each with its tables."""
    found = defaultdict(set)
    for table in run.report["tables"]:
        if table["role"] == role:
            found[table["owner"]].add(table["name"])
    return found


def codes(run: Run) -> set[str]:
    return {finding["code"] for finding in run.report["findings"]}


def proofs(run: Run) -> set[tuple[str, str, str, str | None]]:
    """What proofs found: code, severity, table and the name of the object or the column. None was left undone."""
    assert {proof["state"] for proof in run.report["proofs"]} <= {"held", "found"}
    return {
        (one["code"], one["severity"], one["table"], one["name"] or one["column"])
        for one in run.report["findings"]
        if one["proof"] is not None
    }


def dropped(run: Run) -> set[tuple[str, str]]:
    """Kind and table of the changes that lose data."""
    return {(change["kind"], change["table"]) for change in run.report["changes"] if "AR201" in change["findings"]}


def locations(run: Run) -> set[str]:
    return {change["location"]["path"] for change in run.report["changes"]}


def test_prefect_on_postgresql(review: Review) -> None:
    """Its env.py runs asyncpg in a worker thread of AnyIO and chooses the revisions of the dialect itself.

    Prefect's developers own all 36 tables, so every change is theirs to write: safe. deployment_version has no model
    here (Prefect Cloud's has): dropping it with its indexes, and the column that refers to it, loses data.
    """
    prefect = APPLICATIONS["prefect"]

    run = review(prefect)

    check(run, prefect, "safe")
    assert {name: len(tables) for name, tables in owners(run, "custom").items()} == {"prefect": 36}
    assert dropped(run) == {("remove_table", "deployment_version"), ("remove_column", "deployment")}


def test_prefect_on_sqlite_is_upstream_for_whoever_runs_it(review: Review) -> None:
    """Nothing is custom for somebody who only runs a server; what its own models and revisions disagree about is
    upstream drift, and so is the table that its own revision created and no model declares.
    """
    prefect = APPLICATIONS["prefect_sqlite"]

    run = review(prefect, "--custom", "none")

    check(run, prefect, "upstream")
    assert run.owners("upstream") == {"prefect"}
    assert {name: len(tables) for name, tables in owners(run, "core").items()} == {"prefect": 36}
    assert run.report["outcome"] == "clean"


def test_mlflow_after_the_tables_of_its_first_server(review: Review) -> None:
    """All tables are MLflow's, also those that its server creates before the first revision: every change is safe."""
    mlflow = APPLICATIONS["mlflow"]

    run = review(mlflow)

    check(run, mlflow, "safe")
    assert set(owners(run, "custom")) == {"mlflow"}
    assert owners(run, "core") == {}
    # Tables of another metadata than the one that is compared prove something.
    assert "AR602" not in codes(run)


def test_mwdb_with_flask_migrate(review: Review) -> None:
    """One package, one history, on SQLAlchemy 1.4: every table is mwdb's, although flask_sqlalchemy makes each.

    All six changes demand a value where there may be none: safe by ownership, each with a warning about the rows.
    """
    mwdb = APPLICATIONS["mwdb"]

    run = review(mwdb)

    check(run, mwdb, "safe")
    assert {name: len(tables) for name, tables in owners(run, "custom").items()} == {"mwdb": 18}
    assert owners(run, "core") == {}
    assert [change["findings"] for change in run.report["changes"]] == [["AR202"]] * 6
    assert locations(run) == {"mwdb/model/group.py", "mwdb/model/oauth.py"}
    assert run.report["provenance"]["sqlalchemy"] == "1.4.54"


def test_a_module_of_a_repository_on_inveniordm(review: Review) -> None:
    """Eighteen packages bring revisions, one of them is ours: its new table, and the version table that Continuum
    generates from it, are ours to write. Everything else belongs to the module that it is named after.

    Two blind spots are theirs. Revision e172c837b036 of invenio_files_rest drops the partial unique index that its
    a29271fd78f8 created, and its models create with DDL of their own (models.py:1416). No revision of
    invenio_communities creates the CHECK that a member is a user or a group (members/records/models.py:135).
    """
    invenio = APPLICATIONS["invenio"]

    run = review(invenio, "--prove")

    check(run, invenio, "safe")
    assert run.report["provenance"]["custom"] == ["reading_room"]
    assert owners(run, "custom") == {"reading_room": {"reading_room_visit", "reading_room_visit_version"}}
    core = owners(run, "core")
    assert len(core) == 18 - 1
    assert core["invenio_db"] == {"transaction"}  # Continuum's, created by a revision of invenio_db
    assert {"rdm_records_metadata", "rdm_records_metadata_version"} < core["invenio_rdm_records"]
    assert all(name.startswith("accounts_") for name in core["invenio_accounts"])
    assert proofs(run) == {
        ("AR611", "info", "communities_members", "ck_communities_members_user_or_group"),
        ("AR617", "info", "files_object", "ix_uq_partial_files_object_is_head"),
    }
    assert len(run.report["findings"]) == 2


def test_the_activity_plugin_of_ckan(review: Review) -> None:
    """Two histories with a version table each. CKAN's revisions created the plugin's tables when they were its own; the
    plugin's models and revisions have them now, and the settings say so. All else is CKAN's.

    The plugin's model has Text where its revision 71713a055d5c adds an array of Text. CKAN's revisions give columns
    server defaults for the rows that are there, such as '' for resource.package_id in a4ca55f0f45e, and its models fill
    the columns in Python.
    """
    ckan = APPLICATIONS["ckan"]

    run = review(ckan, "--prove")

    check(run, ckan, "safe")
    assert run.report["outcome"] == "clean"
    # CKAN's tables are in the plugin's metadata, too; that its filter hides them is nothing to know.
    # CKAN reads its version table into its metadata (ckan/model/__init__.py:152), which is nothing to know, either.
    found = [finding for finding in run.report["findings"] if finding["proof"] is None]
    assert [finding["code"] for finding in found] == ["AR601"]
    assert "tracking_raw" in found[0]["message"]
    spots = proofs(run)
    assert {spot for spot in spots if spot[0] != "AR612"} == {("AR626", "warning", "activity", "permission_labels")}
    defaults = {spot[1:] for spot in spots if spot[0] == "AR612"}
    assert len(defaults) == 19
    assert {severity for severity, _, _ in defaults} == {"info"}
    assert ("info", "resource", "package_id") in defaults
    assert owners(run, "custom") == {"ckanext.activity": {"activity", "activity_detail"}}
    assert set(owners(run, "core")) == {"ckan"}


def test_the_fab_provider_of_airflow(review: Review) -> None:
    """Two histories with a version table each. The provider is a part of `airflow`; its models and its first revision
    disagree fifteen times. A revision of Airflow's own created most of the provider's tables, and the provider defines
    them: until the settings name an owner, changes on these are blocked. Every other table is Airflow's.
    """
    airflow = APPLICATIONS["airflow"]

    run = review(airflow)

    compare(run, airflow)
    assert {change["environment"] for change in run.report["changes"]} == {"fab.ini"}
    assert run.owners("blocked") == run.owners("safe") == {"airflow.providers.fab"}
    disputed = {finding["table"] for finding in run.report["findings"] if finding["code"] == "AR102"}
    for change in run.report["changes"]:
        assert (change["table"] in disputed) is (change["verdict"] == "blocked"), change
    assert all(name.startswith("ab_") for name in disputed)
    assert all(name.startswith("ab_") for name in owners(run, "custom")["airflow.providers.fab"])
    assert set(owners(run, "core")) == {"airflow"}
    assert run.status == 1, run.stderr


def test_the_fab_provider_of_airflow_owns_what_the_settings_give_it(review: Review, tmp_path: Path) -> None:
    """Airflow 2 had the tables in its own history; they moved to the provider, whose developers name them in `owners`.
    All fifteen changes are theirs to write, and what Airflow's revision created is no longer in dispute.
    """
    airflow = APPLICATIONS["airflow"]
    project = Path(shutil.copytree(airflow.project, tmp_path / "project"))
    own = [name for name in airflow.expected()[1]["tables"] if name.startswith("ab_")]
    settings = (project / "pyproject.toml").read_text(encoding="utf-8")
    owners_table = "".join(f'{name} = "airflow.providers.fab"\n' for name in own)
    settings += f"\n[tool.alembic-review.owners]\n{owners_table}"
    (project / "pyproject.toml").write_text(settings, encoding="utf-8")

    run = review(airflow, project=project)

    check(run, airflow, "safe")
    assert run.owners("safe") == {"airflow.providers.fab"}
    assert owners(run, "custom") == {"airflow.providers.fab": set(own)}
    assert set(owners(run, "core")) == {"airflow"}
    assert not codes(run) & {"AR102", "AR511"}
