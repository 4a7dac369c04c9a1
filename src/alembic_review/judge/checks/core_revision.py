"""AR106: a revision of the application altered a core table.

It counts what the revision did, whatever it says and whether or not anything is pending.
"""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.alterations import texts
from alembic_review.judge.case import Case
from alembic_review.judge.checks.base import Check, Report
from alembic_review.judge.ownership import table_text
from alembic_review.model.facts import Alteration
from alembic_review.model.review import Role, Severity


def _run(case: Case) -> Iterator[Report]:
    for database in case.databases:
        for key, owned in database.ownership.tables.items():
            here = owned.in_database or (owned.model is not None and not owned.model.removed)
            if not case.may_be_core(owned) and not (owned.role is Role.UNKNOWN and here):
                continue
            by_revision: dict[tuple[str, str | None], list[Alteration]] = {}
            for alteration, package in database.causes.alterations(key):
                by_revision.setdefault((alteration.revision, package), []).append(alteration)
            for (revision, package), alterations in by_revision.items():
                which = f"of {package}" if package is not None else "in no known package"
                whose = f"the core table {table_text(key)} of {owned.owner}"
                if owned.owner is None:
                    whose = f"the table {table_text(key)}, of which nobody knows the owner"
                yield Report(
                    message=f"Revision {revision} {which} altered {whose}: it {', '.join(texts(alterations))}.",
                    hint="Undo it in a new revision of your own, and keep what you need on a table of your own.",
                    place=case.revision_place(revision),
                    table=key,
                    revision=revision,
                    database=database.name,
                )


CHECK = Check("AR106", "Core table altered by a custom revision", Severity.ERROR, _run, blocks=True)
