"""AR201: a change to a custom table that throws data away."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.alterations import made_again
from alembic_review.judge.case import Case, Judged, table_place
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.ownership import Owned, table_text
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
        gone = {written.judged.fact.key for written in case.written if written.judged.fact.kind == "remove_table"}
        added: set[tuple[TableKey, str | None]] = set()
        for one in database.facts.alterations if base is not None else ():
            item = (one.key, one.name)
            if one.place is not None or not case.is_new(one.revision) or base is None:
                continue
            if (one.kind, one.action) == ("column", "added"):
                added.add(item)
            known = one.key in base.database_tables and one.key not in gone and item not in added
            table = table_text(one.key)
            if not known or database.ownership.role(one.key) is not Role.CUSTOM:
                continue
            if (one.kind, one.action) == ("table", "dropped"):
                did = f"drops the table {table}"
            elif made_again(one) or ((one.kind, one.action) == ("column", "removed") and not _is_row(case, one)):
                did = f"drops the column {one.name} of {table}"
            else:
                continue
            yield Report(
                message=f"Revision {one.revision} {did} with all its data, and it is made again.",
                hint=_HINT,
                table=one.key,
                revision=one.revision,
                subject=("made again", one.kind, one.name),
                database=database.name,
            )


def _is_row(case: Case, alteration: Alteration) -> bool:
    """Whether the pull request's own changes tell that a column goes."""
    return any(
        (change.kind, change.key, change.name) == ("remove_column", alteration.key, alteration.name)
        for change in (written.judged.fact for written in case.written)
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
