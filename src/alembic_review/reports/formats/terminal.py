"""The report for people at a terminal: what blocks first, one item for each cause."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from alembic_review.model.review import Change, ChangeSince, Finding, NewRevision, Review, Severity, Suggestion, Verdict
from alembic_review.reports.base import Options
from alembic_review.reports.parts.accepting import (
    TITLE,
    accepted_label,
    baseline_lines,
    entry_label,
    entry_state,
    new_accepts,
    reasons,
)
from alembic_review.reports.parts.console import new_console, pairs, printed, stacked
from alembic_review.reports.parts.headline import Result, counts, explanation, in_revisions, result, since_label
from alembic_review.reports.parts.items import Item, in_reason, items
from alembic_review.reports.parts.labels import (
    NOWHERE,
    count,
    location_label,
    owner_label,
    revision_label,
    row_label,
    table_label,
    with_parts,
)
from alembic_review.reports.parts.names import visible
from alembic_review.reports.parts.provenance import footer
from alembic_review.reports.parts.risks import RISKS, is_guess
from alembic_review.reports.parts.similar import Line, common_reason, fold_items

_EXAMPLES = 3
_GONE = 10  # entries of a baseline that no longer occur
_RESULT_STYLES = {
    Result.PASSED: "bold green",
    Result.FAILED: "bold red",
    Result.REPORTED: "bold yellow",
    Result.NONE: "bold red",
}
_SEVERITY_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_WRITE = 'not migrated yet: alembic-review revision -m "…"'


def render(review: Review, options: Options) -> str:
    """The review as text of ``options.width`` columns; ends with a newline."""
    console = new_console(options)
    _headline(console, review)
    found = items(review)
    page = _Page(console, options, several_owners=len(_owners(found)) > 1)
    page.new_accepts(review)
    problems = [item for item in found if item.is_problem]
    accepted = [item for item in found if item.is_accepted]
    others = [item for item in found if not (item.is_problem or item.is_accepted)]
    page.section("BLOCKED", "bold red", "", problems)
    if review.pull_request is not None:
        page.revisions(review, [item for item in others if item.in_revision])
    pending = [item for item in others if not item.in_revision]
    page.section("SAFE", "bold green", _WRITE, [item for item in pending if item.verdict is Verdict.SAFE])
    upstream = [item for item in pending if item.verdict is Verdict.UPSTREAM]
    page.section("UPSTREAM", "bold cyan", "the framework's own models and revisions disagree", upstream)
    page.section("FINDINGS", "bold", "", [item for item in pending if item.verdict is None])
    page.section("ACCEPTED", "bold", "do not fail the check", accepted)
    page.baseline(review)
    if options.sql:
        page.sql((*in_revisions(review), *review.changes))
    grid = pairs()
    for name, lines in footer(review.provenance, verbose=options.verbose):
        grid.add_row(Text(name), stacked(*((line, "") for line in lines)))
    console.print(Text(), grid, sep="\n")
    return printed(console)


def _owners(found: Iterable[Item]) -> set[str | None]:
    """The owners of safe changes: those of blocked ones are in their reasons."""
    return {item.owner for item in found if item.verdict is Verdict.SAFE}


def _headline(console: Console, review: Review) -> None:
    found, why = result(review), explanation(review)
    named = (found.value, _RESULT_STYLES[found])
    if found is Result.NONE:
        console.print(Text.assemble(named))
        if review.failure is not None:
            console.print(Text(visible(review.failure.message, lines=True), overflow="fold"))
            if review.failure.hint:
                console.print(Text(f"hint: {visible(review.failure.hint, lines=True)}", overflow="fold"))
        return
    console.print(Text.assemble(named, f": {why}" if why else "", overflow="fold"))
    console.print(Text("; ".join(counts(review)), overflow="fold"))


class _Page:
    """Where items are printed and how."""

    def __init__(self, console: Console, options: Options, *, several_owners: bool) -> None:
        self._console = console
        self._options = options
        self._several_owners = several_owners

    def section(self, title: str, style: str, meaning: str, found: Sequence[Item]) -> None:
        if not found:
            return
        changes = sum(len(item.changes) for item in found)
        number = count(changes, "change") if changes else str(len(found))
        if found[0].is_problem:
            number = count(len(found), "problem") + (f" ({number})" if changes else "")
        told = f"  {number}, {meaning}" if meaning else f"  {number}"
        self._console.print(Text(), Text.assemble((title, style), told, overflow="fold"), sep="\n")
        self._items(found, indent=2)

    def new_accepts(self, review: Review) -> None:
        """The entries of a pull request that accept findings."""
        entries = new_accepts(review)
        if not entries:
            return
        number = count(len(entries), "entry", "entries")
        heading = Text.assemble((TITLE.upper(), "bold yellow"), f"  {number}", overflow="fold")
        self._console.print(Text(), heading, sep="\n")
        for entry in entries:
            self._line(entry_label(entry), location_label(entry.location), "bold", 2)
            self._text(visible(entry.reason), "", 4)
            self._text(entry_state(entry), "dim", 4)

    def baseline(self, review: Review) -> None:
        """How many findings a baseline knows, and its entries that no longer occur."""
        lines = baseline_lines(review)
        if not lines:
            return
        self._console.print(Text(), Text.assemble(("BASELINE", "bold"), f"  {lines[0]}", overflow="fold"), sep="\n")
        gone = lines[1:]
        shown = gone if self._options.verbose else gone[:_GONE]
        for line in shown:
            self._text(line, "", 2)
        if len(gone) > len(shown):
            self._text(f"and {len(gone) - len(shown)} more (--verbose lists them)", "dim", 2)
        if gone:
            self._text("hint: --update-baseline removes these entries", "", 2)

    def revisions(self, review: Review, made: Sequence[Item]) -> None:
        """The new revisions of a pull request, each with its changes that block nothing."""
        request = review.pull_request
        assert request is not None
        heading = Text.assemble(("PULL REQUEST", "bold"), f"  {since_label(request)}", overflow="fold")
        self._console.print(Text(), heading, sep="\n")
        known = {revision.id for revision in request.new_revisions}
        for revision in request.new_revisions:
            self._line(_revision(revision, owner=self._several_owners), location_label(revision.location), "bold", 2)
            self._items([item for item in made if _made_by(item) == revision.id], indent=4, made=True)
        self._items([item for item in made if _made_by(item) not in known], indent=2)

    def sql(self, changes: Iterable[Change]) -> None:
        """The statements of every operation but upstream drift, each once."""
        shown: set[object] = set()
        self._console.print(Text(), Text.assemble(("SQL", "bold")), sep="\n")
        for change in changes:
            made = change.revision if isinstance(change, ChangeSince) else None
            key = (isinstance(change, ChangeSince), made, change.database, change.operation)
            wanted = self._options.verbose or change.verdict is not Verdict.UPSTREAM
            if wanted and key not in shown and (change.python or change.sql):
                # Not wrapped: it is there to be copied.
                self._console.print(_statement(change, colour=self._options.colour), soft_wrap=True)
            shown.add(key)

    def _items(self, found: Iterable[Item], *, indent: int, made: bool = False) -> None:
        for line in fold_items(found, verbose=self._options.verbose):
            if line.folded:
                self._many(line, indent)
            elif line.first.first is None:
                self._findings(line.first, indent)
            else:
                self._item(line.first, indent, made=made)

    def _many(self, line: Line[Item], indent: int) -> None:
        """Similar items as one line."""
        first = line.first.first
        if first is None:
            self._findings(line.first, indent)
            self._text(f"and {len(line.entries) - 1} more like this (--verbose lists them)", "dim", indent + 2)
            return
        label = f"{visible(line.first.rows[0].kind)}: {sum(len(item.changes) for item in line.entries)} changes"
        owner = f" on tables of {owner_label(first.owner)}"
        self._text(label + revision_label(first) + owner, "bold", indent)
        examples = ", ".join(row_label(item.rows[0], brief=True) for item in line.entries[:_EXAMPLES])
        self._text(f"for example {examples} (--verbose lists them)", "dim", indent + 2)
        if first.verdict is not Verdict.SAFE:
            changes = tuple(item.changes[0] for item in line.entries)
            self._text(f"{visible(common_reason(changes))}{_codes(line.first.codes)}", "", indent + 2)
        self._accepted(line.first.changes, indent + 2)
        for finding in line.first.findings:
            self._beside(finding, line.first, indent + 2)

    def _item(self, item: Item, indent: int, *, made: bool) -> None:
        """One cause: its main change, why, what follows, what to do."""
        change = item.changes[0]
        verbose = self._options.verbose
        label = row_label(item.rows[0]) if verbose else with_parts(item.rows)
        label += "" if made else revision_label(change)
        if self._several_owners and change.verdict is Verdict.SAFE:
            label += f" ({owner_label(change.owner)})"
        if change.verdict is Verdict.UPSTREAM:
            label += f" (upstream drift, owner {owner_label(change.owner)})"
        if item.is_problem or item.is_accepted:
            label += _codes(item.codes)
        self._line(label, location_label(item.location), "bold", indent)
        if item.is_problem or verbose:
            self._text(visible(change.reason), "", indent + 2)
        if verbose and item.codes:
            self._text(f"fingerprint: {visible(change.fingerprint)}", "dim", indent + 2)
        self._accepted(item.changes, indent + 2)
        self._following(item, indent + 2)
        for finding in item.findings:
            self._beside(finding, item, indent + 2)
        if verbose:
            hints = dict.fromkeys(finding.hint for finding in item.findings if in_reason(finding, item))
            for hint in filter(None, hints):
                self._text(f"hint: {visible(hint)}", "", indent + 2)
        for suggestion in () if item.is_accepted else item.suggestions:
            self._suggestion(suggestion, indent + 2)

    def _accepted(self, changes: Iterable[Change], indent: int) -> None:
        for text in reasons(changes):
            self._text(text, "", indent)

    def _following(self, item: Item, indent: int) -> None:
        """The other changes with the same cause; those of a table are in its label."""
        first, rest = item.changes[0], item.rows[1:]
        labels = [f"{row_label(row)}{_beside_first(row.change, first)}" for row in rest]
        if self._options.verbose:
            for label, row in zip(labels, rest, strict=True):
                self._line(f"also: {label}", location_label(row.change.location), "dim", indent)
                if row.change.reason != first.reason:
                    self._text(visible(row.change.reason), "", indent + 2)
                if item.codes:
                    self._text(f"fingerprint: {visible(row.change.fingerprint)}", "dim", indent + 2)
        elif labels and item.rows[0].kind not in ("add_table", "remove_table"):
            more = len(labels) - _EXAMPLES
            told = f" and {more} more (--verbose lists them)" if more > 0 else ""
            self._text(f"also: {', '.join(labels[:_EXAMPLES])}{told}", "dim", indent)

    def _beside(self, finding: Finding, item: Item, indent: int) -> None:
        """A finding of an item that its reason does not contain: whole with ``verbose``, else risks as their mark."""
        verbose = self._options.verbose
        if in_reason(finding, item) or (item.is_accepted and finding.accepted is not None and not verbose):
            return
        if finding.accepted is not None and not verbose:
            self._text(f"{visible(finding.code)} {accepted_label(finding.accepted)}", "dim", indent)
        elif is_guess(finding) and finding.code in RISKS and not verbose:
            mark = Text.assemble((RISKS[finding.code].mark, "yellow"), f" [{visible(finding.code)}]")
            self._console.print(Padding(mark, (0, 0, 0, indent)))
        elif verbose or not finding.blocks:  # its code stands with the reason
            self._finding(finding, indent)

    def _findings(self, item: Item, indent: int) -> None:
        for finding in item.findings:
            self._finding(finding, indent)

    def _finding(self, finding: Finding, indent: int) -> None:
        where = [location_label(finding.location)] if finding.location is not None else []
        named = _shown_table(finding)
        severity = (finding.severity.value, _SEVERITY_STYLES[finding.severity])
        text = Text.assemble(severity, f": {visible(finding.message)} [{visible(finding.code)}]", overflow="fold")
        self._console.print(Padding(text, (0, 0, 0, indent)))
        if where or named:
            self._text(", ".join([*named, *where]), "dim", indent + 2)
        if finding.accepted is not None:
            self._text(accepted_label(finding.accepted), "", indent + 2)
        elif finding.hint:
            self._text(f"hint: {visible(finding.hint)}", "", indent + 2)
        if self._options.verbose:
            self._text(f"fingerprint: {visible(finding.fingerprint)}", "dim", indent + 2)
            if finding.suggestion is not None and finding.accepted is None:
                self._text("suggested fix:", "", indent + 2)
                self._code(finding.suggestion)

    def _suggestion(self, suggestion: Suggestion, indent: int) -> None:
        columns = ", ".join(map(visible, suggestion.columns))
        fix = f"suggested fix: an extension table for {columns}"
        if not self._options.verbose:
            self._text(f"{fix} (--verbose shows the code)", "", indent)
            return
        line = "" if suggestion.location is None else f"; remove {location_label(suggestion.location)}"
        self._text(f"{fix}{line}", "", indent)
        self._code(suggestion.code)

    def _code(self, suggested: str) -> None:
        """Python that is there to be copied."""
        code = visible(suggested.rstrip("\n"), lines=True)
        text = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(code)
        text.rstrip()
        # Neither wrapped nor indented.
        self._console.print()
        self._console.print(text if self._options.colour else Text(code), soft_wrap=True)
        self._console.print()

    def _line(self, label: str, place: str, style: str, indent: int) -> None:
        """A label with its location, on the same line where there is room."""
        if place == NOWHERE:
            self._text(label, style, indent)
            return
        text = Text.assemble((label, style), ("  " + place, "dim"), overflow="fold")
        if indent + text.cell_len <= self._options.width:
            self._console.print(Padding(text, (0, 0, 0, indent)))
            return
        self._text(label, style, indent)
        self._text(place, "dim", indent + 2)

    def _text(self, text: str, style: str, indent: int) -> None:
        self._console.print(Padding(Text(text, style, overflow="fold"), (0, 0, 0, indent)))


def _revision(revision: NewRevision, *, owner: bool) -> str:
    named = f"revision {visible(revision.id)}" + (f" ({owner_label(revision.owner)})" if owner else "")
    return f"{named}: {visible(revision.message)}" if revision.message else named


def _made_by(item: Item) -> str | None:
    change = item.first
    return change.revision if isinstance(change, ChangeSince) else None


def _pending(change: Change, first: Change) -> str:
    return " (pending)" if isinstance(first, ChangeSince) and not isinstance(change, ChangeSince) else ""


def _beside_first(change: Change, first: Change) -> str:
    """Where a change is and whether it counts, if that is not what the first one of its item says."""
    counts = change.verdict is Verdict.BLOCKED and change.accepted is None
    where = revision_label(change) or _pending(change, first)
    return where + (" (not accepted)" if first.accepted is not None and counts else "")


def _codes(codes: Sequence[str]) -> str:
    return f" [{', '.join(map(visible, codes))}]" if codes else ""


def _shown_table(finding: Finding) -> list[str]:
    """The table and the revision that the message may not name."""
    named = [table_label(finding.schema, finding.table, finding.scope)] if finding.table is not None else []
    if finding.revision is not None:
        named.append(f"revision {visible(finding.revision)}")
    return [name for name in named if name not in visible(finding.message)]


def _statement(change: Change, *, colour: bool) -> Text:
    if change.sql is None:
        return Text(f"-- no SQL could be rendered: {visible(change.python)}", "dim")
    sql = visible(change.sql.strip(), lines=True)
    if not colour:
        return Text(sql)
    text = Syntax("", "sql", theme="ansi_dark", background_color="default").highlight(sql)
    text.rstrip()
    return text
