"""AR610 to AR628: what the comparison can't see. Each check is one kind of difference, in the words of ``Words``."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.proofs.differences import Words, reports
from alembic_review.model.review import Severity

_BUILD = "Alembic has no operation for partitioning: create a new table, copy the rows, and rename it."

_KINDS = (
    ("AR610", "Enum values differ", Words("enum_value", "the enum type")),
    ("AR611", "CHECK constraint differs", Words("check", "the CHECK")),
    ("AR612", "Server default differs", Words("server_default", "the server default")),
    ("AR613", "Identity column differs", Words("identity", "the identity")),
    ("AR614", "Generated column differs", Words("generated", "the generation expression")),
    ("AR615", "Primary key differs", Words("primary_key", "the primary key")),
    ("AR616", "EXCLUDE constraint differs", Words("exclude", "the EXCLUDE constraint")),
    ("AR617", "Index differs", Words("index", "the index")),
    ("AR618", "Unique constraint differs", Words("unique", "the unique constraint")),
    ("AR619", "Foreign key differs", Words("foreign_key", "the foreign key")),
    ("AR620", "Collation differs", Words("collation", "the collation")),
    ("AR621", "Comment differs", Words("comment", "the comment")),
    ("AR622", "Sequence differs", Words("sequence", "the sequence")),
    ("AR623", "Partitioning differs", Words("partitioning", "the partitioning", _BUILD)),
    ("AR624", "UNLOGGED differs", Words("unlogged", "the persistence")),
    ("AR625", "Storage differs", Words("storage", "the storage")),
    ("AR626", "Type differs", Words("type", "the type")),
    ("AR627", "Domain differs", Words("domain", "the domain")),
    ("AR628", "NOT NULL differs", Words("nullable", "the nullability")),
)


def _check(code: str, title: str, words: Words) -> Check:
    def run(case: Case) -> Iterator[CheckResult]:
        yield from reports(case, words)

    return Check(code, title, Severity.INFO if words.kind == "comment" else Severity.WARNING, run)


CHECKS = tuple(_check(code, title, words) for code, title, words in _KINDS)
