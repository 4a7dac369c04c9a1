"""The branch that pull requests are merged into."""

from __future__ import annotations

from pathlib import Path

from alembic_review.git.default_branch import default_branch
from tests.git.repositories import git, with_a_topic


def test_the_default_branch_of_the_remote_else_a_usual_name(tmp_path: Path) -> None:
    repository = with_a_topic(tmp_path / "repository")
    assert default_branch(repository) == "main"
    git(repository, "branch", "trunk")
    git(repository, "checkout", "--quiet", "trunk")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(repository), str(clone))
    assert default_branch(clone) == "origin/trunk"
    git(clone, "remote", "set-head", "origin", "--delete")
    assert default_branch(clone) == "origin/main"
    assert default_branch(tmp_path) == "origin/main"
