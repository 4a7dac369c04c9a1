"""``--since`` in real Git repositories: what a pull request has in its revisions, and what it must not have."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .edits import HEAD, MODEL, VERSIONS, Append, Delete, Edit, Replace, Write, module, revision
from .environments import install
from .harness import SQLITE, Application, Run, make_application, run_tool
from .scenario import BOTH, review_of, row, tree

NOTE = module(
    """
    class PoserNote(Base):
        __tablename__ = "poser_note"
        uuid = uuid_column()
        text = sa.Column(sa.String(80))
    """
)
NOTE_REVISION = revision(
    """
    op.create_table(
        "poser_note",
        sa.Column("uuid", sa.String(32), nullable=False),
        sa.Column("text", sa.String(80)),
        sa.PrimaryKeyConstraint("uuid", name="pk_poser_note"),
    )
    """,
    id="11aa22bb33cc",
)
WIDGETS = next(Path(__file__).parents[2].joinpath("fixtures/poser", VERSIONS).glob(f"{HEAD}*"), Path(f"{HEAD}.py")).name


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Poser", "-c", "user.email=poser@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )
    return done.stdout.strip()


def commit(application: Application, message: str) -> str:
    git(application.project, "add", "--all")
    git(application.project, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(application.project, "rev-parse", "HEAD")


def branched(
    folder: Path, edits: tuple[Edit, ...], *, before: tuple[Edit, ...] = (), database: str = SQLITE
) -> Application:
    """The application in a repository: ``before`` on ``main``, ``edits`` on a branch of it, both committed."""
    application = make_application(folder, before, database=database)
    (application.project / ".gitignore").write_text("__pycache__\n*.egg-info\n*.db\n")
    git(application.project, "init", "--quiet", "--initial-branch=main")
    commit(application, "base")
    git(application.project, "checkout", "--quiet", "-b", "topic")
    for edit in edits:
        edit.apply(application.locate)
    commit(application, "topic")
    return application


def brought(run: Run) -> dict[str, Any]:
    found = review_of(run)["pull_request"]
    assert isinstance(found, dict)
    return found


def rows(run: Run) -> list[str]:
    return sorted(f"{change['state']} {change['revision']} {row(change)}" for change in brought(run)["changes"])


def findings(run: Run) -> list[str]:
    return sorted(f"{finding['code']} {finding['severity']}" for finding in review_of(run)["findings"])


@pytest.mark.parametrize("database", BOTH)
def test_what_is_in_a_new_revision_and_what_is_pending(tmp_path: Path, database: str) -> None:
    pending = Replace(f"{MODEL}/widgets.py", "    shape =", "    weight = sa.Column(sa.Integer())\n    shape =")
    application = branched(tmp_path, (*NOTE, *NOTE_REVISION, pending), database=database)
    before = tree(application.project)
    run = run_tool(application, "--since", "main")
    assert tree(application.project) == before
    assert run.status == 0, run.explain()
    assert rows(run) == [
        "in_revision 11aa22bb33cc safe add_table poser_note",
        "pending None safe add_column poser_widget.weight",
    ]
    (new,) = brought(run)["new_revisions"]
    assert (new["id"], new["owner"]) == ("11aa22bb33cc", "poser")
    assert new["location"]["path"] == f"{VERSIONS}/11aa22bb33cc_step.py"
    assert brought(run)["base"] == git(application.project, "rev-parse", "main")
    assert [row(change) for change in review_of(run)["changes"]] == ["safe add_column poser_widget.weight"]
    assert any("revisions of acme at the base" in line for line in review_of(run)["provenance"]["not_checked"])


@pytest.mark.parametrize("database", BOTH)
def test_a_new_revision_that_alters_a_core_table_is_blocked_though_nothing_is_pending(
    tmp_path: Path, database: str
) -> None:
    edits = (
        *module("Store.fax = sa.Column(sa.String(9))\n"),
        *revision("op.add_column('store', sa.Column('fax', sa.String(9)))"),
    )
    application = branched(tmp_path, edits, database=database)
    run = run_tool(application, "--since", "main")
    assert run.status == 1, run.explain()
    assert review_of(run)["changes"] == []
    assert rows(run) == ["in_revision aa00bb11cc22 blocked add_column store.fax"]
    assert "1 blocked change in a revision" in review_of(run)["gate"]["reasons"]
    (change,) = brought(run)["changes"]
    assert change["findings"] == ["AR105", "AR106"] or "AR106" in change["findings"]
    assert "revision aa00bb11cc22 of poser changes it" in change["reason"]


@pytest.mark.parametrize("database", BOTH)
def test_what_a_new_revision_throws_away_is_told_as_if_it_were_pending(tmp_path: Path, database: str) -> None:
    upgrade = "with op.batch_alter_table('poser_widget') as batch:\n    batch.drop_column('shape')"
    edits = (Replace(f"{MODEL}/widgets.py", "    shape = sa.Column(sa.String(10))\n", ""), *revision(upgrade))
    application = branched(tmp_path, edits, database=database)
    run = run_tool(application, "--since", "main", "--fail-on", "warning")
    assert rows(run) == ["in_revision aa00bb11cc22 safe remove_column poser_widget.shape"]
    (finding,) = [finding for finding in review_of(run)["findings"] if finding["code"] == "AR201"]
    assert finding["message"] == "Revision aa00bb11cc22 drops the column shape of poser_widget with all its data."
    assert (finding["revision"], finding["location"]["path"]) == ("aa00bb11cc22", f"{VERSIONS}/aa00bb11cc22_step.py")
    assert "AR201" in brought(run)["changes"][0]["findings"]
    assert run.status == 1, run.explain()


def test_without_changes_there_is_nothing_in_it(tmp_path: Path) -> None:
    application = branched(tmp_path, (Write("README", "words\n"),))
    run = run_tool(application, "--since", "main")
    assert run.status == 0, run.explain()
    assert (brought(run)["new_revisions"], brought(run)["changes"]) == ([], [])


def test_the_base_is_where_the_branches_parted(tmp_path: Path) -> None:
    application = branched(tmp_path, (*NOTE, *NOTE_REVISION))
    parted = git(application.project, "rev-parse", "main")
    git(application.project, "checkout", "--quiet", "main")
    Write("README", "others go on\n").apply(application.locate)
    commit(application, "main goes on")
    git(application.project, "checkout", "--quiet", "topic")
    run = run_tool(application, "--since", "main")
    assert brought(run)["base"] == parted


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Append(f"{VERSIONS}/{WIDGETS}", "\n# a remark\n"), ["AR501 info"]),
        (Append(f"{VERSIONS}/{WIDGETS}", "\nSOMETHING = 1\n"), ["AR501 error"]),
        (Append("pyproject.toml", "\n[tool.alembic-review]\nprefix = 'poser_'\n"), ["AR503 warning"]),
        (Append("app/acme.conf", "\n[alembic-review]\nfail-on = error\n"), ["AR503 warning"]),
        (Append("app/acme.conf", "\n[loggers]\nkeys = root\n"), []),
    ],
)
def test_what_was_merged_and_is_edited_is_told(tmp_path: Path, edit: Edit, expected: list[str]) -> None:
    application = branched(tmp_path, (edit,))
    run = run_tool(application, "--since", "main")
    assert findings(run) == expected, run.explain()


def test_a_merged_revision_that_is_gone_is_told(tmp_path: Path) -> None:
    application = branched(tmp_path, (Delete(f"{VERSIONS}/11aa22bb33cc_step.py"), *NOTE), before=NOTE_REVISION)
    run = run_tool(application, "--since", "main")
    assert "AR502 error" in findings(run), run.explain()


def test_a_renamed_and_a_moved_revision_are_the_same_revision(tmp_path: Path) -> None:
    application = branched(tmp_path, (), before=(*NOTE, *NOTE_REVISION, Write("README", "words\n")))
    folder = application.project / VERSIONS
    (folder / "11aa22bb33cc_step.py").rename(folder / "11aa22bb33cc_notes.py")
    commit(application, "renamed")
    run = run_tool(application, "--since", "main")
    assert run.status == 0, run.explain()
    # The helper's revision has no downgrade.
    assert (brought(run)["new_revisions"], findings(run)) == ([], ["AR514 warning"])
    moved = application.project / "poser/db/migrations"
    folder.rename(moved)
    Replace("app/acme.conf", "poser.db:alembic/versions", "poser.db:migrations").apply(application.locate)
    commit(application, "moved")
    run = run_tool(application, "--since", "main")
    assert run.status == 0, run.explain()
    assert (brought(run)["new_revisions"], brought(run)["changes"]) == ([], [])


def test_a_merge_revision_is_new_and_changes_nothing(tmp_path: Path) -> None:
    one = revision("pass", id="aa11aa11aa11")
    two = revision("pass", id="bb22bb22bb22")
    merge = Write(
        f"{VERSIONS}/cc33cc33cc33_merge.py",
        '"""merge"""\nrevision = "cc33cc33cc33"\ndown_revision = ("aa11aa11aa11", "bb22bb22bb22")\n'
        "branch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n    pass\n",
    )
    application = branched(tmp_path, (merge,), before=(*one, *two))
    run = run_tool(application, "--since", "main")
    assert [new["id"] for new in brought(run)["new_revisions"]] == ["cc33cc33cc33"]
    assert brought(run)["changes"] == []


def test_a_base_without_the_folder_has_everything_new(tmp_path: Path) -> None:
    application = make_application(tmp_path, (*NOTE, *NOTE_REVISION))
    versions = application.project / VERSIONS
    aside = tmp_path / "aside"
    shutil.copytree(versions, aside)
    shutil.rmtree(versions)
    git(application.project, "init", "--quiet", "--initial-branch=main")
    commit(application, "base")
    git(application.project, "checkout", "--quiet", "-b", "topic")
    shutil.copytree(aside, versions)
    commit(application, "all revisions")
    run = run_tool(application, "--since", "main")
    assert "11aa22bb33cc" in [new["id"] for new in brought(run)["new_revisions"]], run.explain()
    assert "in_revision 11aa22bb33cc safe add_table poser_note" in rows(run)


def test_revisions_of_the_base_that_no_longer_apply_are_named(tmp_path: Path) -> None:
    broken = Replace(
        f"{VERSIONS}/11aa22bb33cc_step.py",
        "op.create_table(",
        'op.execute("SELECT no_such_thing")\n    op.create_table(',
    )
    application = branched(tmp_path, (*NOTE_REVISION,), before=(*NOTE, *NOTE_REVISION, broken))
    run = run_tool(application, "--since", "main")
    assert run.status == 3, run.explain()
    assert "The revisions of the base, " in run.stderr
    assert f"{VERSIONS}/11aa22bb33cc_step.py" in run.stderr.replace("\n", "")


def test_a_shallow_clone_says_what_to_fetch(tmp_path: Path) -> None:
    application = branched(tmp_path, (*NOTE, *NOTE_REVISION))
    source = tmp_path / "source"
    application.project.rename(source)
    url = f"file://{source}"
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--no-single-branch", "--branch", "topic", url, "project")
    run = run_tool(application, "--since", "origin/main")
    assert run.status == 3, run.explain()
    assert "shallow" in run.stderr
    assert "fetch" in run.stderr


@pytest.mark.parametrize(
    ("ref", "status", "said"),
    [("nowhere", 3, "Git knows no commit nowhere"), ("-x", 2, "not the name of a commit"), ("a b", 3, "Git knows no")],
)
def test_a_ref_that_is_none(tmp_path: Path, ref: str, status: int, said: str) -> None:
    application = branched(tmp_path, ())
    run = run_tool(application, f"--since={ref}")
    assert run.status == status, run.explain()
    assert said in run.stderr


def test_an_application_that_is_installed_as_a_copy(tmp_path: Path) -> None:
    """The copy is made from the sources that Git has."""
    edited = Replace(f"{VERSIONS}/{WIDGETS}", "def upgrade():\n", "def upgrade():\n    op.execute('SELECT 1')\n")
    application = branched(tmp_path, (*NOTE, *NOTE_REVISION, edited))
    packages = application.environment.site_packages
    (packages / "_poser.pth").unlink()
    shutil.rmtree(next(packages.glob("poser-*.dist-info")))
    install(application.environment, application.project)
    run = run_tool(application, "--since", "main")
    assert rows(run) == ["in_revision 11aa22bb33cc safe add_table poser_note"]
    assert "AR501 error" in findings(run)
    assert not any("revisions of poser" in line for line in review_of(run)["provenance"]["not_checked"])


def test_outside_of_a_checkout_and_with_the_variables_of_a_hook(tmp_path: Path) -> None:
    application = make_application(tmp_path)
    run = run_tool(application, "--since", "main")
    assert run.status == 3, run.explain()
    assert "not in a Git checkout" in run.stderr
    other = branched(tmp_path / "other", ())
    run = run_tool(other, "--since", "main", variables={"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index"})
    assert run.status == 0, run.explain()
