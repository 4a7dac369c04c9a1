"""The comment on a pull request: Markdown as GitHub, GitLab and Forgejo read it.

The result comes first, then what blocks merging, the schema changes, and folded parts with everything else. A review
without changes and findings is one line.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import quote

from alembic_review.model.review import Change, ChangeSince, Finding, Location, Review, Suggestion, Verdict
from alembic_review.reports.base import Links, Options
from alembic_review.reports.parts.accepting import (
    TITLE,
    accepted_label,
    baseline_lines,
    entry_label,
    entry_state,
    new_accepts,
    reasons,
)
from alembic_review.reports.parts.diagram import EXTENDS, REFERS, diagram
from alembic_review.reports.parts.diff import diff_line
from alembic_review.reports.parts.escaping import code, escape, fence, prose
from alembic_review.reports.parts.headline import Result, counts, explanation, in_revisions, result, since_label
from alembic_review.reports.parts.issues import path_in_checkout
from alembic_review.reports.parts.items import Item, Row, in_reason, items, rows
from alembic_review.reports.parts.labels import (
    count,
    interpreter_label,
    location_label,
    owner_label,
    row_target,
    table_label,
)
from alembic_review.reports.parts.names import visible
from alembic_review.reports.parts.provenance import compared, not_compared
from alembic_review.reports.parts.risks import is_risk, risk_counts
from alembic_review.reports.parts.similar import Line, common_reason, fold_changes, fold_items

CEILING = 65_000
"""Characters; GitHub takes 65,536 in a comment."""

_NAMES = 20
_LONGEST = 2_000  # characters, each of which may take ten when it is escaped
_URL = ":/?#@!$&*+,;=%-._~"  # what is not quoted in an address
_SHORT = 12  # characters of a commit's name

Part = Callable[[Review, Options, int], str]
"""One part of the report; the number is how many lines a list may have."""


def render(review: Review, options: Options) -> str:
    """The whole report, or as much of it as fits under ``CEILING`` and a line that names what was left out.

    Parts that other reports have as well are left out first, then lines of long lists, and whole lists at last.
    """
    if _is_empty(review):
        return _one_line(review, options)
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


def short(review: Review, options: Options) -> str:
    """A few lines without any name, for a Git host that does not take the whole report."""
    numbers = "; ".join(counts(review))
    lines = [f"## alembic-review: {result(review).value}", f"{numbers[:1].upper()}{numbers[1:]}."]
    where = _links(options.links)
    kept = f"See {where}." if where else "See the files that the job kept."
    return "\n\n".join([*lines, f"The report is too long for a comment. {kept}"]) + "\n"


def _is_empty(review: Review) -> bool:
    """Whether there is nothing to report: no change, no finding, and the check passed."""
    made = review.pull_request.changes if review.pull_request is not None else ()
    gone = review.baseline is not None and review.baseline.gone
    told = review.changes or made or review.findings or new_accepts(review) or gone
    return result(review) is Result.PASSED and not told


def _one_line(review: Review, options: Options) -> str:
    """One line, which unfolds to what was not checked."""
    where = _links(options.links)
    told = f"<b>alembic-review: {result(review).value}</b>, no schema changes" + (f" ({where})" if where else "")
    return _details(told, _limits(review)) + "\n"


def _joined(parts: Mapping[str, str], left_out: Sequence[str]) -> str:
    texts = [text for name, text in parts.items() if text and name not in left_out]
    gone = [name for name in left_out if parts[name]]
    if gone:
        texts.append(f"*Left out because of the size limit of comments: {', '.join(gone)}. The JSON report has them.*")
    return "\n\n".join(texts) + "\n"


def _headline(review: Review, options: Options, _most: int) -> str:
    title = f"## alembic-review: {result(review).value}"
    if review.failure is not None:
        lines = [title, _cut(review.failure.message, lines=True)]
        lines += [f"Hint: {_cut(review.failure.hint)}"] if review.failure.hint else []
        return "\n\n".join([*lines, *filter(None, [_about(review, options.links)])])
    why, risks = explanation(review), risk_counts(review)
    numbers = [f"**{text}**" if text in risks else text for text in counts(review)]
    told = [f"**{_cut(why)}**"] if why else []
    sentence = "; ".join([*told, *numbers])
    return "\n\n".join(filter(None, [title, f"{sentence}.", _about(review, options.links)]))


def _about(review: Review, links: Links) -> str:
    """The commit and its base, and where to find more."""
    commit = links.commit or review.provenance.commit
    named = [f"Commit {code(commit[:_SHORT])}"] if commit else []
    if review.pull_request is not None:
        named.append(f"{'' if named else 'Changes '}{prose(since_label(review.pull_request))}")
    told = " ".join(named)
    return " · ".join(filter(None, [told, _links(links)]))


def _links(links: Links) -> str:
    found = [_link(text, url) for text, url in (("job", links.job), ("full report", links.report)) if url]
    return ", ".join(found)


def _link(text: str, url: str) -> str:
    """A link as HTML, which works in a summary as well; ``text`` is Markdown."""
    return f'<a href="{html.escape(quote(url, safe=_URL))}">{text}</a>'


def _cut(text: str, *, lines: bool = False) -> str:
    """The start of a text that can't be left out as a whole; ``lines`` keeps its lines."""
    start = text[:_LONGEST]
    shown = "<br>".join(map(escape, start.split("\n"))) if lines else prose(start)
    return shown if len(text) <= _LONGEST else f"{shown}… (the JSON report has the rest)"


def _new_accepts(review: Review, options: Options, most: int) -> str:
    """The entries that the pull request adds, which somebody has to agree to."""
    entries = new_accepts(review)
    if not entries:
        return ""
    lines = [
        f"- **{escape(entry_label(entry))}** ({escape(entry_state(entry))}): {prose(entry.reason)}"
        f"{_location(entry.location, review, options.links)}"
        for entry in entries[:most]
    ]
    return "\n\n".join([f"### {TITLE}", "\n".join(lines), *_more(entries, most, "entry", "entries")])


def _accepted(review: Review, options: Options, most: int) -> str:
    """What is accepted, folded: it fails no check, and has been seen before."""
    lines = []
    for item in items(review):
        label = f"{_row(item.rows[0])}{_in_revision(item.rows[0].change)}" if item.rows else ""
        if item.is_accepted and label:
            told = "; ".join(map(escape, reasons((*item.changes, *item.findings))))
            codes = f" ({', '.join(map(escape, item.codes))})" if item.codes else ""
            lines.append(f"- {label}{codes}: {told}{_location(item.location, review, options.links)}")
            continue
        for one in item.findings:
            if one.accepted is not None:
                where = _location(one.location, review, options.links)
                lines.append(
                    f"- {_heading(one.code)} {prose(one.message)} {escape(accepted_label(one.accepted))}{where}"
                )
    if not lines:
        return ""
    body = "\n".join([*lines[:most], *("\n" + text for text in _more(lines, most, "line"))])
    return _details(f"Accepted: {count(len(lines), 'entry', 'entries')}", body)


def _baseline(review: Review, _options: Options, most: int) -> str:
    """How many findings a baseline knows, and its entries that no longer occur."""
    lines = baseline_lines(review)
    if not lines:
        return ""
    gone = [f"- {prose(line)}" for line in lines[1:]]
    if not gone:
        return f"{prose(lines[0])}."
    body = "\n".join([*gone[:most], *("\n" + text for text in _more(gone, most, "entry", "entries"))])
    return _details(
        f"{escape(lines[0])}; {count(len(gone), 'entry no longer occurs', 'entries no longer occur')}", body
    )


def _problems(review: Review, options: Options, most: int) -> str:
    """What blocks merging: one line each, with the suggested fix folded below it."""
    found = [item for item in items(review) if item.is_problem]
    if not found:
        return ""
    lines = fold_items(found, verbose=options.verbose)
    title = "### To fix before merging" if review.gate.refused else "### Blocked"
    entries = [_problem(line, review, options) for line in lines[:most]]
    return "\n\n".join([title, "\n".join(entries), *_more(lines, most, "problem")])


def _problem(line: Line[Item], review: Review, options: Options) -> str:
    item = line.first
    where = _location(item.location, review, options.links)
    codes = f" ({', '.join(map(escape, item.codes))})" if item.codes else ""
    if item.first is None:
        finding = item.findings[0]
        return f"- {_of_finding(finding, line)}{codes}{where}{_folded(item, review, options.links)}"
    label = f"**{_row(item.rows[0])}**"
    if line.folded:
        changes = tuple(one.changes[0] for one in line.entries)
        names = ", ".join(code(row_target(one.rows[0], brief=True)) for one in line.entries[:_NAMES])
        total = sum(len(one.changes) for one in line.entries)
        kind = code(visible(item.rows[0].kind))
        rest = ", …" if len(line.entries) > _NAMES else ""
        return f"- **{kind}: {total} changes** ({names}{rest}): {prose(common_reason(changes))}{codes}{where}"
    made = _in_revision(item.first)
    reason = prose(item.first.reason) if item.first.verdict is Verdict.BLOCKED else ""
    failing = [one for one in item.findings if one.accepted is None]
    errors = [one for one in failing if item.first.verdict is not Verdict.BLOCKED or not one.blocks]
    texts = [reason, *(_of_finding(one) for one in errors if not in_reason(one, item))]
    return f"- {label}{made}: {' '.join(filter(None, texts))}{codes}{where}{_folded(item, review, options.links)}"


def _folded(item: Item, review: Review, links: Links) -> str:
    """How to fix it and what follows from the same cause, below a line of a list."""
    parts = [_suggestion(suggestion) for suggestion in item.suggestions]
    if len(item.rows) > 1:
        rest = [f"{_row(row)}{_in_revision(row.change)}" for row in item.rows[1 : _NAMES + 1]]
        more = f" and {len(item.rows) - 1 - _NAMES} more" if len(item.rows) - 1 > _NAMES else ""
        parts.append(f"Same cause: {', '.join(rest)}{more}.")
    for one in item.findings:
        # A suggestion replaces the advice; the messages say what else is to be reverted.
        if item.first is not None and one.blocks and one.change is None:
            told = prose(one.message) if item.suggestions else _of_finding(one)
            parts.append(f"{_heading(one.code)} {told}{_location(one.location, review, links)}")
    codes = [one for one in item.findings if one.suggestion is not None and one.accepted is None]
    parts += [f"{_heading(one.code)}\n\n{fence(one.suggestion or '', 'python')}" for one in codes]
    hints = dict.fromkeys(one.hint for one in item.findings if one.hint and in_reason(one, item))
    parts += [prose(hint) for hint in hints if not item.suggestions]
    if not parts:
        return ""
    return _below(_details("Suggested fix" if item.suggestions or codes else "Details", "\n\n".join(parts)))


def _below(body: str) -> str:
    """Below a line of a list."""
    return "\n" + "\n".join(f"  {line}" if line else "" for line in body.split("\n"))


def _suggestion(suggestion: Suggestion) -> str:
    columns = ", ".join(map(code, suggestion.columns))
    table = code(table_label(suggestion.schema, suggestion.table, suggestion.database))
    line = "" if suggestion.location is None else f"Remove {code(location_label(suggestion.location))}, and add"
    told = f"Keep {columns} of {table} in an extension table. {line or 'Add'} this to a module that your models import:"
    return f"{told}\n\n{fence(suggestion.code, 'python')}"


def _row(row: Row) -> str:
    return code(f"{visible(row.kind)} {row_target(row)}")


def _in_revision(change: Change) -> str:
    made = change.revision if isinstance(change, ChangeSince) else None
    return f" in {code(made)}" if made is not None else ""


def _heading(text: str) -> str:
    """A code and its colon; of what is no code, the colon must not complete the short name of an emoji."""
    return f"{text}:" if text.isalnum() else escape(f"{text}:")


def _of_finding(finding: Finding, line: Line[Item] | None = None) -> str:
    scope = f"[{finding.scope}] " if finding.scope is not None else ""
    texts = [prose(scope + finding.message) + (_others(line) if line is not None else ""), prose(finding.hint)]
    return " ".join(filter(None, texts))


def _others(line: Line[Item]) -> str:
    """What a line of similar findings is about besides the first."""
    if not line.folded:
        return ""
    entries = [item.findings[0] for item in line.entries[1:]]
    names = dict.fromkeys(
        table_label(finding.schema, finding.table, finding.scope)
        if finding.table is not None
        else visible(finding.revision or "")
        for finding in entries
    )
    some = ", ".join(code(name) for name in [*names][:_NAMES] if name)
    more = ", …" if len(names) > _NAMES else ""
    return f" {count(len(entries), 'more finding')} like this{f': {some}{more}' if some else ''}."


def _made(review: Review, options: Options, most: int) -> str:
    """What the new revisions change, as a diff."""
    request = review.pull_request
    if request is None:
        return ""
    changes = in_revisions(review)
    new = [
        f"- {code(one.id)}{': ' + prose(one.message) if one.message else ''}"
        f"{_location(one.location, review, options.links)}"
        for one in request.new_revisions[:most]
    ]
    listed = "\n".join(new) + "".join(f"\n{text}" for text in _more(request.new_revisions, most, "revision"))
    title = f"### Schema changes in {count(len(request.new_revisions), 'new revision')}"
    if not changes:
        return "\n\n".join(filter(None, [title, listed, "No schema changes in revisions."]))
    return "\n\n".join(filter(None, [title, listed, _diff(changes, review, most)]))


def _pending(review: Review, _options: Options, most: int) -> str:
    """What is in the models and in no revision yet, and the command that writes the revision."""
    changes = [change for change in review.changes if change.verdict is not Verdict.UPSTREAM]
    if not changes:
        return ""
    safe = any(change.verdict is Verdict.SAFE for change in changes)
    title = f"### Pending: {count(len(changes), 'change')} in the models and in no revision"
    command = '`alembic-review revision -m "…"` generates the revision with the safe changes.'
    return "\n\n".join([title, _diff(changes, review, most), *([command] if safe else [])])


def _diff(changes: Sequence[Change], review: Review, most: int) -> str:
    owners = {change.owner for change in changes if change.verdict is Verdict.SAFE}
    ordered = sorted(changes, key=lambda change: (change.database or "", change.operation))
    shown = rows([change for change in ordered if change.verdict is not Verdict.UPSTREAM])
    lines = [diff_line(row, review.findings, owners=len(owners) > 1) for row in shown[:most]]
    lines += [f"# {text.strip('*')}" for text in _more(shown, most, "change")]
    drift = [change for change in changes if change.verdict is Verdict.UPSTREAM]
    if drift:
        lines.append(f"# {count(len(drift), 'change')} of the framework's own revisions")
    return fence("\n".join(lines), "diff")


def _upstream(review: Review, options: Options, most: int) -> str:
    changes = [change for change in review.changes if change.verdict is Verdict.UPSTREAM]
    if not changes:
        return ""
    lines = [Line((change,)) for change in changes] if options.verbose else fold_changes(changes)
    listed = [_drift(line) for line in lines[:most]]
    title = f"Upstream drift: {count(len(changes), 'change')} that the framework's own models and revisions cause"
    return _details(title, "\n".join([*listed, *("\n" + text for text in _more(lines, most, "line"))]))


def _drift(line: Line[Change]) -> str:
    change = line.first
    (row,) = rows([change])
    reason = f": {prose(common_reason(line.entries))}" if change.reason else ""
    if not line.folded:
        return f"- {_row(row)} (owner {escape(owner_label(change.owner))}){reason}"
    names = ", ".join(code(row_target(rows([one])[0], brief=True)) for one in line.entries[:3])
    total = count(len(line.entries), "change")
    return f"- {code(visible(row.kind))}: {total} (owner {escape(owner_label(change.owner))}), such as {names}{reason}"


def _findings(review: Review, options: Options, most: int) -> str:
    """Findings that block nothing: risks first."""
    found = [item for item in items(review) if not (item.is_problem or item.is_accepted) and item.findings]
    found.sort(key=lambda item: not any(map(is_risk, item.findings)))
    lines = fold_items(found, verbose=options.verbose)
    entries = [
        _finding(finding, line, review, options)
        for line in lines
        for finding in line.first.findings
        if finding.accepted is None
    ]
    if not entries:
        return ""
    return "\n\n".join(["### Warnings and notes", "\n".join(entries[:most]), *_more(entries, most, "finding")])


def _finding(finding: Finding, line: Line[Item], review: Review, options: Options) -> str:
    severity = f"**{finding.severity.value}**"
    text = _of_finding(finding, line)
    told = f"- {severity} {_heading(finding.code)} {text}{_location(finding.location, review, options.links)}"
    if finding.suggestion is None:
        return told
    return told + _below(_details("Suggested fix", fence(finding.suggestion, "python")))


def _location(location: Location | None, review: Review, links: Links) -> str:
    """A link to the line, or its name where the file is not in the checkout."""
    if location is None:
        return ""
    name = code(location_label(location))
    path = path_in_checkout(location, review.provenance.root)
    if path is None or not links.source:
        return f" {name}"
    url = links.source.replace("{path}", quote(path)).replace("{line}", str(max(1, location.line)))
    return f" {_link(name, url)}"


def _more(entries: Sequence[object], most: int, noun: str, nouns: str = "") -> list[str]:
    beyond = len(entries) - most
    told = count(beyond, f"more {noun}", f"more {nouns}" if nouns else "")
    return [f"*{told} in the JSON report.*"] if beyond > 0 else []


def _sql(review: Review, _options: Options, _most: int) -> str:
    return _listing(review, "SQL", "sql", lambda change: change.sql or "")


def _python(review: Review, _options: Options, _most: int) -> str:
    return _listing(review, "Python", "python", lambda change: change.python)


def _listing(review: Review, title: str, language: str, text: Callable[[Change], str]) -> str:
    """The code of safe and blocked changes, each operation once, in the order in which Alembic runs them."""
    blocks = []
    for where, changes in ((" in revisions", in_revisions(review)), (" pending", review.changes)):
        found = list(filter(None, map(text, _operations(changes))))
        if found:
            place = where if review.pull_request is not None else ""
            heading = f"{title} of {count(len(found), 'operation')}{place}"
            blocks.append(_details(heading, fence("\n".join(found), language)))
    return "\n\n".join(blocks)


def _operations(changes: Iterable[Change]) -> list[Change]:
    operations: dict[tuple[str, int], Change] = {}
    for change in changes:
        if change.verdict is not Verdict.UPSTREAM and change.python:
            operations.setdefault((change.database or "", change.operation), change)
    return [operations[key] for key in sorted(operations)]


def _diagram(review: Review, _options: Options, _most: int) -> str:
    """The changed tables and their neighbours; the colour is the kind of change, the shape the role."""
    drawn = diagram(review)
    if not drawn.nodes:
        return ""
    lines = ["flowchart LR"]
    for number, node in enumerate(drawn.nodes):
        words = [node.change.words] if node.touched else []
        words.append(f"{node.role.value}, {_label(node.owner)}" if node.owner is not None else node.role.value)
        opening, closing = _SHAPES[node.role.value]
        label = f"{_label(node.label)}<br/>{'<br/>'.join(words)}"
        lines.append(f'  t{number}{opening}"{label}"{closing}:::{node.change.value}')
    arrows = {EXTENDS: "-- extends -->", REFERS: "-.->"}
    lines += [f"  t{link.source} {arrows[link.kind]} t{link.target}" for link in drawn.links]
    lines += [
        f"  classDef {name} fill:{fill},stroke:{stroke},color:#1f2937" for name, (fill, stroke) in _COLOURS.items()
    ]
    more = f"\n\n{count(drawn.left_out, 'more table')} not drawn." if drawn.left_out else ""
    return _details("Diagram of the changed tables", fence("\n".join(lines), "mermaid") + more)


_SHAPES = {"core": ("[", "]"), "custom": ("(", ")"), "unknown": ("{{", "}}")}
_COLOURS = {
    "added": ("#dcf5e1", "#1a7f37"),
    "removed": ("#ffe0dd", "#cf222e"),
    "altered": ("#dbeafe", "#0969da"),
    "blocked": ("#ffe8c7", "#bc4c00"),
    "unchanged": ("#eef0f3", "#8b949e"),
}


def _label(name: str) -> str:
    """A Mermaid label: its own entity codes have no ampersand (https://mermaid.js.org/syntax/flowchart.html)."""
    return "".join(char if char.isalnum() or char in "_ ." else f"#{ord(char)};" for char in visible(name))


def _footer(review: Review, _options: Options, _most: int) -> str:
    return _details("What was compared, and what was not", _limits(review))


def _limits(review: Review) -> str:
    run = review.provenance
    told = [f"Compared {escape(compared(run))}." if run.database else "Nothing was compared."]
    told += [f":warning: {prose(run.server_warning)}"] if run.server_warning else []
    hidden = [f"- {prose(line)}" for line in not_compared(run)]
    if hidden:
        told += ["Not checked:", "\n".join(hidden)]
    tool = escape(run.tool) + (f"; interpreter {escape(interpreter_label(run))}" if run.interpreter else "")
    return "\n\n".join([*told, tool])


def _details(summary: str, body: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


_PARTS: tuple[tuple[str, Part], ...] = (
    ("result", _headline),
    ("new accepted entries", _new_accepts),
    ("problems", _problems),
    ("schema changes", _made),
    ("pending changes", _pending),
    ("findings", _findings),
    ("SQL", _sql),
    ("Python", _python),
    ("diagram", _diagram),
    ("accepted", _accepted),
    ("baseline", _baseline),
    ("upstream drift", _upstream),
    ("limits", _footer),
)
_ELSEWHERE = ("Python", "SQL", "diagram")
_DISPENSABLE = (
    *(*_ELSEWHERE, "upstream drift", "limits", "accepted", "baseline", "pending changes", "schema changes", "findings"),
    *("problems", "new accepted entries"),
)
_ROWS = (1_000_000, 300, 100, 30, 10, 3)
