"""Which new revision is moved, and behind which other one."""

from __future__ import annotations

import pytest

from alembic_review.judge.pull_request.moving import Histories, Move, move
from alembic_review.model.errors import UsageError
from tests.judge.pull_request.test_new_roots import history

BASE = ("a <", "b < a")


def histories(branch: tuple[str, ...], now: tuple[str, ...]) -> Histories:
    """Of a pull request with the revisions ``now``, while ``main`` got those of ``branch``."""
    return Histories(history(*BASE, *now), history(*BASE), history(*BASE, *branch), "main")


def moved(branch: tuple[str, ...], now: tuple[str, ...], named: str | None = None) -> tuple[str, str, tuple[str, ...]]:
    found = move(histories(branch, now), named)
    assert isinstance(found, Move)
    assert found.label == f"{found.parent} of main"
    return found.revision.id, found.parent, found.notes


ELSEWHERE = ("c is not in this checkout yet: merge main, and Alembic finds it.",)


def test_the_root_goes_behind_the_head_of_the_branch() -> None:
    assert moved(("c < b",), ("n < b", "o < n")) == ("n", "c", ELSEWHERE)
    assert moved(("c < b",), ("c < b", "n < b")) == ("n", "c", ())
    assert moved((), ("n < a",)) == ("n", "b", ())


def test_a_named_parent_decides_and_is_found_by_its_first_letters() -> None:
    branch = ("cc1 < b", "cd2 < b")
    assert moved(branch, ("cc1 < b", "cd2 < b", "n < b"), "cc") == ("n", "cc1", ())
    (_, parent, notes) = moved((), ("n < b",), "a")
    assert (parent, notes) == ("a", ("a is not a head of main: a merge leaves several heads.",))


@pytest.mark.parametrize(
    ("branch", "now", "named", "why"),
    [
        (("c < b",), (), None, "no revision is new since main"),
        ((), ("n < b",), None, "no revision of main comes after the parent of n"),
        ((), ("n < b", "o < b"), None, "no revision of main comes after the parent of n and o"),
        ((), ("n < b",), "b", "revision n follows b already"),
    ],
)
def test_nothing_to_move(branch: tuple[str, ...], now: tuple[str, ...], named: str | None, why: str) -> None:
    assert move(histories(branch, now), named) == f"Nothing to move: {why}."


@pytest.mark.parametrize(
    ("now", "named", "message", "hint"),
    [
        (("n < b", "m < n a"), None, "m is a merge revision, which --rebase does not move.", "Delete it"),
        (("n < a b",), "c", "n is a merge revision", "Delete it"),
        (("n < b", "o < b"), None, "2 new revisions follow merged ones: n, o.", "Let each"),
        (("n < b", "o <"), "c", "2 new revisions follow merged ones: n, o.", "Let each"),
        (("n < b",), "x", "--rebase: There is no revision x.", "The heads of main are: c."),
        (("n < b", "o < n"), "o", "--rebase: o is new in this pull request.", "Name a revision of main."),
    ],
)
def test_what_is_not_moved(now: tuple[str, ...], named: str | None, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        move(histories(("c < b",), now), named)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_one_of_several_heads_has_to_be_named() -> None:
    with pytest.raises(UsageError) as caught:
        move(histories(("cc1 < b", "cd2 < b"), ("n < b",)), None)
    assert caught.value.message == "Revision n could follow 2 heads of main: cc1, cd2."
    assert caught.value.hint == "Name one of them: --rebase cc1"
    with pytest.raises(UsageError, match="2 revisions start with c"):
        move(histories(("cc1 < b", "cd2 < b"), ("n < b",)), "c")
