"""The entries of ``accept``: what they may say, and on which line of pyproject.toml each is."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alembic_review.config.setting_values import is_code
from alembic_review.config.settings_files import SECTION, AcceptSettings, Layer, decode, table_of
from alembic_review.model.accepting import SELECTORS, Accept
from alembic_review.model.errors import UsageError
from alembic_review.model.keys import Place

_OWNERSHIP = "AR1"
_HEADER = re.compile(r"\s*\[\[\s*tool\s*\.\s*[\"']?alembic-review[\"']?\s*\.\s*[\"']?accept[\"']?\s*\]\]")
_SECTION = re.compile(r"\s*\[+\s*tool\s*\.\s*[\"']?alembic-review\b")


def accept_entries(layer: Layer | None) -> tuple[Accept, ...]:
    """The entries of ``accept`` in a pyproject.toml.

    Raises ``UsageError`` for an entry that is incomplete or selects too much.
    """
    settings = layer.settings.accept if layer is not None else None
    if layer is None or layer.path is None or not settings:
        return ()
    lines = _lines(layer.path.read_text(encoding="utf-8"), len(settings))
    return tuple(_entry(one, layer, line) for one, line in zip(settings, lines, strict=True))


def accept_entries_of(table: Mapping[str, object], path: Path, text: str) -> tuple[Accept, ...]:
    """The entries of the ``[tool.alembic-review]`` table of a pyproject.toml with this text. Raises ``UsageError``."""
    place = f"[tool.alembic-review] of {path}"
    layer = Layer(place, path.parent, decode({"accept": table.get("accept", [])}, place), path)
    settings = layer.settings.accept or ()
    return tuple(_entry(one, layer, line) for one, line in zip(settings, _lines(text, len(settings)), strict=True))


def _entry(settings: AcceptSettings, layer: Layer, line: int) -> Accept:
    place = f"{layer.place}: `accept` of line {line}"
    if not is_code(settings.code):
        raise UsageError(f"{place}: {settings.code!r} is not the code of a check.", hint='For example: code = "AR512"')
    if not settings.reason.strip():
        raise UsageError(f"{place}: `reason` is empty.", hint="Write why the finding is accepted.")
    chosen = {key: getattr(settings, key) for key in SELECTORS}
    for key, value in chosen.items():
        if value is not None and not value.strip():
            raise UsageError(f"{place}: `{key}` is empty.", hint=f"Remove `{key}`, or name what is accepted.")
    if not any(value is not None for value in chosen.values()):
        raise UsageError(
            f"{place}: no key selects the findings of {settings.code}.",
            hint=f"Add one or more of {', '.join(f'`{key}`' for key in SELECTORS)}.",
        )
    if settings.code.startswith(_OWNERSHIP) and settings.fingerprint is None:
        raise UsageError(
            f"{place}: {settings.code} can be accepted by `fingerprint` only.",
            hint="The JSON report has it, and the terminal report with --verbose: alembic-review accept FINGERPRINT",
        )
    return Accept(
        code=settings.code,
        reason=" ".join(settings.reason.split()),
        **chosen,
        until=settings.until,
        place=Place(str(layer.path), line),
    )


def _lines(text: str, number: int) -> Iterator[int]:
    """The line of each entry; where that can't be told, the line of the section."""
    lines = text.splitlines()
    headers = [count for count, line in enumerate(lines, 1) if _HEADER.match(line)]
    section = next((count for count, line in enumerate(lines, 1) if _SECTION.match(line)), 1)
    yield from headers if len(headers) == number else [section] * number


def entry_text(entry: Accept) -> str:
    """An entry as TOML, with a newline at its end."""
    chosen = [(key, value) for key in SELECTORS if (value := getattr(entry, key)) is not None]
    lines = [f"{key} = {_string(value)}" for key, value in (("code", entry.code), *chosen, ("reason", entry.reason))]
    lines += [f"until = {entry.until.isoformat()}"] if entry.until is not None else []
    return "\n".join([f"[[tool.{SECTION}.accept]]", *lines, ""])


def with_entry(text: str, entry: Accept, path: Path) -> tuple[str, int]:
    """The text of a pyproject.toml with one more entry, and the line number of the entry.

    The rest of the text is not changed. Raises ``UsageError`` if no entry can be added because of the way in which
    the existing ones are written.
    """
    before = _document(text)
    if before is None:
        raise UsageError(f"{path} is not valid TOML.")
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    for number in dict.fromkeys((_place(lines), len(lines))):
        head, tail = "".join(lines[:number]), "".join(lines[number:])
        head = head if not head or head.endswith("\n") else head + newline
        block = entry_text(entry).replace("\n", newline)
        apart = newline if tail.lstrip(" \t")[:1] not in ("", "\r", "\n") else ""
        made = head + (newline if head.strip() else "") + block + apart + tail
        if _is_added(before, _document(made)):
            return made, head.count("\n") + (2 if head.strip() else 1)
    raise UsageError(
        f"{path}: the entry can't be added, because `accept` or a table around it is written in one line.",
        hint=f"Write `accept` as tables, or add this by hand:\n{entry_text(entry)}",
    )


def _place(lines: Sequence[str]) -> int:
    """Behind the last entry, else behind the settings; the comments above the next table stay with it."""
    headers = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    own = [number for number in headers if _HEADER.match(lines[number])]
    own = own or [number for number in headers if _SECTION.match(lines[number])]
    if not own:
        return len(lines)
    end = next((number for number in headers if number > own[-1]), len(lines))
    while end > own[-1] + 1 and lines[end - 1].strip()[:1] in ("", "#"):
        end -= 1
    return end


def _document(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _is_added(before: dict[str, Any], after: dict[str, Any] | None) -> bool:
    """Tell whether the only difference is one more entry, which may have become any of them."""
    entries = table_of(after or {}, "tool", SECTION).get("accept")
    if after is None or not isinstance(entries, list) or not entries:
        return False
    known = table_of(before, "tool", SECTION).get("accept", [])
    if entries[: len(known)] != known or len(entries) != len(known) + 1:
        return False
    settings = after["tool"][SECTION]
    if known:
        settings["accept"] = known
    else:
        del settings["accept"]
        if not settings and SECTION not in before.get("tool", {}):
            del after["tool"][SECTION]
            if not after["tool"] and "tool" not in before:
                del after["tool"]
    return after == before


def _string(text: str) -> str:
    """A basic string of TOML, whose escapes are those of JSON and one more: https://toml.io/en/v1.0.0#string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
