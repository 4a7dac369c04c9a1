"""AR513: a revision needs others that it neither follows nor depends on.

The worker has applied the application's revisions as early as ``down_revision`` and ``depends_on`` let them come; what
failed then works only by the order of ``version_locations``. A revision that alters core tables needs them for a reason
that has to go away first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_review.judge.case import Case
from alembic_review.judge.checks.base import Check, Report
from alembic_review.model.facts import Rehearsal
from alembic_review.model.review import Severity

_SHOWN = 3


def _run(case: Case) -> Iterator[Report]:
    for rehearsal in case.facts.rehearsals:
        if rehearsal.failed is None or rehearsal.failure is None:
            continue
        owner = case.evidence.revision_owner(rehearsal.failed)
        if not case.evidence.is_application(owner) or case.altered_core(rehearsal.failed):
            continue
        others = sorted({name for one in rehearsal.before if (name := case.evidence.revision_owner(one)) is not None})
        yield Report(
            message=(
                f"Revision {rehearsal.failed} of {owner} needs revisions that it does not depend on: applied before "
                f"those of {' and '.join(others) or 'others'}, it fails with {rehearsal.failure.error}"
            ).removesuffix(".")
            + ".",
            hint=_hint(case, rehearsal),
            place=rehearsal.failure.place,
            revision=rehearsal.failed,
        )


def _hint(case: Case, rehearsal: Rehearsal) -> str:
    needed = _needed(case, rehearsal)
    if not needed:
        shown = ", ".join(reversed(rehearsal.before[-_SHOWN:]))
        return f"Name in its depends_on the revision that makes what it needs: one of {shown} or one before them."
    names = ", ".join(f'"{revision}"' for revision in needed)
    value = names if len(needed) == 1 else f"({names})"
    tables = ", ".join(sorted(set(needed.values())))
    makes = "that one makes" if len(needed) == 1 else "those make"
    heads = any(revision.is_head for revision in case.facts.revisions if revision.id in needed)
    stamp = " Databases that have both then need `alembic stamp --purge heads`, once." if heads else ""
    return f"Set depends_on = {value} in it: {makes} {tables}.{stamp}"


def _needed(case: Case, rehearsal: Rehearsal) -> dict[str, str]:
    """The revisions that make what the database missed or the new tables refer to, each with a table of its own."""
    words = set(re.findall(r"\w+", rehearsal.failure.error)) if rehearsal.failure is not None else set()
    found: dict[str, str] = {}
    for database in case.databases:
        origins = {origin.key: origin.revision for origin in database.facts.origins}
        made = [table for table in database.facts.tables if origins.get(table.key) == rehearsal.failed]
        referred = {key for table in made for key in table.references}
        for key, revision in origins.items():
            if revision in rehearsal.before and (key in referred or key.name in words):
                found.setdefault(revision, key.name)
    return {name: found[name] for name in rehearsal.before if name in found}


CHECK = Check("AR513", "Revision needs others without depending on them", Severity.WARNING, _run)
