"""New revisions that follow a revision which is no longer a head of the branch to merge into."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.judge.pull_request.new_roots import NewRoot, new_roots
from alembic_review.model.facts import Revision


def history(*texts: str, folder: str = "versions") -> tuple[Revision, ...]:
    """``"b < a"`` follows a, ``"c < a b"`` merges both, ``"d < a @x"`` has the label x, ``"e < a +z"`` depends on z."""
    found = []
    for text in texts:
        name, _, rest = text.partition(" <")
        words = rest.split()
        found.append(
            Revision(
                name,
                f"{folder}/{name}.py",
                None,
                folder,
                down_revisions=tuple(word for word in words if word[0] not in "@+"),
                depends_on=tuple(word[1:] for word in words if word[0] == "+"),
                branch_labels=tuple(word[1:] for word in words if word[0] == "@"),
            )
        )
    followed = {name for revision in found for name in revision.down_revisions}
    return tuple(replace(revision, is_head=revision.id not in followed) for revision in found)


def roots(base: tuple[str, ...], branch: tuple[str, ...], now: tuple[str, ...]) -> list[NewRoot]:
    """Of a pull request that adds the revisions ``now``, while its branch got those of ``branch``."""
    new = {text.partition(" <")[0] for text in now}
    return list(new_roots(history(*base, *now), new, history(*base, *branch)))


@pytest.mark.parametrize(
    ("branch", "now", "expected"),
    [
        # The parent is the head.
        ((), ("n < b",), []),
        ((), ("n < b", "o < n"), []),
        (("c < b",), (), []),
        # It is not, or not any more.
        ((), ("n < a",), ["n a: b"]),
        (("c < b",), ("n < b",), ["n b: c"]),
        (("c < b", "d < c"), ("n < b",), ["n b: d"]),
        (("c < b", "d < b"), ("n < b",), ["n b: c d"]),
        (("c < b",), ("n < b", "o < n", "p < o"), ["n b: c"]),
        (("c < b",), ("n < b", "o < b"), ["n b: c", "o b: c"]),
        (("c < b",), ("n < b", "o < z"), ["n b: c"]),
        (("c < b",), ("n < b z",), ["n b: c"]),
        # The same revision, merged meanwhile.
        (("n < b",), ("n < b",), []),
        (("n < b",), ("n < b", "o < n"), []),
        # A merge revision joins it with the head.
        (("c < b",), ("c < b", "n < b", "m < n c"), []),
        ((), ("n < a", "m < n b"), []),
        ((), ("n < b z",), []),
        # A branch of its own.
        (("c < b",), ("n < b @own",), []),
        (("c < b @shared",), ("n < b @shared",), ["n b: c"]),
        # What it depends on is another matter.
        (("y < z",), ("n < b +z",), []),
        (("y < z",), ("n < b +b",), []),
    ],
)
def test_one_root_for_each_new_revision_that_follows_no_new_one(
    branch: tuple[str, ...], now: tuple[str, ...], expected: list[str]
) -> None:
    base = ("a <", "b < a", "z <")
    found = [one for one in roots(base, branch, now) if one.behind]
    told = [f"{one.revision.id} {' '.join(map(str, one.behind))}: {' '.join(one.heads)}" for one in found]
    assert told == expected


def test_a_branch_of_each_label_is_compared_with_its_own_head() -> None:
    base = ("t <", "x1 < t @x", "y1 < t @y")
    found = roots(base, ("x2 < x1",), ("n < x1", "o < y1"))
    assert [(one.revision.id, one.behind, one.heads) for one in found] == [("n", ("x1",), ("x2",)), ("o", (), ())]
    (trunk,) = roots(base, (), ("n < t",))
    assert (trunk.behind, trunk.heads) == (("t",), ("x1", "y1"))


def test_a_parent_that_the_branch_has_removed_is_behind_the_heads_of_the_folder() -> None:
    now = history("a <", "b < a", "n < b")
    (root,) = new_roots(now, {"n"}, history("squashed <"))
    assert (root.behind, root.heads) == (("b",), ("squashed",))


@pytest.mark.parametrize(
    ("now", "branch", "behind"),
    [
        (history("n <"), history("first <"), (None,)),
        (history("n < @own"), history("first <"), ()),
        (history("n <"), history("first <", folder="elsewhere"), ()),
        (history("n <"), (), ()),
    ],
)
def test_a_first_revision_is_behind_one_in_the_same_folder(
    now: tuple[Revision, ...], branch: tuple[Revision, ...], behind: tuple[str | None, ...]
) -> None:
    (root,) = new_roots(now, {"n"}, branch)
    assert root.behind == behind
