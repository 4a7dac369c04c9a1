"""AR515: a new revision follows a revision that is no longer a head of the branch to merge into.

Two pull requests, each with a revision after the same one, both pass until the second of them is merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.pull_request.new_roots import NewRoot, new_roots
from alembic_review.model.facts import Revision
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    if case.history is None:
        return
    branch = case.history.facts.revisions if case.history.branch is None else case.history.branch
    new = {revision.id for revision in case.facts.revisions if case.is_new(revision.id)}
    roots = list(new_roots(case.facts.revisions, new, branch))
    for root in roots:
        behind = [parent for parent in root.behind if _same_role(case, root.revision, parent)]
        if behind:
            movable = len(roots) == 1 and len(root.revision.down_revisions) <= 1
            yield CheckResult(
                message=_message(case.history.ref, root, behind, branch),
                hint=_hint(case, root, movable=movable),
                place=case.revision_place(root.revision.id),
                revision=root.revision.id,
                subject=tuple(behind),
            )


def _same_role(case: Case, revision: Revision, parent: str | None) -> bool:
    """AR510 reports a revision of the application that follows one of another package."""
    if parent is None:
        return True
    owners = [case.evidence.revision_owner(name) for name in (revision.id, parent)]
    return len({case.evidence.is_application(owner) for owner in owners}) == 1


def _message(ref: str, root: NewRoot, behind: Sequence[str | None], branch: Sequence[Revision]) -> str:
    heads = ", ".join(root.heads)
    name, known = root.revision.id, {revision.id for revision in branch}
    parents = [parent for parent in behind if parent is not None]
    if not parents:
        return f"Revision {name} follows no revision, but {ref} has revisions in the same folder up to {heads}."
    followed = ", ".join(parents)
    if known.isdisjoint(parents):
        return f"Revision {name} follows {followed}, which {ref} does not have any more; {ref} ends with {heads}."
    verb = "heads of {ref} are" if len(root.heads) > 1 else "head of {ref} is"
    return f"Revision {name} follows {followed}, but the {verb.format(ref=ref)} {heads}: a merge leaves several heads."


def _hint(case: Case, root: NewRoot, *, movable: bool) -> str:
    assert case.history is not None
    ref, here = case.history.ref, {revision.id for revision in case.facts.revisions}
    missing = "" if here.issuperset(root.heads) else f"Merge {ref} into this branch, then "
    if movable and len(root.heads) == 1:
        told = f"run `alembic-review revision --rebase --since {ref}`: it sets down_revision to {root.heads[0]}."
    elif len(root.heads) == 1:
        told = f"replace {', '.join(parent for parent in root.behind if parent)} by {root.heads[0]} in down_revision."
    else:
        told = f"set down_revision to one of {', '.join(root.heads)}."
    told = missing + told
    return told[0].upper() + told[1:]


CHECK = Check("AR515", "Parent is not the head of the base", Severity.WARNING, _run)
