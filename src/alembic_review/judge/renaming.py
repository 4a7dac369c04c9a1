"""Renames by revisions, which a comparison takes for a drop and an addition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alembic_review.judge.alterations import steps
from alembic_review.model.facts import Alteration, ChangeFact, TableKey

Item = tuple[TableKey, str | None]
"""A table, or a column of it."""


@dataclass(frozen=True)
class Renaming:
    """A table, or a ``column`` of it, that got the name ``new``. It is ``alone`` when nothing else was done to it."""

    table: TableKey
    column: str | None
    new: str
    revision: str
    alone: bool = True

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
    def python(self) -> str:
        """The operation of Alembic that it is."""
        schema = f", schema={self.table.schema!r}" if self.table.schema is not None else ""
        if self.column is None:
            return f"op.rename_table({self.table.name!r}, {self.new!r}{schema})"
        return f"op.alter_column({self.table.name!r}, {self.column!r}, new_column_name={self.new!r}{schema})"

    @property
    def sql(self) -> str:
        """Its statement on PostgreSQL and SQLite."""
        names = (name for name in (self.table.schema, self.table.name) if name is not None)
        column = f" COLUMN {_quoted(self.column)}" if self.column is not None else ""
        return f"ALTER TABLE {'.'.join(map(_quoted, names))} RENAME{column} TO {_quoted(self.new)};"


@dataclass(frozen=True)
class Traced:
    """What became of tables and columns whose names were changed, each under the name it had first.

    ``renamings`` are those that have another name in the end, ``kept`` all that are still there. ``lost`` were dropped
    under another name, by which revision.
    """

    renamings: tuple[Renaming, ...]
    kept: frozenset[Item]
    lost: Mapping[Item, str]


def trace(alterations: Sequence[Alteration], *, places: bool) -> Traced:
    """Follow names through these alterations.

    A column has another name where one was taken away and one came that is the same in every detail; this is proof only
    with ``places``: where the details tell one column from another in its place.
    """
    now: dict[Item, Renaming] = {}
    lost: dict[Item, str] = {}
    elsewhere: list[Renaming] = []
    for step in steps(alterations):
        # All at once: two may have changed names with each other.
        moved: dict[Item, Renaming] = {}
        for one in step:
            item, new = _taken(one, step, places=places)
            if item is None:
                continue
            before = now.pop(item, None)
            table, column = item if before is None else (before.table, before.column)
            if new == one.key.name and column is None:  # in another schema, of which nothing says which
                elsewhere.append(Renaming(table, None, new, one.revision, alone=False))
            elif new is not None:
                called = (TableKey(one.key.schema, new), None) if column is None else (one.key, new)
                moved[called] = Renaming(table, column, new, one.revision, alone=before is None)
            elif before is not None:
                lost[table, column] = one.revision
        now |= moved
    kept = frozenset((one.table, one.column) for one in now.values())
    changed = [one for one in now.values() if one.new != (one.table.name if one.column is None else one.column)]
    found = [replace(one, alone=one.alone and _is_alone(one, alterations)) for one in changed]
    return Traced((*found, *elsewhere), kept, lost)


def _taken(one: Alteration, step: Sequence[Alteration], *, places: bool) -> tuple[Item | None, str | None]:
    """What does not have its name any more, and the new one where it has one."""
    if one.kind == "table" and one.action != "changed":
        return (one.key, None), one.name if one.action == "renamed" else None
    if (one.kind, one.action) != ("column", "removed") or one.name is None:
        return None, None
    twins = [
        other.name
        for other in step
        if (other.key, other.kind, other.action) == (one.key, "column", "added") and other.after == one.before
    ]
    return (one.key, one.name), twins[0] if places and twins else None


def _is_alone(renaming: Renaming, alterations: Sequence[Alteration]) -> bool:
    """Whether nothing else was done to it, under either name."""
    if renaming.column is not None:
        names = {renaming.column, renaming.new}
        found = [(one.key, one.kind) for one in alterations if one.name in names]
        return found.count((renaming.table, "column")) == 2  # noqa: PLR2004 - what went and what came
    tables = {renaming.table, TableKey(renaming.table.schema, renaming.new)}
    return sum(one.key in tables for one in alterations) == 1


def as_renamed(changes: Sequence[ChangeFact], known: Sequence[Renaming]) -> list[ChangeFact]:
    """The changes with the operation that both halves of a renaming are, where it is all that was done."""
    found = list(changes)
    for renaming in known:
        halves = [number for number, change in enumerate(found) if renaming.half(change)]
        if renaming.alone and len(halves) == 2:  # noqa: PLR2004 - what went and what came
            operation = min(found[number].operation for number in halves)
            for number in halves:
                found[number] = replace(found[number], operation=operation, python=renaming.python, sql=renaming.sql)
    return found


def _quoted(name: str) -> str:
    """Always in quotes: nothing here knows which words the dialect keeps for itself."""
    return '"' + name.replace('"', '""') + '"'
