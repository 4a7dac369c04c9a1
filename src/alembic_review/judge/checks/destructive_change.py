"""AR201: a change to a custom table that throws data away."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case, table_place
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.ownership import Owned, table_text
from alembic_review.model.facts import Place
from alembic_review.model.review import Severity, Verdict

_DESTRUCTIVE = {"remove_table": "drops the table {table}", "remove_column": "drops the column {name} of {table}"}


def _run(case: Case) -> Iterator[Report]:
    for database in case.databases:
        for judged in database.changes:
            template = _DESTRUCTIVE.get(judged.fact.kind)
            if template is None or judged.fact.key is None or judged.decision.verdict is not Verdict.SAFE:
                continue
            did = template.format(table=table_text(judged.fact.key), name=judged.fact.name)
            yield Report(
                message=f"This {did} with all its data.",
                hint="Make sure that nobody needs the data; a downgrade does not bring it back.",
                place=judged.fact.place or _origin_place(case, database.ownership.tables.get(judged.fact.key)),
                change=judged,
                database=database.name,
            )


def _origin_place(case: Case, owned: Owned | None) -> Place | None:
    return table_place(owned, case) if owned is not None else None


CHECK = Check("AR201", "Destructive change", Severity.WARNING, _run)
