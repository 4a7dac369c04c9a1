"""From what a proof observed to the change or revision that it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alembic_review.judge.judged_facts import Case, Judged, JudgedDatabase
from alembic_review.model.facts import Place, TableKey
from alembic_review.model.proofs import DatabaseError, Proved, Statement
from alembic_review.model.review import Role, Severity


@dataclass(frozen=True)
class Subject:
    """The part of the plan that a statement belongs to, a pending ``change`` or a ``revision``, and its location."""

    change: Judged | None = None
    revision: str | None = None
    place: Place | None = None

    @property
    def text(self) -> str:
        """The subject of a sentence."""
        return f"Revision {self.revision}" if self.revision is not None else "The plan"


def proved(case: Case, name: str) -> Iterator[tuple[JudgedDatabase, Proved]]:
    """What this proof observed, for each database on which it was done."""
    for database in case.databases:
        found = case.proved(database, name)
        if found is not None and not found.reason:
            yield database, found


def subject(
    case: Case,
    database: JudgedDatabase,
    statement: Statement | None,
    key: TableKey | None = None,
    name: str | None = None,
) -> Subject:
    """The subject of a statement; ``key`` and ``name`` tell the changes of one operation apart."""
    if statement is None:
        return Subject()
    if statement.revision:
        change = next(
            (
                one.judged
                for one in case.written
                if (one.revision, one.database.name) == (statement.revision, database.name)
                and (one.judged.fact.key, one.judged.fact.name) == (key, name)
            ),
            None,
        )
        return Subject(change, statement.revision, statement.place or case.revision_place(statement.revision))
    changes = [judged for judged in database.changes if judged.fact.operation == statement.operation]
    ranked = sorted(changes, key=lambda judged: (judged.fact.key != key, judged.fact.name != name))
    return Subject(ranked[0], None, ranked[0].decision.place) if ranked else Subject()


def downgrade(subject: Subject) -> str:
    """The subject of a sentence on the way back."""
    return f"The downgrade of {f'revision {subject.revision}' if subject.revision is not None else 'the plan'}"


def table(database: JudgedDatabase, key: TableKey) -> TableKey:
    """A table as the comparison names it: without the dialect's default schema."""
    plain = TableKey(None, key.name)
    return plain if key.schema in (None, database.facts.default_schema) else key


def severity(database: JudgedDatabase, key: TableKey | None, usual: Severity, *, caused: bool = False) -> Severity:
    """Of a finding on a table: info on a core table, unless the application caused what was found."""
    if key is not None and not caused and database.ownership.role(key) is Role.CORE:
        return Severity.INFO
    return usual


def error(told: DatabaseError) -> dict[str, str | int | None]:
    """What the database said, as ``observed``."""
    return {"sqlstate": told.sqlstate or None, "error": told.message}
