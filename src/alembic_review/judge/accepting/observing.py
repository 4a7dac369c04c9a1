"""Whether a run looked for what an entry of ``accept`` is about: otherwise that it matches nothing says nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alembic_review.judge.accepting.selecting import Found, Selecting
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.proofs.requests import EMPTY
from alembic_review.judge.trials_not_done import untried
from alembic_review.model.accepting import Accept
from alembic_review.model.review import Change, Proof, ProofState
from alembic_review.model.settings import Level

# The proof that finds each code; see the page of proofs in the documentation.
_BLIND_SPOTS = "blind_spots"
_PROOFS = tuple(
    (re.compile(pattern), proof)
    for pattern, proof in (
        (r"AR203|AR21[0-6]|AR803|AR805", "rows"),
        (r"AR21[78]", "converges"),
        (r"AR30[12]", "renames"),
        (r"AR310", "rolling"),
        (r"AR6[12].", _BLIND_SPOTS),
        (r"AR7..", "locks"),
        (r"AR8..", "reverses"),
    )
)
WITH_SINCE = frozenset({"AR501", "AR502", "AR503", "AR515"})
"""What is found of a pull request only."""
_TRIALS = frozenset({"AR513", "AR514"})
_GIVEN_SERVER = "AR901"
_SOURCE = "AR104"
# A guess, and the findings that are reported instead of it where a proof observed the fact.
_OBSERVED_INSTEAD = {"AR201": ("AR203",), "AR202": ("AR210",), "AR514": ("AR801", "AR802", "AR803", "AR804")}


def is_observed(case: Case, entry: Accept, found: Found, selecting: Selecting) -> bool:
    """Tell whether what an entry is about would have been found."""
    if case.settings.severity.get(entry.code) is Level.OFF or not _is_run(case, entry.code):
        return False
    if _is_merged(case, entry):
        return False
    proof = proof_of(entry.code)
    if proof is not None:
        in_plan = proof == _BLIND_SPOTS or _is_in_plan(case, entry, found.every, selecting)
        return in_plan and is_proved(found.proofs, proof)
    instead = _OBSERVED_INSTEAD.get(entry.code, ())
    observed = [one for one in found.findings if one.proof is not None and one.code in instead]
    return not any(entry.table is None or entry.table == one.table for one in observed)


def proof_of(code: str) -> str | None:
    """The proof that finds a code; ``None`` for a check that needs none."""
    return next((proof for pattern, proof in _PROOFS if pattern.fullmatch(code)), None)


def _is_run(case: Case, code: str) -> bool:
    if code in WITH_SINCE:
        return case.history is not None
    if code in _TRIALS:
        return not any(untried(case))
    if code == _SOURCE:
        return not case.unloaded.unread
    return code != _GIVEN_SERVER or case.settings.server is not None


def _is_merged(case: Case, entry: Accept) -> bool:
    """Tell whether an entry is about a revision that is not new: no run looks at such a one like at a new one."""
    if entry.revision is not None:
        return case.revision(entry.revision) is not None and not case.is_new(entry.revision)
    path = entry.place.path if entry.lines is not None and entry.place is not None else None
    return any(revision.path == path and not case.is_new(revision.id) for revision in case.facts.revisions)


def is_proved(proofs: Sequence[Proof], name: str) -> bool:
    """Tell whether a proof was done on every database, and had something to prove."""
    own = [proof for proof in proofs if proof.proof == name]
    return bool(own) and all(one.state is not ProofState.NOT_DONE and one.reason != EMPTY for one in own)


def _is_in_plan(case: Case, entry: Accept, changes: Sequence[Change], selecting: Selecting) -> bool:
    """Tell whether the plan touches what an entry is about. A table that there is not was never meant."""
    if entry.table is None and entry.lines is None:
        return True
    known = {
        name
        for database in case.databases
        for key in database.ownership.tables
        for name in (key.name, f"{key.schema}.{key.name}")
    }
    return selecting.is_about(entry, changes) or (entry.table is not None and entry.table not in known)
