"""The revisions of a branch, from those of the merge base and the files that it has changed since."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_review.judge.pull_request.branch_revisions import (
    BranchFolder,
    branch_revisions,
    merge_base_revisions,
)
from alembic_review.model.facts import Revision
from alembic_review.model.pull_request_base import BaseCommit

NOW = "/project/versions"
FOLDERS = (BranchFolder(NOW, "app/versions"),)


def known(*names: str, folder: str = NOW) -> list[Revision]:
    """A chain of revisions."""
    chain = zip(names, ("", *names), strict=False)
    return [Revision(name, f"{folder}/{name}.py", None, folder, tuple(filter(None, (down,)))) for name, down in chain]


def source(name: str, down: str | None) -> bytes:
    return f"revision = {name!r}\ndown_revision = {down!r}\n".encode()


def told(*found: Revision) -> list[str]:
    return sorted(f"{one.id} < {' '.join(one.down_revisions)}{' head' if one.is_head else ''}" for one in found)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        ({}, ["a < ", "b < a head"]),
        ({"app/versions/c.py": source("c", "b")}, ["a < ", "b < a", "c < b head"]),
        ({"app/versions/b.py": None}, ["a <  head"]),
        ({"app/versions/b.py": source("b", None)}, ["a <  head", "b <  head"]),
        ({"app/versions/b.py": None, "app/versions/renamed.py": source("b", "a")}, ["a < ", "b < a head"]),
        # What Alembic takes for no revision of this environment.
        ({"other/versions/c.py": source("c", "b")}, ["a < ", "b < a head"]),
        ({"app/versions/old/c.py": source("c", "b")}, ["a < ", "b < a head"]),
        ({"app/versions/__init__.py": source("c", "b")}, ["a < ", "b < a head"]),
        # The folder was moved.
        (
            {
                "app/versions/a.py": None,
                "app/versions/b.py": None,
                "app/db/a.py": source("a", None),
                "app/db/b.py": source("b", "a"),
                "app/db/c.py": source("c", "b"),
            },
            ["a < ", "b < a", "c < b head"],
        ),
    ],
)
def test_files_that_the_branch_has_changed(ahead: dict[str, bytes | None], expected: list[str]) -> None:
    found = branch_revisions(known("a", "b"), FOLDERS, ahead)
    assert told(*found.revisions) == expected
    assert found.unread == ()


def test_folders_below_a_version_location_count_where_they_did_before() -> None:
    below = known("a", "b", folder=f"{NOW}/2026")
    found = branch_revisions(below, FOLDERS, {"app/versions/2027/c.py": source("c", "b")})
    assert told(*found.revisions) == ["a < ", "b < a", "c < b head"]


def test_a_file_that_only_running_would_tell_is_named_and_the_known_revision_kept() -> None:
    found = branch_revisions(known("a", "b"), FOLDERS, {"app/versions/b.py": b"revision = f()\ndown_revision = 1"})
    assert told(*found.revisions) == ["a < ", "b < a head"]
    assert found.unread == ("app/versions/b.py: its `revision` is not a literal",)


def test_the_merge_base_is_what_is_there_without_what_is_new_or_edited() -> None:
    now = [*known("a", "b", "new"), *known("core", folder="/site/core")]
    base = BaseCommit(
        "main",
        "c0ffee",
        Path("/project"),
        files=frozenset({"app/versions/a.py", "app/versions/b.py", "app/versions/gone.py", "app/versions/odd.py"}),
        changed={
            "app/versions/b.py": source("b", None),
            "app/versions/gone.py": source("gone", "b"),
            "app/versions/odd.py": b"revision = f()",
        },
    )
    found = merge_base_revisions(now, FOLDERS, base)
    assert told(*found.revisions) == ["a <  head", "b < ", "core <  head", "gone < b head"]
    assert found.unread == ("app/versions/odd.py: its `revision` is not a literal",)
