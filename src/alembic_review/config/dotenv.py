"""The ``NAME=value`` lines of a file of environment variables, as python-dotenv reads them.

https://github.com/theskumar/python-dotenv#file-format
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from alembic_review.model.errors import UsageError

_NOTHING = re.compile(r"\s*(?:#[^\r\n]*)?(?:[\r\n]|$)")
_ENTRY = re.compile(
    r"""
    \s*+(?:export[ \t]+)?+
    (?:'(?P<quoted>[^']+)'|(?P<name>(?!')[^=\#\s]+))[ \t]*
    (?P<set>=[ \t]*+
        (?:'(?P<single>(?:\\.|[^'\\])*)'|"(?P<double>(?:\\.|[^"\\])*)"|(?P<plain>(?!["'])[^\r\n]*))
    )?
    [ \t]*(?:\#[^\r\n]*)?(?:\r?\n|\r|$)
    """,
    re.VERBOSE | re.DOTALL,
)
_EMPTY_BEFORE_COMMENT = re.compile(r"=[ \t]+#")
_COMMENT = re.compile(r"\s+#.*")
_ESCAPED = {"single": re.compile(r"\\([\\'])"), "double": re.compile(r"\\([\\'\"abfnrtv])")}
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_REFERENCE = re.compile(r"\$\{(?P<name>[^}:]*)(?::-(?P<default>[^}]*))?\}")


def read_variables(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of a file, with ``${NAME}`` replaced by ``environ``, else by an earlier line.

    Raises ``UsageError`` with the line that is not ``NAME=value``; its text may hold a password and is not shown.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text.") from error
    if "\0" in text:
        raise UsageError(f"{path} contains a null character.")
    found: dict[str, str | None] = {}
    for name, value in _entries(text, path):
        known = found | dict(environ)
        found[name] = None if value is None else _REFERENCE.sub(lambda match: _referenced(match, known), value)  # noqa: B023 - called here
    return {name: value for name, value in found.items() if value is not None}


def _referenced(match: re.Match[str], known: Mapping[str, str | None]) -> str:
    return known.get(match["name"], match["default"]) or ""


def _entries(text: str, path: Path) -> Iterator[tuple[str, str | None]]:
    """Names with their values, ``None`` for a name without ``=``."""
    position = 0
    while position < len(text):
        match = _NOTHING.match(text, position)
        if match is None:
            match = _ENTRY.match(text, position)
            if match is None:
                line = text.count("\n", 0, len(text) - len(text[position:].lstrip())) + 1
                raise UsageError(f"{path}, line {line}: not a `NAME=value`.")
            yield match["quoted"] or match["name"], _value(match) if match["set"] is not None else None
        position = max(match.end(), position + 1)


def _value(match: re.Match[str]) -> str:
    for quotes, escaped in _ESCAPED.items():
        if match[quotes] is not None:
            return escaped.sub(lambda one: _ESCAPES.get(one[1], one[1]), match[quotes])
    if _EMPTY_BEFORE_COMMENT.match(match["set"]):
        return ""
    return _COMMENT.sub("", match["plain"]).rstrip()
