"""Names for changes and findings that stay the same from run to run, and on every SQLAlchemy."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable

from alembic_review.model.facts import ChangeFact

_LENGTH = 16


def digest(*parts: object) -> str:
    """The first characters of the SHA-256 of the parts as canonical JSON."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def fingerprints(changes: Iterable[tuple[str | None, ChangeFact]]) -> list[str]:
    """One for each change, in their order: what the change is, never where; equal twins get an ordinal.

    Each change comes with the name of its database, which is ``None`` when there is only one.
    """
    pairs = list(changes)
    found = [_own(database, change) for database, change in pairs]
    seen: Counter[str] = Counter()
    # Twins are numbered by what else tells them apart, so that the order they come in makes no difference.
    for number in sorted(range(len(pairs)), key=lambda number: _order(pairs[number][1])):
        own = found[number]
        seen[own] += 1
        if seen[own] > 1:
            found[number] = digest(own, seen[own])
    return found


def _own(database: str | None, change: ChangeFact) -> str:
    table = change.key.name if change.key is not None else None
    parts = (change.kind, change.schema, table, change.name, change.columns, change.wanted)
    return digest(*parts) if database is None else digest(database, *parts)


def _order(change: ChangeFact) -> tuple[str, str, str, bool, list[str], int]:
    users = sorted(map(str, change.type_users))
    return change.existing, change.python, change.sql or "", change.readable, users, change.operation
