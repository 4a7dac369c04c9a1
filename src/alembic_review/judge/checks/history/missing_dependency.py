"""AR513: a revision needs others that it neither follows nor depends on.

The worker has applied the application's revisions as early as ``down_revision`` and ``depends_on`` let them come; what
failed then works only by the order of ``version_locations``. A revision that alters core tables needs them for a reason
that has to go away first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_review.judge.branches import ancestors, lineage
from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.model.facts import DatabaseFacts, OrderTrial
from alembic_review.model.review import Severity

_SHOWN = 3


def _run(case: Case) -> Iterator[CheckResult]:
    for trial in case.facts.order_trials:
        if trial.failed is None or trial.failure is None:
            continue
        owner = case.evidence.revision_owner(trial.failed)
        if not case.evidence.is_application(owner) or case.altered_core(trial.failed):
            continue
        others = sorted({name for one in trial.before if (name := case.evidence.revision_owner(one)) is not None})
        yield CheckResult(
            message=(
                f"Revision {trial.failed} of {owner} has an undeclared dependency (missing `depends_on`): it "
                "fails when it "
                f"runs before the revisions of {' and '.join(others) or 'others'}: {trial.failure.error}"
            ).removesuffix(".")
            + ".",
            hint=_hint(case, trial),
            place=trial.failure.place,
            revision=trial.failed,
        )
    failed = {trial.failed for trial in case.facts.order_trials}
    for revision, needed in _unenforced(case).items():
        if revision not in failed:
            yield _by_references(case, revision, needed)


def _unenforced(case: Case) -> dict[str, dict[str, str]]:
    """What revisions of the application need for foreign keys that SQLite takes without the table they refer to.

    The key may have come later than its table, so any revision after that may bring the dependency. What an earlier one
    is told to depend on, those after it have.
    """
    known = {revision.id: revision for revision in case.facts.revisions}
    lines = {name: lineage(known, name) for name, revision in known.items() if revision.is_head}
    found: dict[str, dict[str, str]] = {}
    for database in case.databases:
        if database.facts.dialect != "sqlite":
            continue
        for made, referred in _referring(database.facts).items():
            if not case.evidence.is_application(case.evidence.revision_owner(made)):
                continue
            told = [name for earlier, needed in found.items() if earlier in lineage(known, made) for name in needed]
            behind = ancestors(known, [head for head, line in lines.items() if made in line] + told)
            missing = {origin: table for origin, table in referred.items() if origin not in behind}
            implied = {one for origin in missing for one in ancestors(known, [origin]) - {origin}}
            if missing:
                found.setdefault(made, {}).update((one, name) for one, name in missing.items() if one not in implied)
    return found


def _referring(facts: DatabaseFacts) -> dict[str, dict[str, str]]:
    """Revisions that make tables, in their order, each with those that make what these refer to, and one such table."""
    origins = {origin.key: origin.revision for origin in facts.origins}
    found: dict[str, dict[str, str]] = {revision: {} for revision in facts.applied}
    for table in facts.tables:
        made = origins.get(table.key)
        for key in table.references:
            if made in found and key in origins:
                found[made].setdefault(origins[key], key.name)
    return found


def _by_references(case: Case, revision: str, needed: dict[str, str]) -> CheckResult:
    owner, tables = case.evidence.revision_owner(revision), ", ".join(sorted(set(needed.values())))
    return CheckResult(
        message=(
            f"Revision {revision} of {owner} has an undeclared dependency (missing `depends_on`): tables that it "
            "creates have "
            f"foreign keys to {tables}. SQLite accepts any order of creation; other databases do not."
        ),
        hint=_set(case, needed),
        place=case.revision_place(revision),
        revision=revision,
    )


def _hint(case: Case, trial: OrderTrial) -> str:
    needed = _needed(case, trial)
    if not needed:
        shown = ", ".join(reversed(trial.before[-_SHOWN:]))
        return f"Add the revision that creates the missing object to depends_on: one of {shown}, or an earlier one."
    return _set(case, needed)


def _set(case: Case, needed: dict[str, str]) -> str:
    names = ", ".join(f'"{revision}"' for revision in needed)
    value = names if len(needed) == 1 else f"({names})"
    tables = ", ".join(sorted(set(needed.values())))
    creates = "that revision creates" if len(needed) == 1 else "those revisions create"
    heads = any(revision.is_head for revision in case.facts.revisions if revision.id in needed)
    stamp = " Run `alembic stamp --purge heads` once on databases that have already run both." if heads else ""
    return f"Set depends_on = {value}; {creates} {tables}.{stamp}"


def _needed(case: Case, trial: OrderTrial) -> dict[str, str]:
    """The revisions that make what the database missed or the new tables refer to, each with a table of its own."""
    words = set(re.findall(r"\w+", trial.failure.error)) if trial.failure is not None else set()
    found: dict[str, str] = {}
    for database in case.databases:
        origins = {origin.key: origin.revision for origin in database.facts.origins}
        made = [table for table in database.facts.tables if origins.get(table.key) == trial.failed]
        referred = {key for table in made for key in table.references}
        for key, revision in origins.items():
            if revision in trial.before and (key in referred or key.name in words):
                found.setdefault(revision, key.name)
    return {name: found[name] for name in trial.before if name in found}


CHECK = Check("AR513", "Missing dependency", Severity.WARNING, _run)
