"""AR514: a revision of the application can't be taken back: its downgrade fails, does nothing, or leaves tables."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.model.facts import Downgrade
from alembic_review.model.proofs import REVERSES
from alembic_review.model.review import Severity

_HINT = "In downgrade(), revert the operations of upgrade() in reverse order."
_AFTER = "Fix the downgrade of {before} first; it runs before this one."


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        tried = case.proved(database, REVERSES)
        before = ""
        for downgrade in database.facts.downgrades:
            owner = case.evidence.revision_owner(downgrade.revision)
            wrong = _wrong(downgrade)
            if not wrong or not case.evidence.is_application(owner):
                continue
            if tried is not None and not tried.reason and case.is_new(downgrade.revision):
                before = before or downgrade.revision
                continue  # AR801, AR802 and AR804, which have seen it
            place = downgrade.failure.place if downgrade.failure is not None else None
            after = f", run after the downgrade of {before}," if before and downgrade.failure is not None else ""
            yield CheckResult(
                message=f"The downgrade of revision {downgrade.revision} of {owner}{after} {wrong}.",
                hint=_AFTER.format(before=before) if after else _HINT,
                place=place or case.revision_place(downgrade.revision),
                revision=downgrade.revision,
                database=database.name,
            )
            before = before or downgrade.revision


def _wrong(downgrade: Downgrade) -> str:
    if downgrade.failure is not None:
        return f"fails: {downgrade.failure.error.removesuffix('.')}"
    if downgrade.skipped or not downgrade.needed:
        return ""
    if not downgrade.changed:
        return "changes nothing, although its upgrade changes the schema"
    if downgrade.left:
        names = ", ".join(sorted(table_text(key) for key in downgrade.left))
        return f"leaves tables that its upgrade created: {names}"
    return ""


CHECK = Check("AR514", "Downgrade does not reverse the upgrade", Severity.WARNING, _run)
