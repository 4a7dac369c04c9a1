"""Renames that the user accepts: a drop and an addition become one operation.

The scratch database gets the new names, and is compared once more: whatever else differs is an operation of its own,
and what only followed from the names is none. Afterwards the database has its old names again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from alembic_review.model.facts import ChangeFact, TableKey
from alembic_review.model.keys import Rename
from alembic_review.worker.worker_errors import WorkerError, describe

"""A ``Rename`` of the settings as it came over the wire."""

_SAVEPOINT = "alembic_review_names"
_COLUMN_PARTS = 2  # table and column


class RenameColumnOp(ops.AlterColumnOp):
    """Gives a column another name, and nothing else."""

    def __init__(self, table_name: str, column_name: str, new_name: str, schema: str | None) -> None:
        super().__init__(table_name, column_name, schema=schema, modify_name=new_name)
        self.new_name = new_name

    def reverse(self) -> RenameColumnOp:
        """Give it the old name again."""
        return RenameColumnOp(self.table_name, self.new_name, self.column_name, self.schema)


class RenameTableOp(ops.RenameTableOp):
    """Gives a table another name; Alembic's own operation has neither a reverse nor a rendering."""

    def __init__(self, table_name: str, new_name: str, schema: str | None) -> None:
        super().__init__(table_name, new_name, schema=schema)
        self.new_name = new_name

    def reverse(self) -> RenameTableOp:
        """Give it the old name again."""
        return RenameTableOp(self.new_name, self.table_name, self.schema)


@renderers.dispatch_for(RenameTableOp)
def _rendered(context: AutogenContext, operation: RenameTableOp) -> str:
    prefix = context.opts["alembic_module_prefix"] or ""
    schema = f", schema={str(operation.schema)!r}" if operation.schema is not None else ""
    return f"{prefix}rename_table({str(operation.table_name)!r}, {str(operation.new_name)!r}{schema})"


Operation = RenameColumnOp | RenameTableOp


@dataclass(frozen=True)
class Renamed:
    """One accepted rename, and the words by which it was ``asked`` for."""

    operation: Operation
    asked: str

    @property
    def key(self) -> TableKey:
        """The table, with its old name."""
        return TableKey(self.operation.schema, self.operation.table_name)

    @property
    def column(self) -> str | None:
        """The old name of the column; ``None`` for a table."""
        return self.operation.column_name if isinstance(self.operation, RenameColumnOp) else None

    @property
    def container(self) -> Any:
        """The operation as it stands among those of a revision."""
        if isinstance(self.operation, RenameTableOp):
            return self.operation
        return ops.ModifyTableOps(self.operation.table_name, [self.operation], schema=self.operation.schema)

    def fact(self, number: int, python: str, sql: str | None, replaced: Iterable[ChangeFact]) -> ChangeFact:
        """The change that it is, instead of these."""
        column, new = self.column, self.operation.new_name
        halves = sorted(replaced, key=lambda one: (not self.is_half(one), one.kind.startswith("add_")))
        return ChangeFact(
            kind="rename_table" if column is None else "rename_column",
            key=self.key,
            schema=self.key.schema,
            name=column,
            operation=number,
            python=python,
            sql=sql,
            columns=() if column is None else (column, new),
            wanted=new,
            new_name=new,
            asked=self.asked,
            replaces=tuple(halves),
        )

    def is_half(self, change: ChangeFact) -> bool:
        """Tell whether a change is the drop or the addition."""
        new = self.operation.new_name
        if self.column is not None:
            names = {"remove_column": self.column, "add_column": new}
            return change.key == self.key and change.name is not None and names.get(change.kind) == change.name
        names = {"remove_table": self.key.name, "add_table": new}
        return change.key == TableKey(self.key.schema, names.get(change.kind, ""))

    def concerns(self, change: ChangeFact) -> bool:
        """Tell whether a change is to the table, or to the column, or refers to it."""
        new = self.operation.new_name
        keys = {self.key} if self.column is not None else {self.key, TableKey(self.key.schema, new)}
        columns = {column for one in change.references if one.key in keys for column in one.columns}
        if change.key in keys:
            columns |= set(change.columns)
        if self.column is None:
            return change.key in keys or bool(columns)
        return bool(columns & {self.column, new})


@dataclass(frozen=True)
class Stage:
    """Operations of a comparison after these renames; the first stage has none."""

    renamed: tuple[Renamed, ...]
    operations: ops.UpgradeOps


def stages(
    context: MigrationContext,
    first: ops.UpgradeOps,
    asked: Sequence[Rename],
    produce: Callable[[], ops.UpgradeOps | None],
    undone: Callable[[], None],
) -> list[Stage]:
    """The comparison as it is, then with the tables renamed, then with the columns, as far as there are such pairs.

    ``produce`` compares again. ``undone`` is called before the first statement, and sees to it that everything is
    undone in the end. Raises ``WorkerError`` where the database refuses a rename.
    """
    found = [Stage((), first)]
    tables: dict[tuple[str | None, str], str] = {}
    for pairs in (_tables, _columns):
        done = {one.asked for stage in found for one in stage.renamed}
        wanted = [one for one in asked if one.asked not in done]
        renamed = tuple(pairs(found[-1].operations, wanted, context, tables))
        if not renamed:
            continue
        if len(found) == 1:
            undone()
        for one in renamed:
            _perform(context, one)
            if one.column is None:
                tables[one.key.schema, one.key.name] = one.operation.new_name
        found.append(Stage(renamed, produce() or ops.UpgradeOps([])))
    return found


def put_first(stage: Stage, renamed: Iterable[Renamed]) -> None:
    """Put the renames of all stages before the other operations of the last one."""
    stage.operations.ops[:0] = [one.container for one in renamed]


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """Undo in the end whatever is executed meanwhile, also where every statement is a transaction of its own."""
    own = None if connection.in_transaction() else connection.begin()
    try:
        yield from _in_savepoint(connection)
    finally:
        if own is not None:
            own.rollback()


def _in_savepoint(connection: Connection) -> Iterator[None]:
    try:
        connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")
        end = [f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}", f"RELEASE SAVEPOINT {_SAVEPOINT}"]
    except DBAPIError:
        # In AUTOCOMMIT, PostgreSQL has no savepoints.
        connection.exec_driver_sql("BEGIN")
        end = ["ROLLBACK"]
    try:
        yield
    finally:
        for statement in end:
            connection.exec_driver_sql(statement)


def replaced(
    before: Sequence[ChangeFact], after: Iterable[ChangeFact], renamed: Sequence[Renamed]
) -> list[list[ChangeFact]]:
    """For each rename, the changes that there are no longer after it: its halves, and what follows from the name."""
    left = Counter(map(_identity, after))
    found: list[list[ChangeFact]] = [[] for _ in renamed]
    for change in before:
        identity = _identity(change)
        if left[identity]:
            left[identity] -= 1
            continue
        ranked = sorted(
            range(len(renamed)),
            key=lambda number: (not renamed[number].is_half(change), not renamed[number].concerns(change)),
        )
        found[ranked[0]].append(replace(change, shapes=(), siblings=(), left=()))
    return found


def _identity(change: ChangeFact) -> tuple[Any, ...]:
    return (change.kind, change.key, change.name, change.columns, change.wanted, change.existing, change.type_name)


def _perform(context: MigrationContext, one: Renamed) -> None:
    try:
        Operations(context).invoke(one.operation)
    except SQLAlchemyError as error:
        raise WorkerError(
            f"The rename {one.asked} can't be applied: {describe(error)}.",
            "Remove the rename, and write the operation by hand.",
        ) from error


def _leaves(container: Any) -> Iterator[Any]:
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            yield from _leaves(operation)
        else:
            yield operation


def _tables(
    upgrade: ops.UpgradeOps, asked: Iterable[Rename], context: MigrationContext, _tables: object
) -> Iterator[Renamed]:
    dropped = {(one.schema, one.table_name) for one in _leaves(upgrade) if isinstance(one, ops.DropTableOp)}
    created = {(one.schema, one.table_name) for one in _leaves(upgrade) if isinstance(one, ops.CreateTableOp)}
    for one in asked:
        *schema, name = one.old
        if len(schema) > 1:
            continue
        for key in _schemas(schema, context):
            if (key, name) in dropped and (key, one.new) in created:
                yield Renamed(RenameTableOp(name, one.new, key), one.asked)
                break


def _columns(
    upgrade: ops.UpgradeOps,
    asked: Iterable[Rename],
    context: MigrationContext,
    tables: Mapping[tuple[str | None, str], str],
) -> Iterator[Renamed]:
    every = list(_leaves(upgrade))
    dropped = {(one.schema, one.table_name, one.column_name) for one in every if isinstance(one, ops.DropColumnOp)}
    added = {(one.schema, one.table_name, one.column.name) for one in every if isinstance(one, ops.AddColumnOp)}
    for one in asked:
        if len(one.old) < _COLUMN_PARTS:
            continue
        *schema, named, old = one.old
        for key in _schemas(schema, context):
            # A table that is renamed as well goes by either name.
            table = tables.get((key, named), named)
            if (key, table, old) in dropped and (key, table, one.new) in added:
                yield Renamed(RenameColumnOp(table, old, one.new, key), one.asked)
                break


def _schemas(named: Sequence[str], context: MigrationContext) -> tuple[str | None, ...]:
    """The schemas that a rename may mean: the default one may be named or not, in the models as well."""
    default = context.dialect.default_schema_name
    if not named or named[0] == default:
        return (None, default) if default is not None else (None,)
    return (named[0],)
