"""Proofs: the plan applied to copies of the scratch databases, and what these show.

The parent decides what the plan is (``ProofPlan``) and asks for one proof after the other; the worker answers each with
one ``Proved`` per database. A proof is

* a fact type and a field of ``Proved`` in ``model/proofs.py``, and its name there,
* a file here with ``observe(bench: Bench) -> list[Proved]``, and a row in ``PROOFS``,
* checks in ``judge/checks``, which read it through ``case.proved(database, NAME)``.

What proofs share:

* ``bench.Bench``: the plan, ``with bench.copies(): …`` for new copies of all databases before the plan, and
  ``bench.run(work, command)`` for one run of env.py on them (inside ``copies``; several runs use the same copies, for
  example an upgrade and then ``bench.run(work, ["downgrade", "-1"])``). ``bench.shared`` keeps what other proofs may
  use: see ``dry.dry_run``.
* ``run.run_plan(bench, hooks, recorder)``: applies the plan once, operation by operation, each in a savepoint. A proof
  overrides the methods of ``run.Hooks``. New revisions run their own ``upgrade()``, and then the pending operations
  run the Python that a revision would have.
* ``recorder.Recorder``: every statement of the plan as a ``Statement`` with its operation or revision, line and error.
  ``preparers`` are called before each statement and ``observers`` after it, on its connection, in its transaction. They
  and hooks may execute statements of their own; these are not recorded. A string of several statements is executed
  statement by statement.
* ``failing``: a driver's exception as a ``DatabaseError``, and the kind of hazard that it shows.

The proof of old models runs in a worker of its own, for the code of another commit: see ``rolling``.

An exception, or a ``WorkerError`` with a reason, makes a proof ``not_done``; the parent does so where the worker hangs
or dies. A proof leaves out a part by a line in ``Proved.not_checked``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

from alembic_review.model.optional_steps import Attempts
from alembic_review.model.proofs import BLIND_SPOTS, CONVERGES, LOCKS, REVERSES, ROWS, Proved
from alembic_review.worker.prove import blind, converges, locks, reverses, rows
from alembic_review.worker.prove.bench import Bench

PROOFS: Mapping[str, Callable[[Bench], list[Proved]]] = {
    CONVERGES: converges.observe,
    ROWS: rows.observe,
    REVERSES: reverses.observe,
    LOCKS: locks.observe,
    BLIND_SPOTS: blind.observe,
}


def prove(name: str, bench: Bench, debug: Callable[[str], object] | None) -> list[Proved]:
    """One proof, with one entry for each database; where it fails, each has the reason. Never raises an exception."""
    attempts = Attempts(debug, (BaseException,))
    nothing: list[Proved] = []
    with warnings.catch_warnings():
        # The replay and the comparison have warned of everything that runs once more here.
        warnings.simplefilter("ignore")
        found = attempts.attempt(name, lambda: PROOFS[name](bench), nothing)
    if attempts.failures:
        reason = attempts.failures[0].removeprefix(f"{name} (").removesuffix(")")
        return [Proved(name, number, reason=reason) for number in bench.numbers]
    return found
