"""Rows from the catalogue: the database decides whether they are valid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from alembic_review.model.proofs import DatabaseError
from alembic_review.worker.prove.data import literals
from alembic_review.worker.prove.data.structure import (
    Column,
    Constraint,
    Structure,
    Table,
    execute,
    quoted,
    quoted_name,
)
from alembic_review.worker.prove.failing import database_error, hazard_of
from alembic_review.worker.prove.recorder import in_transaction

ROWS = 2
"""Benign rows of a table: enough for a value that is there twice."""

_ATTEMPTS = 60  # inserts until a table is given up
_COMBINATIONS = 48  # of the values of a CHECK
_SAVEPOINT = "alembic_review_row"

Values = dict[str, "str | None"]
"""A literal, or NULL, for each column that gets one; the others are left to the server."""


@dataclass
class Seeder:
    """Fills tables over one connection: in AUTOCOMMIT, or else in ``transaction``, with a savepoint for each row.

    ``wishes`` are values for columns by ``(identity, name)``, which benign rows prefer; ``keys`` are foreign keys that
    the plan adds, which benign rows fulfil already. ``unwished`` are tables that do not take their wishes.
    """

    connection: Connection
    tables: Structure
    transaction: bool = False
    wishes: Mapping[tuple[Any, str], Sequence[str]] = field(default_factory=dict)
    keys: Mapping[Any, Sequence[Constraint]] = field(default_factory=dict)
    reasons: dict[Any, str] = field(default_factory=dict)
    numbers: dict[Any, int] = field(default_factory=dict)
    unwished: set[Any] = field(default_factory=set)
    # The rows of tables that others refer to while ``fill`` runs, until such a table gets another row.
    _read: dict[Any, dict[Sequence[str], list[tuple[str | None, ...]]]] | None = None

    def fill(self, identities: Iterable[Any] | None = None) -> None:
        """Benign rows for these tables, or all: those that others refer to first. ``reasons`` has what got none."""
        wanted = set(self.tables if identities is None else identities)
        self._read = {}
        for table in self.ordered():
            if table.identity in wanted:
                self.fill_one(table)
        self._read = None

    def fill_one(self, table: Table) -> None:
        """Benign rows for this table."""
        for _ in range(ROWS):
            error = self.row(table)
            if error is not None:
                self.reasons[table.identity] = error.message
                break

    def row(self, table: Table, changed: Values | None = None) -> DatabaseError | None:
        """One more row, benign but for the ``changed`` values; the error where the database takes none."""
        _, error = self.tried(table, changed)
        return error

    def tried(self, table: Table, changed: Values | None = None) -> tuple[Values, DatabaseError | None]:
        """The same, with the values of the row that was tried last."""
        fixed = changed or {}
        trial = _Trial(table, fixed)
        error: DatabaseError | None = None
        number = self._next(table)
        for _ in range(_ATTEMPTS):
            trial.values = {**self.values(table, number), **trial.override, **fixed}
            error = self.insert(table, trial.values)
            if error is None:
                return trial.values, None
            kind = hazard_of(error)
            if kind in ("cast", "narrow") and table.identity not in self.unwished and self._wished(table):
                self.unwished.add(table.identity)
            elif kind == "unique" and not _is_fixed(trial, error):
                number = self._next(table)
            elif not self._mended(trial, error, kind):
                break
        return trial.values, trial.error or error

    def _wished(self, table: Table) -> bool:
        return any(identity == table.identity for identity, _ in self.wishes)

    def insert(self, table: Table, values: Values) -> DatabaseError | None:
        """Insert one row; the error where the database refuses it."""
        names = ", ".join(quoted_name(name) for name in values)
        told = ", ".join(literal(value) for value in values.values())
        always = "" if self.connection.dialect.name != "postgresql" else "OVERRIDING SYSTEM VALUE "
        body = f"({names}) {always}VALUES ({told})" if values else "DEFAULT VALUES"
        if self._read:
            self._read.pop(table.identity, None)
        try:
            with self.saved():
                execute(self.connection, f"INSERT INTO {quoted(table.key)} {body}")
        except DBAPIError as error:
            return database_error(error) or DatabaseError(str(error))
        return None

    def saved(self) -> _Saved:
        """A savepoint, where this is a transaction: an error is undone with it."""
        return _Saved(self.connection, active=self.transaction)

    def _next(self, table: Table) -> int:
        self.numbers[table.identity] = self.numbers.get(table.identity, 0) + 1
        return self.numbers[table.identity]

    def ordered(self) -> list[Table]:
        """Every table after those that it can't do without, and after others where that goes, too."""
        ordered: list[Table] = []
        waiting = sorted(self.tables.values(), key=lambda table: (table.key.schema or "", table.key.name))
        for needed_only in (False, True):
            while True:
                done = {table.identity for table in ordered}
                ready = [table for table in waiting if self._needs(table, needed_only=needed_only) <= done]
                if not ready:
                    break
                ordered += ready
                waiting = [table for table in waiting if table not in ready]
        return [*ordered, *waiting]

    def _needs(self, table: Table, *, needed_only: bool) -> set[Any]:
        found = set()
        for key in self._foreign_keys(table):
            columns = [table.column(name) for name in key.columns]
            required = all(column is not None and not column.nullable for column in columns)
            if key.target in self.tables and key.target != table.identity and (required or not needed_only):
                found.add(key.target)
        return found

    def _foreign_keys(self, table: Table) -> list[Constraint]:
        return [*table.of_kind("foreign_key"), *self.keys.get(table.identity, ())]

    def values(self, table: Table, number: int) -> Values:
        """The benign row of this number."""
        itself = {
            name
            for key in self._foreign_keys(table)
            if key.target == table.identity and not _nullable(table, key)
            for name in (*key.columns, *key.target_columns)
        }
        values: Values = {}
        for column in table.columns:
            if column.generated or (column.filled and column.name not in itself):
                continue
            wishes = self.wishes.get((table.identity, column.name)) if table.identity not in self.unwished else None
            value = wishes[(number - 1) % len(wishes)] if wishes else literals.benign(column, number)
            if value is not None or column.nullable:
                values[column.name] = value
            elif column.default is None:
                values[column.name] = str(number)
        for key in self._foreign_keys(table):
            values |= self.referring(table, key, number, values)
        return values

    def referring(self, table: Table, key: Constraint, number: int, values: Values) -> Values:
        """Values of a row of the other table; NULL where there is none and it may be so."""
        target = self.tables.get(key.target)
        rows = self.rows(target, key.target_columns) if target is not None else []
        rows = [row for row in rows if None not in row]
        if rows:
            row = rows[(number - 1) % len(rows)]
            return {name: value for name, value in zip(key.columns, row, strict=False) if name in _settable(table)}
        if key.target == table.identity and not _nullable(table, key):
            return {own: values.get(other) for own, other in zip(key.columns, key.target_columns, strict=False)}
        return {name: None for name in key.columns if (column := table.column(name)) is not None and column.nullable}

    def rows(self, table: Table, columns: Sequence[str]) -> list[tuple[str | None, ...]]:
        """The values of these columns in every row, as text."""
        if self._read is None:
            return read_values(self.connection, table, columns)
        known = self._read.setdefault(table.identity, {})
        if columns not in known:
            known[columns] = read_values(self.connection, table, columns)
        return known[columns]

    def _mended(self, trial: _Trial, error: DatabaseError, kind: str) -> bool:
        """Whether there is another value to try, which is then in the override of the trial."""
        if kind == "not_null":
            column = trial.table.column(error.column or "")
            if column is not None and column.name not in trial.fixed and trial.values.get(column.name) is None:
                number = self.numbers[trial.table.identity]
                trial.override[column.name] = literals.benign(column, number) or "1"
                return True
        if kind == "foreign_key":
            free = _free(trial, error)
            trial.override.update(dict.fromkeys(free))
            return bool(free)
        if kind not in ("check", "cast", "narrow", ""):
            return False
        # A value that was tried instead of another may be none of the type.
        if kind == "check" or not trial.label:
            trial.label, trial.error = error.constraint or kind, error
        if trial.label not in trial.alternatives:
            trial.alternatives[trial.label] = self._others(trial, error, kind)
        found = next(trial.alternatives[trial.label], None)
        trial.override.update(found or {})
        return found is not None

    def _others(self, trial: _Trial, error: DatabaseError, kind: str) -> Iterator[Values]:
        table, text = trial.table, ""
        if kind == "check":
            columns, text = _of_check(table, error)
        else:
            # The server names no column: it is one of a type that is not known here.
            columns = [column for column in table.columns if not literals.known(column) and not column.filled]
        columns = [column for column in columns if column.name not in trial.fixed and not column.generated]
        return islice(combinations(columns, text, self.numbers[table.identity]), _COMBINATIONS)


@dataclass
class _Trial:
    """A row that the database has not taken yet: what is ``fixed`` in it, and what was tried instead of the rest.

    ``label`` is the constraint for which other values are being tried, ``error`` what the database said of it.
    """

    table: Table
    fixed: Values
    values: Values = field(default_factory=dict)
    override: Values = field(default_factory=dict)
    alternatives: dict[str, Iterator[Values]] = field(default_factory=dict)
    label: str = ""
    error: DatabaseError | None = None


def _is_fixed(trial: _Trial, error: DatabaseError) -> bool:
    """Whether another number can't help: what is there already was wanted so."""
    keys = [set(one.columns) for one in trial.table.of_kind("primary", "unique") if one.name == error.constraint]
    keys = keys or [set(one.columns) for one in trial.table.of_kind("primary", "unique") if error.column in one.columns]
    return bool(keys) and all(key and key <= trial.fixed.keys() for key in keys)


def _free(trial: _Trial, error: DatabaseError) -> list[str]:
    """The columns of a violated foreign key that may be NULL, and are not."""
    keys = [one for one in trial.table.of_kind("foreign_key") if error.constraint in (None, one.name)]
    names = [name for one in keys for name in one.columns if name not in trial.fixed]
    return [
        name
        for name in names
        if trial.values.get(name) is not None and (column := trial.table.column(name)) is not None and column.nullable
    ]


@dataclass
class _Saved:
    connection: Connection
    active: bool

    def __enter__(self) -> None:
        if self.active:
            self.connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.active:
            if kind is not None:
                self.connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            self.connection.exec_driver_sql(f"RELEASE SAVEPOINT {_SAVEPOINT}")


def literal(value: str | None) -> str:
    """A literal without a type: the column decides."""
    if value is None:
        return "NULL"
    quoted_value = value.replace("'", "''")
    return f"'{quoted_value}'"


def combinations(columns: Sequence[Column], text: str, number: int) -> Iterator[Values]:
    """Values for the columns of a condition: benign ones, those in its text, common ones, and NULL."""
    every = [list(dict.fromkeys(_candidates(column, text, number))) for column in columns]
    # All columns change together first, then one after the other.
    for place in range(max(map(len, every), default=0)):
        yield {column.name: values[place % len(values)] for column, values in zip(columns, every, strict=True)}
    if len(columns) > 1:
        for chosen in product(*every):
            yield {column.name: value for column, value in zip(columns, chosen, strict=True)}


def _candidates(column: Column, text: str, number: int) -> Iterator[str | None]:
    yield from (value for value in literals.of_check(text) if literals.plausible(column, value))
    for n in (number, number + 1, number + 2):
        value = literals.benign(column, n)
        if value is not None:
            yield value
    yield from column.labels
    if column.nullable:
        yield None
    yield from (value for value in literals.GUESSES if literals.plausible(column, value))


def _of_check(table: Table, error: DatabaseError) -> tuple[list[Column], str]:
    """The columns of a violated CHECK, of the table or of a domain, and its text; of a partition's bounds otherwise."""
    for one in table.of_kind("check"):
        # SQLite shows the expression of one without a name.
        if error.constraint is not None and error.constraint in (one.name, one.definition[7:-1]):
            return [column for name in one.columns if (column := table.column(name)) is not None], one.definition
    for column in table.columns:
        for name, text in column.checks:
            if name == error.constraint:
                return [column], text
    return list(table.columns)[:4], " ".join(table.bounds)


def _nullable(table: Table, key: Constraint) -> bool:
    return any((column := table.column(name)) is not None and column.nullable for name in key.columns)


def _settable(table: Table) -> set[str]:
    return {column.name for column in table.columns if not column.generated}


def read_values(connection: Connection, table: Table, columns: Sequence[str]) -> list[tuple[str | None, ...]]:
    """The values of these columns in every row, as text, in the order of the rows."""
    if not columns:
        return []
    kind = "text"
    if connection.dialect.name == "sqlite":
        # Blobs are no text, and numbers of different types are equal.
        shown = [f"CAST({quoted_name(name)} AS {kind})" for name in columns]
    else:
        shown = [f"{quoted_name(name)}::{kind}" for name in columns]
    rows = execute(connection, f"SELECT {', '.join(shown)} FROM {quoted(table.key)}").fetchall()
    return [tuple(None if value is None else str(value) for value in row) for row in rows]


def empty(connection: Connection, tables: Structure, identities: Iterable[Any]) -> None:
    """Take all rows out of these tables, and out of those that refer to them."""
    wanted = [tables[identity] for identity in identities if identity in tables]
    if connection.dialect.name == "postgresql":
        if not _deleted(connection, _referring(tables, wanted)):
            names = ", ".join(quoted(table.key) for table in wanted)
            execute(connection, f"TRUNCATE {names} CASCADE")
        return
    for table in _referring(tables, wanted):
        with suppress(DBAPIError):
            execute(connection, f"DELETE FROM {quoted(table.key)}")


def _deleted(connection: Connection, tables: Sequence[Table]) -> bool:
    """Whether the few rows of these tables could be deleted.

    TRUNCATE … CASCADE creates new files for all tables and indexes of the application that refer to them, even if these
    tables have no rows.
    """
    names = [quoted(table.key) for table in tables]
    found = ", ".join(str(int(table.identity)) for table in tables)
    try:
        with _Saved(connection, active=in_transaction(connection)):
            triggers = f"SELECT count(*) FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgrelid IN ({found})"
            if execute(connection, triggers).scalar():
                return False
            for name in names:
                execute(connection, f"DELETE FROM {name}")
            # Otherwise, ALTER TABLE fails with "pending trigger events".
            execute(connection, "SET CONSTRAINTS ALL IMMEDIATE")
            left = " UNION ALL ".join(f"(SELECT 1 FROM {name} LIMIT 1)" for name in names)
            return not execute(connection, left).fetchall()
    except DBAPIError:
        return False


def _referring(tables: Structure, wanted: Sequence[Table]) -> list[Table]:
    """These tables after those that refer to them."""
    found = list(wanted)
    names = {table.identity for table in found}
    while True:
        more = [
            table
            for table in tables.values()
            if table.identity not in names and any(one.target in names for one in table.of_kind("foreign_key"))
        ]
        if not more:
            return found
        found = [*more, *found]
        names |= {table.identity for table in more}


def emptied(tables: Structure, identities: Iterable[Any]) -> set[Any]:
    """The tables that lose their rows with these."""
    return {table.identity for table in _referring(tables, [tables[one] for one in identities if one in tables])}
