"""Version locations as they were at the base of a pull request."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_review.git.base_commit import read_base
from alembic_review.model.pull_request_base import RevisionFolder
from alembic_review.observe.base_revisions import BaseFolder, content_at_base, write_base_files, write_base_folders
from tests.git.repositories import commit, git, with_a_topic


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return with_a_topic(tmp_path / "repository")


def written(repository: Path, target: Path, *folders: Path, ref: str = "main") -> list[BaseFolder]:
    """These version locations as they were at the merge base with ``ref``."""
    base = read_base(repository, ref)
    return write_base_folders(base, repository, [RevisionFolder(folder) for folder in folders], target)


def test_the_folder_is_as_it_was(repository: Path, tmp_path: Path) -> None:
    (repository / "versions/c").write_text("not committed")
    (earlier,) = written(repository, tmp_path / "target", repository / "versions")
    assert {path.name: path.read_text() for path in earlier.folder.iterdir()} == {"a": "one"}
    assert not earlier.unchanged
    assert earlier.inside == "versions"
    assert earlier.then(repository / "versions/b") == earlier.folder / "b"
    base = read_base(repository, "main")
    assert content_at_base(base, repository / "versions/a") == b"one"
    assert content_at_base(base, repository / "beside") == b"template"
    assert content_at_base(base, repository / "versions/b") is None
    assert content_at_base(base, tmp_path / "elsewhere") is None


def test_nothing_changed(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "--quiet", "main")
    (earlier,) = written(repository, tmp_path / "target", repository / "versions")
    assert {path.name: path.read_text() for path in earlier.folder.iterdir()} == {"a": "one"}
    assert earlier.unchanged


def test_a_folder_outside_of_git_is_left_out_and_a_new_one_was_empty(repository: Path, tmp_path: Path) -> None:
    for name in ("fresh", "ignored"):
        (repository / name).mkdir()
        (repository / name / "z.py").write_text("new")
    (repository / "empty").mkdir()
    (repository / ".gitignore").write_text("ignored/\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folders = (repository / "fresh", elsewhere, repository / "ignored", repository / "empty")
    found = written(repository, tmp_path / "target", *folders)
    assert [(entry.path, list(entry.folder.iterdir())) for entry in found] == [
        (repository / "fresh", []),
        (repository / "empty", []),
    ]


@pytest.mark.parametrize("copied", [False, True])
def test_a_folder_that_was_elsewhere_is_found_by_its_revisions(
    repository: Path, tmp_path: Path, *, copied: bool
) -> None:
    git(repository, "checkout", "--quiet", "main")
    commit(repository, "revisions", **{"old__one.py": 'revision = "1a"\n', "old__two.py": "revision: str = '2b'\n"})
    git(repository, "checkout", "--quiet", "-b", "moving")
    (repository / "new").mkdir()
    for number, name in enumerate(("one", "two")):
        text = (repository / f"old/{name}.py").read_text()
        (repository / f"new/renamed_{number}.py").write_text(text)
        if not copied:
            (repository / f"old/{name}.py").unlink()
    (earlier,) = written(repository, tmp_path / "target", repository / "new")
    assert {path.name for path in earlier.folder.iterdir()} == {"one.py", "two.py"}


def test_links_and_files_of_the_folder_around_are_there_too(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "--quiet", "main")
    commit(repository, "data", app__versions__a="one", app__data="rows")
    (repository / "app/versions/link").symlink_to("../data")
    commit(repository, "link")
    git(repository, "checkout", "--quiet", "-b", "later")
    (repository / "app/versions/link").unlink()
    (repository / "app/data").write_text("other rows")
    (earlier,) = written(repository, tmp_path / "target", repository / "app/versions")
    assert (earlier.folder / "link").read_text() == "rows"
    assert not earlier.unchanged


def test_all_files_of_the_commit_are_written(repository: Path, tmp_path: Path) -> None:
    (repository / ".gitattributes").write_text("beside export-ignore\n")
    write_base_files(read_base(repository, "main"), tmp_path / "target")
    found = {path.relative_to(tmp_path / "target").as_posix() for path in (tmp_path / "target").rglob("*")}
    assert found == {"beside", "versions", "versions/a"}
    assert (tmp_path / "target/versions/a").read_text() == "one"
