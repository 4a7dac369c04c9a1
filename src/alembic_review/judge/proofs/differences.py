"""What the models have and the database lacks, or the reverse, in the words of a finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alembic_review.judge.checks.base import CheckResult
from alembic_review.judge.judged_facts import Case, JudgedDatabase
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.proofs import subject as observed
from alembic_review.model.facts import ChangeFact, Item, TableKey
from alembic_review.model.proofs import BLIND_SPOTS, ROLLING, BlindSpot
from alembic_review.model.review import Role, Severity

_WEAKER = "`alembic revision --autogenerate` does not find this difference. Write it into a revision."
_RICHER = "Declare it in the models, or drop it in a revision."
_SHOWN = 5
_RENAMED = "Operations that Alembic writes from the models use a name that the database does not have."


@dataclass(frozen=True)
class Words:
    """How one kind of blind spot is called: ``the CHECK``.

    ``hint`` is what to do where the database is weaker, instead of the usual words.
    """

    kind: str
    called: str
    hint: str = _WEAKER


def reports(case: Case, words: Words) -> Iterator[CheckResult]:
    """A report for each blind spot of this kind, and one for all older ones of an owner."""
    for database, proved in observed.proved(case, BLIND_SPOTS):
        if proved.blind_spots is None:
            continue
        older: dict[str | None, list[BlindSpot]] = {}
        known = _of_base(case, database)
        for spot in proved.blind_spots.spots:
            if not spot.revised and _identity(spot) in known:
                owner = database.ownership.owner(spot.key) if spot.key is not None else None
                older.setdefault(owner, []).append(spot)
            elif spot.kind == words.kind:
                yield _report(case, database, spot, words)
        for owner, spots in older.items():
            if spots[0].kind == words.kind:
                yield _folded(database, owner, spots)


def _of_base(case: Case, database: JudgedDatabase) -> frozenset[object]:
    """The blind spots that the base of a pull request has already."""
    base = case.proved(database, ROLLING)
    spots = base.blind_spots.spots if base is not None and base.blind_spots is not None else ()
    return frozenset(_identity(spot) for spot in spots)


def _identity(spot: BlindSpot) -> object:
    return spot.kind, spot.key, spot.column, spot.name, spot.existing, spot.wanted


def _folded(database: JudgedDatabase, owner: str | None, spots: Sequence[BlindSpot]) -> CheckResult:
    whose = f"the tables of {owner}" if owner is not None else "the database"
    number = "1 difference" if len(spots) == 1 else f"{len(spots)} differences"
    tables = sorted({table_text(spot.key) for spot in spots if spot.key is not None})
    shown = ", ".join(f"`{one}`" for one in tables[:_SHOWN])
    more = f" and {len(tables) - _SHOWN} more" if len(tables) > _SHOWN else ""
    return CheckResult(
        message=(
            f"{number} between {whose} and the models that this pull request did not cause"
            f"{f': {shown}{more}' if shown else ''}."
        ),
        hint="`alembic-review --prove` without --since lists each of them.",
        severity=Severity.INFO,
        subject=("older", owner),
        database=database.name,
        proof=BLIND_SPOTS,
    )


def _report(case: Case, database: JudgedDatabase, spot: BlindSpot, words: Words) -> CheckResult:
    usual = Severity.WARNING if spot.weaker else Severity.INFO
    hint = _RENAMED if spot.renamed else words.hint if spot.wanted else _RICHER
    return CheckResult(
        message=_message(spot, words),
        hint=hint,
        table=spot.key,
        severity=_severity(case, database, spot, usual),
        subject=(spot.kind, "name" if spot.renamed else ""),
        database=database.name,
        column=spot.column,
        name=spot.name,
        proof=BLIND_SPOTS,
        observed={"is": spot.existing or None, "wanted": spot.wanted or None},
        suggestion=spot.upgrade,
        wanted=spot.wanted,
    )


def _message(spot: BlindSpot, words: Words) -> str:
    where = f"`{table_text(spot.key)}`" if spot.key is not None else ""
    if spot.column is not None and spot.key is not None:
        where = f"`{table_text(spot.key)}.{spot.column}`"
    name = f" `{spot.name}`" if spot.name is not None else ""
    what = f"{words.called}{name}{f' of {where}' if where else ''}"
    if spot.renamed:
        named = f"`{spot.existing}` in the database, `{spot.wanted}` in the models"
        return f"{_capital(words.called)} of {where} is named {named}."
    if not spot.existing:
        return f"The database lacks {what} that the models declare: {spot.wanted}."
    if not spot.wanted:
        return f"The database has {what} that the models do not declare: {spot.existing}."
    return f"{_capital(what)} differs: {spot.existing} in the database, {spot.wanted} in the models."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _severity(case: Case, database: JudgedDatabase, spot: BlindSpot, usual: Severity) -> Severity:
    """Of several tables that share a type, the application's decide. Without any, the framework itself is reviewed."""
    if not case.evidence.custom:
        return usual
    keys = spot.users or ((spot.key,) if spot.key is not None else ())
    if not keys:
        core = any(owned.role is Role.CORE for owned in database.ownership.tables.values())
        return Severity.INFO if core else usual
    levels = [observed.severity(database, key, usual, caused=_caused(database, key, spot)) for key in keys]
    return usual if usual in levels else Severity.INFO


_KINDS = {"foreign_key": "add_fk", "index": "add_index", "unique": "add_constraint", "check": "add_constraint"}
_COLUMNS = {"type": "modify_type", "nullable": "modify_nullable", "server_default": "modify_default"}


def _caused(database: JudgedDatabase, key: TableKey, spot: BlindSpot) -> bool:
    """Whether the application causes what is different on a core table."""
    owned = database.ownership.tables.get(key)
    if owned is None or owned.role is not Role.CORE or owned.model is None or owned.model.removed:
        return False
    kind = (
        _COLUMNS.get(spot.kind, "modify_type") if spot.column is not None else _KINDS.get(spot.kind, "add_constraint")
    )
    number = next((index for index, item in enumerate(owned.model.items) if _is(item, spot)), None)
    if spot.wanted and number is not None and database.causes.of_item(owned, owned.model.items[number]).application:
        return True
    columns = (spot.column,) if spot.column is not None else spot.columns
    change = ChangeFact(kind, key, key.schema, spot.column or spot.name, 0, "", None, columns, item=number)
    altered = database.causes.altering(key, change)
    return altered is not None and altered.application


def _is(item: Item, spot: BlindSpot) -> bool:
    if spot.column is not None:
        return (item.kind, item.name) == ("column", spot.column)
    kind = "index" if spot.kind == "index" else "constraint"
    return item.kind == kind and (item.name == spot.name or (item.name is None and item.columns == spot.columns))
