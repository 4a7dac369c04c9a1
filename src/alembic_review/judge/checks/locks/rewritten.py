"""AR701: a statement that writes a whole table anew."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_locks as locking
from alembic_review.model.review import Severity

_ADDED = re.compile(
    r"\s*ALTER TABLE (?P<table>\S+) ADD COLUMN (?P<column>\S+) (?P<type>.+?)"
    r"(?<! BY) DEFAULT (?P<default>.+?)(?P<not> NOT NULL)?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_WITH_ZONE = re.compile(r"\bTIMESTAMP(?:\(\d\))? WITH TIME ZONE\b|\bTIMESTAMPTZ\b", re.IGNORECASE)
_VIEW = re.compile(r"\s*REFRESH\s+MATERIALIZED\s+VIEW\s+(?P<view>\S+)", re.IGNORECASE)
_DEFAULT = "Add the column without the default, set the default afterwards, and fill the rows in batches."
_TYPE = (
    "Add a column of the new type, fill it in batches, and swap the two; or run the revision while no process uses "
    "the table."
)
_ZONE = " Between timestamp with and without time zone, PostgreSQL rewrites the table unless TimeZone is UTC."
_REFRESH = "Refresh it CONCURRENTLY, which needs a unique index on the view."


def _run(case: Case) -> Iterator[CheckResult]:
    yield from locking.reports(case, locking.rewrites, _tell, Severity.WARNING)


def _tell(event: locking.Event) -> locking.Told:
    table = table_text(event.key)
    blocked = locking.blocked(event.relation.held)
    message = f"A statement rewrites the whole table `{table}`"
    message += f" and blocks {blocked} until it ends." if blocked else "."
    view = _VIEW.match(event.sql)
    if view is not None:
        refresh = f"REFRESH MATERIALIZED VIEW CONCURRENTLY {view['view']}"
        return message, _REFRESH, f"with op.get_context().autocommit_block():\n    op.execute({refresh!r})"
    added = _ADDED.match(event.sql)
    if added is not None:
        return message, _DEFAULT, _in_steps(added)
    return message, _TYPE + (_ZONE if _WITH_ZONE.search(event.sql) else ""), None


def _in_steps(added: re.Match[str]) -> str:
    table, column, default = added["table"], added["column"], added["default"]
    lines = [
        f"ALTER TABLE {table} ADD COLUMN {column} {added['type']}",
        f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {default}",
        f"UPDATE {table} SET {column} = {default} WHERE id BETWEEN … AND …",  # noqa: S608 - text of a suggestion
    ]
    if added["not"]:
        lines.append(f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL")
    return "\n".join(f"op.execute({line!r})" for line in lines)


CHECK = Check("AR701", "Table rewritten", Severity.WARNING, _run)
