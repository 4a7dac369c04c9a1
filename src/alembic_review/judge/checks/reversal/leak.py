"""AR801: a downgrade after which the database is not as it was."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.proofs import REVERSES, Leak
from alembic_review.model.review import Severity

_HINTS = {
    "left": "Drop it in downgrade().",
    "gone": "Create it again in downgrade().",
    "changed": "Change it back in downgrade().",
}
_ENUM = (
    "PostgreSQL can't remove a value from an enum: downgrade() would have to create a new type and convert the columns."
)
_WITH_NAME = ("column", "index", "constraint", "trigger", "rule", "policy", "statistics")


def _run(case: Case) -> Iterator[CheckResult]:
    for database, proved in observed.proved(case, REVERSES):
        for leak in proved.reverses.leaks if proved.reverses is not None else ():
            yield _report(case, database, leak)


def _report(case: Case, database: JudgedDatabase, leak: Leak) -> CheckResult:
    key = observed.table(database, leak.key) if leak.key is not None else None
    subject = observed.subject(case, database, leak.statement, key, leak.name)
    of = (
        f" of `{table_text(key)}`"
        if key is not None and leak.kind in (*_WITH_NAME, "comment", "privileges", "setting")
        else ""
    )
    what = f"the {leak.kind}{f' `{leak.name}`' if leak.name else ''}{of}"
    does = {"left": f"leaves {what}", "gone": f"does not restore {what}", "changed": f"does not change back {what}"}
    enum = leak.kind == "type" and leak.how == "changed"
    return CheckResult(
        message=f"{observed.downgrade(subject)} {does[leak.how]}.",
        hint=_ENUM if enum else _HINTS[leak.how],
        place=subject.place,
        change=subject.change,
        table=key,
        revision=subject.revision,
        subject=(leak.kind, leak.how),
        database=database.name,
        column=leak.name if leak.kind == "column" else None,
        name=leak.name or None,
        proof=REVERSES,
        statement=leak.statement.sql if leak.statement is not None else None,
        observed={"is": leak.after or None, "wanted": leak.before or None},
        suggestion=leak.suggestion,
        wanted=leak.before,
    )


CHECK = Check("AR801", "Downgrade does not restore the schema", Severity.WARNING, _run)
