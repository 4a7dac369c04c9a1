"""Tables that were created from the models themselves, grouped by the call that created them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from alembic_review.judge.ownership.stack_evidence import Evidence, place_of
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.model.facts import DatabaseFacts, Place, TableKey

BEFORE = "Let `before` create the tables as they were before the first revision, for example from a dump."
"""What to do where the function that the setting names creates tables from the models."""
_SHOWN = 5


@dataclass(frozen=True)
class Call:
    """One call that created tables; ``revision`` is empty for one that no revision makes, but perhaps ``before``.

    ``place`` is the application's line behind it, else the innermost. ``inside`` are the packages whose code stands
    between that line and the call.
    """

    text: str
    revision: str
    before: bool
    place: Place | None
    by_application: bool
    inside: frozenset[str]
    tables: tuple[TableKey, ...]


def calls(database: DatabaseFacts, evidence: Evidence) -> Iterator[Call]:
    """Each call, with the tables that it created in their order."""
    groups: dict[tuple[str, bool, str, int | None], list[TableKey]] = {}
    for creation in database.creations:
        before = not creation.revision and creation.key in database.before
        groups.setdefault((creation.revision, before, creation.call, creation.stack), []).append(creation.key)
    for (revision, before, text, stack), tables in groups.items():
        frames = evidence.frames(stack)
        inner = tuple(takewhile(lambda frame: not evidence.is_application(evidence.package(frame)), frames))
        own = frames[len(inner)] if len(inner) < len(frames) else None
        yield Call(
            text=text,
            revision=revision,
            before=before,
            place=place_of(own or next(iter(frames), None)) or evidence.revision_place(revision),
            by_application=own is not None,
            inside=frozenset(package for frame in inner if (package := evidence.package(frame)) is not None),
            tables=tuple(tables),
        )


def created_outside(database: DatabaseFacts) -> bool:
    """Tell whether no revision created any table that was compared: all were created from the models."""
    hidden = {TableKey(entry.schema, entry.name or "") for entry in database.filtered if entry.kind == "table"}
    declared = {table.key for table in database.tables if not table.removed} - hidden
    outside = {creation.key for creation in database.creations if not creation.revision}
    return bool(declared) and declared <= outside


def some(tables: Iterable[TableKey]) -> str:
    """``3 tables (posts, tags, users)``; only some names where there are many."""
    names = [table_text(key) for key in tables]
    rest = len(names) - _SHOWN
    shown = ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
    return f"the table {shown}" if len(names) == 1 else f"{len(names)} tables ({shown})"
