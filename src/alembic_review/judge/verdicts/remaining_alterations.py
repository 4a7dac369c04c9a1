"""What is left of alterations when later revisions undid some of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from alembic_review.model.facts import Alteration, TableKey

_ABSENT = object()
_PLACE = re.compile(r" \d+$")


def standing(alterations: Sequence[Alteration]) -> list[Alteration]:
    """Those with a lasting effect, in their order, each under the name its table had at first.

    An item that is again what it was before the first alteration counts as untouched, when nobody else altered it in
    between, and so does a table that was renamed and renamed back.
    """
    followed, back = _follow_renames(alterations)
    groups: dict[tuple[TableKey, str, str | None], list[Alteration]] = {}
    for alteration in followed:
        if _is_item(alteration):
            groups.setdefault(_group(alteration), []).append(alteration)
    undone = {group for group, members in groups.items() if _is_undone(members)}
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
    for step in steps(alterations):
        followed += [replace(alteration, key=first.get(alteration.key, alteration.key)) for alteration in step]
        # The same name again means another schema, of which nothing says which.
        names = {
            TableKey(one.key.schema, one.name): one.key
            for one in step
            if one.action == "renamed" and one.name is not None and one.name != one.key.name
        }
        # All at once: two tables may have changed names with each other.
        origins = {new: first.get(old, old) for new, old in names.items()}
        first = {key: origin for key, origin in first.items() if key not in names.values()} | origins
    renamed = {alteration.key for alteration in followed if alteration.action == "renamed"}
    return followed, {key for key in renamed if first.get(key) == key}


def steps(alterations: Sequence[Alteration]) -> Iterator[list[Alteration]]:
    """What was seen at once: all that a revision did, and each statement beside it."""
    for _, group in groupby(enumerate(alterations), _step):
        yield [alteration for _, alteration in group]


def _step(numbered: tuple[int, Alteration]) -> object:
    number, alteration = numbered
    return alteration.revision if alteration.place is None else number


def _is_undone(members: Sequence[Alteration]) -> bool:
    """Tell whether each alteration starts from what the one before it left, and the last leads back to the start."""
    if any(_before(one) is None or _after(one) is None for one in members):
        return False
    chained = all(_after(one) == _before(other) for one, other in pairwise(members))
    start, end = _before(members[0]), _after(members[-1])
    if any(one.action == "removed" for one in members):
        # What one revision took away and another one put back comes last in its table.
        start, end = (without_place(text) if isinstance(text, str) else text for text in (start, end))
    return chained and end == start


def _before(alteration: Alteration) -> object:
    """What the item was; ``None`` where the database did not say."""
    return _ABSENT if alteration.action == "added" else alteration.before


def _after(alteration: Alteration) -> object:
    return _ABSENT if alteration.action == "removed" else alteration.after


def _is_item(alteration: Alteration) -> bool:
    return alteration.kind != "table" or alteration.action == "changed"


def _group(alteration: Alteration) -> tuple[TableKey, str, str | None]:
    return alteration.key, alteration.kind, alteration.name


def place_of(details: str | None) -> str | None:
    """The place of a column in its table, with which its details end on PostgreSQL."""
    found = _PLACE.search(details or "")
    return found.group() if found is not None else None


def without_place(details: str | None) -> str:
    """What a column is, wherever it is in its table."""
    return _PLACE.sub("", details or "")


def made_again(alteration: Alteration) -> bool:
    """Tell whether one revision took a column away and added it again, as the same or as another one."""
    if (alteration.kind, alteration.action) != ("column", "changed"):
        return False
    before, after = place_of(alteration.before), place_of(alteration.after)
    return before is not None and after is not None and before != after


def texts(alterations: Sequence[Alteration]) -> Iterator[str]:
    """``added the column colour``, ``dropped the table``: what a revision did, in words."""
    for alteration in alterations:
        if alteration.kind != "table":
            yield f"{alteration.action} {_item_text(alteration)}"
        elif alteration.action == "renamed":
            yield f"renamed the table to {alteration.name}"
        elif alteration.action == "dropped_or_renamed":
            yield "dropped or renamed the table"
        elif alteration.action == "dropped":
            yield "dropped the table"
        else:
            yield "changed the comment of the table"


def _item_text(alteration: Alteration) -> str:
    if alteration.name is not None:
        return f"the {alteration.kind} {alteration.name}"
    columns = ", ".join(alteration.columns)
    return f"the unnamed {alteration.kind} on {columns}" if columns else f"an unnamed {alteration.kind}"
