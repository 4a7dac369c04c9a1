"""What is left of alterations when later revisions undid some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alembic_review.model.facts import Alteration, TableKey


def standing(alterations: Sequence[Alteration]) -> list[Alteration]:
    """Those with a lasting effect, in their order, each under the name its table had at first.

    An item that is again what it was before the first alteration counts as untouched, and so does a table that was
    renamed and renamed back.
    """
    followed, back = _follow_renames(alterations)
    groups: dict[tuple[TableKey, str, str | None], list[Alteration]] = {}
    for alteration in followed:
        if _is_item(alteration):
            groups.setdefault(_group(alteration), []).append(alteration)
    undone = {group for group, members in groups.items() if members[0].before == members[-1].after}
    return [
        alteration
        for alteration in followed
        if not (_is_item(alteration) and _group(alteration) in undone)
        and not (alteration.action == "renamed" and alteration.key in back)
    ]


def _follow_renames(alterations: Sequence[Alteration]) -> tuple[list[Alteration], set[TableKey]]:
    """The alterations under the first names of their tables, and the tables that have their first name again."""
    first: dict[TableKey, TableKey] = {}
    followed = []
    for alteration in alterations:
        origin = first.get(alteration.key, alteration.key)
        followed.append(replace(alteration, key=origin))
        if alteration.action == "renamed" and alteration.name is not None:
            first.pop(alteration.key, None)
            first[TableKey(alteration.key.schema, alteration.name)] = origin
    renamed = {alteration.key for alteration in followed if alteration.action == "renamed"}
    return followed, {key for key in renamed if first.get(key) == key}


def _is_item(alteration: Alteration) -> bool:
    return alteration.kind != "table" or alteration.action == "changed"


def _group(alteration: Alteration) -> tuple[TableKey, str, str | None]:
    return alteration.key, alteration.kind, alteration.name
