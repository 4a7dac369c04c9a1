"""AR802: a downgrade that fails on an empty database."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.proofs import REVERSES, NotReversed
from alembic_review.model.review import Severity

_HINT = "In downgrade(), revert the operations of upgrade() in reverse order."


def _run(case: Case) -> Iterator[CheckResult]:
    for database, proved in observed.proved(case, REVERSES):
        for failure in proved.reverses.failures if proved.reverses is not None else ():
            yield failed(case, database, failure, _hint(failure), again=False)


def _hint(failure: NotReversed) -> str:
    if failure.dependants:
        return f"Drop these objects first, and create them again afterwards: {', '.join(failure.dependants)}."
    return _HINT


def failed(case: Case, database: JudgedDatabase, failure: NotReversed, hint: str, *, again: bool) -> CheckResult:
    """A report of a downgrade that fails, or of an upgrade that fails ``again`` after it."""
    subject = observed.subject(case, database, failure.statement)
    fact = subject.change.fact if subject.change is not None else None
    what = f"{subject.text} fails when it is applied again after its downgrade"
    message = what if again else f"{observed.downgrade(subject)} fails on an empty database"
    return CheckResult(
        message=f"{message}: {failure.error.message.rstrip('.')}.",
        hint=hint,
        place=subject.place,
        change=subject.change,
        table=fact.key if fact is not None else None,
        revision=subject.revision,
        subject=("again" if again else "down", fact.kind if fact is not None else subject.revision),
        database=database.name,
        name=fact.name if fact is not None else failure.error.constraint,
        proof=REVERSES,
        statement=failure.statement.sql or None,
        observed=observed.error(failure.error),
        suggestion=failure.suggestion,
        wanted=failure.statement.sql,
    )


CHECK = Check("AR802", "Downgrade fails", Severity.ERROR, _run)
