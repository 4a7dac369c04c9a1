"""The content of the page, put together from a review: plain data for the templates, which only place it.

Names stay as they are here; the templates' environment makes every one of them safe to show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alembic_review.model.review import Change, ChangeSince, Finding, Review, Suggestion, Table, Verdict
from alembic_review.reports.parts.accepting import reasons
from alembic_review.reports.parts.headline import in_revisions
from alembic_review.reports.parts.items import Item, Row, in_reason, items
from alembic_review.reports.parts.labels import count, table_label
from alembic_review.reports.parts.names import visible
from alembic_review.reports.parts.risks import marks
from alembic_review.reports.parts.similar import Line, common_reason, fold_items


@dataclass(frozen=True)
class Marks:
    """What the filters look at: numbers into the lists of owners and codes; ``verdict`` is empty where none applies."""

    verdict: str
    owner: int
    codes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Card:
    """One line of items: an item, or many similar ones.

    ``findings`` are those whose message is not the reason of the change, ``hints`` what else to do. ``code`` holds one
    change for each operation, ``state`` names the revision that makes the change, ``risks`` are in words. ``accepted``
    are the reasons why changes are.
    """

    id: str
    line: Line[Item]
    marks: Marks
    reason: str
    findings: tuple[Finding, ...]
    hints: tuple[str, ...]
    code: tuple[Change, ...]
    state: str
    risks: tuple[str, ...]
    accepted: tuple[str, ...]

    @property
    def item(self) -> Item:
        """The item that stands for the line."""
        return self.line.first

    @property
    def rows(self) -> tuple[Row, ...]:
        """The changes of the item; those of all items where there are many."""
        return tuple(row for item in self.line.entries for row in item.rows)

    @property
    def sql(self) -> str:
        """The statements of all operations."""
        return "\n".join(change.sql.strip(" \n") for change in self.code if change.sql)

    @property
    def python(self) -> str:
        """The calls of all operations."""
        return "\n".join(change.python for change in self.code if change.python)

    @property
    def suggestions(self) -> tuple[Suggestion, ...]:
        """The suggested fixes of the item."""
        return self.item.suggestions


@dataclass(frozen=True)
class Section:
    """Cards of one kind, such as what blocks; ``tone`` is the verdict that colours them."""

    id: str
    tone: str
    title: str
    meaning: str
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class View:
    """The page: the entries of a review grouped, numbered and marked for the filters."""

    problems: Section | None
    made: Section | None
    others: tuple[Section, ...]
    tables: tuple[tuple[Table, Marks], ...]
    owners: tuple[str | None, ...]
    codes: tuple[str, ...]

    @property
    def sections(self) -> tuple[Section, ...]:
        """Every section with cards, in the order of the page."""
        return tuple(section for section in (self.problems, self.made, *self.others) if section is not None)


def view(review: Review, *, verbose: bool) -> View:
    """The page of ``review``; ``verbose`` folds nothing."""
    index = _Index(review, verbose=verbose)
    found = items(review)
    others = [item for item in found if not (item.is_problem or item.is_accepted)]
    accepted = [item for item in found if item.is_accepted]
    pending = [item for item in others if not item.in_revision]
    title = "To fix before merging" if review.gate.refused and review.pull_request is not None else "Blocked"
    return View(
        problems=index.section("blocked", "blocked", title, "", [item for item in found if item.is_problem]),
        made=index.section(
            "made", "safe", "In revisions", "changes of this pull request", [one for one in others if one.in_revision]
        ),
        others=tuple(
            section
            for section in (
                index.section(
                    "safe", "safe", "Pending", "in the models and in no revision yet", _of(pending, Verdict.SAFE)
                ),
                index.section(
                    "upstream",
                    "upstream",
                    "Upstream drift",
                    "the framework's own models and revisions disagree",
                    _of(pending, Verdict.UPSTREAM),
                ),
                index.section("findings", "", "Warnings and notes", "", _of(pending, None)),
                index.section("accepted", "", "Accepted", "do not fail the check", accepted),
            )
            if section is not None
        ),
        tables=tuple((table, Marks("", index.owner(table.owner))) for table in review.tables),
        owners=tuple(index.owners),
        codes=tuple(index.codes),
    )


def _of(found: Iterable[Item], verdict: Verdict | None) -> list[Item]:
    return [item for item in found if item.verdict is verdict]


class _Index:
    """Numbers for the filters, and the cards."""

    def __init__(self, review: Review, *, verbose: bool) -> None:
        self.verbose = verbose
        self.table_owners = {(table.database, table.schema, table.name): table.owner for table in review.tables}
        changes: tuple[Change, ...] = (*in_revisions(review), *review.changes)
        self.changes = {change.fingerprint: change for change in changes}
        named = [*(change.owner for change in changes), *(table.owner for table in review.tables)]
        codes = {code for change in changes for code in change.findings}
        owners = {*named, *map(self._finding_owner, review.findings)}
        self.owners = sorted(owners, key=lambda owner: (owner is None, owner or ""))
        self.codes = sorted(codes | {finding.code for finding in review.findings})

    def owner(self, owner: str | None) -> int:
        return self.owners.index(owner)

    def section(self, name: str, tone: str, title: str, meaning: str, found: Sequence[Item]) -> Section | None:
        """The cards of these items; ``None`` without any."""
        if not found:
            return None
        changes = sum(len(item.changes) for item in found)
        number = count(changes, "change") if changes else str(len(found))
        if name == "blocked":
            number = count(len(found), "problem") + (f" ({number})" if changes else "")
        lines = enumerate(fold_items(found, verbose=self.verbose), start=1)
        cards = tuple(self._card(line, f"{name}-{position}") for position, line in lines)
        return Section(name, tone, f"{title}: {number}", meaning, cards)

    def _card(self, line: Line[Item], place: str) -> Card:
        item = line.first
        owner = item.owner if item.first is not None else self._finding_owner(item.findings[0])
        codes = tuple(self.codes.index(code) for code in item.codes)
        hints = dict.fromkeys(one.hint for one in item.findings if one.hint and in_reason(one, item))
        if item.suggestions:
            hints = {}  # which replace the general advice
        firsts = tuple(one.changes[0] for one in line.entries if one.changes)
        findings = tuple(one for one in item.findings if not in_reason(one, item))
        if line.folded and item.first is None:
            findings = tuple(one for entry in line.entries for one in entry.findings)
        risks = dict.fromkeys(mark for one in item.changes for mark in marks(one, item.findings))
        verdict = item.verdict or ("" if not item.is_problem else Verdict.BLOCKED)
        return Card(
            id=place,
            line=line,
            marks=Marks(verdict.value if isinstance(verdict, Verdict) else "", self.owner(owner), codes),
            reason=common_reason(firsts) if firsts else "",
            findings=findings,
            hints=tuple(hints),
            code=_operations([change for one in line.entries for change in one.changes]),
            state=_state(item.first) if item.first is not None else "",
            risks=tuple(risks),
            accepted=reasons(item.changes),
        )

    def _finding_owner(self, finding: Finding) -> str | None:
        change = self.changes.get(finding.change) if finding.change is not None else None
        if change is not None:
            return change.owner
        if finding.table is None:
            return None
        return self.table_owners.get((finding.database, finding.schema, finding.table))


def about(finding: Finding, changes: Sequence[Change]) -> str:
    """What a finding is about where its message does not name it."""
    if any(finding.change == change.fingerprint for change in changes):
        return ""
    named = [table_label(finding.schema, finding.table, finding.scope)] if finding.table is not None else []
    if finding.revision is not None:
        named.append(f"revision {finding.revision}")
    return ", ".join(name for name in named if visible(name) not in visible(finding.message))


def _state(change: Change) -> str:
    """Which revision makes a change of a pull request; empty for what is pending."""
    if not isinstance(change, ChangeSince):
        return ""
    return f"in revision {change.revision}" if change.revision is not None else "in a revision"


def _operations(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The first change of each operation that a revision or a database runs, in their order."""
    found: dict[tuple[bool, str | None, int], Change] = {}
    for change in changes:
        if change.python or change.sql:
            found.setdefault((isinstance(change, ChangeSince), change.database, change.operation), change)
    return tuple(found.values())
