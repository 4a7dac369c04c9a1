"""AR510: revisions of the application and of others follow each other in one branch."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.model.facts import Revision
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    known = {revision.id: revision for revision in case.facts.revisions}
    for revision in case.facts.revisions:
        own = _is_own(case, revision)
        others = [
            known[name] for name in revision.down_revisions if name in known and _is_own(case, known[name]) != own
        ]
        for parent in others:
            yield CheckResult(
                message=_message(case, revision, parent, own=own),
                hint=_hint(case, revision, parent, own=own),
                place=case.revision_place(revision.id),
                revision=revision.id,
                subject=(parent.id,),
            )


def _is_own(case: Case, revision: Revision) -> bool:
    return case.evidence.is_application(case.evidence.revision_owner(revision.id))


def _whose(case: Case, revision: Revision) -> str:
    owner = case.evidence.revision_owner(revision.id)
    return f"of {owner}" if owner is not None else "of an unknown package"


def _message(case: Case, revision: Revision, parent: Revision, *, own: bool) -> str:
    how = "merges" if len(revision.down_revisions) > 1 else "follows"
    where = "the branch of another package" if own else "your application's branch"
    into = " into its branch" if how == "merges" else f", so it is in {where}"
    return f"Revision {revision.id} {_whose(case, revision)} {how} {parent.id} {_whose(case, parent)}{into}."


def _hint(case: Case, revision: Revision, parent: Revision, *, own: bool) -> str:
    if not own:
        return f"Move {revision.id} out of that branch: only your application's revisions may follow {parent.id}."
    rest = [name for name in revision.down_revisions if name != parent.id]
    mine = [name for name in rest if case.evidence.is_application(case.evidence.revision_owner(name))]
    if mine:
        return f'Remove {parent.id} from down_revision and set depends_on = "{parent.id}".'
    return f'Set down_revision to a revision of your own branch (None for a new one) and depends_on = "{parent.id}".'


CHECK = Check("AR510", "Revisions of several owners in one branch", Severity.ERROR, _run, blocks=True)
