"""AR602: a table was created from the models, so comparing it with the models proves nothing."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.created_from_models import BEFORE, Call, calls, some
from alembic_review.model.facts import TableKey
from alembic_review.model.review import Role, Severity


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        for call in calls(database.facts, case.evidence):
            upstream = [key for key in call.tables if _is_upstream(case, database, call, key)]
            others = [key for key in call.tables if key not in upstream]
            if others:
                yield _report(case, database, call, others, Severity.ERROR)
            if upstream:
                yield _report(case, database, call, upstream, Severity.INFO)


def _is_upstream(case: Case, database: JudgedDatabase, call: Call, key: TableKey) -> bool:
    """Tell whether the core's own code or `before` creates this core table: the application's revisions need not."""
    owned = database.ownership.tables[key]
    if owned.role is not Role.CORE or not case.evidence.custom:
        return False
    if call.revision:
        owner = case.evidence.revision_owner(call.revision)
        return owner is not None and not case.evidence.is_application(owner)
    return call.before or owned.owner in call.inside or (bool(call.inside) and not call.by_application)


def _report(
    case: Case, database: JudgedDatabase, call: Call, tables: list[TableKey], severity: Severity
) -> CheckResult:
    doer = f"Revision {call.revision}" if call.revision else "`before`" if call.before else "Code outside any revision"
    location = case.evidence.locations.of(call.place)
    return CheckResult(
        message=(
            f"{doer} created {some(tables)} from the current models with {call.text}. Comparing "
            f"{'this table' if len(tables) == 1 else 'these tables'} with the models finds no difference, even if "
            "revisions are missing."
        ),
        hint=_hint(case, call),
        place=call.place,
        table=tables[0] if len(tables) == 1 else None,
        revision=call.revision or None,
        severity=severity,
        subject=(call.text, location.path if location is not None else None),
        database=database.name,
    )


def _hint(case: Case, call: Call) -> str:
    if call.revision:
        return (
            "Write the tables out with op.create_table(): remove the call, run `alembic-review revision -m TEXT`, and "
            f"move the operations that it writes into revision {call.revision}."
        )
    if call.before:
        return BEFORE
    if call.place is not None and call.place.path == case.facts.env_py:
        return "Remove the call from env.py, and create the tables in revisions."
    return "Move the call to code that env.py does not run, such as a start-up handler or a command."


CHECK = Check("AR602", "Compared with itself", Severity.ERROR, _run)
