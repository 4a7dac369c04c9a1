"""AR201: a change to a custom table that throws data away."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, Judged, table_place
from alembic_review.judge.ownership.table_owners import Owned, table_text
from alembic_review.judge.proofs import observed_rows as rows
from alembic_review.judge.pull_request.renames import trace
from alembic_review.model.facts import Place, TableKey
from alembic_review.model.review import Role, Severity, Verdict

_DESTRUCTIVE = {"remove_table": "drops the table {table}", "remove_column": "drops the column {name} of {table}"}


_HINT = "Make sure that the data is no longer needed; a downgrade does not restore it."


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        for judged in database.changes:
            did = _deed(judged)
            if did is None:
                continue
            assert judged.fact.key is not None
            lost = rows.lost(case, database.name, judged.fact.key, judged.fact.name, judged.fact.operation)
            if lost:
                continue  # AR203, which has seen it
            yield CheckResult(
                message=f"The change {did} with all its data.{_held(lost)}",
                hint=_HINT,
                severity=_severity(lost),
                place=judged.decision.place or _origin_place(case, database.ownership.tables.get(judged.fact.key)),
                change=judged,
                database=database.name,
            )
    yield from _in_revisions(case)
    yield from _unseen(case)


def _in_revisions(case: Case) -> Iterator[CheckResult]:
    """What a pull request has in its revisions already."""
    for written in case.written:
        did = _deed(written.judged)
        # What no revision does, such as one that is gone, takes nothing from databases that are there.
        if did is None or written.renamed or written.revision is None:
            continue
        fact = written.judged.fact
        assert fact.key is not None
        lost = rows.lost(case, written.database.name, fact.key, fact.name)
        if lost:
            continue
        yield CheckResult(
            message=f"Revision {written.revision} {did} with all its data.{_held(lost)}",
            hint=_HINT,
            severity=_severity(lost),
            place=case.revision_place(written.revision),
            change=written.judged,
            revision=written.revision,
            database=written.database.name,
        )


def _unseen(case: Case) -> Iterator[CheckResult]:
    """What new revisions drop and no comparison shows: it is there again in the end, or its table has another name."""
    bases = {database.target: database for database in case.history.facts.databases} if case.history else {}
    for database in case.databases:
        base = bases.get(database.facts.target)
        new = [one for one in database.facts.alterations if case.is_new(one.revision) and one.place is None]
        traced = trace(new, places=database.facts.dialect == "postgresql")
        for (key, column), revision in traced.lost.items():
            known = base is not None and key in base.database_tables
            renamed = column is not None and (key, None) in traced.kept
            is_row = (not renamed and _is_row(case, key, None)) or (column is not None and _is_row(case, key, column))
            if not known or is_row or database.ownership.role(key) is not Role.CUSTOM:
                continue
            again = "" if renamed else ", and creates it again"
            lost = rows.lost(case, database.name, key, column)
            if lost:
                continue
            what = f"the table {table_text(key)}" if column is None else f"the column {column} of {table_text(key)}"
            yield CheckResult(
                message=f"Revision {revision} drops {what} with all its data{again}.{_held(lost)}",
                hint=_HINT,
                severity=_severity(lost),
                table=key,
                revision=revision,
                subject=("made again", "table" if column is None else "column", column),
                database=database.name,
            )


def _held(lost: bool | None) -> str:  # noqa: FBT001 - the answer of ``rows.lost``
    """What rows have shown of it: ``False`` where these kept their values."""
    return f" {rows.HELD}" if lost is False else ""


def _severity(lost: bool | None) -> Severity | None:  # noqa: FBT001 - as above
    return Severity.INFO if lost is False else None


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
