"""How long a text of somebody else may be in a message."""

from __future__ import annotations

LONGEST_TEXT = 1_000
"""Characters of the text of one exception."""
LONGEST_MESSAGE = 2_000
LONGEST_HINT = 4_000

_LONGEST_LINES = 40


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """The beginning of ``text``, in whole lines where there are many, with an ellipsis where it was cut."""
    lines = text[:longest].split("\n", _LONGEST_LINES)
    kept = "\n".join(lines[:_LONGEST_LINES])
    if len(kept) == len(text):
        return text
    return f"{kept.rstrip()} …"
