"""AR512: a branch of the application has several heads. Several branches with one head each are as it should be.

Heads with different branch labels are different branches, also where they share a beginning.
"""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.branches import lineage
from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.model.facts import Revision
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    known = {revision.id: revision for revision in case.facts.revisions}
    own = {name for name in known if case.evidence.is_application(case.evidence.revision_owner(name))}
    branches: list[tuple[set[str], list[str]]] = []
    for head in sorted(name for name in own if known[name].is_head):
        line, heads = lineage(known, head) & own, [head]
        for branch in [branch for branch in branches if branch[0] & line]:
            branches.remove(branch)
            line, heads = line | branch[0], [*branch[1], *heads]
        branches.append((line, heads))
    for heads in (heads for _, found in branches for heads in _by_labels(known, found)):
        if len(heads) > 1:
            names = " ".join(sorted(heads))
            owner = case.evidence.revision_owner(heads[0])
            yield CheckResult(
                message=f"One branch of {owner} has {len(heads)} heads: {names}.",
                hint=f'Merge them: alembic merge -m "merge heads" {names}',
                place=case.revision_place(max(heads)),
                revision=max(heads),
            )


def _by_labels(known: dict[str, Revision], heads: list[str]) -> list[list[str]]:
    """The heads of one trunk, those with the same branch labels together; Alembic passes a label on to its head."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for head in heads:
        groups.setdefault(known[head].branch_labels, []).append(head)
    return list(groups.values())


CHECK = Check("AR512", "Several heads in one branch", Severity.ERROR, _run)
