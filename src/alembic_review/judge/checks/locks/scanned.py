"""AR702: DDL that reads all rows of a table while others can't write to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import observed_locks as locking
from alembic_review.model.review import Severity

_NOT_NULL = re.compile(r"ALTER TABLE (?P<table>\S+) ALTER COLUMN (?P<column>\S+) SET NOT NULL", re.IGNORECASE)
_CONSTRAINT = re.compile(
    r"(?P<all>ALTER TABLE (?P<table>\S+) ADD CONSTRAINT (?P<name>\S+) .*)", re.IGNORECASE | re.DOTALL
)
_CHECK_FIRST = "Validate CHECK (… IS NOT NULL) first, in another revision: SET NOT NULL then does not scan the table."
_NOT_VALID = "Add the constraint as NOT VALID, and validate it in another revision, which does not block writes."
_OTHER = "Run the revision while no process uses the table."


def _run(case: Case) -> Iterator[CheckResult]:
    yield from locking.reports(case, locking.scans, _tell, Severity.WARNING)


def _tell(event: locking.Event) -> locking.Told:
    table = table_text(event.key)
    message = (
        f"A statement scans the whole table `{table}` and blocks {locking.blocked(event.relation.held)} until it ends."
    )
    required = _NOT_NULL.search(event.sql)
    if required is not None:
        return message, _CHECK_FIRST, _checked(event, required)
    constraint = _CONSTRAINT.search(event.sql)
    if constraint is not None:
        add = " ".join(constraint["all"].split()) + " NOT VALID"
        validate = f"ALTER TABLE {constraint['table']} VALIDATE CONSTRAINT {constraint['name']}"
        suggestion = f"op.execute({add!r})\n\n# in the next revision\nop.execute({validate!r})"
        return message, _NOT_VALID, suggestion
    return message, _OTHER, None


def _checked(event: locking.Event, required: re.Match[str]) -> str:
    column = required["column"].strip('"')
    name = f"ck_{event.key.name}_{column}_not_null"
    schema = f", schema={event.key.schema!r}" if event.key.schema is not None else ""
    return "\n".join(
        [
            f'op.create_check_constraint({name!r}, {event.key.name!r}, "{column} IS NOT NULL",',
            f"                           postgresql_not_valid=True{schema})",
            "",
            "# in the next revision",
            f'op.execute("ALTER TABLE {required["table"]} VALIDATE CONSTRAINT {name}")',
            "",
            "# in the revision after that",
            f"op.alter_column({event.key.name!r}, {column!r}, nullable=False{schema})",
            f"op.drop_constraint({name!r}, {event.key.name!r}{schema})",
        ]
    )


CHECK = Check("AR702", "Full scan blocks writes", Severity.WARNING, _run)
