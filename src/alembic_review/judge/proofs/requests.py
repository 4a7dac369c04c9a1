"""What is to be proved of a run, and what its proofs came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from alembic_review.judge.judged_facts import Case
from alembic_review.judge.proofs.production_version import DEPENDENT, note
from alembic_review.judge.revision_plan import writable
from alembic_review.model.proofs import JUDGED, ON_REQUEST, Planned, ProofPlan, Proofs
from alembic_review.model.review import Finding, Proof, ProofState

EMPTY = "nothing is pending, and no revision is new"
_OTHERS = "env.py connected to different databases with the revisions of the base"


def plan(case: Case, names: Sequence[str]) -> ProofPlan | Proofs:
    """The plan of these proofs: the new revisions of a pull request, and the safe changes that are pending.

    ``Proofs`` with the reason where there is nothing to prove, or no database to prove it on.
    """
    facts = case.facts
    operations = tuple(_operations(case))
    revisions = tuple(revision.id for revision in facts.revisions if case.is_new(revision.id))
    wanted = tuple(name for name in names if operations or revisions or name in ON_REQUEST)
    if not wanted:
        return Proofs(names=tuple(names), reason=EMPTY)
    bases = case.history.facts.databases if case.history is not None and revisions else facts.databases
    if [base.target for base in bases] != [database.target for database in facts.databases]:
        return Proofs(names=tuple(names), reason=_OTHERS)
    observed = tuple(name for name in wanted if name not in JUDGED)
    return ProofPlan(observed, tuple(base.scratch for base in bases), operations, revisions)


def _operations(case: Case) -> Iterator[Planned]:
    index = {id(facts): number for number, facts in enumerate(case.facts.databases)}
    for database in case.databases:
        safe, _ = writable(database.changes, None)
        numbers = {judged.fact.operation for judged in database.changes if id(judged.fact) in safe}
        for number in sorted(numbers):
            yield Planned(index[id(database.facts)], number)


def outcomes(case: Case, findings: Iterable[Finding]) -> tuple[Proof, ...]:
    """One entry for each proof and database, so that nothing found differs from nothing done."""
    proofs = case.proofs
    found = {(finding.proof, finding.database) for finding in findings if finding.proof is not None}
    entries = []
    for database in case.databases:
        for name in proofs.names:
            proved = case.proved(database, name)
            if proofs.reason == EMPTY or name in proofs.idle:
                state, reason = ProofState.HELD, EMPTY
            elif (name, database.name) in found:
                state, reason = ProofState.FOUND, ""
            elif name in JUDGED and not proofs.reason:
                state, reason = ProofState.HELD, ""
            elif proved is None or proved.reason:
                state, reason = ProofState.NOT_DONE, proved.reason if proved is not None else proofs.reason
            elif proved.not_checked:
                state, reason = ProofState.NOT_DONE, proved.not_checked[0]
            else:
                state, reason = ProofState.HELD, ""
            if not reason and name in DEPENDENT:
                reason = note(database.facts, case.settings)
            entries.append(Proof(name, database.name, state, reason))
    return tuple(entries)


def _done(proofs: Proofs) -> Iterator[str]:
    yield from (name for name in proofs.names if name not in proofs.idle)


def not_checked(case: Case) -> Iterator[str]:
    """A line for each proof, or part of one, that was not done."""
    proofs: Proofs = case.proofs
    if proofs.reason and proofs.reason != EMPTY:
        yield f"proofs ({proofs.reason})"
    for database in case.databases:
        where = f" of {database.name}" if database.name is not None else ""
        for name in _done(proofs) if not proofs.reason else ():
            if name in JUDGED:
                continue
            proved = case.proved(database, name)
            if proved is None or proved.reason:
                yield f"the proof {name}{where} ({proved.reason if proved is not None else 'no answer'})"
            else:
                yield from (f"{line}{where}" for line in proved.not_checked)
