"""AR604: a filter of env.py hides a change to a custom table that Alembic's plain comparison shows."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.model.facts import Hidden, TableKey
from alembic_review.model.review import Role, Severity

_SHOWN = 5


def _run(case: Case) -> Iterator[CheckResult]:
    for database in case.databases:
        groups: dict[tuple[TableKey, str], list[Hidden]] = {}
        for one in sorted(database.facts.hidden, key=_order):
            if _counts(case, database, one.key):
                groups.setdefault((one.key, one.filter), []).append(one)
        for (key, name), hidden in groups.items():
            yield _report(database, key, name, hidden)


def _order(one: Hidden) -> tuple[str, str, str, str, tuple[str, ...], str]:
    """An order that does not depend on the comparison, which finds foreign keys in that of a set."""
    return one.key.schema or "", one.key.name, one.kind, one.name or "", one.columns, one.wanted


def _counts(case: Case, database: JudgedDatabase, key: TableKey) -> bool:
    """Tell whether a table is the application's to change: what a framework hides of its own tables is its business.

    Where nothing is custom, the framework itself is reviewed. A table without a model is no table of this application.
    """
    owned = database.ownership.tables.get(key)
    if owned is None or owned.model is None or owned.model.removed:
        return False
    return owned.role is not Role.CORE or not case.evidence.custom


def _report(database: JudgedDatabase, key: TableKey, name: str, hidden: list[Hidden]) -> CheckResult:
    owner = database.ownership.owner(key)
    single = len(hidden) == 1
    texts = [_text(one) for one in hidden]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return CheckResult(
        message=(
            f"{name} of env.py hides {'a change' if single else f'{len(hidden)} changes'} to {table_text(key)} "
            f"(owner: {owner or 'unknown'}) that Alembic finds without it: {', '.join(texts[:_SHOWN])}{more}."
        ),
        hint=f"Write a revision for {'the change' if single else 'these changes'}, or narrow {name}.",
        place=next((one.place for one in hidden if one.place is not None), None),
        table=key,
        subject=(name, *(f"{one.kind} {one.name} {' '.join(one.columns)} {one.wanted}" for one in hidden)),
        database=database.name,
    )


def _text(hidden: Hidden) -> str:
    name = hidden.name or ", ".join(hidden.columns)
    change = f" from {hidden.existing} to {hidden.wanted}" if hidden.kind.startswith("modify_") else ""
    return f"{hidden.kind} {name}".rstrip() + change


CHECK = Check("AR604", "A filter hides a change", Severity.WARNING, _run)
