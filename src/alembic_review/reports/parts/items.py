"""One item for each cause: a change or a finding, with everything that follows from the same cause.

A column added to a core table is one item with its copy in a history table, the revision that adds it and the findings
about it. A new table is one item with its indexes. Each change and each finding belongs to exactly one item.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from alembic_review.model.review import (
    Change,
    ChangeSince,
    Finding,
    Location,
    Review,
    Severity,
    State,
    Suggestion,
    Verdict,
)

_WORD = re.compile(r"\w+")
_TABLES = ("add_table", "remove_table")
_RENAMES = {
    frozenset(("remove_column", "add_column")): "rename_column",
    frozenset(_TABLES): "rename_table",
}


@dataclass(frozen=True)
class Row:
    """One change, or the two entries by which Alembic's comparison reports a rename: the old name, then the new one."""

    change: Change
    renamed: Change | None = None

    @property
    def kind(self) -> str:
        """Alembic's word for the change; ``rename_column`` or ``rename_table`` for a rename."""
        return self.change.kind if self.renamed is None else _rename(self.change, self.renamed)

    @property
    def new_name(self) -> str | None:
        """What a rename leads to; ``None`` for any other change."""
        if self.renamed is None:
            return self.change.new_name
        return self.renamed.name if self.kind == "rename_column" else self.renamed.table

    @property
    def changes(self) -> tuple[Change, ...]:
        """The entries of the review."""
        return (self.change,) if self.renamed is None else (self.change, self.renamed)


@dataclass(frozen=True)
class Item:
    """What has one cause. ``rows`` start with the change that the others follow from; there may be findings only."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """All changes of the item."""
        return tuple(change for row in self.rows for change in row.changes)

    @property
    def first(self) -> Change | None:
        """The change that the others follow from."""
        return self.rows[0].change if self.rows else None

    @property
    def verdict(self) -> Verdict | None:
        """The worst verdict; ``None`` for an item without changes and without damage."""
        if any(change.verdict is Verdict.BLOCKED for change in self.changes) or self.blocks:
            return Verdict.BLOCKED
        return self.changes[0].verdict if self.changes else None

    @property
    def blocks(self) -> bool:
        """Whether a finding of the item blocks."""
        return any(finding.blocks for finding in self.findings)

    @property
    def is_problem(self) -> bool:
        """Whether the item fails the check wherever ``never`` is not set."""
        blocked = any(change.verdict is Verdict.BLOCKED and change.accepted is None for change in self.changes)
        failing = (one for one in self.findings if one.accepted is None)
        return blocked or any(one.blocks or one.severity is Severity.ERROR for one in failing)

    @property
    def is_accepted(self) -> bool:
        """Whether the item is accepted: its change, or all that was found where there is no change."""
        if self.is_problem:
            return False
        if self.changes:
            return any(change.accepted is not None for change in self.changes)
        return all(one.accepted is not None for one in self.findings)

    @property
    def in_revision(self) -> bool:
        """Whether a new revision of a pull request makes the change that the others follow from."""
        return self.first is not None and is_in_revision(self.first)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its findings, once each."""
        named = (code for change in self.changes for code in change.findings)
        return tuple(dict.fromkeys((*(finding.code for finding in self.findings), *named)))

    @property
    def owner(self) -> str | None:
        """The owner of the first change's table."""
        return self.first.owner if self.first is not None else None

    @property
    def location(self) -> Location | None:
        """Where to fix it: the line to remove, else that of the first change, else that of a finding."""
        places = [one.location for one in self.suggestions]
        places += [one.location for one in self.changes[:1]]
        places += [one.location for one in self.findings]
        places += [one.location for one in self.changes[1:]]
        return next((place for place in places if place is not None), None)


def items(review: Review) -> tuple[Item, ...]:
    """All items: what blocks first, then other errors, then the rest in the order of the review."""
    groups = _Groups(review)
    found = [groups.item(group) for group in groups.groups()]
    return tuple(
        sorted(found, key=lambda one: (not one.is_problem or one.verdict is not Verdict.BLOCKED, not one.is_problem))
    )


def in_reason(finding: Finding, item: Item) -> bool:
    """Whether the message of a finding is the reason of the change that it is about."""
    return any(finding.change == change.fingerprint and finding.message == change.reason for change in item.changes)


def is_in_revision(change: Change) -> bool:
    """Whether a new revision of a pull request makes this change."""
    return isinstance(change, ChangeSince) and change.state is State.IN_REVISION


def rows(changes: Sequence[Change]) -> tuple[Row, ...]:
    """One row for each change, and one for both entries of an observed rename."""
    operations: dict[Hashable, list[Change]] = {}
    for change in changes:
        operations.setdefault(_operation(change), []).append(change)
    found = []
    used: set[int] = set()
    for change in changes:
        if id(change) in used:
            continue
        partner = _partner(change, operations[_operation(change)])
        if partner is None:
            found.append(Row(change))
        else:
            used |= {id(change), id(partner)}
            found.append(Row(*sorted((change, partner), key=lambda one: one.kind.startswith("add_"))))
    return tuple(found)


def _operation(change: Change) -> Hashable:
    revision = change.revision if isinstance(change, ChangeSince) else None
    return is_in_revision(change), revision, change.scope, change.operation


def _partner(change: Change, others: Sequence[Change]) -> Change | None:
    """The other entry of a rename: one operation of Alembic that drops one name and adds another."""
    if len(others) != 2:  # noqa: PLR2004 - a pair
        return None
    other = next(one for one in others if one is not change)
    same = change.schema == other.schema and change.table == other.table
    kind = _rename(change, other)
    return other if kind == "rename_table" or (kind == "rename_column" and same) else None


def _rename(change: Change, other: Change) -> str:
    return _RENAMES.get(frozenset((change.kind, other.kind)), "")


class _Groups:
    """Changes and findings as numbers, joined wherever they have one cause."""

    def __init__(self, review: Review) -> None:
        request = review.pull_request
        made = [change for change in request.changes if is_in_revision(change)] if request is not None else []
        self.changes: list[Change] = [*made, *review.changes]
        self.findings = review.findings
        self.suggestions = review.suggestions
        self.parents = list(range(len(self.changes) + len(self.findings)))
        self.numbers = {change.fingerprint: number for number, change in enumerate(self.changes)}
        self._join_findings()
        self._join_suggestions()
        self._join_equal()

    def groups(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for number in range(len(self.parents)):
            found.setdefault(self._root(number), []).append(number)
        return list(found.values())

    def item(self, group: Sequence[int]) -> Item:
        numbers = set(group)
        changes = [self.changes[number] for number in group if number < len(self.changes)]
        findings = tuple(self.findings[number - len(self.changes)] for number in group if number >= len(self.changes))
        suggestions = tuple(one for one in self.suggestions if numbers & set(self._suggested(one)))
        return Item(rows(_ordered(changes, suggestions)), findings, suggestions)

    def _join_findings(self) -> None:
        """A finding with its change, and with what it is about in a revision."""
        blocked: dict[Hashable, list[int]] = {}
        for number, change in enumerate(self.changes):
            if change.verdict is Verdict.BLOCKED:
                blocked.setdefault((change.scope, change.schema, change.table), []).append(number)
        for number, finding in enumerate(self.findings, start=len(self.changes)):
            if finding.change is not None:
                if finding.change in self.numbers:
                    self._join(number, self.numbers[finding.change])
            elif finding.blocks:
                same = blocked.get((finding.scope, finding.schema, finding.table), ())
                self._join(number, *(other for other in same if _is_about(finding, self.changes[other])))

    def _join_suggestions(self) -> None:
        for suggestion in self.suggestions:
            self._join(*self._suggested(suggestion))

    def _suggested(self, suggestion: Suggestion) -> Iterator[int]:
        """What a suggestion resolves: what it lists, and the same columns in a revision."""
        for number, change in enumerate(self.changes):
            same = (change.database, change.schema, change.table) == (
                suggestion.database,
                suggestion.schema,
                suggestion.table,
            )
            added = same and change.verdict is Verdict.BLOCKED and change.name in suggestion.columns
            if change.fingerprint in suggestion.changes or (added and is_in_revision(change)):
                yield number
        for number, finding in enumerate(self.findings, start=len(self.changes)):
            if finding.fingerprint in suggestion.findings:
                yield number

    def _join_equal(self) -> None:
        """What one operation does, what belongs to one new or dropped table, and what one line of the models causes."""
        seen: dict[Hashable, int] = {}
        for number, change in enumerate(self.changes):
            for key in _keys(change):
                self._join(number, seen.setdefault(key, number))
        for number, finding in enumerate(self.findings, start=len(self.changes)):
            if finding.blocks and finding.revision is None and finding.location is not None:
                key = ("line", finding.scope, finding.location)
                self._join(number, seen.setdefault(key, number))
        whole = {self._table(change): number for number, change in enumerate(self.changes) if change.kind in _TABLES}
        for number, change in enumerate(self.changes):
            if self._table(change) in whole:
                self._join(number, whole[self._table(change)])

    def _table(self, change: Change) -> Hashable:
        revision = change.revision if isinstance(change, ChangeSince) else None
        return is_in_revision(change), revision, change.verdict, change.scope, change.schema, change.table

    def _join(self, *numbers: int) -> None:
        roots = sorted({self._root(number) for number in numbers})
        for root in roots[1:]:
            self.parents[root] = roots[0]

    def _root(self, number: int) -> int:
        while self.parents[number] != number:
            self.parents[number] = number = self.parents[self.parents[number]]
        return number


def _keys(change: Change) -> Iterator[Hashable]:
    yield "operation", _operation(change)
    # Every change in a revision has the location of that revision.
    if (
        change.verdict is Verdict.BLOCKED
        and change.cause is not None
        and change.location is not None
        and not is_in_revision(change)
    ):
        yield "line", change.scope, change.location


def _is_about(finding: Finding, change: Change) -> bool:
    """Whether a blocking finding about a table is about this change of it."""
    if finding.revision is not None:
        revision = change.revision if isinstance(change, ChangeSince) else None
        return finding.code in change.findings and finding.revision == revision
    return change.name is not None and change.name in _WORD.findall(finding.message)


def _ordered(changes: Iterable[Change], suggestions: Sequence[Suggestion]) -> list[Change]:
    """The change that the others follow from first."""
    found = list(changes)
    tables = {change.table for change in found}
    wanted = {(one.schema, one.table) for one in suggestions}

    def rank(change: Change) -> tuple[bool, bool, bool, bool]:
        named = {word for word in _WORD.findall(change.reason) if word in tables}
        return (
            change.kind not in _TABLES,
            (change.schema, change.table) not in wanted,
            bool(named - {change.table}),
            not change.kind.endswith("_column"),
        )

    return sorted(found, key=rank)
