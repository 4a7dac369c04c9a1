"""What Git knows of a base, in repositories made for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from alembic_review.git.base_commit import Location, find_base, prefix
from alembic_review.model.errors import ObservationError, UsageError


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Poser", "-c", "user.email=poser@example.org", "-c", "commit.gpgsign=false")
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True, env=environ
    )
    return done.stdout.strip()


def commit(folder: Path, message: str, **files: str) -> str:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """``main`` with ``versions/a`` and a branch ``topic`` of it that has ``versions/b`` too."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "base", versions__a="one", beside="template")
    git(folder, "checkout", "--quiet", "-b", "topic")
    commit(folder, "topic", versions__a="another", versions__b="two")
    return folder.resolve()


def test_the_folder_is_as_it_was_and_neither_tree_nor_index_is_touched(repository: Path, tmp_path: Path) -> None:
    (repository / "versions/c").write_text("not committed")
    before = (git(repository, "status", "--porcelain"), (repository / ".git/index").read_bytes())
    base = find_base(repository, "main")
    (earlier,) = base.read([Location(repository / "versions")], tmp_path / "target")
    assert {path.name: path.read_text() for path in earlier.folder.iterdir()} == {"a": "one"}
    assert not earlier.unchanged
    assert earlier.then(repository / "versions/b") == earlier.folder / "b"
    assert base.file(repository / "versions/a") == b"one"
    assert base.file(repository / "versions/b") is None
    assert (git(repository, "status", "--porcelain"), (repository / ".git/index").read_bytes()) == before


def test_a_folder_outside_of_git_is_left_out_and_a_new_one_was_empty(repository: Path, tmp_path: Path) -> None:
    (repository / "fresh").mkdir()
    (repository / "fresh/z.py").write_text("new")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    base = find_base(repository, "main")
    found = base.read([Location(repository / "fresh"), Location(elsewhere)], tmp_path / "target")
    assert [(entry.path, list(entry.folder.iterdir())) for entry in found] == [(repository / "fresh", [])]


def test_a_checkout_in_a_folder_and_none_at_all(repository: Path, tmp_path: Path) -> None:
    assert (prefix(repository), prefix(repository / "versions"), prefix(tmp_path), prefix(None)) == (
        ".",
        "versions",
        "",
        "",
    )


def test_a_shallow_clone_whose_base_may_be_hidden_is_refused(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "--quiet", "main")
    commit(repository, "main goes on", versions__d="four")
    git(repository, "checkout", "--quiet", "topic")
    git(repository, "merge", "--quiet", "--no-edit", "main")
    commit(repository, "topic goes on", versions__e="five")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth", "2", "--no-single-branch", f"file://{repository}", str(clone))
    git(clone, "checkout", "--quiet", "topic")
    with pytest.raises(ObservationError, match="shallow clone") as caught:
        find_base(clone, "origin/main")
    assert "unshallow" in caught.value.hint
    git(clone, "fetch", "--quiet", "--unshallow")
    assert find_base(clone, "origin/main").commit == git(repository, "rev-parse", "main")


@pytest.mark.parametrize("ref", ["", "-x", "a\nb"])
def test_what_can_be_no_ref_never_reaches_git(repository: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="not the name of a commit"):
        find_base(repository, ref)


def test_histories_that_have_nothing_in_common(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "--orphan", "other")
    commit(repository, "other")
    with pytest.raises(ObservationError, match="no commit in common"):
        find_base(repository, "main")
    with pytest.raises(ObservationError, match="There is no commit nowhere"):
        find_base(repository, "nowhere")


def test_all_files_of_the_commit_are_written(repository: Path, tmp_path: Path) -> None:
    (repository / ".gitattributes").write_text("beside export-ignore\n")
    find_base(repository, "main").write(tmp_path / "target")
    found = {path.relative_to(tmp_path / "target").as_posix() for path in (tmp_path / "target").rglob("*")}
    assert found == {"beside", "versions", "versions/a"}
    assert (tmp_path / "target/versions/a").read_text() == "one"
