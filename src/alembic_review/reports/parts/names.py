"""Names and texts made safe to show. Every name comes from an application, so every name is hostile."""

from __future__ import annotations

import re
import unicodedata

# Controls, formats (bidi, zero width), surrogates, line and paragraph separators: they move or hide their neighbours.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_COMMAND = re.compile(r"^(\s*)::")


def visible(text: str, *, lines: bool = False) -> str:
    r"""``text`` with every character that is not seen written as an escape (``\x1b``).

    ``lines`` keeps newlines and tabs.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(char if char in kept or not _hidden(char) else _escape(char) for char in text)


def _hidden(char: str) -> bool:
    # The last two of each plane and U+FDD0 to U+FDEF are no characters at all; HTML and XML take none of them.
    number = ord(char)
    return unicodedata.category(char) in _HIDDEN or number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF  # noqa: PLR2004


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def writable(text: str) -> str:
    r"""``text`` as UTF-8 can hold it: a file name that is no UTF-8 comes with lone surrogates, which become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def without_commands(text: str) -> str:
    r"""``text`` for the log of a GitHub job: lines that the runner would obey begin with an escape (``\x3a``).

    It takes ``::name::`` at the start of a line and ``##[name]`` anywhere for commands.
    """
    lines = text.replace("##[", r"##\x5b").split("\n")
    return "\n".join(_COMMAND.sub(r"\1\\x3a:", line) for line in lines)
