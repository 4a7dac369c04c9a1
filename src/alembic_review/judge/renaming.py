"""Renames by revisions, which a comparison takes for a drop and an addition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from alembic_review.model.facts import Alteration, ChangeFact, TableKey


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


def renamings(alterations: Sequence[Alteration], *, places: bool) -> Iterator[Renaming]:
    """What these alterations rename.

    A column has another name where one was taken away and one came that is the same in every detail; this is proof only
    with ``places``: where the details tell one column from another in its place.
    """
    for one in alterations:
        if one.action == "renamed" and one.name is not None:
            names = {one.key, TableKey(one.key.schema, one.name)}
            others = [other for other in alterations if other is not one and other.key in names]
            yield Renaming(one.key, None, one.name, one.revision, not others and one.name != one.key.name)
        elif places and (one.kind, one.action) == ("column", "removed") and one.name is not None:
            twins = [
                other.name
                for other in alterations
                if (other.revision, other.key, other.kind, other.action) == (one.revision, one.key, "column", "added")
                and other.after == one.before
            ]
            yield from (Renaming(one.key, one.name, twin, one.revision) for twin in twins if twin is not None)


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
