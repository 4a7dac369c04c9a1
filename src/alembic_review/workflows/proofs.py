"""Asks a worker for the proofs of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from alembic_review.judge.judged_facts import Case
from alembic_review.judge.proofs.requests import plan
from alembic_review.model.optional_steps import Attempts, show
from alembic_review.model.proofs import JUDGED, ON_REQUEST, PLAIN, ROLLING, SINCE, ProofPlan, Proofs, Proved
from alembic_review.model.settings import Settings
from alembic_review.observe.worker_process import Conversation


def prove(
    worker: Conversation,
    case: Callable[[], Case],
    settings: Settings,
    old_models: Callable[[], tuple[Proved, ...]] | None = None,
) -> Proofs:
    """Run the proofs of the pending safe changes and the new revisions of a case.

    ``worker`` has observed the facts of the case. ``old_models`` runs the models of the base on the schemas after
    the new revisions.
    """
    names = _names(settings)
    if settings.prove is False:
        return Proofs(names=names, reason="--no-prove")
    attempts = Attempts(show if worker.request.debug else None)
    nothing: ProofPlan | Proofs = Proofs(names=names)
    asked = [name for name in names if name not in SINCE]
    planned = attempts.attempt("proofs", lambda: plan(case(), asked), nothing)
    if attempts.failures:
        return Proofs(names=names, reason=attempts.failures[0].removeprefix("proofs (").removesuffix(")"))
    if isinstance(planned, Proofs):
        return replace(planned, names=names)
    proved = worker.prove(planned)
    if ROLLING in names and old_models is not None:
        proved += _rolling(planned, old_models, attempts, proved)
    idle = tuple(name for name in names if name not in {*planned.proofs, *JUDGED, ROLLING})
    return Proofs(proved, names=names, idle=idle)


def _rolling(
    plan: ProofPlan, old_models: Callable[[], tuple[Proved, ...]], attempts: Attempts, proved: tuple[Proved, ...]
) -> tuple[Proved, ...]:
    """The old models on the new schema, which is the old one where no revision is new.

    They also show which blind spots are older than the pull request.
    """
    start = time.perf_counter()
    spots = any(one.blind_spots is not None and one.blind_spots.spots for one in proved)
    nothing: tuple[Proved, ...] = ()
    found = attempts.attempt(ROLLING, old_models, nothing) if plan.revisions or spots else nothing
    reason = attempts.failures[-1].removeprefix(f"{ROLLING} (").removesuffix(")") if attempts.failures else ""
    if not plan.revisions:
        reason, found = "", tuple(replace(one, not_checked=(), rolling=None) for one in found)
    found = found or tuple(Proved(ROLLING, number, reason=reason) for number in range(len(plan.originals)))
    return (replace(found[0], milliseconds=round((time.perf_counter() - start) * 1000)), *found[1:])


def _names(settings: Settings) -> tuple[str, ...]:
    """The proofs that these settings ask for; those of ``--prove`` too where there are to be none."""
    if settings.prove is None:
        return PLAIN
    return (*PLAIN, *ON_REQUEST, *(SINCE if settings.since is not None else ()))
