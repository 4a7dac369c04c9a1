"""AR106: a revision of the application, or other code of it while revisions are applied, altered a core table.

It counts what the revision did, whatever it says and whether or not anything is pending.
"""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.verdicts.remaining_alterations import texts
from alembic_review.model.facts import Alteration, Place
from alembic_review.model.review import Role, Severity

_HINT = "Revert it in a new revision, and keep the columns that you need in an extension table."
_HINT_NEW = (
    "Remove the operation from the revision, and keep the columns that you need in an extension table; "
    "`alembic-review explain AR106` has an example."
)
_HINT_BESIDE = "Remove the statement, and keep the columns that you need in an extension table."


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        for key, owned in database.ownership.tables.items():
            here = owned.in_database or (owned.model is not None and not owned.model.removed)
            if not case.may_be_core(owned) and not (owned.role is Role.UNKNOWN and here):
                continue
            deeds: dict[tuple[str, str | None, Place | None], list[Alteration]] = {}
            for alteration, package in database.causes.alterations(key):
                revision = alteration.revision if alteration.place is None else ""
                deeds.setdefault((revision, package, alteration.place), []).append(alteration)
            whose = f"the core table {table_text(key)} of {owned.owner}"
            if owned.owner is None:
                whose = f"the table {table_text(key)}, whose owner is unknown"
            for (revision, package, place), alterations in deeds.items():
                deed = ", ".join(texts(alterations))
                yield CheckResult(
                    message=f"{_who(revision, package)} altered {whose}: it {deed}.",
                    hint=_HINT_BESIDE if place is not None else _HINT_NEW if case.is_new(revision) else _HINT,
                    place=case.revision_place(revision) if place is None else place,
                    table=key,
                    revision=revision or None,
                    # Whoever accepts it accepts this deed, and not whatever the revision may do to the table later.
                    subject=(deed,),
                    database=database.name,
                )


def _who(revision: str, package: str | None) -> str:
    if revision:
        return f"Revision {revision} {f'of {package}' if package is not None else 'of an unknown package'}"
    return f"Code outside any revision ({package if package is not None else 'package unknown'})"


CHECK = Check("AR106", "Core table altered by a custom revision", Severity.ERROR, _run, blocks=True)
