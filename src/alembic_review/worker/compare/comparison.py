"""Alembic's own comparison, every entry once, as facts."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import ops
from sqlalchemy import MetaData, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import SAWarning
from sqlalchemy.schema import AddConstraint, CreateColumn, CreateIndex, CreateTable

from alembic_review.model.facts import (
    ChangeFact,
    ColumnCode,
    Filter,
    Filtered,
    Hidden,
    Left,
    Place,
    Reference,
    TableKey,
    TypeUse,
)
from alembic_review.model.keys import Rename
from alembic_review.model.optional_steps import Attempts
from alembic_review.worker import internals
from alembic_review.worker.compare.operation_order import settle, settle_constraints
from alembic_review.worker.compare.renames import Stage, replaced, stages, undone
from alembic_review.worker.compare.rendered_operations import Renderer, compiled
from alembic_review.worker.compare.revision_hook import OPTION, revision_hook
from alembic_review.worker.compare.shapes import RENAMES, left_behind, shape, shapes, siblings
from alembic_review.worker.definitions.definition_sites import identify, ordered_items
from alembic_review.worker.definitions.orm_class_code import SUGGESTIONS, column_code
from alembic_review.worker.replay.upgrade import connection_of
from alembic_review.worker.worker_errors import WorkerError

_NAMES = ("name", "column_name", "signature", "table_name", "table")
_PLAIN = (str, int, float, bool, list, tuple, set, frozenset, dict, type, type(None))

TypeUsers = Callable[[str], "list[tuple[TableKey, str]]"]

_KINDS = frozenset(
    f"{action}_{kind}"
    for action in ("add", "remove")
    for kind in ("table", "column", "index", "constraint", "fk", "table_comment")
)
"""Alembic's words for its own operations, besides those of ``modify_…``."""

_FILTERS = ("include_object", "include_name", OPTION)


@dataclass(frozen=True)
class Entry:
    """One leaf operation and its diffs: what ``UpgradeOps.as_diffs()`` makes of it."""

    number: int
    operation: Any
    parent: ops.ModifyTableOps | None
    diffs: tuple[tuple[Any, ...], ...]


@dataclass
class Comparison:
    """What was compared, and what ``env.py`` kept out of it; ``entries`` are the operations behind the changes.

    Accepted renames come first, and the rest is what differs after them.
    """

    changes: list[ChangeFact] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    renderer: Renderer | None = None
    filtered: list[Filtered] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)


def metadatas(context: MigrationContext) -> list[MetaData]:
    """The ``target_metadata`` of env.py, one or several. Raises ``WorkerError`` when there is none."""
    target = context.opts.get("target_metadata")
    if target is None:
        where = context.script.env_py_location if context.script is not None else "env.py"
        raise WorkerError(
            f"{where} gives Alembic no target_metadata, so there are no models to compare.",
            "Pass target_metadata=Base.metadata to context.configure().",
        )
    return [target] if isinstance(target, MetaData) else list(target)


def compare(
    context: MigrationContext,
    type_users: TypeUsers,
    schema: MetaData | None = None,
    attempts: Attempts | None = None,
    renames: Renames | None = None,
) -> Comparison:
    """Run the comparison of ``alembic revision --autogenerate``, before any ``process_revision_directives``.

    ``type_users`` gives the columns in the database that have a type of this name. With a ``schema`` that was read from
    a database, this is what is compared, in every detail, and not the models: what env.py wants to see of those says
    nothing of it.
    """
    result = Comparison()
    target: Any = context.opts["target_metadata"]
    if schema is None:
        _watch_filters(context, result)
    else:
        _see_everything(context)
        target = schema
    internals.keep_nullability(
        column for each in metadatas(context) for table in each.tables.values() for column in table.c
    )
    _read(context, type_users, target, attempts or Attempts(), result, renames)
    return result


def changes(context: MigrationContext, type_users: TypeUsers, target: Any, attempts: Attempts) -> list[ChangeFact]:
    """Every entry of Alembic's comparison with ``target``, in its order."""
    result = Comparison()
    _read(context, type_users, target, attempts, result)
    return result.changes


def read(context: MigrationContext, upgrade: ops.UpgradeOps) -> tuple[list[Entry], list[ChangeFact]]:
    """The single operations of a comparison that Alembic has made, and the facts about each; asks no database."""
    reader = _Reader(context, lambda _name: [], metadatas(context), Attempts(), looks=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        return reader.all(upgrade)


@dataclass(frozen=True)
class Renames:
    """The renames that the user accepts; the database has the new names until the end of ``scope``."""

    asked: Sequence[Rename]
    scope: ExitStack


def operations(
    context: MigrationContext, first: ops.UpgradeOps, target: Any, renames: Renames, again: Callable[[], None]
) -> list[Stage]:
    """The operations of a comparison, and then those after the accepted renames; ``again`` is called before these."""

    def produce() -> ops.UpgradeOps | None:
        again()
        return _produced(context, target)

    def undo() -> None:
        renames.scope.enter_context(undone(connection_of(context)))

    return stages(context, first, renames.asked, produce, undo)


def _read(  # noqa: PLR0913, PLR0917 - what ``compare`` is given
    context: MigrationContext,
    type_users: TypeUsers,
    target: Any,
    attempts: Attempts,
    result: Comparison,
    renames: Renames | None = None,
) -> None:
    upgrade = _produced(context, target)
    if upgrade is None:
        return
    reader = _Reader(context, type_users, metadatas(context), attempts)
    result.renderer = reader.renderer
    with warnings.catch_warnings():
        # Alembic's comparison has warned of these tables already; rendering each of them on its own says nothing new.
        warnings.simplefilter("ignore", SAWarning)
        if renames is None or not renames.asked:
            result.entries, result.changes = reader.all(upgrade)
            return
        # What env.py kept out is told of the last comparison only.
        found = operations(context, upgrade, target, renames, result.filtered.clear)
        _read_stages(reader, found, result)


def _read_stages(reader: _Reader, found: Sequence[Stage], result: Comparison) -> None:
    renamed = [one for stage in found for one in stage.renamed]
    replacing: list[list[ChangeFact]] = []
    entries, changes = reader.all(found[0].operations)
    for stage in found[1:]:
        before = changes
        entries, changes = reader.all(stage.operations, first=len(renamed))
        replacing += replaced(before, changes, stage.renamed)
    for number, (one, others) in enumerate(zip(renamed, replacing, strict=True)):
        container = one.container
        parent = container if isinstance(container, ops.ModifyTableOps) else None
        python = reader.renderer.python(one.operation, parent)
        result.entries.append(Entry(number, one.operation, parent, ()))
        result.changes.append(one.fact(number, python, reader.renderer.sql(one.operation, python), others))
    result.entries += entries
    result.changes += changes


def _produced(context: MigrationContext, target: Any) -> ops.UpgradeOps | None:
    with internals.answered_in_bulk(context), _uncollected():
        upgrade = produce_migrations(context, target).upgrade_ops
    if upgrade is not None:
        settle(upgrade)
    return upgrade


@contextmanager
def _uncollected() -> Iterator[None]:
    """Meanwhile, no garbage is collected: nearly all that a comparison makes is still in use at its end."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _see_everything(context: MigrationContext) -> None:
    for name in _FILTERS:
        context.opts[name] = None
    context.opts["include_schemas"] = True

    def same(one: Any, other: Any) -> bool:
        return compiled(one, context.dialect) == compiled(other, context.dialect)

    def same_default(one: Any, other: Any) -> bool:
        # Alembic takes the default of a serial column away while it reflects, but not in every case.
        texts = (compiled(default, context.dialect) for default in (one, other))
        first, second = ("None" if text.startswith("nextval(") else text for text in texts)
        return first == second

    internals.compare_by(context, same, same_default)


def leaves(container: Any, parent: ops.ModifyTableOps | None) -> Iterator[tuple[Any, ops.ModifyTableOps | None]]:
    """Every single operation, in Alembic's order, with the table's operations that it stands in."""
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            inner = operation if isinstance(operation, ops.ModifyTableOps) else parent
            yield from leaves(operation, inner)
        else:
            yield operation, parent


def keep(container: Any, kept: set[int]) -> None:
    """Remove all single operations but these, which are told by identity, and containers that have none left."""
    left = []
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            keep(operation, kept)
            if not operation.is_empty():
                left.append(operation)
        elif id(operation) in kept:
            left.append(operation)
    container.ops[:] = left


def _diffs(operation: Any) -> tuple[tuple[Any, ...], ...]:
    """The entries of one operation; an operation of a plugin counts as one entry of its own name."""
    plugin = ((f"op:{type(operation).__name__}",),)
    if not type(operation).__module__.startswith("alembic.operations.") or not hasattr(operation, "to_diff_tuple"):
        return plugin
    found = operation.to_diff_tuple()
    diffs = tuple(found) if isinstance(found, list) else (found,)
    # A plugin may also use an operation of Alembic's that no comparison of Alembic's comes up with: SQL to execute, or
    # a column that is renamed, which has no entry at all.
    known = [diff[0] in _KINDS or diff[0].startswith("modify_") for diff in diffs]
    return diffs if known and all(known) else plugin


def _watch_filters(context: MigrationContext, result: Comparison) -> None:
    """Note what env.py's filters turn away; they decide exactly as before."""
    for name in _FILTERS:
        function = revision_hook(context) if name == OPTION else context.opts.get(name)
        if function is None:
            continue
        result.filters.append(Filter(name, function_place(function)))
        if name == "include_object":
            context.opts[name] = _noted_object(function, result)
        elif name == "include_name":
            context.opts[name] = _noted_name(function, result)


def _noted_object(function: Callable[..., Any], result: Comparison) -> Callable[..., Any]:
    def include_object(item: Any, name: Any, kind: str, reflected: bool, other: Any) -> Any:  # noqa: FBT001 - Alembic's signature
        included = function(item, name, kind, reflected, other)
        if not included:
            table = item if isinstance(item, Table) else getattr(item, "table", None)
            schema = getattr(table, "schema", None)
            result.filtered.append(
                Filtered(
                    "include_object",
                    kind,
                    schema,
                    None if name is None else str(name),
                    getattr(table, "name", None),
                ),
            )
        return included

    return include_object


def _noted_name(function: Callable[..., Any], result: Comparison) -> Callable[..., Any]:
    def include_name(name: Any, kind: str, parents: Any) -> Any:
        included = function(name, kind, parents)
        if not included:
            schema, table = parents.get("schema_name"), parents.get("table_name")
            result.filtered.append(Filtered("include_name", kind, schema, None if name is None else str(name), table))
        return included

    return include_name


def function_place(function: Any) -> Place | None:
    """Where a function or method is defined; ``None`` for other callables."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return Place(code.co_filename, code.co_firstlineno) if code is not None else None


class _Reader:
    """Turns entries into facts; ``looks`` at the database for what is no part of a comparison."""

    def __init__(
        self,
        context: MigrationContext,
        type_users: TypeUsers,
        targets: list[MetaData],
        attempts: Attempts,
        *,
        looks: bool = True,
    ) -> None:
        self._looks = looks
        self._attempts = attempts
        self._columns_of = type_users
        self._context = context
        self._dialect: Dialect = context.dialect
        self._left: dict[TableKey, tuple[Left, ...]] = {}
        self.renderer = Renderer(context)
        self._tables = {(table.schema, table.name): table for target in targets for table in target.tables.values()}

    def all(self, upgrade: ops.UpgradeOps, first: int = 0) -> tuple[list[Entry], list[ChangeFact]]:
        """The single operations of a comparison, numbered from ``first`` on, and the facts about each."""
        every = list(leaves(upgrade, None))
        self._left = self._left_behind([operation for operation, _ in every])
        entries: list[Entry] = []
        facts: list[ChangeFact] = []
        for number, (operation, parent) in enumerate(every, first):
            if isinstance(operation, ops.CreateTableOp):
                settle_constraints(operation)
            entry = Entry(number, operation, parent, _diffs(operation))
            entries.append(entry)
            facts.extend(self.read(entry))
        return entries, facts

    def _left_behind(self, every: Sequence[Any]) -> dict[TableKey, tuple[Left, ...]]:
        """What dropped tables would leave behind, where one of them may be a table that is created."""
        dropped = [TableKey(one.schema, one.table_name) for one in every if isinstance(one, ops.DropTableOp)]
        if not self._looks or not any(isinstance(one, ops.CreateTableOp) for one in every):
            return {}
        found: dict[TableKey, tuple[Left, ...]] = {}
        return self._attempts.attempt(RENAMES, lambda: left_behind(connection_of(self._context), dropped), found)

    def read(self, entry: Entry) -> Iterator[ChangeFact]:
        python = self.renderer.python(entry.operation, entry.parent)
        sql = self.renderer.sql(entry.operation, python)
        for diff in entry.diffs:
            if diff[0].startswith("op:"):
                yield self._plugin(entry, diff[0], python, sql)
            else:
                yield self._known(entry, diff, python, sql)

    def _known(self, entry: Entry, diff: tuple[Any, ...], python: str, sql: str | None) -> ChangeFact:
        subject = self._subject(entry, diff)
        index = self._item(subject)
        nothing: dict[str, Any] = {}
        return ChangeFact(
            kind=diff[0],
            key=subject.key,
            schema=subject.key.schema,
            name=subject.name,
            operation=entry.number,
            python=python,
            sql=sql,
            columns=subject.columns,
            wanted=subject.wanted,
            existing=subject.existing,
            item=index,
            references=references(diff[1]) if diff[0] in ("add_table", "add_fk") else (),
            code=self._code(subject) if diff[0] == "add_column" else None,
            stored=internals.stored_name(subject.item, self._dialect),
            left=self._left.get(subject.key, ()) if diff[0] == "remove_table" else (),
            **self._attempts.attempt(RENAMES, lambda: self._shapes(subject, diff), nothing),
        )

    def _shapes(self, subject: _Subject, diff: tuple[Any, ...]) -> dict[str, Any]:
        """What tells whether a change is half of a rename."""
        if diff[0] in ("add_table", "remove_table"):
            return {"shapes": shapes(diff[1], self._dialect)}
        if diff[0] not in ("add_column", "remove_column"):
            return {}
        # The column of the model has the foreign keys and the neighbours that Alembic's copy lost.
        modelled = self._modelled(subject) if diff[0] == "add_column" else None
        column = modelled if modelled is not None else diff[3]
        return {"shapes": (shape(column, self._dialect),), "siblings": siblings(column)}

    def _modelled(self, subject: _Subject) -> Any:
        table = self._tables.get((subject.key.schema, subject.key.name))
        return table.columns.get(subject.name) if table is not None and subject.name is not None else None

    def _code(self, subject: _Subject) -> ColumnCode | None:
        """The model's own column, which has the foreign keys that Alembic's copy lost."""
        column = self._modelled(subject)
        if column is None:
            return None
        return self._attempts.attempt(SUGGESTIONS, lambda: column_code(column, self.renderer), None)

    def _item(self, subject: _Subject) -> int | None:
        """The number of the model's item that stands for the subject: the very object, else one of the same name."""
        table = self._tables.get((subject.key.schema, subject.key.name))
        if table is None or subject.kind == "table":
            return None
        items = ordered_items(table)
        for number, item in enumerate(items):
            if item is subject.item:
                return number
        for number, item in enumerate(items):
            kind, name, columns = identify(item)
            names = (name, internals.stored_name(item, self._dialect))
            same = subject.name in names if subject.name is not None else columns == subject.columns
            if kind == subject.kind and same and (name is not None or columns):
                return number
        return None

    def _subject(self, entry: Entry, diff: tuple[Any, ...]) -> _Subject:
        kind = diff[0]
        if kind in ("add_table", "remove_table", "add_table_comment", "remove_table_comment"):
            return self._table_subject(kind, diff)
        if kind in ("add_column", "remove_column"):
            _, schema, name, column = diff
            wanted = compiled(CreateColumn(column), self._dialect) if kind == "add_column" else ""
            return _Subject(TableKey(schema, name), "column", column.name, (column.name,), wanted, item=column)
        if kind.startswith("modify_"):
            _, schema, name, column_name, _, existing, wanted = diff
            old, new = compiled(existing, self._dialect), compiled(wanted, self._dialect)
            return _Subject(TableKey(schema, name), "column", column_name, (column_name,), new, old)
        return self._constraint_subject(entry, diff)

    def _table_subject(self, kind: str, diff: tuple[Any, ...]) -> _Subject:
        table = diff[1]
        if kind == "add_table":
            wanted = compiled(CreateTable(table), self._dialect)
        elif kind == "add_table_comment":
            wanted = str(table.comment)
        else:
            wanted = ""
        return _Subject(TableKey(table.schema, table.name), "table", None, (), wanted)

    def _constraint_subject(self, entry: Entry, diff: tuple[Any, ...]) -> _Subject:
        kind, item = diff[0], diff[1]
        what, name, columns = identify(item)
        parent = entry.parent
        key = TableKey(parent.schema, parent.table_name) if parent is not None else _key(item.table)
        element = CreateIndex(item) if what == "index" else AddConstraint(item)
        text = compiled(element, self._dialect)
        wanted, existing = ("", text) if kind.startswith("remove_") else (text, "")
        original = internals.original_item(entry.operation)
        return _Subject(
            key,
            what,
            name,
            columns,
            wanted,
            existing,
            item if original is None else original,
        )

    def _plugin(self, entry: Entry, kind: str, python: str, sql: str | None) -> ChangeFact:
        """An operation that isn't Alembic's: read by its table, when it stands in one, or by its shared type.

        It is named after what it creates, alters or drops.
        """
        operation, parent = entry.operation, entry.parent
        key = TableKey(parent.schema, parent.table_name) if parent is not None else None
        type_name = _text(operation, "enum_name", "type_name", "name") if key is None else None
        schema = next(filter(None, (_text(one, "enum_schema", "schema") for one in _described_by(operation))), None)
        named = (_text(one, *_NAMES) for one in _described_by(operation))
        users = tuple(self._type_users(type_name)) if type_name else ()
        return ChangeFact(
            kind=kind,
            key=key,
            schema=key.schema if key else schema if schema != self._dialect.default_schema_name else None,
            name=type_name or next(filter(None, named), None),
            operation=entry.number,
            python=python,
            sql=sql,
            wanted=_values(operation),
            readable=key is not None or bool(users),
            type_name=type_name,
            type_users=users,
        )

    def _type_users(self, name: str) -> Iterator[TypeUse]:
        for table in self._tables.values():
            for column in table.columns:
                kind = getattr(column.type, "item_type", column.type)
                if getattr(kind, "name", None) == name:
                    values = tuple(str(value) for value in getattr(kind, "enums", None) or ())
                    yield TypeUse(TableKey(table.schema, table.name), column.name, "models", values)
        for key, column_name in self._columns_of(name):
            yield TypeUse(key, column_name, "database")


@dataclass(frozen=True)
class _Subject:
    key: TableKey
    kind: str
    name: str | None
    columns: tuple[str, ...]
    wanted: str = ""
    existing: str = ""
    item: Any = None


def _key(table: Table) -> TableKey:
    return TableKey(table.schema, table.name)


def references(item: Any) -> tuple[Reference, ...]:
    """What the foreign keys of a table, or this one foreign key, refer to."""
    keys = sorted(item.foreign_key_constraints, key=str) if isinstance(item, Table) else [item]
    found: dict[Reference, None] = {}
    for key in keys:
        targets = [element.target_fullname.split(".") for element in key.elements]
        columns = tuple(target[-1] for target in targets)
        found[Reference(TableKey(".".join(targets[0][:-2]) or None, targets[0][-2]), columns)] = None
    return tuple(sorted(found, key=lambda entry: (entry.key.schema or "", entry.key.name, entry.columns)))


def _text(operation: Any, *names: str) -> str | None:
    for name in names:
        value = getattr(operation, name, None)
        if isinstance(value, str) and value:
            return value
    return None


def _described_by(operation: Any) -> list[Any]:
    """An operation, and the objects that it holds: what it creates, in the words of the plugin."""
    return [operation, *_held(operation).values()]


def _held(operation: Any) -> dict[str, Any]:
    values = {name: value for name, value in _attributes(operation) if not isinstance(value, _PLAIN)}
    return {name: value for name, value in values.items() if hasattr(value, "__dict__")}


def _values(operation: Any) -> str:
    """What a plugin's operation leads to, from its plain attributes and those of the objects that it holds."""
    # SQLAlchemy's and Alembic's own objects hold more than what was declared.
    held = {name: one for name, one in _held(operation).items() if not _is_library(one)}
    return repr(_plain(operation) | {f"{name}: {type(one).__name__}": _plain(one) for name, one in held.items()})


def _plain(described: Any) -> dict[str, Any]:
    return {name: value for name, value in _attributes(described) if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(one, (str, dict)) and _is_plain(one) for one in value)
    if isinstance(value, dict):
        return all(isinstance(one, (str, int, float, bool, type(None))) for one in (*value, *value.values()))
    return isinstance(value, (str, int, bool))


def _attributes(described: Any) -> list[tuple[str, Any]]:
    return sorted((name, value) for name, value in vars(described).items() if not name.startswith("_"))


def _is_library(one: Any) -> bool:
    return type(one).__module__.partition(".")[0] in ("sqlalchemy", "alembic")
