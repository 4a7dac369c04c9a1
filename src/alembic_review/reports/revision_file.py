"""What is said of a revision that is written: in its own docstring, and to who wrote it."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Sequence

from alembic_review.model.review import Change, Finding
from alembic_review.model.revision_plan import LeftOut, RevisionPlan
from alembic_review.reports.parts.labels import count, target_label
from alembic_review.reports.parts.names import visible

_WIDTH = 88
_REQUIRED = "Fails if the table has rows; fill them first (AR202)"


def described(text: str, plan: RevisionPlan) -> str:
    """The text of a revision file, with what its reader should know at the end of its docstring."""
    lines = _notes(plan)
    if not lines:
        return text
    module = ast.parse(text)
    first = module.body[0] if module.body else None
    docstring = first.value if isinstance(first, ast.Expr) else None
    if isinstance(docstring, ast.Constant) and isinstance(docstring.value, str):
        return _inside(text, docstring, lines)
    return _above(text, lines)


def summary(plan: RevisionPlan, path: str, *, types_left: Sequence[str] = (), written: bool = True) -> str:
    """What was written, destructive changes first. Ends with a newline."""
    branch = visible(plan.branch_label or plan.package)
    starts = {"head": "the first one", "base": f"first of the branch {branch}"}
    place = starts.get(plan.head, f"after {visible(plan.head)}")
    lines = [
        f"{'Wrote' if written else 'Would write'} {visible(path)}",
        f"  revision {visible(plan.revision)}, {place}",
    ]
    if plan.depends_on:
        lines.append(f"  depends on {', '.join(map(visible, plan.depends_on))}")
    told = {*plan.destructive, *plan.required}
    lines += _section("Destructive changes:", plan.destructive)
    lines += _section(f"{_REQUIRED}:", plan.required)
    lines += _section("Changes:", [change for change in plan.written if change not in told])
    lines += ["  Blind spots:", *(f"    - {visible(code.what)}" for code in plan.code)] if plan.code else []
    lines += [f"  {line}" if number == 0 else f"    {line}" for number, line in enumerate(_left_out(plan.left_out))]
    lines += [f"  Its downgrade leaves the type with the values {visible(values)} behind." for values in types_left]
    return "\n".join(lines) + "\n"


def nothing(left_out: Sequence[LeftOut], upstream: int) -> str:
    """What is said when there is nothing to write. Ends with a newline."""
    lines = ["Nothing to write: no safe change is pending."]
    if left_out:
        lines = ["Nothing to write.", *_left_out(left_out)]
    if upstream:
        lines.append(f"Upstream drift is never written ({count(upstream, 'change')}).")
    return "\n".join(lines) + "\n"


def _notes(plan: RevisionPlan) -> list[str]:
    """The lines for the docstring."""
    lines: list[str] = []
    if plan.destructive:
        lines += ["", "Destructive, data is lost:", *_items(plan.destructive)]
    if plan.required:
        lines += ["", f"{_REQUIRED}:", *_items(plan.required)]
    if plan.left_out:
        lines += ["", *_left_out(plan.left_out)]
    if plan.damage:
        lines += ["", "Not undone here:", *(f"- {_damage(finding)}" for finding in plan.damage)]
    return [row for line in lines for row in (textwrap.wrap(line, _WIDTH, subsequent_indent="  ") or [""])]


def _section(title: str, changes: Sequence[Change]) -> list[str]:
    return [f"  {title}", *(f"    {item}" for item in _items(changes))] if changes else []


def _items(changes: Iterable[Change]) -> list[str]:
    return [f"- {visible(change.kind)} {target_label(change)}" for change in changes]


def _left_out(entries: Sequence[LeftOut]) -> list[str]:
    if not entries:
        return []
    rows = [f"- {visible(entry.change.kind)} {target_label(entry.change)}: {visible(entry.why)}" for entry in entries]
    return ["Left out:", *rows]


def _damage(finding: Finding) -> str:
    return f"{finding.code}: {visible(finding.message)}"


def _inside(text: str, docstring: ast.Constant, lines: Sequence[str]) -> str:
    """Put ``lines`` in front of the docstring's closing quotes, where names mean nothing to Python."""
    assert docstring.end_lineno is not None
    assert docstring.end_col_offset is not None
    rows = text.splitlines(keepends=True)
    last = rows[docstring.end_lineno - 1]
    end = len(last.encode()[: docstring.end_col_offset].decode())
    quotes = next((mark for mark in ('"""', "'''") if last[:end].endswith(mark)), None)
    if quotes is None:
        return _above(text, lines)
    newline = "\r\n" if last.endswith("\r\n") else "\n"
    if docstring.end_lineno > 1 and not rows[docstring.end_lineno - 2].strip():
        lines = lines[1:]
    told = [line.replace("\\", "\\\\").replace(quotes, quotes[0] + "\\" + quotes[1:]) for line in lines]
    start = last[: end - 3]
    start = start.rstrip() + newline if start.strip() else ""
    rows[docstring.end_lineno - 1] = start + "".join(f"{line}".rstrip() + newline for line in told) + last[end - 3 :]
    return "".join(rows)


def _above(text: str, lines: Sequence[str]) -> str:
    """Put ``lines`` on top, as comments, below a comment that says how the file is encoded."""
    rows = text.splitlines(keepends=True)
    start = next((number for number, row in enumerate(rows) if not row.startswith("#")), len(rows))
    told = [f"# {line}".rstrip() + "\n" for line in lines]
    return "".join([*rows[:start], *told, "\n", *rows[start:]])
