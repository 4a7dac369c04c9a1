"""Which findings an entry of ``accept`` selects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from alembic_review.model.accepting import Accept
from alembic_review.model.facts import Place
from alembic_review.model.review import Change, ChangeSince, Finding, Location, Proof, PullRequest, State


@dataclass(frozen=True)
class Found:
    """What the other checks came to: the pending ``changes``, and what a pull request has ``brought``."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    brought: PullRequest | None
    proofs: tuple[Proof, ...]

    @property
    def every(self) -> tuple[Change, ...]:
        """The changes in revisions, then those that are pending."""
        since = self.brought.changes if self.brought is not None else ()
        return (*(change for change in since if change.state is State.IN_REVISION), *self.changes)


_OF_COLUMNS = ("add_column", "remove_column", "modify_", "rename_column")


@dataclass(frozen=True)
class Selecting:
    """What entries are compared with: the changes by fingerprint, and the location that a place is in reports."""

    changes: Mapping[str, Change]
    location: Callable[[Place | None], Location | None]

    def selects(self, entry: Accept, finding: Finding) -> bool:
        """Tell whether a finding is one of those that an entry is about. Nothing is, for one that can't be read."""
        if entry.problem or entry.code != finding.code:
            return False
        change = self.changes.get(finding.change) if finding.change is not None else None
        if entry.lines is not None:
            place = finding.location or (change.location if change is not None else None)
            return self._is_at(entry, place)
        return all(
            wanted is None or wanted in values
            for wanted, values in (
                (entry.table, _tables(finding, change)),
                (entry.column, _columns(finding, change)),
                (entry.name, (finding.name, change.name if change is not None else None)),
                (entry.revision, (finding.revision, change.revision if isinstance(change, ChangeSince) else None)),
                (entry.fingerprint, (finding.fingerprint, finding.change)),
            )
        )

    def is_about(self, entry: Accept, changes: Iterable[Change]) -> bool:
        """Tell whether one of these changes is on the table of an entry, or at the line of a comment."""
        if entry.lines is not None:
            return any(self._is_at(entry, change.location) for change in changes)
        return any(entry.table in _of(change.schema, change.table) for change in changes)

    def _is_at(self, entry: Accept, place: Location | None) -> bool:
        own = self.location(entry.place)
        if own is None or place is None or entry.lines is None:
            return False
        first, last = entry.lines
        return (own.base, own.path) == (place.base, place.path) and first <= place.line <= last


def _tables(finding: Finding, change: Change | None) -> tuple[str | None, ...]:
    found = _of(finding.schema, finding.table)
    return (*found, *_of(change.schema, change.table)) if change is not None else found


def _of(schema: str | None, table: str | None) -> tuple[str | None, ...]:
    return (table, f"{schema}.{table}") if schema is not None and table is not None else (table,)


def _columns(finding: Finding, change: Change | None) -> tuple[str | None, ...]:
    if change is not None and change.kind.startswith(_OF_COLUMNS):
        return finding.column, change.name
    return (finding.column,)


def is_removal(entry: Accept, change: Change) -> bool:
    """Tell whether an entry names what a change removes: its table, and its column where the entry names one."""
    if entry.lines is not None or entry.revision is not None or entry.table is None:
        return False
    column = change.name if change.kind == "remove_column" else None
    named = entry.name in (None, column) and entry.column in (None, column)
    return named and entry.table in _of(change.schema, change.table)
