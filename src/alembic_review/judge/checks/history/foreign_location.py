"""AR511: a revision does an owner's work among the revisions of another one.

Whose work it is, the tables tell that it creates and alters. What the application does to core tables is AR106.
"""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.verdicts.reasons import whose
from alembic_review.model.review import Role, Severity


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        found = {**_created(case, database), **_altered(case, database)}
        for revision, (deeds, theirs) in found.items():
            owner = case.evidence.revision_owner(revision)
            yield CheckResult(
                message=(
                    f"Revision {revision} is in the version location of {owner}, but it {', '.join(deeds)} of {theirs}."
                ),
                hint=f"Move its operations into a revision in {whose(theirs)} version location and branch.",
                place=case.revision_place(revision),
                revision=revision,
                database=database.name,
            )


_Found = dict[str, tuple[list[str], str]]


def _created(case: Case, database: JudgedDatabase) -> _Found:
    """Revisions that created tables which a package of the other role defines."""
    found: _Found = {}
    own = case.evidence.is_application
    for key, owned in database.ownership.tables.items():
        if owned.origin is None or owned.definition is None or not owned.disputed:
            continue
        if own(owned.definition) != own(owned.provenance):
            deeds, _ = found.setdefault(owned.origin.revision, ([], owned.definition))
            deeds.append(f"creates the table {table_text(key)}")
    return found


def _altered(case: Case, database: JudgedDatabase) -> _Found:
    """Revisions of others that alter a custom table."""
    found: _Found = {}
    for alteration in database.facts.alterations:
        owned = database.ownership.tables.get(alteration.key)
        owner = case.evidence.revision_owner(alteration.revision)
        beside = alteration.place is not None
        if beside or owned is None or owned.owner is None or owned.role is not Role.CUSTOM:
            continue
        if owner is not None and not case.evidence.is_application(owner):
            deeds, _ = found.setdefault(alteration.revision, ([], owned.owner))
            verb = {"dropped": "drops", "renamed": "renames"}.get(alteration.action, "alters")
            deed = f"{verb} the table {table_text(alteration.key)}"
            deeds += [deed] if deed not in deeds else []
    return found


CHECK = Check("AR511", "Revision in another owner's version location", Severity.ERROR, _run)
