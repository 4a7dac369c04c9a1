"""AR605: a table of the target metadata was read from the database that it is compared with."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.created_from_models import some
from alembic_review.judge.ownership.reflected_tables import compared_tables, only_reflected
from alembic_review.judge.ownership.stack_evidence import place_of
from alembic_review.model.facts import ModelTable, Place
from alembic_review.model.review import Role, Severity


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        tables = [table for table in compared_tables(database.facts) if table.reflected]
        whole: dict[tuple[Place | None, Severity], list[ModelTable]] = {}
        for table in tables:
            severity, place = _severity(database, table), _place(case, database, table)
            if only_reflected(table):
                whole.setdefault((place, severity), []).append(table)
            else:
                yield _partly(database, table, place, severity)
        for (place, severity), group in whole.items():
            yield _whole(database, group, place, severity)


def _severity(database: JudgedDatabase, table: ModelTable) -> Severity:
    return Severity.INFO if database.ownership.role(table.key) is Role.CORE else Severity.WARNING


def _place(case: Case, database: JudgedDatabase, table: ModelTable) -> Place | None:
    return place_of(case.evidence.site(table.stack, database.ownership.owner(table.key)))


def _whole(database: JudgedDatabase, tables: list[ModelTable], place: Place | None, severity: Severity) -> CheckResult:
    what, single = some(table.key for table in tables), len(tables) == 1
    return CheckResult(
        message=(
            f"{what[0].upper()}{what[1:]} in target_metadata {'was' if single else 'were'} read from the database, and "
            f"no code defines {'it' if single else 'them'}: the comparison finds no difference."
        ),
        hint="Declare the columns in a model, or leave the tables out of target_metadata.",
        place=place,
        table=tables[0].key if single else None,
        severity=severity,
        subject=tuple(sorted(f"{table.key.schema or ''}.{table.key.name}" for table in tables)),
        database=database.name,
    )


def _partly(database: JudgedDatabase, table: ModelTable, place: Place | None, severity: Severity) -> CheckResult:
    single = len(table.reflected) == 1
    names = ", ".join(table.reflected)
    return CheckResult(
        message=(
            f"{'A column' if single else f'{len(table.reflected)} columns'} of {table.key.name} in target_metadata "
            f"{'was' if single else 'were'} read from the database ({names}): the comparison finds no difference there."
        ),
        hint="Declare these columns in the model.",
        place=place,
        table=table.key,
        severity=severity,
        subject=table.reflected,
        database=database.name,
    )


CHECK = Check("AR605", "Reflected table in the target metadata", Severity.WARNING, _run)
