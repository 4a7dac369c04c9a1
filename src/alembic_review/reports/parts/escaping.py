"""Text inside Markdown that stays text.

Names never become structure: every character that Markdown or HTML could take for more than itself is written as a
numeric character reference (https://spec.commonmark.org/current/#entity-and-numeric-character-references). Git hosts
look for mentions, references, emoji and addresses once more in the text of the finished page, where those are
characters again. They look at one piece of text at a time, outside of code, so a ``<wbr>`` parts what they look for,
and what is read and copied stays as it is. The sanitizers of GitHub and GitLab (html-pipeline) and of Forgejo
(bluemonday) let it through.
"""

from __future__ import annotations

import re

from alembic_review.reports.parts.labels import code_spans
from alembic_review.reports.parts.names import visible

_PLAIN = frozenset(" ,/;='?()")
# After @ for people, # and others for issues, merge requests, labels, milestones and epics, before // and . for links.
_PARTED = re.compile(
    r"(?<=[@#!~$%&^*\[])(?!\s)|(?<=:)(?=//|[\w+-]+:)|(?<=\bgh-)(?=\d)|(?<=\bwww)(?=\.)", flags=re.IGNORECASE
)
_START = re.compile(r" +|\d+[.)]")


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


def code(text: str) -> str:
    """``text`` as a span of code; unlike backticks, it can't be ended by anything in the text."""
    return f"<code>{escape(text)}</code>"


def prose(text: str) -> str:
    """A sentence, with what stands between backticks as code."""
    pieces = [code(piece) if is_code else escape(piece) for piece, is_code in code_spans(text)]
    # escape() takes each piece for the start of a line, where a blank has a meaning; only the first one is.
    return "".join([*pieces[:1], *(piece.replace("&#32;", " ", 1) for piece in pieces[1:])])


def fence(text: str, language: str) -> str:
    """A fenced block that no run of backticks in the text can end."""
    longest = max((len(run) for run in "".join(c if c == "`" else " " for c in text).split()), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{visible(text, lines=True).strip()}\n{marks}"


def _harmless(char: str, *, dots: bool) -> bool:
    return char.isalnum() or char in _PLAIN or (dots and char == ".")
