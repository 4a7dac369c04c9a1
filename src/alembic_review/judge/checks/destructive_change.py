"""AR201: a change to a custom table that throws data away."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case, Judged, table_place
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.ownership import Owned, table_text
from alembic_review.model.facts import Place
from alembic_review.model.review import Severity, Verdict

_DESTRUCTIVE = {"remove_table": "drops the table {table}", "remove_column": "drops the column {name} of {table}"}


_HINT = "Make sure that nobody needs the data; a downgrade does not bring it back."


def _run(case: Case) -> Iterator[Report]:
    for database in case.databases:
        for judged in database.changes:
            did = _deed(judged)
            if did is None:
                continue
            assert judged.fact.key is not None
            yield Report(
                message=f"This {did} with all its data.",
                hint=_HINT,
                place=judged.fact.place or _origin_place(case, database.ownership.tables.get(judged.fact.key)),
                change=judged,
                database=database.name,
            )
    yield from _in_revisions(case)


def _in_revisions(case: Case) -> Iterator[Report]:
    """What a pull request has in its revisions already."""
    for written in case.written:
        did = _deed(written.judged)
        # What no revision does, such as one that is gone, takes nothing from databases that are there.
        if did is None or written.renamed or written.revision is None:
            continue
        yield Report(
            message=f"Revision {written.revision} {did} with all its data.",
            hint=_HINT,
            place=case.revision_place(written.revision),
            change=written.judged,
            revision=written.revision,
            database=written.database.name,
        )


def _deed(judged: Judged) -> str | None:
    """What a safe change throws away, as part of a sentence."""
    template = _DESTRUCTIVE.get(judged.fact.kind)
    if template is None or judged.fact.key is None or judged.decision.verdict is not Verdict.SAFE:
        return None
    return template.format(table=table_text(judged.fact.key), name=judged.fact.name)


def _origin_place(case: Case, owned: Owned | None) -> Place | None:
    return table_place(owned, case) if owned is not None else None


CHECK = Check("AR201", "Destructive change", Severity.WARNING, _run)
