"""What columns and naming conventions were when they were made: what the tables' own freezing comes too late for.

A listener for every ``Column``, or a line that changes a column of a mixin, works before any table is attached.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Constraint, Index, MetaData, Table

from alembic_review.model.facts import Edit, Listener, Place
from alembic_review.worker import internals
from alembic_review.worker.call_stacks import is_theirs
from alembic_review.worker.definitions.changed_in_place import default_identity, type_values
from alembic_review.worker.packages import package_of

_EVENTS = ("before_parent_attach", "after_parent_attach", "column_reflect")


@dataclass(frozen=True)
class MadeColumn:
    """Holds the column and its type, so that identity can be compared as long as the worker lives.

    ``stack`` is where it was made; that of its original for a copy.
    """

    column: Column[Any]
    stack: int | None
    type: Any
    type_values: tuple[tuple[str, Any], ...]
    server_default: tuple[int, tuple[Any, ...]]

    def changed(self, column: Column[Any]) -> Iterator[str]:
        """The attributes whose objects ``column`` still has and that hold something else by now."""
        values = dict(type_values(column.type))
        if column.type is self.type and any(values.get(name) != value for name, value in self.type_values):
            yield "type"
        default = default_identity(column)
        if default[0] == self.server_default[0] and default != self.server_default:
            yield "server_default"


def made(column: Column[Any], stack: int | None) -> MadeColumn:
    """What a column is now."""
    return MadeColumn(column, stack, column.type, type_values(column.type), default_identity(column))


def copied(column: Column[Any], original: MadeColumn) -> MadeColumn:
    """What a fresh copy is; a type that it shares with its original is judged by what that was when it was made."""
    kind = (original.type, original.type_values)
    if column.type is not original.type:
        kind = (column.type, type_values(column.type))
    default = default_identity(column)
    if default[0] == original.server_default[0]:
        default = original.server_default
    return MadeColumn(column, original.stack, *kind, default)


def listeners() -> tuple[Listener, ...]:
    """The functions that hear of every table or part of one, in models and while a database is read alike."""
    found: dict[Listener, None] = {}
    for kind in (Column, Table, Index, Constraint):
        for name in _EVENTS:
            for function in internals.class_listeners(kind, name):
                code = getattr(inspect.unwrap(function), "__code__", None)
                if code is not None and is_theirs(code):
                    path = os.path.abspath(code.co_filename)
                    package = package_of(getattr(function, "__module__", None), path)
                    found[Listener(f"{kind.__name__}.{name}", Place(path, code.co_firstlineno), package)] = None
    return tuple(found)


@dataclass
class Conventions:
    """The naming conventions of every MetaData: who gave them, and what they were then."""

    _plain: dict[str, Any] = field(default_factory=lambda: dict(MetaData().naming_convention))
    _given: dict[int, tuple[MetaData, dict[str, Any], int | None, bool]] = field(default_factory=dict)

    def note(self, metadata: MetaData, stack: int | None, *, making: bool) -> None:
        """Remember the convention that ``metadata`` has now, and the stack that made the MetaData or assigned it."""
        self._given[id(metadata)] = (metadata, dict(metadata.naming_convention), stack, making)

    def edits(self, metadata: MetaData) -> Iterator[Edit]:
        """What somebody made of the names on the tables of ``metadata``, where they are not SQLAlchemy's own."""
        found = self._given.get(id(metadata))
        if found is None:
            return
        _, given, stack, making = found
        if dict(metadata.naming_convention) != given:
            yield Edit("table", None, "naming_convention")
        elif given != self._plain or not making:
            yield Edit("table", None, "naming_convention", stack, early=making)
