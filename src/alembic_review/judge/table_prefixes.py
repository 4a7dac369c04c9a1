"""Prefixes of table names: evidence for naming findings, never for ownership."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from alembic_review.judge.ownership.table_owners import Owned
from alembic_review.model.review import Role

_SHARE = 0.5
_LEAST = 2


def prefix(name: str) -> str | None:
    """``poser_`` of ``poser_widget``; ``None`` for a name of one word."""
    head, separator, rest = name.partition("_")
    return f"{head}_" if separator and head and rest else None


def habitual_prefix(names: Iterable[str], owner: str) -> str | None:
    """The prefix that more than half of these names share, at least two, and that is a word of the owner's name.

    Tables that are about the same thing share a word as well (``order_item``, ``order_note``), which is no prefix.
    """
    names = list(names)
    words = set(re.split(r"[^a-z0-9]+", owner.lower()))
    counts = Counter(found for found in map(prefix, names) if found is not None and found.lower()[:-1] in words)
    if not counts:
        return None
    best, number = min(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return best if number >= _LEAST and number > _SHARE * len(names) else None


def namespaces(tables: Iterable[Owned]) -> dict[str, str]:
    """Prefixes that are the habit of one single owner, and that owner is the core's."""
    names: defaultdict[tuple[str, Role], list[str]] = defaultdict(list)
    for owned in tables:
        if owned.owner is not None:
            names[owned.owner, owned.role].append(owned.key.name)
    habits = {entry: habitual_prefix(own, entry[0]) for entry, own in names.items()}
    taken = Counter(habit for habit in habits.values() if habit is not None)
    return {
        habit: owner
        for (owner, role), habit in habits.items()
        if habit is not None and taken[habit] == 1 and role is Role.CORE
    }


def is_named_by_hand(owned: Owned) -> bool:
    """Whether a developer chose the name of this custom table: a model declares it, and it was not generated."""
    if owned.role is not Role.CUSTOM or owned.model is None or owned.model.removed:
        return False
    return owned.definition is not None or owned.factory
