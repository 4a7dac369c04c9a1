"""The plan applies to an empty database, and Alembic then has nothing left to propose for its tables."""

from __future__ import annotations

from alembic_review.model.proofs import CONVERGES, Convergence, Proved
from alembic_review.worker.prove.bench import Bench
from alembic_review.worker.prove.dry import dry_run


def observe(bench: Bench) -> list[Proved]:
    """What does not apply, and what remains. Raises ``WorkerError``."""
    return [
        Proved(CONVERGES, number, converges=Convergence(tuple(found.failures), tuple(found.remaining)))
        for number, found in enumerate(dry_run(bench))
    ]
