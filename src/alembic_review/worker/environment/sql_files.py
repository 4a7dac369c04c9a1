"""Files of SQL, statement by statement, split where ``psql`` and the ``sqlite3`` shell split them.

``psql`` sends a file as it is lexed (https://github.com/postgres/postgres/blob/master/src/fe_utils/psqlscan.l): a
semicolon ends a statement unless it is quoted, in a comment, in parentheses or in the body of a function.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = r"'[^']*(?:''[^']*)*'"
_ESCAPED = r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'"
_LETTER = r"A-Za-z_\x80-\U0010ffff"
_TOKEN = rf"""
    (?P<blank> \s+ | --[^\n]* )
  | (?P<comment> /\* )
  | (?P<quoted> [eE]{_ESCAPED}(?:\s*\n\s*{_ESCAPED})* | {{string}} | "[^"]*(?:""[^"]*)*" )
  | (?P<dollar> \$(?:[{_LETTER}][{_LETTER}0-9]*)?\$ )
  | (?P<word> [{_LETTER}][{_LETTER}0-9$]* )
  | (?P<command> \\\S* )
  | (?P<open> ['"] )
  | (?P<other> . )
"""
_STANDARD, _BACKSLASHES = (
    re.compile(_TOKEN.format(string=string), re.VERBOSE | re.DOTALL) for string in (_STRING, _ESCAPED)
)
_COMMENT = re.compile(r"/\*|\*/")
_SQLITE = re.compile(
    rf"""(?P<blank> \s+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
      | (?P<quoted> {_STRING} | "[^"]*(?:""[^"]*)*" | `[^`]*` | \[[^\]]*\] )
      | (?P<open> ['"`\[] ) | (?P<other> [^\s'"`\[;/-]+ | . )""",
    re.VERBOSE | re.DOTALL,
)
_CONFORMING = re.compile(r"SET\s+standard_conforming_strings\s*(?:=|\sTO\s)\s*'?(?P<value>\w+)'?\s*\Z", re.IGNORECASE)
_FROM_STDIN = re.compile(r"COPY\s.*\sFROM\s+STDIN\b", re.IGNORECASE | re.DOTALL)
_FUNCTION = re.compile(r"create (or replace )?(function|procedure)\b")
_HEAD = 4  # words: CREATE OR REPLACE FUNCTION
# pg_dump writes these around a dump, so that a hostile one can't give psql commands of its own.
_RESTRICTING = frozenset({"\\restrict", "\\unrestrict"})


class DumpError(Exception):
    """The file can't be split; ``line`` is where the reason is."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True)
class Statement:
    """One statement without its semicolon, and the line it starts in.

    ``rows`` are the lines of data that follow a ``COPY … FROM stdin``, the first of which is line ``data_line``.
    """

    text: str
    line: int
    rows: tuple[str, ...] | None = None
    data_line: int = 0


def statements(text: str, dialect: str) -> Iterator[Statement]:
    """The statements of a file for this dialect, ``postgresql`` or ``sqlite``. Raises ``DumpError``."""
    return _Sqlite(text).statements() if dialect == "sqlite" else _Postgres(text).statements()


class _Lines:
    """Line numbers of positions that only grow."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._line = 1

    def at(self, position: int) -> int:
        self._line += self._text.count("\n", self._position, position)
        self._position = position
        return self._line


class _Postgres:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = _Lines(text)
        self._token = _STANDARD

    def statements(self) -> Iterator[Statement]:
        position = 0
        while (found := self._next(position)) is not None:
            start, end, position = found
            text = self._text[start:end].rstrip()
            line = self._lines.at(start)
            conforming = _CONFORMING.match(text)
            if conforming is not None:
                off = conforming["value"].lower() in ("off", "false", "no", "0")
                self._token = _BACKSLASHES if off else _STANDARD
            if _FROM_STDIN.match(text):
                data_line, rows, position = self._rows(position)
                yield Statement(text, line, rows, data_line)
            elif text:
                yield Statement(text, line)

    def _next(self, position: int) -> tuple[int, int, int] | None:
        """Start and end of the next statement, and where the one after it may start."""
        start: int | None = None
        nesting = _Nesting()
        for kind, value, here, end in self._tokens(position):
            if kind == "command" and (start is not None or value not in _RESTRICTING):
                raise DumpError(f"{value} is a command of psql, not SQL.", self._lines.at(here))
            if kind == "command":
                continue
            if value != ";" or nesting:
                start = here if start is None else start
                nesting.note(kind, value)
            elif start is not None:
                return start, here, end
        return (start, len(self._text), len(self._text)) if start is not None else None

    def _tokens(self, position: int) -> Iterator[tuple[str, str, int, int]]:
        """Kind, text, start and end of each token but blanks and comments; of a command the end of its line."""
        while (match := self._token.match(self._text, position)) is not None:
            kind, value, here, position = match.lastgroup or "", match.group(), match.start(), match.end()
            if kind == "open":
                raise DumpError(f"A quote ({value}) is not closed.", self._lines.at(here))
            if kind == "comment":
                position = self._after_comment(here)
            elif kind == "dollar":
                position = self._after_dollars(value, here)
            elif kind == "command":
                end = self._text.find("\n", here)
                position = len(self._text) if end < 0 else end
            if kind not in ("blank", "comment"):
                yield kind, value, here, position

    def _after_comment(self, position: int) -> int:
        """Comments of PostgreSQL can be nested."""
        depth, here = 0, position
        for match in _COMMENT.finditer(self._text, position):
            depth += 1 if match.group() == "/*" else -1
            if depth == 0:
                return match.end()
        raise DumpError("A comment (/*) is not closed.", self._lines.at(here))

    def _after_dollars(self, tag: str, position: int) -> int:
        end = self._text.find(tag, position + len(tag))
        if end < 0:
            raise DumpError(f"A quote ({tag}) is not closed.", self._lines.at(position))
        return end + len(tag)

    def _rows(self, position: int) -> tuple[int, tuple[str, ...], int]:
        r"""The lines from the next one to ``\.``, the number of the first, and the position after them."""
        start = self._text.find("\n", position) + 1
        if start == 0:
            return self._lines.at(len(self._text)), (), len(self._text)
        first, rows = self._lines.at(start), []
        while start < len(self._text):
            end = self._text.find("\n", start)
            end = len(self._text) if end < 0 else end
            row = self._text[start:end].removesuffix("\r")
            start = end + 1
            if row == "\\.":
                break
            rows.append(row)
        return first, tuple(rows), min(start, len(self._text))


@dataclass
class _Nesting:
    """What is open within a statement: parentheses, and the blocks (``BEGIN ATOMIC``) of a function's body."""

    words: tuple[str, ...] = ()
    parentheses: int = 0
    blocks: int = 0

    def __bool__(self) -> bool:
        return self.parentheses > 0 or self.blocks > 0

    def note(self, kind: str, value: str) -> None:
        """Take the next token of the statement."""
        if value in ("(", ")"):
            self.parentheses += 1 if value == "(" else -1
        elif kind == "word":
            word = value.lower()
            self.words = (*self.words, word)[:_HEAD]
            if self.parentheses <= 0 and _FUNCTION.match(" ".join(self.words)):
                self._note_block(word)

    def _note_block(self, word: str) -> None:
        if word == "begin" or (word == "case" and self.blocks):
            self.blocks += 1
        elif word == "end" and self.blocks:
            self.blocks -= 1


class _Sqlite:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = _Lines(text)

    def statements(self) -> Iterator[Statement]:
        """SQLite itself tells whether a semicolon ends a statement: those of a trigger's body don't."""
        start: int | None = None
        for match in _SQLITE.finditer(self._text):
            if match.lastgroup == "blank":
                continue
            if match.lastgroup == "open":
                raise DumpError(f"A quote ({match.group()}) is not closed.", self._lines.at(match.start()))
            if start is None and match.group().startswith("."):
                raise DumpError(
                    f"{match.group()} is a command of the sqlite3 shell, not SQL.", self._lines.at(match.start())
                )
            if match.group() == ";" and start is None:
                continue
            start = match.start() if start is None else start
            if match.group() == ";" and sqlite3.complete_statement(self._text[start : match.end()]):
                yield Statement(self._text[start : match.start()].rstrip(), self._lines.at(start))
                start = None
        if start is not None:
            yield Statement(self._text[start:].rstrip(), self._lines.at(start))
