"""What the catalogue says of tables and types, as the database's own text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alembic_review.model.keys import TableKey

TypeName = tuple[str, str]
"""Schema and name of a type or sequence."""


@dataclass(frozen=True)
class ColumnState:
    """A column.

    ``serial`` tells that its default is a sequence of its own; ``identity`` and ``generated`` are empty for other
    columns. ``of_type`` is the enum or domain of the column or of its elements.
    """

    type: str
    collation: str = ""
    nullable: bool = True
    default: str = ""
    serial: bool = False
    identity: str = ""
    generated: str = ""
    storage: str = ""
    of_type: TypeName | None = None


@dataclass(frozen=True)
class ItemState:
    """A constraint or index. ``definition`` has no name; ``target`` tells foreign keys on equal columns apart."""

    kind: str
    name: str
    definition: str
    columns: tuple[str, ...] = ()
    target: str = ""
    comment: str = ""
    statement: str = ""


@dataclass(frozen=True)
class TableState:
    """A table. ``storage`` are its parameters, ``partitioning`` how it is partitioned or what it inherits."""

    columns: Mapping[str, ColumnState]
    items: tuple[ItemState, ...] = ()
    unlogged: bool = False
    storage: tuple[str, ...] = ()
    partitioning: str = ""


@dataclass(frozen=True)
class State:
    """A database: tables of the models, and by schema and name the enums, domains and sequences that there are."""

    tables: Mapping[TableKey, TableState] = field(default_factory=dict)
    enums: Mapping[TypeName, tuple[str, ...]] = field(default_factory=dict)
    domains: Mapping[TypeName, str] = field(default_factory=dict)
    sequences: Mapping[TypeName, str] = field(default_factory=dict)
