"""Names and texts as people may safely see them. Every name comes from an application, so every name is hostile."""

from __future__ import annotations

import re
import unicodedata

from alembic_review.model.review import Change, ChangeSince, Location, Provenance

NOWHERE = "-"

# Controls, formats (bidi, zero width), surrogates, line and paragraph separators: they move or hide their neighbours.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SOURCES = {
    "VIRTUAL_ENV": "of the active virtual environment",
    ".venv": ".venv at the project's root",
    "tool": "the one that alembic-review runs on",
}
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


def count(number: int, one: str, many: str = "") -> str:
    """``1 table``, ``2 tables``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def table_label(schema: str | None, table: str | None, database: str | None = None) -> str:
    """``schema.table``, with the database (and the environment) in front where there are several."""
    name = ".".join(visible(part) for part in (schema, table) if part is not None)
    return f"[{visible(database)}] {name}" if database is not None else name


def revision_label(change: Change) -> str:
    """`` in`` and the revision of a pull request that makes the change; empty for what is pending."""
    made = change.revision if isinstance(change, ChangeSince) else None
    return f" in {visible(made)}" if made is not None else ""


def target_label(change: Change, *, brief: bool = False) -> str:
    """What a change is made to: ``table``, ``table.column``, ``index on table (columns)``.

    ``brief`` leaves the columns out where there is a name.
    """
    table = table_label(change.schema, change.table, change.scope)
    columns = f" ({', '.join(map(visible, change.columns))})" if change.columns else ""
    if change.table is None:
        parts = [part for part in (table, visible(change.name) if change.name is not None else "") if part]
        return " ".join(parts)
    if change.kind.endswith(("_column", "_type", "_nullable", "_default")) or change.kind == "modify_comment":
        return f"{table}.{visible(change.name)}" if change.name is not None else table
    if change.kind.endswith("_table") or change.kind.endswith("_table_comment"):
        return table
    if change.name is None:
        return f"on {table}{columns}"
    return f"{visible(change.name)} on {table}" + ("" if brief else columns)


def place_label(location: Location | None) -> str:
    """``path:line``, or a dash where no place is known."""
    return NOWHERE if location is None else f"{visible(location.path)}:{location.line}"


def interpreter_label(run: Provenance) -> str:
    """The Python that ran the application, and why it was that one; empty where that is not known."""
    if not run.interpreter:
        return ""
    source = _SOURCES.get(run.interpreter_source, visible(run.interpreter_source))
    return visible(run.interpreter) + (f" ({source})" if source else "")


def owner_label(owner: str | None) -> str:
    """The owner's package, or a question mark."""
    return "?" if owner is None else visible(owner)
