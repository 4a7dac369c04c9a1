"""AR201: a change to a custom table that throws data away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic_review.judge.alterations import made_again
from alembic_review.judge.case import Case, Judged, table_place
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.ownership import Owned, table_text
from alembic_review.judge.renaming import Item, trace
from alembic_review.model.facts import Alteration, Place, TableKey
from alembic_review.model.review import Role, Severity, Verdict

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
    yield from _made_again(case)


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


def _made_again(case: Case) -> Iterator[Report]:
    """What new revisions drop, though it is there again in the end: no comparison shows that."""
    bases = {database.target: database for database in case.history.facts.databases} if case.history else {}
    for database in case.databases:
        base = bases.get(database.facts.target)
        new = [one for one in database.facts.alterations if case.is_new(one.revision)] if base is not None else []
        for (key, column), revision in _lost(new, places=database.facts.dialect == "postgresql").items():
            known = base is not None and key in base.database_tables
            is_row = _is_row(case, key, None) or (column is not None and _is_row(case, key, column))
            if not known or is_row or database.ownership.role(key) is not Role.CUSTOM:
                continue
            what = f"the table {table_text(key)}" if column is None else f"the column {column} of {table_text(key)}"
            yield Report(
                message=f"Revision {revision} drops {what} with all its data, and it is made again.",
                hint=_HINT,
                table=key,
                revision=revision,
                subject=("made again", "table" if column is None else "column", column),
                database=database.name,
            )


def _lost(alterations: Sequence[Alteration], *, places: bool) -> dict[Item, str]:
    """What was dropped of what was there before, under whichever name, and by which revision."""
    traced = trace(alterations, places=places)
    lost = dict(traced.lost)
    added: set[Item] = set()
    for one in alterations:
        if one.place is not None:
            continue
        item = (one.key, None if one.kind == "table" else one.name)
        if (one.kind, one.action) == ("column", "added"):
            added.add(item)
        gone = (one.kind, one.action) in {("table", "dropped"), ("column", "removed")} or made_again(one)
        if gone and item not in added and item not in traced.kept:
            lost.setdefault(item, one.revision)
    return lost


def _is_row(case: Case, key: TableKey, column: str | None) -> bool:
    """Whether the pull request's own changes tell that a table, or a column of it, goes."""
    looked_for = ("remove_table", None) if column is None else ("remove_column", column)
    facts = (written.judged.fact for written in case.written)
    return any(
        fact.key == key and (fact.kind, fact.name if column is not None else None) == looked_for for fact in facts
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
