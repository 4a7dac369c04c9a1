"""Who defined, changed or generated each table, column, index and constraint of the models."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

from sqlalchemy import Column, Constraint, ForeignKeyConstraint, Index, MetaData, PrimaryKeyConstraint, Table, event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import InvalidRequestError

from alembic_review.model.facts import Edit, Item, ModelTable, TableKey
from alembic_review.worker.call_stacks import Stacks, is_reflection, is_sqlalchemy
from alembic_review.worker.definitions.changed_in_place import Difference, FrozenTable, differences, freeze, with_item
from alembic_review.worker.definitions.column_creation import Conventions, MadeColumn, copied, made
from alembic_review.worker.definitions.generated_tables import source_tables
from alembic_review.worker.internals import COLUMN_COPY, stored_name
from alembic_review.worker.same_signature import with_signature_of

_COLUMN_ATTRIBUTES = frozenset({"type", "nullable", "server_default", "comment", "name", "system"})
_TABLE_ATTRIBUTES = frozenset({"comment", "name", "schema"})
# SQLAlchemy itself takes these off a table when others replace them.
_REPLACEABLE = (Column, ForeignKeyConstraint, PrimaryKeyConstraint)


@dataclass
class _Record:
    table: Table
    metadata: MetaData
    frozen: FrozenTable
    stack: int | None
    sources: tuple[TableKey, ...]
    copy_of: Table | None
    lost: tuple[Any, ...] = ()
    late: set[int] = field(default_factory=set)
    removal: int | None = None


@dataclass(frozen=True)
class _Assigned:
    """An attribute that somebody other than SQLAlchemy assigned; ``early`` before the table was attached."""

    target: Any
    stack: int | None
    early: bool


@dataclass
class _Attached:
    item: Any
    stack: int | None
    copy_of: Table | None


@dataclass
class Witnesses:
    """Listens from ``install`` to ``stop``; ``describe`` then tells what was seen of the tables of some MetaData."""

    stacks: Stacks
    _tables: dict[int, _Record] = field(default_factory=dict)
    _items: dict[int, _Attached] = field(default_factory=dict)
    _edits: dict[tuple[int, str], _Assigned] = field(default_factory=dict)
    _waiting: dict[int, list[Any]] = field(default_factory=dict)
    _made: dict[int, MadeColumn] = field(default_factory=dict)
    _early: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _reflected: dict[int, Column[Any]] = field(default_factory=dict)
    _conventions: Conventions = field(default_factory=Conventions)
    _undo: list[Callable[[], None]] = field(default_factory=list)

    def install(self) -> None:
        """Listen to SQLAlchemy's events and patch its methods, so that definition sites are recorded from now on."""
        for kind in (Column, Index, Constraint):
            self._listen(kind, self._item_attached)
        self._listen(Table, self._table_attached)
        self._watch_attributes(Column, _COLUMN_ATTRIBUTES)
        self._watch_attributes(Table, _TABLE_ATTRIBUTES)
        self._watch_removals()
        self._watch_copies()
        self._watch_construction()
        self._watch_conventions()

    def stop(self) -> None:
        """Take the listeners off: reflection makes thousands of tables and columns that are nobody's models."""
        while self._undo:
            self._undo.pop()()

    def _listen(self, kind: type, note: Callable[[Any, Any], None]) -> None:
        """Have ``note`` called with every new item of this kind and its parent.

        SQLAlchemy 1.4 remembers one class for each function that listens, so every class gets a function of its own.
        """

        def attached(item: Any, parent: Any) -> None:
            note(item, parent)

        event.listen(kind, "after_parent_attach", attached)
        self._undo.append(lambda: event.remove(kind, "after_parent_attach", attached))

    def describe(self, metadatas: Iterable[MetaData], dialect: Dialect) -> tuple[ModelTable, ...]:
        """Facts about every table that is, or was, in these MetaData, and what ``dialect`` calls what is on them."""
        metadatas = list(metadatas)
        present = {id(table): table for metadata in metadatas for table in metadata.tables.values()}
        found = [self._describe(table, dialect) for table in present.values()]
        for record in self._tables.values():
            gone = id(record.table) not in present
            replaced = any((record.table.key in metadata.tables) for metadata in metadatas)
            if gone and not replaced and any(record.metadata is metadata for metadata in metadatas):
                found.append(self._describe(record.table, dialect, removed=True))
        return tuple(sorted(found, key=lambda table: (table.key.schema or "", table.key.name, table.removed)))

    def _item_attached(self, item: Any, parent: Any) -> None:
        walk = self.stacks.walk(sys._getframe(1))
        if walk.tool:
            return
        record = self._tables.get(id(parent))
        if record is not None and id(item) not in self._items:
            record.frozen = with_item(record.frozen, item)
            record.late.add(id(item))
        elif record is None and isinstance(parent, Table) and not isinstance(item, _REPLACEABLE):
            self._waiting.setdefault(id(parent), []).append(item)
        self._items[id(item)] = _Attached(item, walk.stack, walk.copy_of)

    def _table_attached(self, table: Table, metadata: MetaData) -> None:
        walk = self.stacks.walk(sys._getframe(1))
        if walk.tool:
            return
        sources = source_tables(walk.frames, table) if walk.copy_of is None else ()
        for column in table.columns:
            record = self._made.get(id(column))
            if record is not None:
                self._early[id(column)] = tuple(record.changed(column))
        # Listeners of the application may have removed an index while the table was being made.
        lost = tuple(item for item in self._waiting.pop(id(table), ()) if not _is_on(item, table))
        self._tables[id(table)] = _Record(table, metadata, freeze(table), walk.stack, sources, walk.copy_of, lost)

    def _watch_attributes(self, kind: type, names: frozenset[str]) -> None:
        original: Any = kind.__setattr__

        def noted(target: Any, name: str, value: Any, /) -> None:
            if name not in names or is_sqlalchemy(sys._getframe(1).f_code):
                original(target, name, value)
                return
            before = getattr(target, name, None)
            original(target, name, value)
            early = id(getattr(target, "table", target)) not in self._tables
            walk = self.stacks.walk(sys._getframe(1))
            if not walk.tool and (not early or not (walk.by_tool or _same(before, value))):
                self._edits[(id(target), name)] = _Assigned(target, walk.stack, early)

        self._replace(kind, "__setattr__", noted)

    def _watch_removals(self) -> None:
        remove, clear = MetaData.remove, MetaData.clear

        def noted_remove(metadata: MetaData, table: Table) -> None:
            self._removed([table], sys._getframe(1))
            remove(metadata, table)

        def noted_clear(metadata: MetaData) -> None:
            self._removed(list(metadata.tables.values()), sys._getframe(1))
            clear(metadata)

        self._replace(MetaData, "remove", noted_remove)
        self._replace(MetaData, "clear", noted_clear)

    def _watch_copies(self) -> None:
        """A copy is attached to its MetaData before its constraints and indexes are copied: freeze it after that."""
        copy = Table.to_metadata

        def noted_copy(table: Table, *args: Any, **kwargs: Any) -> Table:
            made = copy(table, *args, **kwargs)
            record = self._tables.get(id(made))
            if record is not None and record.copy_of is not None:
                record.frozen = freeze(made)
            return made

        self._replace(Table, "to_metadata", noted_copy)

    def _watch_construction(self) -> None:
        """Who attaches a column need not be who made it; a copy is made by whoever made its original."""
        initialise, copy = Column.__init__, getattr(Column, COLUMN_COPY)

        def noted(column: Column[Any], *args: Any, **kwargs: Any) -> None:
            initialise(column, *args, **kwargs)
            # Columns of revisions come by the thousand, and who attaches one of a hook is seen anyway.
            if id(column) not in self._made and not self.stacks.of_tool(sys._getframe(1)):
                self._made[id(column)] = made(column, self.stacks.walk(sys._getframe(1)).stack)
                if is_reflection(sys._getframe(1)):
                    self._reflected[id(column)] = column

        def noted_copy(column: Column[Any], *args: Any, **kwargs: Any) -> Any:
            copy_of = copy(column, *args, **kwargs)
            if id(copy_of) not in self._made:
                return copy_of
            if id(column) in self._reflected:
                self._reflected[id(copy_of)] = copy_of
            if id(column) in self._made:
                self._made[id(copy_of)] = copied(copy_of, self._made[id(column)])
            for name in _COLUMN_ATTRIBUTES:
                assigned = self._edits.get((id(column), name))
                if assigned is not None and assigned.early:
                    self._edits[(id(copy_of), name)] = replace(assigned, target=copy_of)
            return copy_of

        self._replace(Column, "__init__", noted)
        self._replace(Column, COLUMN_COPY, noted_copy)

    def _watch_conventions(self) -> None:
        """Names of indexes and constraints follow the convention of the MetaData, whoever defines the table."""
        initialise = MetaData.__init__

        def noted(metadata: MetaData, *args: Any, **kwargs: Any) -> None:
            initialise(metadata, *args, **kwargs)
            # Alembic makes one for every operation: none of them is to be kept alive.
            if not self.stacks.of_tool(sys._getframe(1)):
                self._conventions.note(metadata, self.stacks.walk(sys._getframe(1)).stack, making=True)

        original: Any = MetaData.__setattr__

        def assigned(metadata: MetaData, name: str, value: Any, /) -> None:
            original(metadata, name, value)
            if name == "naming_convention" and not is_sqlalchemy(sys._getframe(1).f_code):
                self._conventions.note(metadata, self.stacks.walk(sys._getframe(1)).stack, making=False)

        self._replace(MetaData, "__init__", noted)
        self._replace(MetaData, "__setattr__", assigned)

    def _removed(self, tables: list[Table], caller: FrameType) -> None:
        stack = self.stacks.walk(caller).stack
        for table in tables:
            record = self._tables.get(id(table))
            if record is not None:
                record.removal = stack

    def _replace(self, kind: type, name: str, function: Any) -> None:
        own = vars(kind).get(name)
        original = getattr(kind, name)
        setattr(kind, name, with_signature_of(original, function) if hasattr(original, "__code__") else function)
        self._undo.append(lambda: delattr(kind, name) if own is None else setattr(kind, name, own))

    def _describe(self, table: Table, dialect: Dialect, *, removed: bool = False) -> ModelTable:
        record = self._tables.get(id(table))
        origin = self._origin(table)
        return ModelTable(
            key=TableKey(table.schema, table.name),
            stack=origin.stack if origin else None,
            items=self.items(table),
            edits=tuple(self._describe_edits(table, dialect)),
            sources=origin.sources if origin else (),
            extends=_extends(table),
            references=_references(table),
            removed=removed,
            removal=record.removal if record else None,
            reflected=self._undefined(table),
        )

    def _undefined(self, table: Table) -> tuple[str, ...]:
        """The columns that no code defines: reflected ones, and those of a table that was unpickled."""
        seen = id(table) in self._tables or any(id(column) in self._made for column in table.columns)
        return tuple(column.name for column in table.columns if not seen or id(column) in self._reflected)

    def besides(self, targets: Iterable[MetaData]) -> Iterator[tuple[Table, int | None, bool]]:
        """The tables that code defined outside these MetaData, each with its definition site.

        The last value is true for one that was removed from one of them. Neither copies nor their originals are outside
        where one of them is inside, nor are tables of the same name.
        """
        metadatas = list(targets)
        inside = [table for metadata in metadatas for table in metadata.tables.values()]
        keys = {table.key for table in inside}
        known = {id(one) for table in inside for one in (table, self.original(table))}
        for record in list(self._tables.values()):
            table, source = record.table, self.original(record.table)
            if id(table) in known or id(source) in known or table.key in keys:
                continue
            removed = any(record.metadata is metadata for metadata in metadatas)
            attached = table.metadata.tables.get(table.key) is table
            defined = len(self._undefined(table)) < len(table.columns)
            if record.copy_of is None and defined and (attached or removed):
                yield table, record.stack, removed

    def original(self, table: Table) -> Table | None:
        """The table that a copy was made from in the end; ``None`` for one that Alembic made for an operation."""
        record = self._tables.get(id(table))
        while record is not None and record.copy_of is not None:
            table, record = record.copy_of, self._tables.get(id(record.copy_of))
        return table if record is not None else None

    def definition(self, table: Table) -> int | None:
        """The stack in which a table, or the one it is a copy of, was defined."""
        origin = self._origin(table)
        return origin.stack if origin is not None else None

    def _origin(self, table: Table) -> _Record | None:
        """The record of a table, or of the table it is a copy of."""
        record = self._tables.get(id(table))
        while record is not None and record.copy_of is not None:
            source = self._tables.get(id(record.copy_of))
            renamed = (record.table.name, record.table.schema) != (record.copy_of.name, record.copy_of.schema)
            if source is None or renamed:
                break
            record = source
        return record

    def items(self, table: Table) -> tuple[Item, ...]:
        """Columns, indexes and constraints of a table as it is now, in a stable order."""
        return tuple(self._describe_item(item) for item in ordered_items(table))

    def _describe_item(self, item: Any) -> Item:
        kind, name, columns = identify(item)
        record = self._made.get(id(item))
        foreign_key = isinstance(item, ForeignKeyConstraint)
        return Item(kind, name, columns, self._item_stack(item), foreign_key, made=record.stack if record else None)

    def _item_stack(self, item: Any) -> int | None:
        attached = self._items.get(id(item))
        if attached is None:
            return None
        if attached.copy_of is not None:
            wanted = identify(item)
            for other in ordered_items(attached.copy_of):
                if identify(other) == wanted:
                    return self._item_stack(other)
        return attached.stack

    def _edit_stack(self, difference: Difference) -> int | None:
        """The call that assigned the attribute; for what is simply changed, whichever one there is."""
        names = ("name", "system") if difference.attribute == "changed" else (difference.attribute,)
        found = [self._edits.get((id(difference.item), name)) for name in names]
        return next((entry.stack for entry in found if entry is not None), None)

    def _describe_edits(self, table: Table, dialect: Dialect) -> Iterable[Edit]:
        record = self._tables.get(id(table))
        if record is None:
            return
        if record.copy_of is not None:
            yield from self._describe_edits(record.copy_of, dialect)
        yield from self._conventions.edits(record.metadata)
        told = set()
        for difference in differences(table, record.frozen):
            if difference.attribute == "removed" and _is_replaced(difference.item, record):
                continue
            kind, name, _ = ("table", None, ()) if difference.kind == "table" else identify(difference.item)
            told.add((id(difference.item), difference.attribute))
            stored = stored_name(difference.item, dialect, difference.former)
            yield Edit(kind, name, difference.attribute, self._edit_stack(difference), stored=stored)
        for item in (one for one in record.lost if not _is_on(one, table)):
            kind, name, _ = identify(item)
            yield Edit(kind, name, "removed", early=True, stored=stored_name(item, dialect))
        for item in (table, *table.columns):
            yield from (edit for edit in self._early_edits(item) if (id(item), edit.attribute) not in told)
        for item in ordered_items(table):
            if id(item) not in self._items:
                kind, name, _ = identify(item)
                yield Edit(kind, name, "added", None)

    def _early_edits(self, item: Any) -> Iterable[Edit]:
        """What was done to the table or a column of it before the table was attached."""
        kind, name, names = ("table", None, _TABLE_ATTRIBUTES)
        if isinstance(item, Column):
            kind, name, names = ("column", item.name, _COLUMN_ATTRIBUTES)
        unseen = set(self._early.get(id(item), ()))
        for attribute in sorted(names):
            assigned = self._edits.get((id(item), attribute))
            if assigned is not None and assigned.early:
                yield Edit(kind, name, "changed" if attribute == "system" else attribute, assigned.stack, early=True)
            elif attribute in unseen:
                yield Edit(kind, name, attribute, early=True)


def _same(before: Any, value: Any) -> bool:
    """Tell whether an assignment changed nothing; expressions are compared by identity."""
    plain = (str, int, bool, type(None))
    return before is value or (isinstance(before, plain) and isinstance(value, plain) and before == value)


def _is_replaced(item: Any, record: _Record) -> bool:
    """Tell whether a later item replaces a late one: subclasses that share a table do so, and it has its own cause."""
    return id(item) in record.late and identify(item) in map(identify, ordered_items(record.table))


def _is_on(item: Any, table: Table) -> bool:
    return item in table.indexes or item in table.constraints


def ordered_items(table: Table) -> list[Any]:
    """Columns in order, then indexes and constraints by name."""
    return [*table.columns, *sorted([*table.indexes, *table.constraints], key=_item_order)]


def _item_order(item: Any) -> tuple[str, ...]:
    """Two foreign keys of one column may have no name, and differ in what they refer to."""
    targets = (element.target_fullname for element in getattr(item, "elements", ()))
    return (*map(str, identify(item)), type(item).__name__, *targets, str(getattr(item, "sqltext", "")))


def identify(item: Any) -> tuple[str, str | None, tuple[str, ...]]:
    """Kind, name and columns of a column, index or constraint."""
    if isinstance(item, Column):
        return "column", item.name, (item.name,)
    name = None if item.name is None else str(item.name)
    columns = tuple(str(getattr(column, "name", "")) for column in getattr(item, "columns", ()))
    return ("index" if isinstance(item, Index) else "constraint"), name, columns


def _extends(table: Table) -> TableKey | None:
    """The table that the whole primary key refers to: what makes this one an extension of it."""
    primary = {column.name for column in table.primary_key.columns}
    ties = [tie for tie in table.foreign_key_constraints if {column.name for column in tie.columns} == primary]
    return min(map(_target, ties), key=_sorting, default=None) if primary else None


def _references(table: Table) -> tuple[TableKey, ...]:
    """The tables that foreign keys of this one refer to, itself left out."""
    targets = {_target(constraint) for constraint in table.foreign_key_constraints}
    others = targets - {TableKey(table.schema, table.name)}
    return tuple(sorted(others, key=_sorting))


def _sorting(key: TableKey) -> tuple[str, str]:
    return key.schema or "", key.name


def _target(constraint: ForeignKeyConstraint) -> TableKey:
    try:
        table = constraint.referred_table
    except InvalidRequestError:  # it is in no MetaData that was loaded, so the name is all there is
        target = constraint.elements[0].target_fullname.split(".")
        return TableKey(".".join(target[:-2]) or None, target[-2])
    return TableKey(table.schema, table.name)
