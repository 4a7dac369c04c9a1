"""Version locations that do not exist: reviewed before the first revision, and never a way to hide revisions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .edits import VERSIONS, Delete, Edit, Replace, Write
from .environments import FIXTURES
from .harness import Application, Run, make_application, make_project, run_without_proofs
from .scenario import check_every_run, review_of, row
from .test_projects import sqlite_url

pytestmark = pytest.mark.one_stack

OWN = ("10c2e6a7f5d4_widgets", "47ab90e1c8f3_nicknames_and_log", "93d5b8e20f6c_notes_and_audit")
BOOKS = "migrations/versions/3f2a90c7d1e8_books.py"
LOCATIONS = "poser.db:alembic/versions acme.db:alembic/versions"


def refused(run: Run, application: Application, *said: str) -> None:
    """Exit 3, and the message says where to look."""
    assert run.status == 3, run.explain()
    check_every_run(run, application)
    for text in said:
        assert text in run.stderr, run.explain()


def poser(folder: Path, locations: str = LOCATIONS, *, revisions: bool = False, edits: tuple[Edit, ...] = ()) -> Run:
    """A run on poser, without its revisions and the folder for them unless ``revisions``."""
    without = () if revisions else tuple(Delete(f"{VERSIONS}/{name}.py") for name in OWN)
    conf = () if locations == LOCATIONS else (Replace("app/acme.conf", LOCATIONS, locations),)
    application = make_application(folder, (*without, *conf, *edits))
    if not revisions:
        shutil.rmtree(application.project / "poser/db/alembic")
    run = run_without_proofs(application)
    check_every_run(run, application)
    return run


def test_before_the_first_revision(tmp_path: Path) -> None:
    run = poser(tmp_path)
    report = review_of(run)
    assert sorted(map(row, report["changes"])) == [
        # A factory of the core makes it, so that a revision has to tell whose it is.
        "blocked add_table poser_sync_log",
        "safe add_index poser_widget.ix_poser_widget_size",
        "safe add_table poser_person",
        "safe add_table poser_widget",
        "safe add_table poser_widget_store",
    ], run.explain()
    folder = tmp_path / "project/poser/db/alembic/versions"
    assert f"revisions in {folder} (the folder does not exist yet)" in report["provenance"]["not_checked"]


def test_a_mistyped_location_does_not_hide_revisions(tmp_path: Path) -> None:
    run = poser(tmp_path, LOCATIONS.replace("versions acme", "version acme"), revisions=True)
    assert run.status == 3, run.explain()
    assert "poser/db/alembic/version does not exist" in run.stderr
    assert "10c2e6a7f5d4_widgets.py" in run.stderr


@pytest.mark.parametrize("core", ["acme.db:alembic/version", "%(here)s/../acme/db/alembic/versions"])
@pytest.mark.parametrize("revisions", [True, False])
def test_the_core_s_location_has_to_be_there(core: str, revisions: bool, tmp_path: Path) -> None:
    run = poser(tmp_path, f"poser.db:alembic/versions {core}", revisions=revisions)
    assert run.status == 3, run.explain()
    assert "does not exist" in run.stderr


def test_a_second_location_of_a_package_that_has_revisions(tmp_path: Path) -> None:
    run = poser(tmp_path, f"poser.db:alembic/later {LOCATIONS}", revisions=True)
    assert run.status == 3, run.explain()
    assert "poser/db/alembic/later does not exist" in run.stderr


def test_a_plain_project_before_its_first_revision(tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic", (sqlite_url(), Delete(BOOKS)))
    (application.project / "migrations/versions").rmdir()
    run = run_without_proofs(application, conf="alembic.ini")
    assert sorted(map(row, review_of(run)["changes"])) == ["safe add_table author", "safe add_table book"]
    assert any("migrations/versions (the" in line for line in review_of(run)["provenance"]["not_checked"])
    assert not (application.project / "migrations/versions").exists()


@pytest.mark.parametrize("folder", ["migrations/old", "elsewhere"])
@pytest.mark.parametrize("project_file", [True, False])
def test_a_plain_project_whose_revisions_lie_elsewhere(folder: str, project_file: bool, tmp_path: Path) -> None:
    text = (FIXTURES / "env_generic" / BOOKS).read_text()
    edits = (sqlite_url(), Delete(BOOKS), Write(f"{folder}/books.py", text))
    application = make_project(
        tmp_path, "env_generic", (*edits, *(() if project_file else (Delete("pyproject.toml"),)))
    )
    (application.project / "migrations/versions").rmdir()
    run = run_without_proofs(application, conf="alembic.ini")
    refused(run, application, "migrations/versions does not exist", f"{folder}/books.py")
