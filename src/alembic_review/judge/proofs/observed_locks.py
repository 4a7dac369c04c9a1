"""What the statements of a plan lock, in the words of a finding."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from alembic_review.judge.checks.base import CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.proofs import subject as observed
from alembic_review.judge.proofs.production_version import note
from alembic_review.model.facts import TableKey
from alembic_review.model.proofs import LOCKS, ROWS, LockedRelation, LockingStatement, Statement
from alembic_review.model.review import Severity

EXCLUSIVE = "AccessExclusiveLock"
_BLOCKING = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", EXCLUSIVE)
_UNSEEN = "locks not observed: the statement runs in AUTOCOMMIT"
_CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)
NO_TIMEOUT = "0"
"""The setting lock_timeout, where there is none."""

Told = tuple[str, str, "str | None"]
"""Message, hint and suggestion."""


@dataclass(frozen=True)
class Event:
    """A statement and one of the relations that it touches, with the name of the table as the comparison has it."""

    database: JudgedDatabase
    row: LockingStatement
    relation: LockedRelation
    key: TableKey

    @property
    def sql(self) -> str:
        """The statement as it was executed."""
        return self.row.statement.sql


def rows(case: Case) -> Iterator[tuple[JudgedDatabase, Sequence[LockingStatement]]]:
    """The statements of each database, in their order."""
    for database, proved in observed.proved(case, LOCKS):
        if proved.locks is not None:
            yield database, proved.locks.statements


def events(case: Case) -> Iterator[Event]:
    """Each statement with each relation that it touches, but for those that rows have shown to fail."""
    for event in _all(case):
        if not fails(case, event.database, event.row.statement):
            yield event


def _all(case: Case) -> Iterator[Event]:
    for database, statements in rows(case):
        for row in statements:
            for relation in row.relations:
                yield Event(database, row, relation, observed.table(database, relation.key))


def fails(case: Case, database: JudgedDatabase, statement: Statement) -> bool:
    """Whether rows have shown that a statement fails: AR210 to AR216 then tell what it locks, too."""
    proved = case.proved(database, ROWS)
    if proved is None or proved.reason or proved.rows is None:
        return False
    return any(
        hazard.state == "found"
        and not hazard.back
        and hazard.statement is not None
        and _same(hazard.statement, statement)
        for hazard in proved.rows.hazards
    )


def _same(one: Statement, other: Statement) -> bool:
    return (one.sql, one.operation, one.revision) == (other.sql, other.operation, other.revision)


def also(case: Case, database: JudgedDatabase, statement: Statement | None) -> str:
    """What a statement that fails on some rows does to a table when it succeeds, as a sentence; empty for nothing."""
    for event in _all(case) if statement is not None else ():
        if event.database is not database or statement is None or not _same(event.row.statement, statement):
            continue
        does = next((text for wanted, text in _WORK if wanted(event)), None)
        if does is not None:
            name = event.relation.built[0] if event.relation.built else ""
            told = blocked(event.relation.held) or "writes"
            return f" On large tables, mind that it {does.format(table=event.key.name, name=name)} and blocks {told}."
    return ""


def rewrites(event: Event) -> bool:
    """Whether a statement writes a whole table anew."""
    return event.relation.rewritten


def scans(event: Event) -> bool:
    """Whether DDL other than an index build or a rewrite reads a whole table while others can't write to it."""
    relation = event.relation
    if not event.row.defines or relation.rewritten or relation.built:
        return False
    return relation.scanned and blocks_writes(relation.held)


def builds(event: Event) -> bool:
    """Whether a statement builds an index while others can't write to the table."""
    if not event.relation.built:
        return False
    if event.row.transaction is None:
        return not _CONCURRENTLY.search(event.sql)
    return blocks_writes(event.relation.held)


_WORK: Sequence[tuple[Callable[[Event], bool], str]] = (
    (rewrites, "rewrites `{table}`"),
    (builds, "builds the index `{name}` of `{table}`"),
    (scans, "scans `{table}`"),
)


def blocks_writes(lock: str) -> bool:
    """Whether INSERT, UPDATE and DELETE of others wait for this lock."""
    return lock in _BLOCKING


def blocked(lock: str) -> str | None:
    """What waits for a lock: reads, writes or both."""
    if lock == EXCLUSIVE:
        return "reads and writes"
    return "writes" if blocks_writes(lock) else None


def reports(
    case: Case, wanted: Callable[[Event], bool], tell: Callable[[Event], Told], severity: Severity
) -> Iterator[CheckResult]:
    """A report for each event that is ``wanted``: the first of each table and statement."""
    seen: set[tuple[str | None, TableKey, str]] = set()
    for event in events(case):
        place = (event.database.name, event.key, event.sql)
        if not wanted(event) or place in seen:
            continue
        seen.add(place)
        yield report(case, event, tell(event), severity)


def report(case: Case, event: Event, told: Told, severity: Severity, *, wanted: str | None = None) -> CheckResult:
    """What a finding on one statement and one of its relations has."""
    subject = observed.subject(case, event.database, event.row.statement, event.key)
    message, hint, suggestion = told
    lock = event.relation.held or None
    version = note(event.database.facts, case.settings)
    return CheckResult(
        message=f"{message.removesuffix('.')} ({version})." if version else message,
        hint=hint,
        place=subject.place,
        change=subject.change,
        table=event.key,
        revision=subject.revision,
        severity=observed.severity(event.database, event.key, severity),
        database=event.database.name,
        name=event.relation.built[0] if event.relation.built else None,
        proof=LOCKS,
        statement=event.sql,
        observed={"lock": lock or _UNSEEN, "blocks": blocked(lock or "")},
        suggestion=suggestion,
        wanted=event.sql if wanted is None else wanted,
    )
