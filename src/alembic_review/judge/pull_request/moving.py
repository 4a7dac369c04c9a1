"""Which new revision of a pull request is to follow another one, and which one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alembic_review.judge.pull_request.new_roots import NewRoot, new_roots
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import Revision


@dataclass(frozen=True)
class Move:
    """``revision`` is to follow ``parent``, whose ``label`` names its branch; ``notes`` are what to mind about that."""

    revision: Revision
    parent: str
    label: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Histories:
    """The revisions that there are ``now``, at the merge base and on the ``branch``, which is called ``ref``."""

    now: Sequence[Revision]
    merge_base: Sequence[Revision]
    branch: Sequence[Revision]
    ref: str

    @property
    def new(self) -> set[str]:
        """The revisions of the pull request."""
        known = {revision.id for revision in (*self.merge_base, *self.branch)}
        return {revision.id for revision in self.now} - known


def move(histories: Histories, named: str | None) -> Move | str:
    """The revision to move, and where: behind ``named``, else the head of the branch. Why not, where nothing is to do.

    Raises ``UsageError`` for what can't be moved, and for a parent that is none.
    """
    ref, new = histories.ref, histories.new
    roots = list(new_roots(histories.now, new, histories.branch))
    if not roots:
        return f"Nothing to move: no revision is new since {ref}."
    if named is None and not any(root.behind for root in roots):
        each = " and ".join(root.revision.id for root in roots)
        return f"Nothing to move: no revision of {ref} comes after the parent of {each}."
    root = _only(roots, histories, new)
    if named is None and len(root.heads) != 1:
        raise UsageError(
            f"Revision {root.revision.id} could follow {len(root.heads)} heads of {ref}: {', '.join(root.heads)}.",
            hint=f"Name one of them: --rebase {root.heads[0]}",
        )
    parent = root.heads[0] if named is None else _named(named, histories, new)
    if root.revision.down_revisions == (parent,):
        return f"Nothing to move: revision {root.revision.id} follows {parent} already."
    label = f"{parent} of {ref}" if any(one.id == parent for one in histories.branch) else parent
    return Move(root.revision, parent, label, tuple(_notes(parent, histories)))


def _only(roots: Sequence[NewRoot], histories: Histories, new: set[str]) -> NewRoot:
    """The one revision that can be moved, with all that follow it. Raises ``UsageError``."""
    merges = [one.id for one in histories.now if one.id in new and len(one.down_revisions) > 1]
    if merges:
        raise UsageError(
            f"{', '.join(merges)} {'are merge revisions' if len(merges) > 1 else 'is a merge revision'}, "
            "which --rebase does not move.",
            hint="Delete it and run --rebase again, or edit down_revision yourself.",
        )
    if len(roots) > 1:
        raise UsageError(
            f"{len(roots)} new revisions follow merged ones: {', '.join(root.revision.id for root in roots)}.",
            hint="Let each of them but the first follow another of them, or edit down_revision yourself.",
        )
    return roots[0]


def _named(named: str, histories: Histories, new: set[str]) -> str:
    """The revision of this identifier, or of the only one that starts so. Raises ``UsageError``."""
    known = {revision.id for revision in (*histories.now, *histories.branch)}
    found = [named] if named in known else sorted(name for name in known if name.startswith(named))
    if len(found) != 1 or not named:
        heads = ", ".join(sorted(revision.id for revision in histories.branch if revision.is_head))
        told = f"{len(found)} revisions start with {named}" if len(found) > 1 else f"There is no revision {named}"
        raise UsageError(f"--rebase: {told}.", hint=f"The heads of {histories.ref} are: {heads or 'none'}.")
    if found[0] in new:
        raise UsageError(
            f"--rebase: {found[0]} is new in this pull request.", hint=f"Name a revision of {histories.ref}."
        )
    return found[0]


def _notes(parent: str, histories: Histories) -> list[str]:
    ref, notes = histories.ref, []
    known = {revision.id: revision for revision in histories.branch}
    if parent not in known or not known[parent].is_head:
        notes.append(f"{parent} is not a head of {ref}: a merge leaves several heads.")
    if parent not in {revision.id for revision in histories.now}:
        notes.append(f"{parent} is not in this checkout yet: merge {ref}, and Alembic finds it.")
    return notes
