"""What a table looked like when it was attached to its MetaData, and what differs from that later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, Constraint, ForeignKeyConstraint, Index, Table
from sqlalchemy.sql.elements import conv
from sqlalchemy.types import NullType

# What a default, a computed column and an identity are made of, beside their plain values.
_OF_DEFAULT = frozenset({"arg", "sqltext"})
_PLAIN = (str, int, float, bool, bytes, type(None))
# What a ``SchemaType`` of SQLAlchemy takes from the table while its column is attached; Alembic compares neither.
_OF_THE_TABLE = frozenset({"schema", "metadata"})


@dataclass(frozen=True)
class FrozenColumn:
    column: Column[Any]
    identity: tuple[Any, ...]
    type_class: type
    type_values: tuple[tuple[str, Any], ...]
    nullable: bool | None
    server_default: tuple[int, tuple[Any, ...]]
    comment: str | None


@dataclass(frozen=True)
class FrozenTable:
    """Holds the objects themselves, so that identity can be compared as long as the worker lives."""

    name: str
    schema: str | None
    comment: str | None
    columns: tuple[FrozenColumn, ...]
    indexes: tuple[tuple[Index, Any], ...]
    constraints: tuple[tuple[Constraint, Any, Any], ...]


@dataclass(frozen=True)
class Difference:
    """``item`` is the column, index or constraint, or the table itself; ``attribute`` as in ``model.facts.Edit``.

    ``former`` is the name that a removed item had when it was frozen, where it has another one now.
    """

    kind: str
    item: Any
    attribute: str
    former: Any = None


def freeze(table: Table) -> FrozenTable:
    """A copy of the table's attributes, columns, indexes and constraints, to find later changes in place."""
    return FrozenTable(
        name=table.name,
        schema=table.schema,
        comment=table.comment,
        columns=tuple(_freeze_column(column) for column in table.columns),
        indexes=tuple((index, _index_values(index)) for index in sorted(table.indexes, key=_order)),
        constraints=tuple((one, one.name, _constraint_values(one)) for one in sorted(table.constraints, key=_order)),
    )


def _order(item: Any) -> tuple[str, ...]:
    """SQLAlchemy keeps them in sets, which have another order in every run."""
    return (type(item).__name__, str(item.name), *(str(column.name) for column in getattr(item, "columns", ())))


def with_item(frozen: FrozenTable, item: Any) -> FrozenTable:
    """``frozen`` with a column, index or constraint that was attached to the table after it was frozen."""
    if isinstance(item, Column):
        return replace(frozen, columns=(*frozen.columns, _freeze_column(item)))
    if isinstance(item, Index):
        return replace(frozen, indexes=(*frozen.indexes, (item, _index_values(item))))
    return replace(frozen, constraints=(*frozen.constraints, (item, item.name, _constraint_values(item))))


def differences(table: Table, frozen: FrozenTable) -> Iterator[Difference]:
    """What was changed or taken away in place since ``frozen``; what was added since has an attach event of its own."""
    if table.comment != frozen.comment:
        yield Difference("table", table, "comment")
    if (table.name, table.schema) != (frozen.name, frozen.schema):
        yield Difference("table", table, "name")
    yield from _columns_differences(table, frozen)
    for index, values in frozen.indexes:
        if index not in table.indexes:
            yield _removed("index", index, values[0])
        elif _index_values(index) != values:
            yield Difference("index", index, "changed")
    for constraint, name, values in frozen.constraints:
        if constraint not in table.constraints:
            yield _removed("constraint", constraint, name)
        elif _constraint_values(constraint) != values or _is_renamed(constraint.name, name):
            yield Difference("constraint", constraint, "changed")


def _removed(kind: str, item: Any, former: Any) -> Difference:
    """The removal of an item, which may have been renamed before."""
    renamed = isinstance(former, str) and former != item.name
    return Difference(kind, item, "removed", former if renamed else None)


def _columns_differences(table: Table, frozen: FrozenTable) -> Iterator[Difference]:
    current = {id(column) for column in table.columns}
    for entry in frozen.columns:
        if id(entry.column) not in current:
            yield _removed("column", entry.column, entry.identity[0])
        else:
            yield from _column_differences(entry)


def _column_differences(entry: FrozenColumn) -> Iterator[Difference]:
    column = entry.column
    if column.nullable != entry.nullable:
        yield Difference("column", column, "nullable")
    if column.name != entry.identity[0]:
        yield Difference("column", column, "name")
    elif _column_identity(column) != entry.identity:
        yield Difference("column", column, "changed")
    if default_identity(column) != entry.server_default:
        yield Difference("column", column, "server_default")
    if column.comment != entry.comment:
        yield Difference("column", column, "comment")
    # A column without a type takes that of the column its foreign key refers to, whenever SQLAlchemy resolves it.
    if not issubclass(entry.type_class, NullType) and _type_changed(column.type, entry):
        yield Difference("column", column, "type")


def _type_changed(current: Any, entry: FrozenColumn) -> bool:
    values = dict(type_values(current))
    return type(current) is not entry.type_class or any(values.get(name) != value for name, value in entry.type_values)


def _freeze_column(column: Column[Any]) -> FrozenColumn:
    return FrozenColumn(
        column=column,
        identity=_column_identity(column),
        type_class=type(column.type),
        type_values=type_values(column.type),
        nullable=column.nullable,
        server_default=default_identity(column),
        comment=column.comment,
    )


def _column_identity(column: Column[Any]) -> tuple[Any, ...]:
    """What else decides how a column is compared: its name, and whether Alembic may see it."""
    return column.name, column.system, column.primary_key


def default_identity(column: Column[Any]) -> tuple[int, tuple[Any, ...]]:
    """The default and what it is made of: some do not compile to text."""
    default = column.server_default
    parts = vars(default).items() if default is not None else ()
    values = tuple(
        (name, part if isinstance(part, _PLAIN) else id(part))
        for name, part in sorted(parts)
        if name in _OF_DEFAULT or (isinstance(part, _PLAIN) and not name.startswith("_"))
    )
    return id(default), values


def type_values(value: Any) -> tuple[tuple[str, Any], ...]:
    """The plain parameters of a type: length, precision, names, the values of an Enum."""
    variants = getattr(value, "_variant_mapping", {})
    found: list[tuple[str, Any]] = [("variants", tuple(sorted((name, id(kind)) for name, kind in variants.items())))]
    for name, part in vars(value).items():
        if name.startswith("_") or name in _OF_THE_TABLE:
            continue
        if isinstance(part, _PLAIN):
            found.append((name, part))
        elif isinstance(part, (list, tuple)) and all(isinstance(element, _PLAIN) for element in part):
            found.append((name, tuple(part)))
        elif name in ("impl", "item_type") and hasattr(part, "__dict__"):
            found.append((name, (type(part), type_values(part))))
    return tuple(found)


def _index_values(index: Index) -> Any:
    return (index.name, index.unique, tuple(id(expression) for expression in index.expressions), _options(index))


def _options(item: Index | Constraint) -> tuple[tuple[str, Any], ...]:
    """Dialect options such as ``postgresql_where``: plain values as they are, expressions by identity."""
    options = dict(item.kwargs)
    return tuple(
        (name, options[name] if isinstance(options[name], _PLAIN) else id(options[name])) for name in sorted(options)
    )


def _is_renamed(name: Any, before: Any) -> bool:
    """A name that nobody gave, or that is part of the convention's, may get the convention's name later."""
    if isinstance(name, conv) and not isinstance(before, conv):
        return isinstance(before, str) and not name.endswith(before)
    return _text(name) != _text(before)


def _text(name: Any) -> str | None:
    """``None`` also for what SQLAlchemy uses in place of a name."""
    return str(name) if isinstance(name, str) else None


def _constraint_values(constraint: Constraint) -> Any:
    columns = tuple(constraint.columns.keys()) if hasattr(constraint, "columns") else ()
    own = (constraint.deferrable, constraint.initially, columns, _options(constraint))
    if isinstance(constraint, ForeignKeyConstraint):
        return (*own, constraint.ondelete, constraint.onupdate)
    return (*own, id(getattr(constraint, "sqltext", None)))
