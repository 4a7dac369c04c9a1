"""Comments in the source that accept findings: ``# alembic-review: accept AR210 the table is empty``."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from alembic_review.model.accepting import Accept
from alembic_review.model.facts import Place

_MARK = "alembic-review:"
_COMMENT = re.compile(rf"#\s*{_MARK}\s*(?P<rest>.*)")
_ACCEPT = re.compile(r"accept\s+(?P<code>AR\d{3})(?:\s+until\s+(?P<until>\d{4}-\d\d-\d\d))?(?:\s+(?P<reason>\S.*))?\s*")
_LAYOUT = frozenset({tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER})
# Ownership is accepted by a fingerprint, which a line of code has none of.
_OWNERSHIP = "AR1"


def accept_comments(paths: Iterable[str]) -> tuple[Accept, ...]:
    """The comments in these files that accept findings.

    A path that is not a file has none. Raises ``OSError`` if a file can't be read.
    """
    files = [path for path in dict.fromkeys(paths) if Path(path).is_file()]
    return tuple(one for path in files for one in comments_of(Path(path).read_bytes(), path))


def comments_of(content: bytes, path: str) -> tuple[Accept, ...]:
    """The comments of one file, each with the statement that contains it, ends on its line, or follows it."""
    if _MARK.encode() not in content:
        return ()
    found: list[Accept] = []
    try:
        for statement in _statements(content):
            found += statement.accepts(path)
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        pass  # of the rest of a file that newer Pythons understand, or none does; Alembic reports the latter
    return tuple(found)


class _Statement:
    """A logical line: its tokens, and the comments in it and directly above it."""

    def __init__(self) -> None:
        self.comments: list[tuple[int, str]] = []
        self.words: list[str] = []
        self.first = 0
        self.last = 0

    def add(self, token: tokenize.TokenInfo) -> None:
        self.first = self.first or token.start[0]
        self.last = token.end[0]
        self.words.append(token.string)

    def accepts(self, path: str) -> Iterator[Accept]:
        for line, text in self.comments:
            matched = _COMMENT.search(text)
            if matched is not None:
                yield self._accept(matched["rest"].strip(), Place(path, line))

    def _accept(self, text: str, place: Place) -> Accept:
        code, reason, until, problem = _read(text)
        if not problem and not self.words:
            problem = "no statement follows it directly"
        lines = (self.first, self.last) if self.words else (place.line, place.line)
        statement = " ".join(self.words)
        return Accept(code, reason, until=until, place=place, lines=lines, statement=statement, problem=problem)


def _read(text: str) -> tuple[str, str, date | None, str]:
    """Code, reason, end date, and what is wrong with a comment."""
    matched = _ACCEPT.fullmatch(text)
    if matched is None:
        return "", "", None, "it does not begin with `accept` and the code of a check"
    code, reason = matched["code"], " ".join((matched["reason"] or "").split())
    try:
        until = date.fromisoformat(matched["until"]) if matched["until"] is not None else None
    except ValueError:
        return code, reason, None, f"{matched['until']} is not a date"
    if not reason:
        return code, "", until, "it has no reason"
    if code.startswith(_OWNERSHIP):
        return code, reason, until, f"{code} can be accepted in the settings only, by fingerprint"
    return code, reason, until, ""


def _statements(content: bytes) -> Iterator[_Statement]:
    current = _Statement()
    for token in tokenize.tokenize(io.BytesIO(content).readline):
        if token.type == tokenize.COMMENT:
            current.comments.append((token.start[0], token.string))
        elif token.type == tokenize.NL:
            # Ends a line within a statement, a line with nothing but a comment, or an empty line.
            if not current.words and not token.line.strip():
                yield current
                current = _Statement()
        elif token.type == tokenize.NEWLINE:
            yield current
            current = _Statement()
        elif token.type not in _LAYOUT:
            current.add(token)
    yield current
