"""Annotations at the models' lines: workflow commands for the log of a GitHub job.

Every line is a command of its own (https://docs.github.com/actions/reference/workflow-commands-for-github-actions), so
that nothing in a name is ever read as another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from alembic_review.model.review import Review, Severity
from alembic_review.reports.base import Options
from alembic_review.reports.parts.accepting import TITLE
from alembic_review.reports.parts.headline import result
from alembic_review.reports.parts.issues import (
    Issue,
    Spot,
    accepted_here,
    headline,
    open_issues,
    remarks,
    whole_message,
)
from alembic_review.reports.parts.labels import count
from alembic_review.reports.parts.names import visible

SHOWN = 10
"""Annotations of one kind that GitHub shows for a step; the rest would be dropped without a word."""

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_TITLE = 100


def render(review: Review, options: Options) -> str:  # noqa: ARG001 - every report takes options
    """The verdict, then as many issues as GitHub shows, the blocking ones first, and how many there are beyond."""
    if review.failure is not None:
        text = "\n".join(filter(None, (review.failure.message, review.failure.hint)))
        return _command(Severity.ERROR, "alembic-review could not review", text)
    verdict = Severity.ERROR if review.gate.refused else Severity.INFO
    lines = [_command(verdict, f"alembic-review: {result(review).value}", headline(review))]
    said, new = remarks(review), accepted_here(review)
    if new:
        lines.append(_command(Severity.INFO, f"alembic-review: {TITLE[:1].lower()}{TITLE[1:]}", "\n".join(new)))
    notes = bool(said) + bool(new)
    slots = Counter(dict.fromkeys(Severity, SHOWN)) - Counter([verdict]) - Counter([Severity.INFO] * notes)
    shown, left = _split(open_issues(review), slots)
    if left:
        shown, left = _split(open_issues(review), slots - Counter([Severity.INFO]))
    lines += [_annotation(issue) for issue in shown]
    if left:
        lines.append(_command(Severity.INFO, "alembic-review: not all is shown here", _rest(left)))
    if said:
        lines.append(_command(Severity.INFO, "alembic-review: what else there is to know", "\n".join(said)))
    return "".join(lines)


def _split(found: Iterable[Issue], slots: Mapping[Severity, int]) -> tuple[list[Issue], list[Issue]]:
    shown: list[Issue] = []
    left: list[Issue] = []
    used: Counter[Severity] = Counter()
    for issue in found:
        used[issue.severity] += 1
        (shown if used[issue.severity] <= slots[issue.severity] else left).append(issue)
    return shown, left


def _rest(left: list[Issue]) -> str:
    numbers = Counter(issue.severity for issue in left)
    words = ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note"))
    counts = ", ".join(count(numbers[severity], word) for severity, word in words if numbers[severity])
    return f"GitHub shows {SHOWN} annotations of a kind. Beyond these there are {counts}; the other reports have them."


def _annotation(issue: Issue) -> str:
    return _command(issue.severity, issue.rule, whole_message(issue), issue.spot)


def _command(severity: Severity, title: str, text: str, spot: Spot | None = None) -> str:
    properties = [("file", spot.path), ("line", str(spot.line))] if spot is not None else []
    properties.append(("title", title[:_TITLE]))
    told = ",".join(f"{name}={_property(value)}" for name, value in properties)
    return f"::{_COMMANDS[severity]} {told}::{_data(text)}\n"


def _data(text: str) -> str:
    return visible(text, lines=True).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")
