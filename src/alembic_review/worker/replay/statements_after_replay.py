"""What env.py does to a database after its revisions, beside the objects that it creates."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = r"(?:ONLY\s+)?(?P<name>(?:\"[^\"]+\"|\w+)(?:\.(?:\"[^\"]+\"|\w+))*)"
_ROWS = re.compile(
    r"\s*(?:WITH\b.*?\b)?(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|REPLACE\s+INTO|UPDATE(?:\s+OR\s+\w+)?|DELETE\s+FROM|"
    rf"MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?|COPY)\s+{_NAME}",
    re.IGNORECASE | re.DOTALL,
)
_OF_ONE_KIND = 5


class Afterwards:
    """Notes the tables whose rows statements change."""

    def __init__(self) -> None:
        self._tables: dict[str, None] = {}

    def note(self, statement: str) -> None:
        """A statement that was executed after the last revision."""
        found = _ROWS.match(statement)
        if found is not None:
            self._tables.setdefault(found["name"].replace('"', ""))

    def not_checked(self) -> tuple[str, ...]:
        """One line for each table."""
        return lines((f"rows of {name} (env.py wrote them after the revisions)", "rows") for name in self._tables)


def lines(found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Lines with their kind, in the order in which they came; of many of one kind, only the first and a count."""
    kinds: dict[str, list[str]] = {}
    for line, kind in found:
        kinds.setdefault(kind, []).append(line)
    shown: list[str] = []
    for kind, some in kinds.items():
        shown += some[:_OF_ONE_KIND]
        if len(some) > _OF_ONE_KIND:
            shown.append(f"{len(some) - _OF_ONE_KIND} more of this kind: {kind} (env.py, after the revisions)")
    return tuple(shown)
