"""AR703: an index that is built while others can't write to its table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_locks as locking
from alembic_review.model.review import Severity

_INDEX = re.compile(
    r"\s*CREATE (?P<unique>UNIQUE )?INDEX (?:IF NOT EXISTS )?(?P<name>\S+) ON (?P<table>\S+) (?P<rest>.*\S)\s*",
    re.IGNORECASE | re.DOTALL,
)
_PLAIN = re.compile(r"\((?P<columns>\w+(?:, \w+)*)\)")
_UNIQUE = re.compile(
    r"\s*ALTER TABLE (?P<table>\S+) ADD (?:CONSTRAINT (?P<name>\S+) )?"
    r"(?P<kind>UNIQUE|PRIMARY KEY) (?P<columns>\([^)]*\))",
    re.IGNORECASE,
)
_HINT = "Build the index CONCURRENTLY, in a separate revision, which does not block writes."
_USING = "Build a unique index CONCURRENTLY first, and add the constraint with USING INDEX."
_REINDEX = re.compile(r"\s*REINDEX\b", re.IGNORECASE)
_AGAIN = "Use REINDEX … CONCURRENTLY, in an autocommit_block()."
_NO_WAY = "PostgreSQL can't build this index concurrently: run the revision while no process writes to the table."
_BLOCK = "with op.get_context().autocommit_block():\n"


def _run(case: Case) -> Iterator[CheckResult]:
    yield from locking.reports(case, locking.builds, _tell, Severity.WARNING)


def _tell(event: locking.Event) -> locking.Told:
    table = table_text(event.key)
    names = ", ".join(f"`{name}`" for name in event.relation.built)
    blocked = locking.blocked(event.relation.held) or "writes"
    message = f"Building the index {names} blocks {blocked} of `{table}` until it is built."
    index = _INDEX.match(event.sql)
    if index is not None:
        return message, _HINT, _concurrently(event, index)
    unique = _UNIQUE.match(event.sql)
    if unique is not None:
        return message, _USING, _using(event, unique)
    return message, _AGAIN if _REINDEX.match(event.sql) else _NO_WAY, None


def _concurrently(event: locking.Event, index: re.Match[str]) -> str:
    plain = _PLAIN.fullmatch(index["rest"])
    if plain is None:
        unique = index["unique"] or ""
        sql = f"CREATE {unique}INDEX CONCURRENTLY {index['name']} ON {index['table']} {index['rest']}"
        return f"{_BLOCK}    op.execute({sql!r})"
    unique = ", unique=True" if index["unique"] else ""
    return _BLOCK + _created(event, index["name"].strip('"'), plain["columns"], unique)


def _created(event: locking.Event, name: str, columns: str, unique: str) -> str:
    schema = f", schema={event.key.schema!r}" if event.key.schema is not None else ""
    listed = [column.strip(' "') for column in columns.split(",")]
    start = f"    op.create_index({name!r}, {event.key.name!r}, {listed!r}{unique}{schema},"
    return f"{start}\n                    postgresql_concurrently=True)"


def _using(event: locking.Event, unique: re.Match[str]) -> str:
    name = (unique["name"] or event.relation.built[0]).strip('"')
    created = _created(event, name, unique["columns"].strip("()"), ", unique=True")
    sql = f"ALTER TABLE {unique['table']} ADD CONSTRAINT {name} {unique['kind']} USING INDEX {name}"
    return f"{_BLOCK}{created}\nop.execute({sql!r})"


CHECK = Check("AR703", "Index build blocks writes", Severity.WARNING, _run)
