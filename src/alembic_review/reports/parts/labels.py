"""How reports name changes, tables, locations and owners."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from alembic_review.model.review import Change, ChangeSince, Location, Provenance
from alembic_review.reports.parts.definitions import from_and_to
from alembic_review.reports.parts.names import visible

if TYPE_CHECKING:
    from alembic_review.reports.parts.items import Row

NOWHERE = "-"

_SOURCES = {
    "VIRTUAL_ENV": "of the active virtual environment",
    ".venv": ".venv at the project's root",
    "tool": "the one that alembic-review runs on",
}
_NOUNS = {"fk": "foreign key"}
_PLURALS = {"index": "indexes"}


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


def row_label(row: Row, *, brief: bool = False) -> str:
    """Kind and target: ``add_column widget.colour``, ``modify_type widget.size INTEGER -> BIGINT``."""
    return f"{visible(row.kind)} {row_target(row, brief=brief)}"


def row_target(row: Row, *, brief: bool = False) -> str:
    """The target of a change with what it changes to; of a rename both names."""
    target = target_label(row.change, brief=brief)
    if row.renamed is not None:
        return f"{target} -> {visible(row.new_name or '')}"
    details = from_and_to(row.change)
    return f"{target} {details}" if details else target


def with_parts(rows: Sequence[Row]) -> str:
    """The label of the first row; of a table with the number of its indexes and constraints."""
    label = row_label(rows[0])
    if rows[0].kind not in ("add_table", "remove_table"):
        return label
    nouns = Counter(noun(row.kind) for row in rows[1:])
    parts = [count(number, word, _PLURALS.get(word, "")) for word, number in nouns.items()]
    return f"{label}, with {', '.join(parts)}" if parts else label


def noun(kind: str) -> str:
    """The object of a kind of change: ``column`` for ``add_column`` and ``modify_type``."""
    _, _, word = kind.partition("_")
    if kind.startswith("op:"):
        return visible(kind.removeprefix("op:"))
    if kind.startswith("modify_"):
        return "column"
    return _NOUNS.get(word, visible(word.replace("_", " ")))


def code_spans(text: str) -> list[tuple[str, bool]]:
    """``text`` in pieces, each with whether it is written between backticks, which are left out."""
    pieces = re.split(r"`([^`\n]+)`", text)
    return [(piece, number % 2 == 1) for number, piece in enumerate(pieces) if piece]


def target_label(change: Change, *, brief: bool = False) -> str:
    """What a change is made to: ``table``, ``table.column``, ``index on table (columns)``; of a rename both names.

    ``brief`` leaves the columns out where there is a name.
    """
    if change.new_name is not None:
        return f"{target_label(replace(change, new_name=None))} -> {visible(change.new_name)}"
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


def location_label(location: Location | None) -> str:
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
