"""Many like changes are one line. Nothing is lost: each change and finding belongs to exactly one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from alembic_review.model.review import Change, ChangeSince, Finding

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


def fold_changes(changes: Iterable[Change], *, verbose: bool = False) -> list[Line[Change]]:
    """Changes of the same verdict, kind, owner, cause, findings and reason become one line when there are many."""
    return _fold(changes, _change_key, verbose=verbose)


def fold_findings(findings: Iterable[Finding], *, verbose: bool = False) -> list[Line[Finding]]:
    """Findings of the same code and severity that say the same of different names become one line.

    One that blocks by itself stays a line of its own.
    """
    return _fold(findings, _finding_key, verbose=verbose)


def common_reason(changes: tuple[Change, ...]) -> str:
    """The reason that folded changes share, with placeholders for the names that differ."""
    reasons = {change.reason for change in changes}
    return reasons.pop() if len(reasons) == 1 else reason_shape(changes[0])


def reason_shape(change: Change) -> str:
    """The reason with the change's own names replaced by placeholders."""
    names = {change.table: "<table>", change.name: "<name>"}
    return _shape(change.reason, {**dict.fromkeys(change.columns, "<column>"), **names})


def _change_key(change: Change) -> Hashable:
    shape = reason_shape(change)
    revision = change.revision if isinstance(change, ChangeSince) else None
    return change.verdict, change.kind, change.owner, change.cause, change.findings, revision, shape


def _finding_key(finding: Finding) -> Hashable:
    if finding.blocks and finding.change is None:
        return finding.fingerprint  # nothing else tells what has to be mended
    names: dict[str | None, str] = {finding.table: "<table>", finding.revision: "<revision>"}
    hint, message = _shape(finding.hint, names), _shape(finding.message, names)
    return finding.code, finding.severity, finding.blocks, hint, message


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
