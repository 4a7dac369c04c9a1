"""Many similar entries are one line. Each entry belongs to exactly one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from alembic_review.model.review import Change, ChangeSince, Finding
from alembic_review.reports.parts.items import Item

T = TypeVar("T")

FOLD_FROM = 6  # fewer like entries than this read better one by one


@dataclass(frozen=True)
class Line(Generic[T]):
    """One line of a report: one entry, or several that differ in nothing but their names."""

    entries: tuple[T, ...]

    @property
    def first(self) -> T:
        """The entry that speaks for the line."""
        return self.entries[0]

    @property
    def folded(self) -> bool:
        """Whether the line stands for more than one entry."""
        return len(self.entries) > 1


def fold_items(entries: Iterable[Item], *, verbose: bool = False) -> list[Line[Item]]:
    """Items whose changes and findings differ in nothing but names become one line when there are many.

    An item of findings that block stays a line of its own: nothing else shows what has to be fixed.
    """
    return _fold(entries, _item_key, verbose=verbose)


def fold_changes(changes: Iterable[Change]) -> list[Line[Change]]:
    """Changes of the same verdict, kind, owner, cause, findings and reason become one line when there are many."""
    return _fold(changes, _change_key, verbose=False)


def common_reason(changes: tuple[Change, ...]) -> str:
    """The reason that similar changes share, with placeholders for the names that differ."""
    reasons = {change.reason for change in changes}
    return reasons.pop() if len(reasons) == 1 else reason_shape(changes[0])


def reason_shape(change: Change) -> str:
    """The reason with the change's own names replaced by placeholders."""
    names = {change.table: "<table>", change.name: "<name>"}
    return _shape(change.reason, {**dict.fromkeys(change.columns, "<column>"), **names})


def _change_key(change: Change) -> Hashable:
    shape = reason_shape(change)
    revision = change.revision if isinstance(change, ChangeSince) else None
    return change.verdict, change.kind, change.owner, change.cause, change.findings, revision, shape, change.accepted


def _item_key(item: Item) -> Hashable:
    if item.blocks and not item.changes:
        return tuple(finding.fingerprint for finding in item.findings)
    return tuple(map(_change_key, item.changes)), tuple(map(_finding_key, item.findings)), bool(item.suggestions)


def _finding_key(finding: Finding) -> Hashable:
    names: dict[str | None, str] = {finding.table: "<table>", finding.revision: "<revision>"}
    hint, message = _shape(finding.hint, names), _shape(finding.message, names)
    return finding.code, finding.severity, finding.blocks, hint, message, finding.accepted


def _shape(text: str, names: dict[str | None, str]) -> str:
    known = sorted((name for name in names if name), key=len, reverse=True)
    if not known:
        return text
    pattern = r"(?<!\w)(?:" + "|".join(map(re.escape, known)) + r")(?!\w)"
    return re.sub(pattern, lambda match: names[match.group()], text)


def _fold(entries: Iterable[T], key: Callable[[T], Hashable], *, verbose: bool) -> list[Line[T]]:
    groups: dict[Hashable, list[T]] = {}
    ordered = list(entries)
    if verbose:
        return [Line((entry,)) for entry in ordered]
    keys = [key(entry) for entry in ordered]
    for entry, group in zip(ordered, keys, strict=True):
        groups.setdefault(group, []).append(entry)
    lines: list[Line[T]] = []
    shown: set[Hashable] = set()
    for entry, group in zip(ordered, keys, strict=True):
        if len(groups[group]) < FOLD_FROM:
            lines.append(Line((entry,)))
        elif group not in shown:
            shown.add(group)
            lines.append(Line(tuple(groups[group])))
    return lines
