"""AR804: an upgrade that fails when it is applied again after its downgrade."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.checks.reversal.fails import failed
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.proofs import REVERSES, Leak, NotReversed
from alembic_review.model.review import Severity

_HINT = "In downgrade(), drop every object that upgrade() creates."


def _run(case: Case) -> Iterator[CheckResult]:
    for database, proved in observed.proved(case, REVERSES):
        for failure in proved.reverses.again if proved.reverses is not None else ():
            suggestion = _missing(failure, proved.reverses.leaks if proved.reverses is not None else ())
            yield failed(case, database, replace(failure, suggestion=suggestion), _HINT, again=True)


def _missing(failure: NotReversed, leaks: Sequence[Leak]) -> str | None:
    """What the downgrade lacks, where the error names what it leaves."""
    words = set(re.findall(r"\w+", failure.error.message))
    found = [leak.suggestion for leak in leaks if leak.name.rpartition(".")[2] in words]
    return next((one for one in found if one is not None), None)


CHECK = Check("AR804", "Second upgrade fails", Severity.ERROR, _run)
