"""The statements of old code on the schema of the base, and those that succeed there on the schema of today."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Table as Model
from sqlalchemy.engine import Connection

from alembic_review.model.keys import TableKey
from alembic_review.model.proofs import Broken, DatabaseError, Rolling, Statement
from alembic_review.worker.prove.data import literals
from alembic_review.worker.prove.data.hazards import Danger, dangers
from alembic_review.worker.prove.data.hostile import Hostile
from alembic_review.worker.prove.data.seeding import Seeder, Values
from alembic_review.worker.prove.data.structure import Structure, Table, read_structure
from alembic_review.worker.prove.failing import hazard_of
from alembic_review.worker.prove.rolling import statements
from alembic_review.worker.prove.rolling.statements import FailedStatement, Reader, Undone

_SEVERAL = 20  # causes of one failing INSERT
_NARROWING = ("not_null", "cast", "check")
_CONVERTING = ("cast", "narrow")
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_MISSING = {"42P01": "missing_table", "3F000": "missing_table", "42703": "missing_column"}
_SQLITE = (
    ("missing_table", re.compile(r"no such table: ")),
    ("missing_column", re.compile(r"no such column: |has no column named ")),
)


@dataclass(frozen=True)
class Row:
    """A row that the base takes from old code: the values of its INSERT, and those of the whole row.

    ``fixed`` are the columns whose values are the point of the row.
    """

    given: Values
    whole: Values
    fixed: tuple[str, ...] = ()


@dataclass
class _Noting(Seeder):
    """Notes the rows that the database takes, and undoes each within ``undone``."""

    accepted: list[Values] = field(default_factory=list)
    undone: Undone | None = None

    def tried(self, table: Table, changed: Values | None = None) -> tuple[Values, DatabaseError | None]:
        values, error = super().tried(table, changed)
        if error is None:
            self.accepted.append(dict(values))
            if self.undone is not None:
                self.undone.undo()
        return values, error


@dataclass
class Trial:
    """One database: ``look`` and ``today`` get it with the new revisions, ``base`` without them."""

    readers: list[Reader]
    schema: str | None = None
    models: dict[TableKey, Model] = field(default_factory=dict)
    before: Structure = field(default_factory=dict)
    after: Structure = field(default_factory=dict)
    readable: list[Reader] = field(default_factory=list)
    rows: dict[TableKey, list[Row]] = field(default_factory=dict)
    broken: dict[Any, Broken] = field(default_factory=dict)
    not_checked: list[str] = field(default_factory=list)

    def look(self, connection: Connection) -> None:
        """Note the schema of today, for rows that are made for what it narrows."""
        self.schema = statements.default_schema(connection)
        self.models = {self._key(table): table for reader in self.readers for table in reader.tables}
        self.after = self._structure(connection)

    def base(self, connection: Connection) -> None:
        """Keep the statements that the schema of the base takes."""
        with statements.transaction(connection):
            self._keep(connection)

    def today(self, connection: Connection) -> Rolling:
        """Which of these statements the schema of today does not take."""
        with statements.transaction(connection):
            self._repeat(connection)
        tried = {self._key(reader.table) for reader in self.readable} | self.rows.keys()
        return Rolling(tuple(sorted(tried, key=str)), tuple(self.broken.values()))

    def _keep(self, connection: Connection) -> None:
        self.before = self._structure(connection)
        self.readable = [one for one in self.readers if statements.failure(connection, one.statement) is None]
        seeder = _Noting(connection, self.before, transaction=True)
        for table in seeder.ordered():
            if table.key in self.models:
                with Undone(connection) as seeder.undone:
                    self._make_rows(seeder, table)
                seeder.undone = None
            seeder.fill_one(table)

    def _repeat(self, connection: Connection) -> None:
        for reader in self.readable:
            failed = statements.failure(connection, reader.statement)
            if failed is not None:
                self._note_unreadable(connection, reader, failed)
        seeder = Seeder(connection, self.after, transaction=True)
        for table in seeder.ordered():
            with Undone(connection):
                for row in self.rows.get(table.key, ()):
                    self._insert(seeder, table, row)
            seeder.fill_one(table)
        unreadable = {one.key for one in self.broken.values()}
        for key in self.rows.keys() - self.after.keys() - unreadable:
            # A view may stand in for a table that was renamed.
            failed = statements.failure(connection, statements.insert(self.models[key], self.rows[key][0].given))
            if failed is not None and kind_of(failed.error) != "foreign_key":
                self._note(key, "insert", failed, kind_of(failed.error))

    def _key(self, table: Model) -> TableKey:
        """The table as the catalogue names it."""
        schema = (table.schema or self.schema) if self.schema is not None else None
        return TableKey(schema, str(table.name))

    def _structure(self, connection: Connection) -> dict[Any, Table]:
        return by_name(read_structure(connection, {key.name for key in self.models}))

    def _make_rows(self, seeder: _Noting, table: Table) -> None:
        """Rows of old code that the base takes: with a value in each column, with few, and for what is narrowed."""
        model = self.models[table.key]
        whole, error = seeder.tried(table)
        taken = self._taken(seeder.connection, model, whole) if error is None else None
        if taken is None:
            reason = error.message if error is not None else "fails on the base as well"
            self.not_checked.append(f"INSERT into {table.key.name} by the models of the base ({reason})")
            return
        first, omitted = taken
        self.rows[table.key] = [first]
        nullable = [name for name in first.given if self._may_be_null(table, name)]
        self._add(seeder.connection, table, omitted, Row({}, {**whole, **dict.fromkeys(nullable)}))
        for danger in self._dangers(table):
            seeder.accepted.clear()
            Hostile(seeder).add(danger)
            hostile = list(seeder.accepted)
            given = omitted if danger.hazard.kind == "not_null" else omitted - set(danger.names)
            for values in hostile:
                self._add(seeder.connection, table, given, Row({}, values, danger.names))

    def _taken(self, connection: Connection, model: Model, whole: Values) -> tuple[Row, frozenset[str]] | None:
        """The INSERT that the base takes, with as few values as old code may give, and the columns without one."""
        server = statements.omitted(model, python=False)
        for omitted in (statements.omitted(model, python=True), server, frozenset[str]()):
            row = Row(_given(model, whole, omitted), whole)
            if statements.failure(connection, statements.insert(model, row.given), committing=True) is None:
                return row, omitted
        return None

    def _add(self, connection: Connection, table: Table, omitted: frozenset[str], row: Row) -> None:
        """One more row, if old code may make it and the base takes it."""
        model = self.models[table.key]
        row = replace(row, given=_given(model, row.whole, omitted))
        if any(row.given.get(name, "") is None and not self._may_be_null(table, name) for name in row.fixed):
            return
        if row.given in [known.given for known in self.rows[table.key]]:
            return
        if statements.failure(connection, statements.insert(model, row.given), committing=True) is None:
            self.rows[table.key].append(row)

    def _may_be_null(self, table: Table, name: str) -> bool:
        column, model = table.column(name), statements.columns(self.models[table.key]).get(name)
        return column is not None and column.nullable and model is not None and bool(model.nullable)

    def _dangers(self, table: Table) -> list[Danger]:
        """What the new revisions narrow in the columns that there are."""
        after = self.after.get(table.key)
        found = dangers({table.key: table}, {table.key: after}) if after is not None else []
        return [one for one in found if one.hazard.kind in _NARROWING and not one.of_new_column]

    def _note_unreadable(self, connection: Connection, reader: Reader, failed: FailedStatement) -> None:
        """Name every table and column that a SELECT of old code misses: the database names one at a time."""
        missing = list(statements.columns_missing(connection, reader.tables))
        for table, column, gone in missing:
            kind = "missing_table" if column is None else "missing_column"
            self._note(self._key(table), "select", replace(failed, error=gone.error), kind, column)
        if not missing:
            self._note(self._key(reader.table), "select", failed, kind_of(failed.error))

    def _insert(self, seeder: Seeder, table: Table, row: Row) -> None:
        row = replace(row, given={**row.given, **_references(seeder, table, row)})
        statement = statements.insert(self.models[table.key], row.given)
        failed = statements.failure(seeder.connection, statement, committing=True)
        values = {**row.whole, **row.given}
        error = failed.error if failed is not None else None
        told: set[str] = set()
        for _ in range(_SEVERAL):
            if failed is None or error is None:
                return
            kind = kind_of(error)
            if kind == "foreign_key":
                if told:
                    return
                # The table that it refers to has no row here.
                self.not_checked.append(f"INSERT into {table.key.name} by the models of the base ({error.message})")
                return
            mended = [] if error.column in told else _mend(table, row, error, kind, values)
            told.update(mended)
            for column in mended or (None,):
                self._note(table.key, "insert", replace(failed, error=error), kind, column, row.fixed)
            if not mended:
                return
            with Undone(seeder.connection):
                error = seeder.insert(table, values)

    def _note(  # noqa: PLR0913, PLR0917 - what the finding is made of
        self,
        key: TableKey,
        action: str,
        failed: FailedStatement,
        kind: str,
        column: str | None = None,
        fixed: tuple[str, ...] = (),
    ) -> None:
        """One entry for each cause, whatever statement shows it first."""
        error = failed.error
        if kind == "not_null" and column is not None:
            model = statements.columns(self.models[key]).get(column)
            given = model is not None and model.server_default is None
            kind = "required" if model is None else "not_null" if given else "default"
        if kind in _CONVERTING:
            column = next(iter(fixed or self._converted(key)), None)
        elif kind != "missing_table":
            column = column or error.column or (fixed[0] if len(fixed) == 1 else None)
        group = "cast" if kind in _CONVERTING else kind
        classes = [one.name for one in self.readers if one.name and self._key(one.table) == key]
        new = self.after[key].column(column or "") if key in self.after else None
        self.broken.setdefault(
            (key, column, error.constraint, group) if group else (key, error.message),
            Broken(
                key=key,
                action=action,
                kind=kind,
                statement=Statement(failed.sql),
                error=error,
                classes=tuple(dict.fromkeys(classes)),
                column=column,
                name=error.constraint,
                wanted=f"{new.type}{'' if new.nullable else ' NOT NULL'}" if new is not None else "",
            ),
        )

    def _converted(self, key: TableKey) -> list[str]:
        """The column whose type the new revisions change, if it is one."""
        before, after = self.before.get(key), self.after.get(key)
        if before is None or after is None:
            return []
        pairs = [(old, one) for one in after.columns if (old := before.column(one.name)) is not None]
        found = [one.name for old, one in pairs if old.type != one.type or set(old.labels) - set(one.labels)]
        return found if len(found) == 1 else []


def by_name(structure: Structure) -> dict[Any, Table]:
    """Tables and columns that are the same if their names are: code does not follow a rename."""
    keys = {identity: table.key for identity, table in structure.items()}
    return {
        table.key: replace(
            table,
            identity=table.key,
            columns=tuple(replace(column, number=column.name) for column in table.columns),
            # New rows must satisfy constraints that are NOT VALID, too.
            constraints=tuple(replace(one, target=keys.get(one.target), valid=True) for one in table.constraints),
        )
        for table in structure.values()
    }


def kind_of(error: DatabaseError) -> str:
    """The kind of ``Broken`` that an error shows; empty for any other error."""
    if error.sqlstate:
        return _MISSING.get(error.sqlstate) or hazard_of(error)
    found = next((kind for kind, pattern in _SQLITE if pattern.search(error.message)), "")
    return found or hazard_of(error)


def _given(model: Model, whole: Values, omitted: Iterable[str]) -> Values:
    """The values of old code's INSERT: NULL where the row has none, as the ORM gives it."""
    left = set(omitted)
    return {
        name: whole.get(name)
        for name, column in statements.columns(model).items()
        if name not in left and (name in whole or column.nullable)
    }


def _references(seeder: Seeder, table: Table, row: Row) -> Values:
    """Values of rows that exist, for foreign keys."""
    found: Values = {}
    for key in table.of_kind("foreign_key"):
        if all(row.given.get(name) is not None and name not in row.fixed for name in key.columns):
            values = seeder.referring(table, key, 1, row.given)
            found |= {name: value for name, value in values.items() if value is not None}
    return found


def _mend(table: Table, row: Row, error: DatabaseError, kind: str, values: Values) -> list[str]:
    """Change ``values`` so that this cause is gone; the columns that it is about, none if that is not possible."""
    if kind == "missing_column":
        gone = [name for name in values if table.column(name) is None]
        for name in gone:
            del values[name]
        return gone
    column = table.column(error.column or "")
    if kind != "not_null" or column is None:
        return []
    values[column.name] = row.whole.get(column.name) or literals.benign(column, 1)
    return [column.name]
