"""AR106: a revision of the application altered a core table, whether or not anything is pending."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.case import Case
from alembic_review.judge.cause import alteration_texts
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.ownership import table_text
from alembic_review.model.facts import Alteration
from alembic_review.model.review import Role, Severity


def _run(case: Case) -> Iterator[Report]:
    for database in case.databases:
        for key, owned in database.ownership.tables.items():
            if owned.role is not Role.CORE:
                continue
            by_revision: dict[tuple[str, str], list[Alteration]] = {}
            for alteration, package in database.causes.alterations(key):
                by_revision.setdefault((alteration.revision, package), []).append(alteration)
            for (revision, package), alterations in by_revision.items():
                did = ", ".join(alteration_texts(alterations))
                yield Report(
                    message=f"{package}'s revision {revision} altered {owned.owner}'s {table_text(key)}: it {did}.",
                    hint="Undo it in a new revision, and keep what you need in a table of your own.",
                    place=case.revision_place(revision),
                    table=key,
                    revision=revision,
                    database=database.name,
                )


CHECK = Check("AR106", "Core table altered by a custom revision", Severity.ERROR, _run, blocks=True)
