"""AR105: the application's code altered the model of a core table, and no change is pending for it.

A revision may have done the same to the database, or autogenerate does not compare it.
"""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import Owned, table_text
from alembic_review.judge.verdicts.cause import By, Cause
from alembic_review.judge.verdicts.matching_changes import edit_leads_to
from alembic_review.model.facts import ChangeFact, Item, ModelTable
from alembic_review.model.review import Severity

_HINT = "Remove the alteration from your code, and keep your additions in {table}."
_OTHERWISE = "an extension table: a custom table whose primary key is a foreign key to it"


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        for owned in database.ownership.tables.values():
            if owned.model is None or not case.may_be_core(owned):
                continue
            blocked = [judged.fact for judged in database.changes if judged.blocked and judged.fact.key == owned.key]
            if owned.model.removed:
                yield from _removal(database, owned, owned.model, blocked)
            elif not any(change.kind == "add_table" for change in blocked):
                yield from _items_and_edits(database, owned, owned.model, blocked)


def _items_and_edits(
    database: JudgedDatabase, owned: Owned, model: ModelTable, blocked: list[ChangeFact]
) -> Iterator[CheckResult]:
    causes = [database.causes.of_item(owned, item) for item in model.items]
    own = [item for item, cause in zip(model.items, causes, strict=True) if cause.application]
    # What replaces an item of the core also takes that one out: it is told once.
    told = {item.name for item in own} | {change.name for change in blocked} - {None}
    pending = {change.item for change in blocked}
    for number, (item, cause) in enumerate(zip(model.items, causes, strict=True)):
        if cause.application and not cause.inherited and number not in pending and not _is_implied(item, own):
            yield _report(database, owned, cause, (item.kind, item.name, *item.columns))
    for edit in model.edits:
        cause = database.causes.of_edit(model, edit)
        replaced = edit.attribute in ("added", "removed") and edit.name in told
        # Names that come out different show as changes, or were altered by a revision too.
        names = edit.attribute == "naming_convention"
        if cause.by is By.OTHERS or replaced or names or any(edit_leads_to(edit, change) for change in blocked):
            continue
        yield _report(database, owned, cause, ("edit", edit.kind, edit.name, edit.attribute))


def _is_implied(item: Item, own: list[Item]) -> bool:
    """A constraint without a name comes with its columns: a foreign key, the check of an enumeration."""
    columns = {one.name for one in own if one.kind == "column"}
    return item.kind == "constraint" and item.name is None and bool(item.columns) and set(item.columns) <= columns


def _removal(
    database: JudgedDatabase, owned: Owned, model: ModelTable, blocked: list[ChangeFact]
) -> Iterator[CheckResult]:
    cause = database.causes.of_removal(model)
    if cause.by is not By.OTHERS and not blocked:
        yield _report(database, owned, cause, ("removed",))


def _report(database: JudgedDatabase, owned: Owned, cause: Cause, subject: tuple[str | None, ...]) -> CheckResult:
    table = f"{table_text(owned.key)} of {owned.owner}"
    own = database.ownership.extension(owned.key)
    return CheckResult(
        message=f"The core table {table} is altered: {cause.clause}. No change is pending.",
        hint=_HINT.format(table=f"{table_text(own)}, your extension table" if own is not None else _OTHERWISE),
        place=cause.place,
        table=owned.key,
        subject=subject,
        database=database.name,
    )


CHECK = Check("AR105", "Core table altered by the application's models", Severity.ERROR, _run, blocks=True)
