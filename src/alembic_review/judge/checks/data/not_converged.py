"""AR218: after the plan, Alembic still proposes something for the same tables."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.proofs import CONVERGES, Remaining, Statement
from alembic_review.model.review import Role, Severity

_REASONS = {
    "modify_type": "The database stores the type in a different form than the models declare",
    "modify_default": "The database stores the server default in a different form than the models declare",
    "modify_comment": "The operation did not change the comment",
}
_ANY = "The operation does not resolve the difference"
_NEW = "The plan itself causes this difference"
_HINT = (
    "Every later `alembic revision --autogenerate` proposes it again. Declare it in the models in the form that the "
    "database shows."
)


def _run(case: Case) -> Iterator[CheckResult]:
    for database, proved in observed.proved(case, CONVERGES):
        converges = proved.converges
        if converges is None:
            continue
        failed = {failure.statement.operation for failure in converges.failures}
        for one in converges.remaining:
            core = one.key is not None and database.ownership.role(one.key) is Role.CORE
            # What did not apply is left over, and AR217 reports it.
            if core or (one.operation in failed if one.operation is not None else bool(failed)):
                continue
            subject = observed.subject(case, database, Statement("", one.operation), one.key, one.name)
            reason = _NEW if one.operation is None else _REASONS.get(one.kind, _ANY)
            yield CheckResult(
                message=f"Alembic still proposes {_what(one)} after the plan. {reason}.",
                hint=_HINT,
                place=subject.place,
                change=subject.change,
                table=one.key,
                subject=(one.kind,),
                database=database.name,
                column=one.name if one.kind.startswith("modify_") or one.kind.endswith("_column") else None,
                name=one.name,
                proof=CONVERGES,
                observed={"is": one.existing or None, "wanted": one.wanted or None},
                wanted=one.wanted,
            )


def _what(one: Remaining) -> str:
    if one.key is None:
        return f"{one.kind} `{one.name}`" if one.name is not None else one.kind
    table = table_text(one.key)
    return f"{one.kind} of `{table}.{one.name}`" if one.name is not None else f"{one.kind} of `{table}`"


CHECK = Check("AR218", "Plan does not converge", Severity.WARNING, _run)
