"""From which table a generator made another one, read in the generator's own frames while they stand."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType
from typing import Any

from sqlalchemy import Table

from alembic_review.model.facts import TableKey
from alembic_review.worker.call_stacks import is_function
from alembic_review.worker.packages import package_of


def source_tables(frames: tuple[FrameType, ...], made: Table) -> tuple[TableKey, ...]:
    """At most one table: the one in the innermost frames of one package that shares most columns with ``made``.

    Objects are looked at with ``type`` and ``object.__getattribute__`` only: proxies answer ``isinstance`` and
    ``hasattr`` by running the application's code.
    """
    for frame in _contiguous(frames):
        candidates = {id(table): table for table in _tables_in(frame.f_locals) if table is not made}
        if candidates:
            return _best(list(candidates.values()), made)
    return ()


def _contiguous(frames: tuple[FrameType, ...]) -> Iterator[FrameType]:
    package = _package(frames[0]) if frames else None
    for frame in frames:
        if _package(frame) != package or not is_function(frame):
            return
        yield frame


def _package(frame: FrameType) -> str | None:
    module = frame.f_globals.get("__name__")
    return package_of(module if isinstance(module, str) else None, frame.f_code.co_filename)


def _tables_in(names: dict[str, Any]) -> Iterator[Table]:
    for value in list(names.values()):
        table = _table_of(value)
        if table is not None:
            yield table
            continue
        try:
            attributes = object.__getattribute__(value, "__dict__")
        except AttributeError:
            continue
        if type(attributes) is dict:
            yield from (found for found in map(_table_of, list(attributes.values())) if found is not None)


def _table_of(value: Any) -> Table | None:
    if Table in type(value).__mro__:
        return value  # type: ignore[no-any-return]
    if issubclass(type(value), type):
        for base in type.__getattribute__(value, "__mro__"):
            table = type.__getattribute__(base, "__dict__").get("__table__")
            if table is not None and Table in type(table).__mro__:
                return table  # type: ignore[no-any-return]
    return None


def _best(candidates: list[Table], made: Table) -> tuple[TableKey, ...]:
    names = set(made.columns.keys())
    ranked = sorted(candidates, key=lambda table: len(names & set(table.columns.keys())), reverse=True)
    shared = [len(names & set(table.columns.keys())) for table in ranked]
    if len(ranked) > 1 and shared[0] == shared[1]:
        return ()
    return (TableKey(ranked[0].schema, ranked[0].name),)
