"""What Git knows of a base, in repositories made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_review.git.base_commit import read_base
from alembic_review.model.errors import ObservationError, UsageError
from tests.git.repositories import commit, git, with_a_topic


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return with_a_topic(tmp_path / "repository")


def test_what_differs_from_the_base_and_neither_tree_nor_index_is_touched(repository: Path) -> None:
    (repository / "versions/c").write_text("not committed")
    (repository / "beside").unlink()
    before = (git(repository, "status", "--porcelain"), (repository / ".git/index").read_bytes())
    base = read_base(repository / "versions", "main")
    assert (base.ref, base.commit, base.top) == ("main", git(repository, "rev-parse", "main"), repository)
    assert base.files == {"versions/a", "beside"}
    assert base.changed == {"versions/a": b"one", "beside": b"template"}
    assert base.tracked == {"versions/a", "versions/b", "beside"}
    assert base.untracked == {"versions/c"}
    assert (git(repository, "status", "--porcelain"), (repository / ".git/index").read_bytes()) == before


def test_revision_files_that_the_branch_has_changed_since(repository: Path) -> None:
    assert read_base(repository, "main").ahead == {}
    git(repository, "checkout", "--quiet", "main")
    old, new = "revision = 'a'\ndown_revision = None\n", "revision = 'b'\ndown_revision = 'a'\n"
    commit(repository, "before", **{"versions__ä a.py": old, "gone.py": old, "kept.py": old})
    git(repository, "checkout", "--quiet", "-b", "later")
    commit(repository, "of the pull request", **{"versions__mine.py": new})
    git(repository, "checkout", "--quiet", "main")
    (repository / "gone.py").unlink()
    commit(repository, "since", **{"versions__ä a.py": new, "versions__b.py": new, "module.py": "x = 1", "text": new})
    git(repository, "checkout", "--quiet", "later")
    assert read_base(repository, "main").ahead == {
        "versions/ä a.py": new.encode(),
        "versions/b.py": new.encode(),
        "gone.py": None,
    }


@pytest.mark.parametrize("option", ["--assume-unchanged", "--skip-worktree"])
def test_an_edited_file_that_git_is_told_not_to_look_at(repository: Path, option: str) -> None:
    git(repository, "update-index", option, "beside")
    (repository / "beside").write_text("edited")
    base = read_base(repository, "main")
    assert base.changed == {"versions/a": b"one", "beside": b"template"}
    assert base.tracked == {"versions/a", "versions/b", "beside"}


def test_a_link_has_its_target_and_an_ignored_file_is_nowhere(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "main")
    (repository / "link").symlink_to("beside")
    commit(repository, "a link", name__with__spaces="x", **{".gitignore": "*.pyc\n"})
    git(repository, "checkout", "--quiet", "-b", "other")
    (repository / "link").unlink()
    (repository / "module.pyc").write_text("compiled")
    base = read_base(repository, "main")
    assert base.links == {"link"}
    assert base.changed == {"link": b"beside"}
    assert base.untracked == frozenset()


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
        read_base(clone, "origin/main")
    assert "unshallow" in caught.value.hint
    git(clone, "fetch", "--quiet", "--unshallow")
    assert read_base(clone, "origin/main").commit == git(repository, "rev-parse", "main")


@pytest.mark.parametrize("ref", ["", "-x", "a\nb"])
def test_what_can_be_no_ref_never_reaches_git(repository: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="not the name of a commit"):
        read_base(repository, ref)


def test_histories_that_have_nothing_in_common(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "--orphan", "other")
    commit(repository, "other")
    with pytest.raises(ObservationError, match="no commit in common"):
        read_base(repository, "main")
    with pytest.raises(ObservationError, match="There is no commit nowhere"):
        read_base(repository, "nowhere")
