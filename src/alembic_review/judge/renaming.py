"""Renames by revisions, which a comparison takes for a drop and an addition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from alembic_review.judge.alterations import made_again, place_of, standing, steps, texts, without_place
from alembic_review.model.facts import Alteration, ChangeFact, TableKey

Item = tuple[TableKey, str | None]
"""A table, or a column of it."""


@dataclass(frozen=True)
class Renaming:
    """A table, or a ``column`` of it, that got the name ``new``; ``more`` says what else was done to it."""

    table: TableKey
    column: str | None
    new: str
    revision: str
    more: tuple[str, ...] = ()

    def half(self, change: ChangeFact) -> bool:
        """Tell whether this is what a change makes half of."""
        if change.key is None:
            return False
        if self.column is not None:
            halves = {"remove_column": self.column, "add_column": self.new}
            return change.key == self.table and change.kind in halves and change.name == halves[change.kind]
        # With the same name again, it went to another schema.
        moved = self.table.name == self.new
        added = change.key.name == self.new and (moved or change.key.schema == self.table.schema)
        return (change.kind == "remove_table" and change.key == self.table) or (change.kind == "add_table" and added)

    @property
    def old(self) -> str:
        """The first name."""
        return self.table.name if self.column is None else self.column

    @property
    def _besides(self) -> str:
        """On one line, whatever a name is made of."""
        return " ".join(", ".join(self.more).split())

    @property
    def python(self) -> str:
        """The operation of Alembic that it is."""
        schema = f", schema={self.table.schema!r}" if self.table.schema is not None else ""
        besides = f"  # besides: {self._besides}" if self.more else ""
        if self.column is None:
            return f"op.rename_table({self.table.name!r}, {self.new!r}{schema}){besides}"
        return f"op.alter_column({self.table.name!r}, {self.column!r}, new_column_name={self.new!r}{schema}){besides}"

    @property
    def sql(self) -> str:
        """Its statement on PostgreSQL and SQLite."""
        names = (name for name in (self.table.schema, self.table.name) if name is not None)
        column = f" COLUMN {_quoted(self.column)}" if self.column is not None else ""
        besides = f" -- besides: {self._besides}" if self.more else ""
        return f"ALTER TABLE {'.'.join(map(_quoted, names))} RENAME{column} TO {_quoted(self.new)};{besides}"


@dataclass(frozen=True)
class Traced:
    """What became of tables and columns, each under the names that it and its table had first.

    ``renamings`` have another name in the end. ``kept`` are those whose name was changed and that are still there,
    under whichever name, ``lost`` those that were dropped, and by which revision.
    """

    renamings: tuple[Renaming, ...]
    kept: frozenset[Item]
    lost: Mapping[Item, str]


def trace(alterations: Sequence[Alteration], *, places: bool) -> Traced:
    """Follow names through these alterations.

    A column has another name where one was taken away and one came in the same place, which only ``places`` tell: that
    the details of a column end with it. PostgreSQL gives no place to another column.
    """
    now: dict[Item, Renaming] = {}
    lost: dict[Item, str] = {}
    added: set[Item] = set()
    elsewhere: list[Renaming] = []
    for step in steps(alterations):
        # All at once: two may have changed names with each other.
        moved: dict[Item, Renaming] = {}
        first = {key: one.table for (key, column), one in now.items() if column is None}
        for one in step:
            key = first.get(one.key, one.key)
            if one.kind == "table" and one.action == "renamed" and one.name is not None:
                now.pop((one.key, None), None)
                renaming = Renaming(key, None, one.name, one.revision)
                if one.name == one.key.name:  # in another schema, of which nothing says which
                    elsewhere.append(renaming)
                else:
                    moved[TableKey(one.key.schema, one.name), None] = renaming
            elif one.kind == "table" and one.action.startswith("dropped"):
                now.pop((one.key, None), None)
                lost[key, None] = one.revision
            elif one.kind == "column" and one.name is not None:
                twin = _twin(one, step) if places and one.action == "removed" else None
                before = now.pop((key, one.name), None) if one.action == "removed" else None
                old = one.name if before is None or before.column is None else before.column
                if twin is not None and twin.name is not None:
                    moved[key, twin.name] = Renaming(key, old, twin.name, one.revision)
                elif one.action == "added" and not (places and _twin(one, step) is not None):
                    added.add((key, one.name))
                elif (one.action == "removed" or made_again(one)) and (key, one.name) not in added:
                    lost[key, old] = one.revision
        now |= moved
    kept = frozenset((one.table, one.column) for one in now.values())
    changed = [one for one in now.values() if one.new != one.old]
    found = [replace(one, more=tuple(_more(one, alterations, changed))) for one in (*changed, *elsewhere)]
    return Traced(tuple(found), kept, {item: revision for item, revision in lost.items() if item not in kept})


def _twin(one: Alteration, step: Sequence[Alteration]) -> Alteration | None:
    """The same column of the same table before or after one revision, under another name."""
    looked_for = "added" if one.action == "removed" else "removed"
    for other in step:
        if (other.key, other.kind, other.action) == (one.key, "column", looked_for) and _place(other) == _place(one):
            return other
    return None


def _place(alteration: Alteration) -> str | None:
    return place_of(alteration.before or alteration.after)


def _more(renaming: Renaming, alterations: Sequence[Alteration], known: Sequence[Renaming]) -> Iterator[str]:
    """What else is done to a table or column with another name, in words."""
    columns = [one for one in known if one.table == renaming.table and one.column is not None]
    names = {name for one in columns for name in (one.column, one.new)}
    rest = [one for one in standing(alterations) if one.key == renaming.table and one.action != "renamed"]
    if renaming.column is not None:
        own = [one for one in rest if one.kind == "column" and one.name in {renaming.column, renaming.new}]
        details = {without_place(one.before or one.after) for one in own if one.action != "changed"}
        if len(details) > 1 or any(one.action == "changed" for one in own):
            yield f"changed the column {renaming.new}"
        return
    yield from (f"renamed the column {one.column} to {one.new}" for one in columns)
    others = [one for one in rest if one.kind != "column" or one.name not in names]
    yield from texts([one for one in others if not _follows(one, (renaming, *columns))])


def _follows(one: Alteration, known: Sequence[Renaming]) -> bool:
    """Whether only the names in what the database says of an item are others, such as the table in an index."""
    if one.action != "changed" or one.kind == "column" or one.before is None or one.after is None:
        return False
    before = one.before
    for renaming in known:
        new = renaming.new.replace("\\", r"\\")
        before = re.sub(rf"(?<!\w){re.escape(renaming.old)}(?!\w)", new, before)
    return before == one.after


def as_renamed(changes: Sequence[ChangeFact], known: Sequence[Renaming]) -> list[ChangeFact]:
    """The changes with the operation that both halves of a renaming are."""
    found = list(changes)
    for renaming in known:
        halves = [number for number, change in enumerate(found) if renaming.half(change)]
        if len(halves) == 2:  # noqa: PLR2004 - what went and what came
            operation = min(found[number].operation for number in halves)
            for number in halves:
                found[number] = replace(found[number], operation=operation, python=renaming.python, sql=renaming.sql)
    return found


def _quoted(name: str) -> str:
    """Always in quotes: nothing here knows which words the dialect keeps for itself."""
    return '"' + name.replace('"', '""') + '"'
