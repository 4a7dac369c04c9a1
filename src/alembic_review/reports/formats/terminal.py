"""The report for people: what is blocked first, then what is safe, what is upstream drift, and what was looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console, RenderableType
from rich.syntax import Syntax
from rich.text import Text

from alembic_review.model.review import (
    Change,
    Finding,
    PullRequest,
    Review,
    Severity,
    Suggestion,
    Verdict,
)
from alembic_review.reports.base import Options
from alembic_review.reports.parts.console import WIDE, canvas, drawn, stacked, table
from alembic_review.reports.parts.headline import (
    MADE,
    PENDING,
    Result,
    explanation,
    in_revisions,
    levels,
    result,
    since_label,
    tally,
)
from alembic_review.reports.parts.labels import (
    NOWHERE,
    count,
    owner_label,
    place_label,
    revision_label,
    table_label,
    target_label,
    visible,
)
from alembic_review.reports.parts.provenance import footer
from alembic_review.reports.parts.similar import Line, common_reason, fold_changes, fold_findings

# The finding that says no more than the blocked change it belongs to, which has its own row.
BLOCKED_CHANGE = "AR101"
_EXAMPLES = 3

_TITLES = {
    Verdict.BLOCKED: ("BLOCKED", "bold red"),
    Verdict.SAFE: ("SAFE", "bold green"),
    Verdict.UPSTREAM: ("UPSTREAM", "bold cyan"),
}
_RESULT_STYLES = {
    Result.PASSED: "bold green",
    Result.FAILED: "bold red",
    Result.REPORTED: "bold yellow",
    Result.NONE: "bold red",
}
_SEVERITY_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def render(review: Review, options: Options) -> str:
    """The review as text of ``options.width`` columns; ends with a newline."""
    console = canvas(options)
    _headline(console, review)
    if review.pull_request is not None:
        _pull_request(console, review.pull_request)
        _changes(console, in_revisions(review), MADE, " in revisions", options)
    _changes(console, review.changes, PENDING, " pending" if review.pull_request is not None else "", options)
    for suggestion in review.suggestions:
        _way_out(console, suggestion, options)
    _findings(console, review, options)
    console.print(Text(), footer(review.provenance, verbose=options.verbose), sep="\n")
    return drawn(console)


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
    severities = levels(review)
    separator = ", " if review.pull_request is None else "; "
    console.print(Text(tally(review) + (f"{separator}{severities}" if severities else "")))


def _way_out(console: Console, suggestion: Suggestion, options: Options) -> None:
    """Code that would hold what was blocked."""
    table_name = table_label(suggestion.schema, suggestion.table, suggestion.database)
    columns = ", ".join(map(visible, suggestion.columns))
    heading = Text.assemble(("A WAY OUT", "bold"), f"  for {columns} on {table_name}: a table of your own")
    place = "" if suggestion.location is None else f"Take out {place_label(suggestion.location)}, and put this"
    told = f"{place or 'Put this'} into a module that your models import:"
    console.print(Text(), heading, Text(), Text(told, overflow="fold"), Text(), sep="\n")
    code = visible(suggestion.code.rstrip("\n"), lines=True)
    shown = Syntax("", "python", theme="ansi_dark", background_color="default").highlight(code)
    shown.rstrip()
    # Not folded: it is there to be copied.
    console.print(shown if options.colour else Text(code), soft_wrap=True)


def _pull_request(console: Console, brought: PullRequest) -> None:
    """Its revisions."""
    console.print(Text(), Text.assemble(("PULL REQUEST", "bold"), f"  {since_label(brought)}"), sep="\n")
    if brought.new_revisions:
        console.print()
    for revision in brought.new_revisions:
        line = f"revision {visible(revision.id)} ({owner_label(revision.owner)})"
        said = f"{line}: {visible(revision.message)}" if revision.message else line
        console.print(stacked((said, "bold"), (place_label(revision.location), "dim"), indent=2))


def _changes(
    console: Console, found: Sequence[Change], meanings: Mapping[Verdict, str], where: str, options: Options
) -> None:
    for verdict, (title, style) in _TITLES.items():
        changes = [change for change in found if change.verdict is verdict]
        if changes:
            heading = Text.assemble((title, style), f"  {count(len(changes), 'change')}{where}, {meanings[verdict]}")
            console.print(Text(), heading, Text(), sep="\n")
            _section(console, changes, options)


def _section(console: Console, changes: Sequence[Change], options: Options) -> None:
    lines = fold_changes(changes, verbose=options.verbose)
    if options.width >= WIDE:
        grid = table("Owner", "Change", "Place", "Reason")
    else:
        grid = table("Owner", "Change, place and reason")
    grid.columns[0].max_width = 24
    for line in lines:
        owner = Text(owner_label(line.first.owner))
        label, examples = _labels(line)
        place, reason = _places(line), _reason(line)
        if options.width >= WIDE:
            grid.add_row(owner, stacked((label, "bold"), (examples, "dim"), indent=2), Text(place), Text(reason))
        else:
            known = place if place != NOWHERE else ""
            grid.add_row(owner, stacked((label, "bold"), (examples, "dim"), (known, "dim"), (reason, ""), indent=2))
    console.print(grid)
    if options.sql:
        _sql(console, lines, colour=options.colour)


def _labels(line: Line[Change]) -> tuple[str, str]:
    kind, made = visible(line.first.kind), revision_label(line.first)
    if not line.folded:
        return f"{kind} {target_label(line.first)}{made}", ""
    examples = ", ".join(target_label(change, brief=True) for change in line.entries[:_EXAMPLES])
    return f"{kind}: {count(len(line.entries), 'change')}{made}", f"for example {examples} (--verbose lists them)"


def _places(line: Line[Change]) -> str:
    if not line.folded:
        return place_label(line.first.location)
    places = {change.location for change in line.entries if change.location is not None}
    if len(places) <= 1:
        return place_label(next(iter(places), None))
    paths = {place.path for place in places}
    return visible(paths.pop()) if len(paths) == 1 else f"{len(places)} places"


def _reason(line: Line[Change]) -> str:
    codes = f" [{', '.join(map(visible, line.first.findings))}]" if line.first.findings else ""
    return visible(common_reason(line.entries)) + codes


def _sql(console: Console, lines: list[Line[Change]], *, colour: bool) -> None:
    shown: set[tuple[str | None, int]] = set()
    console.print()
    for line in lines:
        operations = {
            (change.database, change.operation): change for change in line.entries if change.python or change.sql
        }
        new = [change for key, change in operations.items() if key not in shown]
        shown.update(operations)
        for change in new[:_EXAMPLES] if line.folded else new:
            # Not wrapped: it is there to be copied.
            console.print(_statement(change, colour=colour), soft_wrap=True)
        if line.folded and len(new) > _EXAMPLES:
            console.print(
                Text(f"-- and {len(new) - _EXAMPLES} more like these (--verbose lists them)", "dim"), soft_wrap=True
            )


def _statement(change: Change, *, colour: bool) -> Text:
    if change.sql is None:
        return Text(f"-- no SQL could be rendered: {visible(change.python)}", "dim")
    sql = visible(change.sql.strip(), lines=True)
    if not colour:
        return Text(sql)
    text = Syntax("", "sql", theme="ansi_dark", background_color="default").highlight(sql)
    text.rstrip()
    return text


def _findings(console: Console, review: Review, options: Options) -> None:
    if not review.findings:
        return
    blocked = {change.fingerprint for change in review.changes if change.verdict is Verdict.BLOCKED}
    listed: list[Finding] = []
    others: list[Finding] = []
    for finding in review.findings:
        told = finding.code == BLOCKED_CHANGE and finding.change in blocked
        (listed if told else others).append(finding)
    console.print(Text(), Text.assemble(("FINDINGS", "bold"), f"  {len(review.findings)}"), Text(), sep="\n")
    grid = table("Code", "Severity", "What, where and what to do")
    if listed:
        hints = list(dict.fromkeys(visible(line.first.hint) for line in fold_findings(listed)))
        what = f"{count(len(listed), 'blocked change')}, listed above"
        grid.add_row(
            Text(BLOCKED_CHANGE),
            _severity(listed[0]),
            stacked((what, "bold"), *((f"hint: {hint}", "") for hint in hints if hint), indent=2),
        )
    changes: tuple[Change, ...] = (*in_revisions(review), *review.changes)
    labels = {change.fingerprint: f"{visible(change.kind)} {target_label(change)}" for change in changes}
    for line in fold_findings(others, verbose=options.verbose):
        finding = line.first
        more = f"and {len(line.entries) - 1} more like this (--verbose lists them)" if line.folded else ""
        grid.add_row(
            Text(visible(finding.code)),
            _severity(finding),
            stacked(
                (visible(finding.message), "bold"),
                (_where(finding, labels), "dim"),
                (f"hint: {visible(finding.hint)}" if finding.hint else "", ""),
                (more, "dim"),
                indent=2,
            ),
        )
    console.print(grid)


def _severity(finding: Finding) -> RenderableType:
    blocks = "blocks" if finding.blocks else ""
    return stacked((finding.severity.value, _SEVERITY_STYLES[finding.severity]), (blocks, "bold red"))


def _where(finding: Finding, labels: dict[str, str]) -> str:
    parts: list[str] = []
    if finding.change is not None and finding.change in labels:
        parts.append(labels[finding.change])
    elif finding.table is not None:
        parts.append(table_label(finding.schema, finding.table, finding.scope))
    if finding.revision is not None:
        parts.append(f"revision {visible(finding.revision)}")
    if finding.location is not None:
        parts.append(place_label(finding.location))
    return ", ".join(parts)
