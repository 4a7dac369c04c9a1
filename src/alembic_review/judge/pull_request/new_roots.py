"""The new revisions of a pull request that follow merged ones, and the heads that they would have to follow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alembic_review.judge.branches import lineage
from alembic_review.model.facts import Revision


@dataclass(frozen=True)
class NewRoot:
    """A new revision that follows no other new one.

    ``behind`` are its parents that have been followed by others, and ``heads`` those that the branch has after them.
    Both are empty where it follows a head, is merged with one or starts a branch of its own. A root without any parent
    is ``behind`` of ``None``.
    """

    revision: Revision
    behind: tuple[str | None, ...] = ()
    heads: tuple[str, ...] = ()


def new_roots(now: Sequence[Revision], new: set[str], branch: Sequence[Revision]) -> Iterator[NewRoot]:
    """The roots among the ``new`` revisions of those that there are ``now``, in the order of their identifiers.

    ``branch`` are the revisions of the branch that the pull request is to be merged into.
    """
    current = {revision.id: revision for revision in now}
    merged = {revision.id: revision for revision in branch}
    fresh = new - merged.keys()
    for name in sorted(fresh):
        revision = current[name]
        if fresh.isdisjoint(revision.down_revisions):
            yield _root(revision, current, merged)


def _root(revision: Revision, current: dict[str, Revision], merged: dict[str, Revision]) -> NewRoot:
    lines = {head: lineage(merged, head) for head, one in merged.items() if one.is_head}
    own = [lineage(current, head) for head, one in current.items() if one.is_head]
    joined = {name for line in own if revision.id in line for name in line}
    behind: list[str | None] = []
    heads: list[str] = []
    for parent in revision.down_revisions or (None,):
        after = _after(revision, parent, merged, lines)
        labelled = all(_has_own_label(revision, merged, lines[head]) for head in after)
        if parent not in after and joined.isdisjoint(after) and not labelled:
            behind.append(parent)
            heads += after
    return NewRoot(revision, tuple(behind), tuple(dict.fromkeys(heads)))


def _after(
    revision: Revision, parent: str | None, merged: dict[str, Revision], lines: dict[str, set[str]]
) -> list[str]:
    """The heads of the branch that ``parent`` is a part of; else those in the same folder."""
    found = [head for head, line in lines.items() if parent in line]
    folder = [head for head in lines if merged[head].version_location == revision.version_location]
    return sorted(found or folder)


def _has_own_label(revision: Revision, merged: dict[str, Revision], line: set[str]) -> bool:
    """Whether a revision has a branch label that nothing in this line has."""
    return not set(revision.branch_labels) <= {label for name in line for label in merged[name].branch_labels}
