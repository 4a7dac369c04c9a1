"""Renames by revisions, which a comparison takes for a drop and an addition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from alembic_review.judge.verdicts.remaining_alterations import place_of, standing, steps, texts, without_place
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
        besides = f" -- also: {self._besides}" if self.more else ""
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

    A column has another name where its place in the table has, which only ``places`` tell: that the details of a column
    end with it. PostgreSQL gives no place to a second column.
    """
    path = _Path()
    for step in steps(alterations):
        path.take(step, places=places)
    kept = frozenset((one.table, one.column) for one in path.now.values())
    changed = [one for one in path.now.values() if one.new != one.old]
    found = [replace(one, more=tuple(_more(one, alterations, changed))) for one in (*changed, *path.elsewhere)]
    return Traced(tuple(found), kept, {item: revision for item, revision in path.lost.items() if item not in kept})


@dataclass
class _Path:
    """Where names have led so far: what is called otherwise ``now``, by its present name, and what was lost."""

    now: dict[Item, Renaming] = field(default_factory=dict)
    lost: dict[Item, str] = field(default_factory=dict)
    elsewhere: list[Renaming] = field(default_factory=list)
    added: set[Item] = field(default_factory=set)

    def take(self, step: Sequence[Alteration], *, places: bool) -> None:
        """Go on by what one revision did, all at once: two may have changed names with each other."""
        first = {key: one.table for (key, column), one in self.now.items() if column is None}
        moved = dict(self._tables(step, first))
        for table, columns in _columns(step, places=places).items():
            moved.update(self._columns(first.get(table, table), columns))
        self.now |= moved

    def _tables(
        self, step: Sequence[Alteration], first: Mapping[TableKey, TableKey]
    ) -> Iterator[tuple[Item, Renaming]]:
        for one in step:
            if one.kind != "table" or one.action == "changed":
                continue
            key = first.get(one.key, one.key)
            self.now.pop((one.key, None), None)
            if one.action == "dropped":
                self.lost[key, None] = one.revision
            elif one.name == one.key.name:  # in another schema, of which nothing says which
                self.elsewhere.append(Renaming(key, None, one.name, one.revision))
            elif one.name is not None:
                yield (TableKey(one.key.schema, one.name), None), Renaming(key, None, one.name, one.revision)

    def _columns(self, key: TableKey, columns: _Columns) -> Iterator[tuple[Item, Renaming]]:
        before = {old: self.now.pop((key, old), None) for old in columns.went}
        for old, new in columns.went.items():
            earlier = before[old]
            name = earlier.column if earlier is not None else old
            if new is not None:
                yield (key, new), Renaming(key, name, new, columns.revision)
            elif (key, old) not in self.added:
                self.lost[key, name] = columns.revision
        self.added |= {(key, new) for new in columns.came}


@dataclass(frozen=True)
class _Columns:
    """Names that columns of one table lost, each with the new one or ``None`` for a drop, and names of new columns."""

    revision: str
    went: Mapping[str, str | None]
    came: frozenset[str]


def _columns(step: Sequence[Alteration], *, places: bool) -> dict[TableKey, _Columns]:
    """What one revision did to the columns of each table."""
    tables: dict[TableKey, list[Alteration]] = {}
    for one in step:
        if one.kind == "column" and one.name is not None:
            tables.setdefault(one.key, []).append(one)
    found = {}
    for table, columns in tables.items():
        then = {_place(one.before, one, places=places): one.name or "" for one in columns if one.action != "added"}
        now = {_place(one.after, one, places=places): one.name or "" for one in columns if one.action != "removed"}
        went = {old: now.get(place) for place, old in then.items() if now.get(place) != old}
        found[table] = _Columns(columns[0].revision, went, frozenset(now[place] for place in now.keys() - then.keys()))
    return found


def _place(details: str | None, one: Alteration, *, places: bool) -> str:
    """Where a column is; where nothing tells, every name is a place of its own."""
    return (place_of(details) if places else None) or f"called {one.name}"


def _more(renaming: Renaming, alterations: Sequence[Alteration], known: Sequence[Renaming]) -> Iterator[str]:
    """What else is done to a table or column with another name, in words."""
    columns = [one for one in known if one.table == renaming.table and one.column is not None]
    names = {name for one in columns for name in (one.column, one.new)}
    rest = [one for one in standing(alterations) if one.key == renaming.table and one.action != "renamed"]
    if renaming.column is not None:
        if _is_changed(renaming, alterations):
            yield f"changed the column {renaming.new}"
        return
    yield from (f"renamed the column {one.column} to {one.new}" for one in columns)
    others = [one for one in rest if one.kind != "column" or one.name not in names]
    yield from texts([one for one in others if not follows(one, (renaming, *columns))])


def _is_changed(renaming: Renaming, alterations: Sequence[Alteration]) -> bool:
    """Whether a column with another name is something else, too."""
    own = [one for one in alterations if one.kind == "column" and one.key == renaming.table]
    then = next((one.before for one in own if one.name == renaming.column and one.before is not None), None)
    now = [one.after for one in own if one.name == renaming.new and place_of(one.after) == place_of(then)]
    return bool(now) and without_place(now[-1]) != without_place(then)


def follows(one: Alteration, known: Sequence[Renaming]) -> bool:
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
        # The other half may be hidden by something new with the old name. With the same name it is another schema.
        if halves and renaming.new != renaming.old:
            operation = min(found[number].operation for number in halves)
            for number in halves:
                found[number] = replace(found[number], operation=operation, python=renaming.python, sql=renaming.sql)
    return found


def _quoted(name: str) -> str:
    """Always in quotes: nothing here knows which words the dialect keeps for itself."""
    return '"' + name.replace('"', '""') + '"'
