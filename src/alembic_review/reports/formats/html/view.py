"""What the page shows, put together from a review: plain data for the templates, which only place it.

Names stay as they are in here; the templates' environment makes every one of them safe to show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alembic_review.model.review import Change, ChangeSince, Finding, Review, Suggestion, Table, Verdict
from alembic_review.reports.parts.headline import MADE, PENDING, in_revisions
from alembic_review.reports.parts.labels import table_label, target_label
from alembic_review.reports.parts.similar import Line, common_reason, fold_changes, fold_findings

_TITLES = {Verdict.BLOCKED: "Blocked", Verdict.SAFE: "Safe", Verdict.UPSTREAM: "Upstream"}


@dataclass(frozen=True)
class Marks:
    """What the filters look at: numbers into the lists of owners and codes; ``verdict`` is empty where none applies."""

    verdict: str
    owner: int
    codes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Block:
    """One line of changes: a change, or many like it.

    ``told`` are messages and hints of findings that stand with the change and nowhere else, a message that the reason
    says already left empty; ``code`` holds one change for each operation, ``state`` says which
    revision makes the change.
    """

    id: str
    line: Line[Change]
    marks: Marks
    reason: str
    told: tuple[tuple[str, str], ...]
    code: tuple[Change, ...]
    state: str

    @property
    def change(self) -> Change:
        """The change that speaks for the block."""
        return self.line.first


@dataclass(frozen=True)
class Section:
    """The changes of one verdict."""

    verdict: Verdict
    title: str
    meaning: str
    count: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Link:
    """A text and the id of the place on the page it leads to; empty where there is none."""

    text: str
    id: str = ""


@dataclass(frozen=True)
class Found:
    """One line of findings: a finding, or many like it, each with what it is about."""

    line: Line[Finding]
    marks: Marks
    about: tuple[Link, ...]

    @property
    def finding(self) -> Finding:
        """The finding that speaks for the line."""
        return self.line.first


@dataclass(frozen=True)
class WayOut:
    """A suggestion, and what goes away with it."""

    suggestion: Suggestion
    marks: Marks
    changes: tuple[Link, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class View:
    """The page: the entries of a review folded, numbered and marked for the filters.

    ``findings`` are those that don't stand with their change; ``told`` counts those that do.
    """

    sections: tuple[Section, ...]
    since: tuple[Section, ...]
    ways_out: tuple[WayOut, ...]
    findings: tuple[Found, ...]
    told: int
    tables: tuple[tuple[Table, Marks], ...]
    owners: tuple[str | None, ...]
    codes: tuple[str, ...]


def view(review: Review, *, verbose: bool) -> View:
    """The page of ``review``; ``verbose`` folds nothing."""
    index = _Index(review)
    since = index.sections(in_revisions(review), MADE, "since", verbose=verbose)
    sections = index.sections(review.changes, PENDING, "change", verbose=verbose)
    others = index.others()
    return View(
        sections=sections,
        since=since,
        ways_out=tuple(map(index.way_out, review.suggestions)),
        findings=tuple(map(index.found, fold_findings(others, verbose=verbose))),
        told=len(review.findings) - len(others),
        tables=tuple((table, Marks("", index.owner(table.owner))) for table in review.tables),
        owners=tuple(index.owners),
        codes=tuple(index.codes),
    )


class _Index:
    """Numbers and places of what a review names. Sections come first: they decide the places."""

    def __init__(self, review: Review) -> None:
        changes: tuple[Change, ...] = (*in_revisions(review), *review.changes)
        self.changes = {change.fingerprint: change for change in changes}
        self.findings = review.findings
        self.table_owners = {(table.database, table.schema, table.name): table.owner for table in review.tables}
        named = [*(change.owner for change in changes), *(table.owner for table in review.tables)]
        codes = {code for change in changes for code in change.findings}
        self.owners = sorted({*named, *map(self._finding_owner, review.findings)}, key=lambda owner: owner or "\uffff")
        self.codes = sorted(codes | {finding.code for finding in review.findings})
        self.places: dict[str, str] = {}
        self.told: dict[str, list[Finding]] = {}
        for finding in review.findings:
            if finding.change is not None and self._told(finding):
                self.told.setdefault(finding.change, []).append(finding)

    def owner(self, owner: str | None) -> int:
        return self.owners.index(owner)

    def sections(
        self, changes: Sequence[Change], meanings: Mapping[Verdict, str], prefix: str, *, verbose: bool
    ) -> tuple[Section, ...]:
        found = []
        for verdict, title in _TITLES.items():
            own = [change for change in changes if change.verdict is verdict]
            lines = enumerate(fold_changes(own, verbose=verbose), start=1)
            blocks = tuple(self._block(line, f"{prefix}-{verdict.value}-{number}") for number, line in lines)
            if blocks:
                found.append(Section(verdict, title, meanings[verdict], len(own), blocks))
        return tuple(found)

    def others(self) -> list[Finding]:
        """The findings that don't stand with their change."""
        return [finding for finding in self.findings if not self._told(finding)]

    def found(self, line: Line[Finding]) -> Found:
        first = line.first
        change = self.changes.get(first.change) if first.change is not None else None
        verdict = Verdict.BLOCKED if first.blocks else change.verdict if change is not None else None
        owner = self._finding_owner(first)
        marks = Marks(verdict.value if verdict else "", self.owner(owner), (self.codes.index(first.code),))
        return Found(line, marks, tuple(map(self._about, line.entries)))

    def way_out(self, suggestion: Suggestion) -> WayOut:
        owner = self.table_owners.get((suggestion.database, suggestion.schema, suggestion.table))
        gone = tuple(finding for finding in self.findings if finding.fingerprint in suggestion.findings)
        codes = tuple(dict.fromkeys(self.codes.index(finding.code) for finding in gone))
        number = self.owner(owner) if owner in self.owners else -1
        return WayOut(suggestion, Marks("blocked", number, codes), tuple(map(self._link, suggestion.changes)), gone)

    def _block(self, line: Line[Change], place: str) -> Block:
        first = line.first
        prints = dict.fromkeys(change.fingerprint for change in line.entries)
        self.places |= dict.fromkeys(prints, place)
        own = [finding for fingerprint in prints for finding in self.told.get(fingerprint, ())]
        codes = dict.fromkeys(self.codes.index(code) for code in first.findings)
        return Block(
            id=place,
            line=line,
            marks=Marks(first.verdict.value, self.owner(first.owner), tuple(codes)),
            reason=common_reason(line.entries),
            told=tuple(dict.fromkeys((self._message(entry), entry.first.hint) for entry in fold_findings(own))),
            code=_operations(line.entries),
            state=_state(first),
        )

    def _message(self, line: Line[Finding]) -> str:
        reasons = [self.changes[finding.change].reason for finding in line.entries if finding.change is not None]
        return "" if reasons == [finding.message for finding in line.entries] else line.first.message

    def _told(self, finding: Finding) -> bool:
        """Whether a finding says no more than the blocked change that it is about."""
        return finding.blocks and finding.change in self.changes

    def _finding_owner(self, finding: Finding) -> str | None:
        change = self.changes.get(finding.change) if finding.change is not None else None
        if change is not None:
            return change.owner
        if finding.table is None:
            return None
        return self.table_owners.get((finding.database, finding.schema, finding.table))

    def _about(self, finding: Finding) -> Link:
        if finding.change is not None and finding.change in self.changes:
            return self._link(finding.change)
        parts = [table_label(finding.schema, finding.table, finding.scope)] if finding.table is not None else []
        if finding.revision is not None:
            parts.append(f"revision {finding.revision}")
        return Link(", ".join(parts))

    def _link(self, fingerprint: str) -> Link:
        change = self.changes.get(fingerprint)
        if change is None:
            return Link(f"change {fingerprint}")
        return Link(f"{change.kind} {target_label(change)}", self.places.get(fingerprint, ""))


def _state(change: Change) -> str:
    """Which revision makes a change of a pull request; empty for what is pending."""
    if not isinstance(change, ChangeSince):
        return ""
    return f"in revision {change.revision}" if change.revision is not None else "in a revision"


def _operations(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The first change of each operation that a revision or a database runs, in their order."""
    found: dict[tuple[str | None, int], Change] = {}
    for change in changes:
        if change.python or change.sql:
            found.setdefault((change.database, change.operation), change)
    return tuple(found.values())
