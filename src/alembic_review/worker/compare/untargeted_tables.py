"""Tables that the application's code defines and that no ``target_metadata`` contains."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import MetaData, Table

from alembic_review.model.facts import Frame, TableKey, Untargeted
from alembic_review.worker import internals
from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.definitions.definition_sites import Witnesses

_TESTS = re.compile(r"(^|\.)(tests?|testing|conftest|test_\w+|\w+_tests?)(\.|$)")
_BIND = "bind_key"
"""Where Flask-SQLAlchemy notes the database of a MetaData (3.x) or of a table (2.x)."""


def untargeted(
    witnesses: Witnesses,
    targets: Sequence[MetaData],
    views: Collection[TableKey],
    elsewhere: Collection[int],
    locations: Iterable[str],
) -> tuple[Untargeted, ...]:
    """The mapped tables outside all ``targets``, and the other tables of their MetaData.

    Where no table of the targets is mapped, the application uses SQLAlchemy Core, and a table counts without a mapping.
    Models of revisions in these ``locations`` and of tests, and classes that are mapped to ``views``, do not count.
    ``elsewhere`` are the tables, by identity, that were created in another database.
    """
    stacks = witnesses.stacks
    mapped = {id(table) for table in mapped_tables()}
    core = not any(id(table) in mapped for target in targets for table in target.tables.values())
    folders = tuple(os.path.join(os.path.realpath(path), "") for path in locations)
    found = [
        (table, stack, removed)
        for table, stack, removed in witnesses.besides(targets)
        if TableKey(table.schema, table.name) not in views and _counts(_frames(stack, stacks), folders)
    ]
    chosen = {
        id(table.metadata)
        for table, stack, _ in found
        if id(table) in mapped or (core and _is_module_level(_frames(stack, stacks)))
    }
    numbers: dict[int, int] = {}
    rows = [
        Untargeted(
            key=TableKey(table.schema, table.name),
            stack=stack,
            metadata=numbers.setdefault(id(table.metadata), len(numbers)),
            mapped=id(table) in mapped,
            removed=removed,
            bind=str(table.metadata.info.get(_BIND) or table.info.get(_BIND) or ""),
            elsewhere=id(table) in elsewhere,
        )
        for table, stack, removed in found
        if id(table.metadata) in chosen and (not removed or id(table) in mapped or core)
    ]
    return tuple(sorted(rows, key=lambda one: (one.metadata, one.key.schema or "", one.key.name)))


def mapped_tables() -> Iterator[Table]:
    """The tables of every mapped class."""
    if "sqlalchemy.orm" not in sys.modules:
        return
    for registry in internals.registries():
        for mapper in registry.mappers:
            tables: Any = (mapper.local_table, *mapper.tables)
            yield from (table for table in tables if isinstance(table, Table))


def _frames(stack: int | None, stacks: Stacks) -> list[Frame]:
    return [stacks.frames[number] for number in stacks.stacks[stack]] if stack is not None else []


def _counts(frames: Sequence[Frame], locations: tuple[str, ...]) -> bool:
    """Tell whether a definition can be one of the application's models, and not that of a revision or a test."""
    in_revision = any(os.path.realpath(frame.path).startswith(locations) for frame in frames) if locations else False
    return bool(frames) and not in_revision and not any(_TESTS.search(frame.module or "") for frame in frames)


def _is_module_level(frames: Sequence[Frame]) -> bool:
    return bool(frames) and frames[0].body
