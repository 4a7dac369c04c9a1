"""AR105: the application's code altered a core table's model, and the database has it already: nothing is pending."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case, JudgedDatabase
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.ownership import Owned, table_text
from alembic_review.model.facts import TableKey
from alembic_review.model.review import Role, Severity

_HINT = "Take it out of your models, and put it on a table of your own whose primary key refers to this one."


def _run(case: Case) -> Iterator[Report]:
    for database in case.databases:
        pending = {(judged.fact.key, judged.fact.item) for judged in database.changes if judged.fact.item is not None}
        touched = {judged.fact.key for judged in database.changes if judged.blocked}
        for owned in database.ownership.tables.values():
            if owned.role is Role.CORE and owned.model is not None:
                yield from _items(database, owned, pending)
                if owned.key not in touched:
                    yield from _edits(database, owned)


def _items(database: JudgedDatabase, owned: Owned, pending: set[tuple[TableKey | None, int]]) -> Iterator[Report]:
    assert owned.model is not None
    for number, item in enumerate(owned.model.items):
        cause = database.causes.of_item(owned, item)
        generated = database.causes.is_generated(owned)
        implied = item.kind == "constraint" and item.name is None
        if not cause.application or generated or implied or (owned.key, number) in pending:
            continue
        yield Report(
            message=(
                f"{cause.package} adds the {item.kind} {item.name} to the core table {table_text(owned.key)} "
                f"of {owned.owner}, and the database has it already."
            ),
            hint=_HINT,
            place=cause.place,
            table=owned.key,
            database=database.name,
        )


def _edits(database: JudgedDatabase, owned: Owned) -> Iterator[Report]:
    assert owned.model is not None
    for edit in owned.model.edits:
        cause = database.causes.of_edit(edit, owned.model.stack)
        if cause.application:
            yield Report(
                message=f"{owned.owner}'s table {table_text(owned.key)}: {cause.package} {cause.how}.",
                hint=_HINT,
                place=cause.place,
                table=owned.key,
                database=database.name,
            )
    if owned.model.removed:
        cause = database.causes.of_removal(owned.model)
        if cause.application:
            yield Report(
                message=f"{cause.package} takes {owned.owner}'s table {table_text(owned.key)} out of the MetaData.",
                hint="Leave the core's tables in the MetaData; filter them in a place that does not change them.",
                place=cause.place,
                table=owned.key,
                database=database.name,
            )


CHECK = Check("AR105", "Core table altered by the application's models", Severity.ERROR, _run, blocks=True)
