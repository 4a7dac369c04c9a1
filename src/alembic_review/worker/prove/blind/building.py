"""Builds the models in a database that has what the revisions made, in place of the tables that the models declare."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ForeignKeyConstraint, MetaData, Table
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateSequence, CreateTable
from sqlalchemy.types import TypeDecorator

from alembic_review.model.keys import TableKey
from alembic_review.worker import internals
from alembic_review.worker.prove.failing import database_error
from alembic_review.worker.worker_errors import WorkerError, describe

_SAVEPOINT = "alembic_review_models"
# https://www.postgresql.org/docs/current/errcodes-appendix.html: an object of that name exists.
_EXISTS = frozenset({"42P07", "42710", "42723", "42P06", "42P04"})
_CONCURRENTLY = re.compile(r"\bCONCURRENTLY\s+")
_TYPES = ("CreateEnumType", "CreateDomainType")
_LISTENERS = "what listens to the creation of the models"
_COMMENTS = ("SetTableComment", "SetColumnComment")


@dataclass
class Built:
    """What became of the models: tables with an entry in ``failed`` do not exist, items in ``missing`` neither."""

    failed: dict[TableKey, str] = field(default_factory=dict)
    missing: dict[tuple[TableKey, tuple[str, ...], str | None], str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)

    def not_checked(self) -> Iterator[str]:
        """A line for each object that could not be built."""
        for key, line in self.failed.items():
            yield f"blind spots of {_text(key)} ({line})"
        for (key, columns, name), line in self.missing.items():
            yield f"blind spots of {name or ', '.join(columns)} on {_text(key)} ({line})"
        for what, line in self.others.items():
            yield f"blind spots of {what} ({line})"


def key_of(table: Table) -> TableKey:
    """The schema and name of a table of the models."""
    return TableKey(table.schema, table.name)


def declared(metadatas: Iterable[MetaData]) -> list[Table]:
    """The tables of the models; the first of several that have the same name."""
    found: dict[TableKey, Table] = {}
    for metadata in metadatas:
        for table in metadata.tables.values():
            if not getattr(table, "is_view", False):
                found.setdefault(key_of(table), table)
    return list(found.values())


def build(connection: Connection, metadatas: list[MetaData], tables: list[Table]) -> Built:
    """Create these tables of the models, which do not exist any more."""
    fast = _Builder(connection, metadatas, tables, forgiving=False)
    with suppress(_NotBuiltError):
        with savepoint(connection):
            fast.run()
        return fast.built
    # Something fails: one savepoint for each object tells what.
    slow = _Builder(connection, metadatas, tables, forgiving=True)
    slow.run()
    return slow.built


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Undo what is inside where it fails. Where the connection has no transaction there is nothing to undo."""
    saved = _told(connection, "SAVEPOINT")
    try:
        yield
    except BaseException:
        if saved and _told(connection, "ROLLBACK TO SAVEPOINT"):
            _told(connection, "RELEASE SAVEPOINT")
        raise
    if saved:
        _told(connection, "RELEASE SAVEPOINT")


def _told(connection: Connection, command: str) -> bool:
    """False in AUTOCOMMIT, or where what was inside has ended the transaction."""
    with suppress(DBAPIError):
        connection.exec_driver_sql(f"{command} {_SAVEPOINT}")
        return True
    return False


class _NotBuiltError(Exception):
    """An object could not be built, with what the database said: for example that it ``exists``."""

    def __init__(self, line: str = "", *, exists: bool = False) -> None:
        super().__init__(line)
        self.exists = exists


class _Passing:
    """A connection for SQLAlchemy's generator and for listeners to its events, on which each statement may fail."""

    def __init__(self, builder: _Builder) -> None:
        self._builder = builder
        self._connection = builder.connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def _run_ddl_visitor(self, visitor: Any, element: Any, **arguments: Any) -> None:
        arguments.pop("checkfirst", None)
        visitor(self._connection.dialect, self, **arguments).traverse_single(element)

    def execute(self, statement: Any, *arguments: Any, **named: Any) -> Any:
        return self._builder.execute(statement, lambda: self._connection.execute(statement, *arguments, **named))

    def exec_driver_sql(self, statement: str, *arguments: Any, **named: Any) -> Any:
        connection = self._connection
        return self._builder.execute(statement, lambda: connection.exec_driver_sql(statement, *arguments, **named))

    def scalar(self, statement: Any, *arguments: Any, **named: Any) -> Any:
        result = self.execute(statement, *arguments, **named)
        return result.scalar() if result is not None else None


@dataclass
class _Builder:
    connection: Connection
    metadatas: list[MetaData]
    tables: list[Table]
    forgiving: bool
    built: Built = field(default_factory=Built)
    made: set[tuple[str, str | None, str]] = field(default_factory=set)

    def run(self) -> None:
        passing = _Passing(self)
        self.generator = internals.Generator(passing)
        self.passing = passing
        wanted = {id(table) for table in self.tables}
        for metadata in self.metadatas:
            own = [table for table in metadata.tables.values() if id(table) in wanted]
            self._part(_LISTENERS, self._event(metadata, "before_create", own))
            for sequence in self.generator.sequences(metadata):
                self._part(f"the sequence {sequence.name}", lambda: self.generator.sequence(sequence))  # noqa: B023 - called here
            waiting = own
            for _ in range(2):  # a table may inherit from a later one
                waiting = [table for table in waiting if not self._table(table)]
            self._part(_LISTENERS, self._event(metadata, "after_create", own))
        if self.connection.dialect.supports_alter:
            for table in self.tables:
                if key_of(table) not in self.built.failed:
                    self._foreign_keys(table)

    def execute(self, statement: Any, call: Callable[[], Any]) -> Any:
        """One statement; ``None`` where it is left out, or failed and is noted."""
        kind = type(statement).__name__
        if kind in _COMMENTS:
            return None  # Alembic compares these
        if isinstance(statement, CreateTable):
            self._types(statement.element)
            with self._noted():
                return call()
        if isinstance(statement, CreateSequence) or kind in _TYPES:
            return self._named(statement, call)
        try:
            with self._noted():
                return self._index(statement, call) if isinstance(statement, CreateIndex) else call()
        except _NotBuiltError as error:
            if isinstance(statement, CreateIndex):
                index: Any = statement.element
                self._miss(key_of(index.table), tuple(index.columns.keys()), index.name, str(error))
            elif not self.forgiving:
                raise
            elif not error.exists:
                self.built.others[_LISTENERS] = str(error)
        return None

    def _index(self, statement: Any, call: Callable[[], Any]) -> Any:
        options = statement.element.dialect_options[self.connection.dialect.name]
        if not options.get("concurrently"):
            return call()
        text = str(statement.compile(dialect=self.connection.dialect))
        return self.connection.exec_driver_sql(_CONCURRENTLY.sub("", text, count=1))

    def _named(self, statement: Any, call: Callable[[], Any]) -> Any:
        """Create a type or sequence in place of the one that the revisions made, once."""
        element: Any = statement.element
        kind = "SEQUENCE" if isinstance(statement, CreateSequence) else "TYPE"
        if kind == "TYPE" and type(statement).__name__ == "CreateDomainType":
            kind = "DOMAIN"
        identity = (kind, element.schema, element.name)
        if identity in self.made:
            return None
        self.made.add(identity)
        if getattr(element, "enums", None) == []:
            return None  # a type that the models only name
        preparer: Any = self.connection.dialect.identifier_preparer
        name = preparer.format_sequence(element) if kind == "SEQUENCE" else preparer.format_type(element)
        with self._noted():
            self.connection.exec_driver_sql(f"DROP {kind} IF EXISTS {name} CASCADE")
            return call()

    def _types(self, table: Table) -> None:
        """Types of columns that ``create_type=False`` leaves to the revisions."""
        for column in table.columns:
            kind: Any = column.type
            while True:
                if isinstance(kind, TypeDecorator):
                    kind = kind.load_dialect_impl(self.connection.dialect)
                elif getattr(kind, "item_type", None) is not None:
                    kind = kind.item_type
                else:
                    break
            kind = kind.dialect_impl(self.connection.dialect)
            if getattr(kind, "create_type", None) is not None and hasattr(kind, "create"):
                kind.create(self.passing, checkfirst=False)

    def _table(self, table: Table) -> bool:
        key = key_of(table)
        try:
            self.generator.table(table)
        except _NotBuiltError as error:
            if not self.forgiving:
                raise
            self.built.failed[key] = str(error)
            return False
        except WorkerError:
            raise
        except Exception as error:
            # A type that does not compile, or a listener of the application.
            if not self.forgiving:
                raise _NotBuiltError from error
            self.built.failed[key] = describe(error).split("\n", 1)[0]
            return False
        self.built.failed.pop(key, None)
        return True

    def _foreign_keys(self, table: Table) -> None:
        for constraint in sorted(table.foreign_key_constraints, key=lambda one: tuple(one.column_keys)):
            self._foreign_key(key_of(table), constraint)

    def _foreign_key(self, key: TableKey, constraint: ForeignKeyConstraint) -> None:
        try:
            with self._noted():
                self.connection.execute(internals.add_constraint(constraint))
        except _NotBuiltError as error:
            name = constraint.name if isinstance(constraint.name, str) else None
            self._miss(key, tuple(column.name for column in constraint.columns), name, str(error))

    def _event(self, metadata: MetaData, name: str, tables: list[Table]) -> Callable[[], None]:
        return lambda: self.generator.event(metadata, name, tables)

    def _part(self, what: str, call: Callable[[], None]) -> None:
        try:
            call()
        except _NotBuiltError as error:
            if not self.forgiving:
                raise
            if not error.exists:
                self.built.others[what] = str(error)
        except WorkerError:
            raise
        except Exception as error:
            if not self.forgiving:
                raise _NotBuiltError from error
            self.built.others[what] = describe(error).split("\n", 1)[0]

    def _miss(self, key: TableKey, columns: tuple[str, ...], name: str | None, line: str) -> None:
        if not self.forgiving:
            raise _NotBuiltError(line)
        self.built.missing[key, columns, name] = line

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Raise ``_NotBuiltError`` with the database's line."""
        try:
            if not self.forgiving:
                yield
                return
            with savepoint(self.connection):
                yield
        except WorkerError:
            raise
        except _NotBuiltError:
            raise
        except Exception as error:
            told = database_error(error)
            line = told.message if told is not None else describe(error).split("\n", 1)[0]
            raise _NotBuiltError(line, exists=told is not None and told.sqlstate in _EXISTS) from error


def _text(key: TableKey) -> str:
    return f"{key.schema}.{key.name}" if key.schema is not None else key.name
