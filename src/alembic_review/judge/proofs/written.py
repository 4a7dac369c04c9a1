"""The blind spots that a revision of the application can close."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.model.proofs import BLIND_SPOTS, BlindSpot, Proved
from alembic_review.model.review import Role
from alembic_review.model.revision_plan import Code


def code(case: Case, proved: tuple[Proved, ...]) -> Mapping[str, tuple[Code, ...]]:
    """What brings custom tables to what the models declare, by the package that writes it.

    What the database has besides the models stays, and so does what no code takes back.
    """
    found: dict[str, list[Code]] = defaultdict(list)
    index = {id(facts): number for number, facts in enumerate(case.facts.databases)}
    for database in case.databases:
        number = index[id(database.facts)]
        for one in proved:
            spots = one.blind_spots.spots if one.blind_spots is not None else ()
            for spot in spots if (one.proof, one.database) == (BLIND_SPOTS, number) else ():
                keys = spot.users or ((spot.key,) if spot.key is not None else ())
                custom = bool(keys) and all(database.ownership.role(key) is Role.CUSTOM for key in keys)
                owner = database.ownership.owner(keys[0]) if custom else None
                if owner is not None and spot.weaker and spot.upgrade is not None and spot.downgrade is not None:
                    found[owner].append(Code(number, spot.upgrade, spot.downgrade, _what(spot)))
    return {owner: tuple(codes) for owner, codes in found.items()}


def _what(spot: BlindSpot) -> str:
    item = spot.column or spot.name
    table = table_text(spot.key) if spot.key is not None else ""
    return f"{spot.kind} {table}{f'.{item}' if item is not None else ''}"
