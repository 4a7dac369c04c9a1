"""Names for changes and findings that stay the same from run to run, and on every SQLAlchemy."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable

from alembic_review.model.facts import ChangeFact

_LENGTH = 16


def digest(*parts: object) -> str:
    """A short SHA-256 over canonical JSON."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def fingerprints(changes: Iterable[tuple[str | None, ChangeFact]]) -> list[str]:
    """One for each change, in their order: what the change is, never where; equal twins get an ordinal.

    Each change comes with the name of its database, which is ``None`` when there is only one.
    """
    seen: Counter[str] = Counter()
    found = []
    for database, change in changes:
        table = change.key.name if change.key else None
        parts = (change.kind, change.schema, table, change.name, change.columns, change.wanted)
        own = digest(*parts) if database is None else digest(database, *parts)
        seen[own] += 1
        found.append(own if seen[own] == 1 else digest(own, seen[own]))
    return found
