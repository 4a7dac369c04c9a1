"""Prefixes of table names: evidence for naming findings, never for ownership."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from alembic_review.judge.ownership import Owned

_SHARE = 0.5
_LEAST = 2


def prefix(name: str) -> str | None:
    """``poser_`` of ``poser_widget``; ``None`` for a name of one word."""
    head, separator, rest = name.partition("_")
    return f"{head}_" if separator and head and rest else None


def habitual_prefix(names: Iterable[str]) -> str | None:
    """The prefix that more than half of these names share, and at least two of them."""
    names = list(names)
    counts = Counter(found for found in map(prefix, names) if found is not None)
    if not counts:
        return None
    best, number = min(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return best if number >= _LEAST and number > _SHARE * len(names) else None


def namespaces(tables: Iterable[Owned]) -> dict[str, str]:
    """Prefixes that one single owner uses, for more than half of its tables: that owner's namespace."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for owned in tables:
        if owned.owner is not None:
            names[owned.owner].append(owned.key.name)
    habits = {owner: habitual_prefix(own) for owner, own in names.items()}
    taken = Counter(habit for habit in habits.values() if habit is not None)
    return {habit: owner for owner, habit in habits.items() if habit is not None and taken[habit] == 1}
