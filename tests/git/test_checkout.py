"""Where a folder is in a checkout."""

from __future__ import annotations

from pathlib import Path

from alembic_review.git.checkout import current_commit, path_in_checkout
from tests.git.repositories import git, with_a_topic


def test_a_checkout_in_a_folder_and_none_at_all(tmp_path: Path) -> None:
    repository = with_a_topic(tmp_path / "repository")
    folders = (repository, repository / "versions", tmp_path, None)
    assert [path_in_checkout(folder) for folder in folders] == [".", "versions", "", ""]
    head = git(repository, "rev-parse", "HEAD")
    assert [current_commit(folder) for folder in folders] == [head, head, "", ""]
