"""The report for pull requests: Markdown as GitHub, GitLab and Forgejo read it.

Names never become structure: every character that Markdown or HTML could take for more than itself is written as a
numeric character reference (https://spec.commonmark.org/current/#entity-and-numeric-character-references). Forges look
for mentions, references, emoji and addresses once more in the text of the finished page, where those are characters
again. They look at one piece of text at a time, outside of code, so a ``<wbr>`` parts what they look for, and what is
read and copied stays as it is; the sanitizers of GitHub and GitLab (html-pipeline) and of Forgejo (bluemonday) let it
through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from alembic_review.model.review import Change, Finding, NewRevision, Review, Role, Verdict
from alembic_review.reports.base import Options
from alembic_review.reports.parts.diagram import EXTENDS, REFERS, diagram
from alembic_review.reports.parts.headline import (
    MADE,
    PENDING,
    explanation,
    in_revisions,
    levels,
    result,
    since_label,
    tally,
)
from alembic_review.reports.parts.labels import (
    count,
    interpreter_label,
    owner_label,
    place_label,
    revision_label,
    table_label,
    target_label,
    visible,
)
from alembic_review.reports.parts.similar import Line, common_reason, fold_changes, fold_findings

CEILING = 65_000
"""Characters; GitHub takes 65,536 in a comment."""

_EXAMPLES = 3
_NAMES = 20
_LONGEST = 2_000  # characters, each of which may take ten when it is escaped
_PLAIN = frozenset(" ,/;='?()")
# After @ for people, # and others for issues, merge requests, labels, milestones and epics, before // and . for links.
_PARTED = re.compile(
    r"(?<=[@#!~$%&^*\[])(?!\s)|(?<=:)(?=//|[\w+-]+:)|(?<=\bgh-)(?=\d)|(?<=\bwww)(?=\.)", flags=re.IGNORECASE
)
_START = re.compile(r" +|\d+[.)]")
_TITLES = {Verdict.BLOCKED: ("Blocked", True), Verdict.SAFE: ("Safe", True), Verdict.UPSTREAM: ("Upstream", False)}
_SHAPES = {Role.CORE: ("[", "]"), Role.CUSTOM: ("(", ")"), Role.UNKNOWN: ("{{", "}}")}

Part = Callable[[Review, Options, int], str]
"""One part of the report; the number is how many rows a table may have."""


def render(review: Review, options: Options) -> str:
    """The whole report, or as much of it as fits under ``CEILING`` and a line that says what was left out.

    What can be had elsewhere goes first, then rows of long tables, and whole tables only when a few rows are too much.
    """
    parts: dict[str, str] = {}
    for most in _ROWS:
        parts = {name: part(review, options, most) for name, part in _PARTS}
        for number in range(len(_ELSEWHERE) + 1):
            text = _joined(parts, _ELSEWHERE[:number])
            if len(text) <= CEILING:
                return text
    left_out: tuple[str, ...] = ()
    for name in _DISPENSABLE:
        left_out = (*left_out, name)
        if len(_joined(parts, left_out)) <= CEILING:
            break
    for name in reversed(left_out):
        fewer = tuple(other for other in left_out if other != name)
        left_out = fewer if len(_joined(parts, fewer)) <= CEILING else left_out
    return _joined(parts, left_out)


def escape(text: str) -> str:
    """``text`` as it is read, whatever is in it."""
    shown = visible(text)
    dots = "www." not in shown.lower()
    # At the start of a line, blanks make a block of code and a number makes a list.
    start = _START.match(shown)
    opening = start.end() if start else 0
    written = [
        char if place >= opening and _harmless(char, dots=dots) else f"&#{ord(char)};"
        for place, char in enumerate(shown)
    ]
    for match in reversed(list(_PARTED.finditer(shown))):
        written.insert(match.start(), "<wbr>")
    return "".join(written)


def _harmless(char: str, *, dots: bool) -> bool:
    return char.isalnum() or char in _PLAIN or (dots and char == ".")


def _joined(parts: Mapping[str, str], left_out: Sequence[str]) -> str:
    texts = [text for name, text in parts.items() if text and name not in left_out]
    gone = [name for name in left_out if parts[name]]
    if gone:
        texts.append(f"*Left out, to keep this short: {', '.join(gone)}. The JSON report has everything.*")
    return "\n\n".join(texts) + "\n"


def _headline(review: Review, _options: Options, _most: int) -> str:
    title = f"## alembic-review: {result(review).value}"
    if review.failure is not None:
        lines = [title, _cut(review.failure.message, lines=True)]
        return "\n\n".join([*lines, f"Hint: {_cut(review.failure.hint)}"] if review.failure.hint else lines)
    why, numbers, found = explanation(review), tally(review), levels(review)
    counted = f"**{numbers[:1].upper()}{numbers[1:]}**" + (f" with {found}" if found else "")
    return "\n\n".join([title, *([f"Reason: {_cut(why)}."] if why else []), counted])


def _cut(text: str, *, lines: bool = False) -> str:
    """The start of a text that can't be left out as a whole; with ``lines`` on as many lines as it has."""
    start = text[:_LONGEST]
    shown = "<br>".join(map(escape, start.split("\n"))) if lines else escape(start)
    return shown if len(text) <= _LONGEST else f"{shown}… (the JSON report has the rest)"


def _changes(review: Review, options: Options, most: int) -> str:
    where = " pending" if review.pull_request is not None else ""
    return _sections(review.changes, PENDING, where, options, most)


def _sections(found: Sequence[Change], meanings: Mapping[Verdict, str], where: str, options: Options, most: int) -> str:
    texts = []
    for verdict, (title, is_open) in _TITLES.items():
        changes = [change for change in found if change.verdict is verdict]
        if not changes:
            continue
        heading = f"{title}: {count(len(changes), 'change')}{where}, {meanings[verdict]}"
        rows = [_row(line) for line in fold_changes(changes, verbose=options.verbose)]
        table = _table(("Change", "Owner", "Place", "Reason"), rows, most)
        texts.append(f"### {heading}\n\n{table}" if is_open else _details(heading, table))
    return "\n\n".join(texts)


def _ways_out(review: Review, _options: Options, _most: int) -> str:
    """Code that would hold what was blocked."""
    texts = []
    for one in review.suggestions:
        columns = ", ".join(map(escape, one.columns))
        heading = f"A way out for {columns} on {escape(table_label(one.schema, one.table, one.database))}"
        place = "" if one.location is None else f"Take out {escape(place_label(one.location))}, and put this"
        told = f"{place or 'Put this'} into a module that your models import:"
        texts.append(_details(heading, f"{told}\n\n{_fence(one.code, 'python')}"))
    return "\n\n".join(texts)


def _pull_request(review: Review, options: Options, most: int) -> str:
    """The new revisions, and what they change."""
    brought = review.pull_request
    if brought is None:
        return ""
    texts = [f"### Pull request {escape(since_label(brought))}"]
    named = [
        (escape(one.id), escape(one.message), escape(owner_label(one.owner)), _place(one))
        for one in brought.new_revisions
    ]
    if named:
        texts.append(_table(("New revision", "Message", "Owner", "Place"), named, most))
    sections = _sections(in_revisions(review), MADE, " in revisions", options, most)
    return "\n\n".join([*texts, *filter(None, [sections])])


def _row(line: Line[Change]) -> tuple[str, ...]:
    change = line.first
    reason = escape(common_reason(line.entries))
    if change.findings:
        reason += f" ({escape(', '.join(change.findings))})"
    owner, made = escape(owner_label(change.owner)), escape(revision_label(change))
    if not line.folded:
        return f"{escape(change.kind)} **{escape(target_label(change))}**{made}", owner, _place(change), reason
    examples = ", ".join(escape(target_label(entry, brief=True)) for entry in line.entries[:_EXAMPLES])
    label = f"{escape(change.kind)}: {len(line.entries)} changes{made}, for example {examples}"
    return label, owner, _places(line), reason


def _place(entry: Change | Finding | NewRevision) -> str:
    return _breakable(place_label(entry.location))


def _breakable(path: str) -> str:
    """A path that a narrow column breaks before the file; else it takes the width that reasons need."""
    folder, slash, file = path.rpartition("/")
    return f"{escape(folder + slash)}<wbr>{escape(file)}" if slash else escape(file)


def _places(line: Line[Change]) -> str:
    paths = {change.location.path for change in line.entries if change.location is not None}
    return _breakable(paths.pop()) if len(paths) == 1 else f"{len(paths)} files"


def _findings(review: Review, options: Options, most: int) -> str:
    shown = [finding for finding in review.findings if finding.change is None or not finding.blocks]
    told = len(review.findings) - len(shown)
    above = f"{count(told, 'finding stands', 'findings stand')} with the blocked changes above." if told else ""
    if not shown:
        return above and f"### Findings\n\n{above}"
    rows = []
    for line in fold_findings(shown, verbose=options.verbose):
        finding = line.first
        severity = f"{finding.severity.value}{', blocks' if finding.blocks else ''}"
        where = f"[{finding.scope}] " if finding.scope is not None else ""
        message = f"{escape(where + finding.message)}{_others(line)} {escape(finding.hint)}"
        rows.append((escape(finding.code), severity, _place(finding), message))
    if len(rows) > most:
        rows.sort(key=lambda row: "blocks" not in row[1])
    table = _table(("Code", "Severity", "Place", "What to do"), rows, most)
    return "\n\n".join(filter(None, ["### Findings", table, above]))


def _others(line: Line[Finding]) -> str:
    """What else a folded line is about."""
    names = dict.fromkeys(
        table_label(finding.schema, finding.table, finding.scope)
        if finding.table is not None
        else visible(finding.revision or "")
        for finding in line.entries[1:]
    )
    some = ", ".join(escape(name) for name in [*names][:_NAMES] if name)
    more = ", …" if len(names) > _NAMES else ""
    return f" The same of {len(line.entries) - 1} more{f', on {some}{more}' if some else ''}." if line.folded else ""


def _code(review: Review, _options: Options, _most: int) -> str:
    """SQL and Python of what is safe or blocked; upstream drift is nobody's to write."""
    if review.pull_request is None:
        return _listings(review.changes, "")
    listings = _listings(in_revisions(review), " in revisions"), _listings(review.changes, " pending")
    return "\n\n".join(filter(None, listings))


def _listings(changes: Iterable[Change], where: str) -> str:
    operations: dict[tuple[str | None, int], Change] = {}
    for change in changes:
        if change.verdict is not Verdict.UPSTREAM and change.python:
            operations.setdefault((change.database, change.operation), change)
    # In the order in which Alembic would run them: a table comes before its indexes.
    lines = [operations[key] for key in sorted(operations, key=lambda key: (key[0] or "", key[1]))]
    sql = "\n".join(change.sql for change in lines if change.sql)
    python = "\n".join(change.python for change in lines)
    of = f"of {count(len(lines), 'operation')}{where}"
    blocks = [(f"SQL {of}", "sql", sql), (f"Python {of}", "python", python)]
    return "\n\n".join(_details(title, _fence(text, language)) for title, language, text in blocks if text)


def _diagram(review: Review, _options: Options, _most: int) -> str:
    """The touched tables and their neighbours, core and custom told apart by shape, by word and by colour."""
    drawn = diagram(review)
    if not drawn.nodes:
        return ""
    lines = ["flowchart LR"]
    for number, node in enumerate(drawn.nodes):
        words = node.role.value + (f", {_label(node.owner)}" if node.owner is not None else "")
        opening, closing = _SHAPES[node.role]
        lines.append(f'  t{number}{opening}"{_label(node.label)}<br/>{words}"{closing}:::{node.role.value}')
    arrows = {EXTENDS: "-- extends -->", REFERS: "-.->"}
    lines += [f"  t{link.source} {arrows[link.kind]} t{link.target}" for link in drawn.links]
    lines += [
        "  classDef core fill:#e8eaf0,stroke:#5b6b8c,color:#1f2937",
        "  classDef custom fill:#e3f4e6,stroke:#3c8a4d,color:#1f2937",
        "  classDef unknown fill:#fdebd2,stroke:#b7791f,color:#1f2937",
    ]
    more = f"\n\n{count(drawn.left_out, 'more table')} not drawn." if drawn.left_out else ""
    return _details("Tables", _fence("\n".join(lines), "mermaid") + more)


def _label(name: str) -> str:
    """A Mermaid label: its own entity codes have no ampersand (https://mermaid.js.org/syntax/flowchart.html)."""
    return "".join(char if char.isalnum() or char in "_ ." else f"#{ord(char)};" for char in visible(name))


def _footer(review: Review, _options: Options, _most: int) -> str:
    run = review.provenance
    compared = (
        f"Compared {count(run.tables_compared, 'table')} with {count(len(run.heads), 'head')} after "
        f"{count(run.revisions, 'revision')} on {escape(run.database)}."
        if run.database
        else "Nothing was compared."
    )
    hidden = [*run.not_checked, *(f"filter {entry}" for entry in run.filters)]
    lines = [compared, *(f"- {escape(line)}" for line in hidden)]
    text = f"{lines[0]}\n\nNot checked:\n\n" + "\n".join(lines[1:]) if hidden else lines[0]
    tool = escape(run.tool)
    if run.interpreter:
        tool += f"; interpreter {escape(interpreter_label(run))}"
    return _details("What was compared, and what was not", f"{text}\n\n{tool}")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], most: int) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows[:most]]
    if len(rows) > most:
        lines += ["", f"*And {count(len(rows) - most, 'more row')}: the JSON report has everything.*"]
    return "\n".join(lines)


def _details(summary: str, body: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def _fence(text: str, language: str) -> str:
    """A fenced block that no run of backticks in the text can end."""
    longest = max((len(run) for run in "".join(c if c == "`" else " " for c in text).split()), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{visible(text, lines=True).strip()}\n{fence}"


_PARTS: tuple[tuple[str, Part], ...] = (
    ("verdict", _headline),
    ("pull request", _pull_request),
    ("changes", _changes),
    ("ways out", _ways_out),
    ("findings", _findings),
    ("diagram", _diagram),
    ("SQL and Python", _code),
    ("limits", _footer),
)
_ELSEWHERE = ("SQL and Python", "diagram", "ways out")
_DISPENSABLE = (*_ELSEWHERE, "limits", "changes", "findings", "pull request")
_ROWS = (1_000_000, 300, 100, 30, 10, 3)
