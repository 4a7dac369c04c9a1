"""Reading JSON that others wrote, without trusting its shape."""

from __future__ import annotations

from collections.abc import Mapping


def dig(value: object, *keys: str) -> object:
    """What stands below ``keys`` in nested objects; None where there is no such thing."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def text(value: object, *keys: str) -> str:
    """The string below ``keys``; empty where there is none."""
    found = dig(value, *keys)
    return found if isinstance(found, str) else ""


def number(value: object, *keys: str) -> int | None:
    """The positive whole number below ``keys``; None where there is none."""
    found = dig(value, *keys)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def entries(value: object, *keys: str) -> list[object]:
    """The list below ``keys``; empty where there is none."""
    found = dig(value, *keys)
    return found if isinstance(found, list) else []


def one_line(words: str, longest: int = 300) -> str:
    """``words`` without line breaks and control characters, for a message or a log that commands are read from."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    plain = plain.replace("##[", "## [")
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"
