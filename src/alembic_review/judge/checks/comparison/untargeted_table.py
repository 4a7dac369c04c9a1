"""AR603: a mapped table of the application is in no target metadata, so nothing is compared with it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.created_from_models import some
from alembic_review.judge.ownership.stack_evidence import place_of
from alembic_review.judge.ownership.untargeted_tables import forgotten
from alembic_review.model.facts import Untargeted
from alembic_review.model.review import Severity


def _run(case: Case) -> Iterator[CheckResult]:
    groups: dict[tuple[int, str, bool], list[Untargeted]] = {}
    for owner, one in forgotten(case.facts, case.evidence):
        groups.setdefault((one.metadata, owner, one.removed), []).append(one)
    for (_, owner, removed), tables in groups.items():
        yield _report(case, owner, tables, removed=removed)


def _report(case: Case, owner: str, tables: list[Untargeted], *, removed: bool) -> CheckResult:
    first = next((one for one in tables if one.mapped), tables[0])
    what, single = some(one.key for one in tables), len(tables) == 1
    how = "removed from target_metadata" if removed else "in no target_metadata of env.py"
    return CheckResult(
        message=(
            f"{what[0].upper()}{what[1:]} of {owner} {'is' if single else 'are'} {how}: the comparison does not "
            f"include {'it' if single else 'them'}, whatever is missing from the revisions."
        ),
        hint=(
            f"Keep {'the table' if single else 'the tables'} in the MetaData, and exclude what must not be compared "
            "with include_object."
            if removed
            else "Add their MetaData to target_metadata, which may be a list. If the tables belong to another "
            "database, review the Alembic environment of that database."
        ),
        place=place_of(case.evidence.site(first.stack, owner)),
        table=first.key if single else None,
        subject=(owner, *sorted(f"{one.key.schema or ''}.{one.key.name}" for one in tables)),
    )


CHECK = Check("AR603", "Mapped table in no target metadata", Severity.WARNING, _run)
