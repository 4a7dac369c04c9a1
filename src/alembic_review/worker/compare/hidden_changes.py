"""Changes that filters of env.py hide: what Alembic's plain comparison of the same tables shows besides.

The plain comparison runs once more, only for tables of which a filter turned something away. Types and defaults that a
function of env.py took for equal are compared by Alembic's own rule, and the database decides: a column is created from
the model in a temporary table, and only where the database makes something else of it is the difference hidden.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy import Column, Table, inspect
from sqlalchemy.exc import SAWarning, SQLAlchemyError
from sqlalchemy.schema import DefaultClause

from alembic_review.model.facts import ChangeFact, Filtered, Hidden, Place, TableKey
from alembic_review.model.optional_steps import Attempts
from alembic_review.worker import internals
from alembic_review.worker.compare import not_compared
from alembic_review.worker.compare.comparison import Comparison, TypeUsers, changes, function_place, metadatas
from alembic_review.worker.compare.rendered_operations import compiled
from alembic_review.worker.replay.upgrade import connection_of
from alembic_review.worker.worker_errors import is_application

HIDDEN = "changes that filters of env.py hide"
"""What is not reported where this module fails, in words."""

_TYPES, _DEFAULTS = "compare_type", "compare_server_default"
_TEMPORARY = "alembic_review_column"


@dataclass
class Watch:
    """Notes what functions of env.py take for equal, from the moment it is made; ``counts`` chooses the tables."""

    context: MigrationContext
    counts: Callable[[Table], bool]
    _types: list[tuple[Any, Any]] = field(default_factory=list)
    _defaults: list[tuple[Any, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._compare_type = internals.watch_types(self.context, lambda *columns: self._types.append(columns))
        self._compare_default = internals.watch_defaults(self.context, lambda *columns: self._defaults.append(columns))
        self._default_schema = self.context.dialect.default_schema_name
        tables = (table for each in metadatas(self.context) for table in each.tables.values())
        self._models = {self._key(table.schema, table.name): table for table in tables}

    def hidden(self, comparison: Comparison, type_users: TypeUsers, views: Collection[TableKey]) -> list[Hidden]:
        """After the comparison: the changes to tables of the models that it does not show, and that are real."""
        seen = {self._identity(change) for change in comparison.changes}
        foreign = self._foreign()
        everything = bool(foreign) or self._compare_type is False
        chosen = set(self._models) if everything else set(self._turned_away(comparison.filtered))
        chosen = {key for key in chosen if self.counts(self._models[key])}
        found: dict[tuple[Any, ...], Hidden] = {}
        for change in self._plainly(chosen, type_users, everything=bool(foreign)) if chosen else ():
            identity = self._identity(change)
            if identity not in seen and change.key is not None and self._key_of(change.key) in chosen:
                found.setdefault(identity, self._described(change, comparison, foreign))
        for one in (*self._other_types(), *self._other_defaults()):
            identity = (one.kind, self._key_of(one.key), one.name, one.columns)
            if identity not in seen:
                found.setdefault(identity, one)
        return [one for one in found.values() if self._key_of(one.key) not in views and self._is_real(one)]

    def _foreign(self) -> list[tuple[str, Place | None]]:
        """What the application put in the place of Alembic's comparison."""
        found: list[tuple[str, Place | None]] = []
        for name, functions in internals.comparison_functions(self.context).items():
            own = [
                one for one in functions if (place := function_place(one)) is not None and is_application(place.path)
            ]
            found += [(name, function_place(one)) for one in own[:1]]
        if internals.removed_comparators():
            found.append(("comparators", None))
        if not_compared.missing_plugins(self.context):
            found.append(("autogenerate_plugins", None))
        return found

    def _turned_away(self, filtered: Iterable[Filtered]) -> Iterator[TableKey]:
        """The tables of the models of which a filter turned something away."""
        for entry in filtered:
            if entry.kind == "schema":
                yield from (key for key in self._models if key.schema == self._schema(entry.name))
            key = self._key(entry.schema, (entry.name if entry.kind == "table" else entry.table) or "")
            if key in self._models:
                yield key

    def _plainly(self, chosen: Collection[TableKey], type_users: TypeUsers, *, everything: bool) -> list[ChangeFact]:
        """The comparison of these tables alone, without filters."""
        schemas = {key.schema for key in chosen}

        def include_name(name: Any, kind: str, parents: Any) -> bool:
            if kind == "schema":
                return self._schema(name) in schemas
            return kind != "table" or self._key(parents.get("schema_name"), name) in chosen

        def include_object(item: Any, _name: Any, kind: str, _reflected: bool, _other: Any) -> bool:  # noqa: FBT001 - Alembic's signature
            return kind != "table" or self._key(item.schema, item.name) in chosen

        options: dict[str, Any] = {"include_name": include_name, "include_object": include_object}
        if schemas != {None}:
            options["include_schemas"] = True
        with warnings.catch_warnings(), internals.plain_comparison(self.context, options, everything=everything):
            # The comparison before has warned of what can't be reflected.
            warnings.simplefilter("ignore", SAWarning)
            return changes(self.context, type_users, self.context.opts["target_metadata"], Attempts())

    def _described(
        self, change: ChangeFact, comparison: Comparison, foreign: Collection[tuple[str, Place | None]]
    ) -> Hidden:
        assert change.key is not None
        key = self._key_of(change.key)
        name, place = self._filter(change, key, comparison) or next(iter(foreign), (_TYPES, None))
        table = self._models[key]
        return Hidden(
            filter=name,
            kind=change.kind,
            key=TableKey(table.schema, table.name),
            name=change.name,
            columns=change.columns,
            wanted=change.wanted,
            existing=change.existing,
            place=place,
        )

    def _filter(self, change: ChangeFact, key: TableKey, comparison: Comparison) -> tuple[str, Place | None] | None:
        """Which option of env.py hides a change."""
        places = {one.name: one.place for one in comparison.filters}
        of_table = [one for one in comparison.filtered if self._is_about(one, key)]
        for entry in sorted(of_table, key=lambda one: one.kind not in ("table", "schema")):
            if entry.kind in ("table", "schema") or entry.name in (change.name, *change.columns):
                return entry.filter, places.get(entry.filter)
        if change.kind == "modify_type" and self._compare_type is not True:
            return _TYPES, function_place(self._compare_type)
        if change.kind == "modify_default" and callable(self._compare_default):
            return _DEFAULTS, function_place(self._compare_default)
        return None

    def _is_about(self, entry: Filtered, key: TableKey) -> bool:
        if entry.kind == "schema":
            return self._schema(entry.name) == key.schema
        return self._key(entry.schema, (entry.name if entry.kind == "table" else entry.table) or "") == key

    def _other_types(self) -> Iterator[Hidden]:
        """The types that a function of env.py took for equal, and Alembic does not."""
        for existing, wanted in self._types:
            if self.counts(wanted.table) and internals.types_differ(self.context, existing, wanted):
                texts = [compiled(column.type, self.context.dialect) for column in (wanted, existing)]
                yield self._modified("modify_type", wanted, self._compare_type, *texts)

    def _other_defaults(self) -> Iterator[Hidden]:
        """The server defaults that a function of env.py took for equal, and Alembic does not."""
        for existing, wanted in self._defaults:
            defaults = [column.server_default for column in (wanted, existing)]
            plain = all(default is None or isinstance(default, DefaultClause) for default in defaults)
            if plain and self.counts(wanted.table) and self._defaults_differ(existing, wanted):
                texts = [compiled(default, self.context.dialect) for default in defaults]
                yield self._modified("modify_default", wanted, self._compare_default, *texts)

    def _defaults_differ(self, existing: Any, wanted: Any) -> bool:
        # Alembic evaluates both in the database, which may refuse one of them.
        try:
            with connection_of(self.context).begin_nested():
                return internals.defaults_differ(self.context, existing, wanted)
        except SQLAlchemyError:
            return True

    @staticmethod
    def _modified(kind: str, column: Column[Any], function: Any, wanted: str, existing: str) -> Hidden:
        key = TableKey(column.table.schema, column.table.name)
        name = _TYPES if kind == "modify_type" else _DEFAULTS
        return Hidden(name, kind, key, column.name, (column.name,), wanted, existing, function_place(function))

    def _is_real(self, hidden: Hidden) -> bool:
        """Tell whether the database differs from the models.

        An index that only the database has is the usual reason for a filter: models can't express each of them.
        """
        if hidden.kind == "remove_index":
            return hidden.existing.startswith("CREATE UNIQUE")
        if hidden.kind not in ("modify_type", "modify_default"):
            return True
        made = self._made(self._models[self._key_of(hidden.key)].columns[hidden.name or ""])
        existing = self._read(hidden.key.name, hidden.key.schema, hidden.name)
        if made is None or existing is None:
            return True
        if hidden.kind == "modify_default":
            return bool(made["default"] != existing["default"])
        return compiled(made["type"], self.context.dialect) != compiled(existing["type"], self.context.dialect)

    def _made(self, column: Column[Any]) -> Any:
        """What the database makes of a column of the models; ``None`` where it makes nothing of it."""
        connection, dialect = connection_of(self.context), self.context.dialect
        default = dialect.ddl_compiler(dialect, None).get_column_default_string(column)  # type: ignore[arg-type]
        text = f"c {compiled(column.type, dialect)}" + (f" DEFAULT {default}" if default is not None else "")
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {_TEMPORARY} ({text.replace('%', '%%')})")
                made = self._read(_TEMPORARY, None, "c")
                connection.exec_driver_sql(f"DROP TABLE {_TEMPORARY}")
        except SQLAlchemyError:
            return None
        return made

    def _read(self, table: str, schema: str | None, name: str | None) -> Any:
        columns: list[Any] = inspect(connection_of(self.context)).get_columns(table, schema=schema)
        return next((column for column in columns if column["name"] == name), None)

    def _identity(self, change: ChangeFact) -> tuple[Any, ...]:
        key = self._key_of(change.key) if change.key is not None else None
        return change.kind, key, change.name, change.columns

    def _key_of(self, key: TableKey) -> TableKey:
        return self._key(key.schema, key.name)

    def _key(self, schema: str | None, name: str) -> TableKey:
        return TableKey(self._schema(schema), name)

    def _schema(self, schema: str | None) -> str | None:
        """The default schema is None, also where a model names it."""
        return None if schema == self._default_schema else schema
