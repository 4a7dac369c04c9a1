"""Rows made for one plan: each is something that the plan may not take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from alembic_review.worker.prove.data import literals
from alembic_review.worker.prove.data.hazards import Danger
from alembic_review.worker.prove.data.seeding import Seeder, Values, combinations, literal
from alembic_review.worker.prove.data.structure import Column, Structure, Table, execute, quoted, quoted_name
from alembic_review.worker.prove.failing import hazard_of

ACCEPTED, IMPOSSIBLE = "accepted", "impossible"
"""What became of a hostile row, besides a reason: the database took it, or the row itself can't exist."""

_ORPHAN = 7000
_SATISFYING = 2
_VIOLATING = 4
_PREDICATES = 8
_TRIED = 200  # combinations of values whose condition is evaluated
_PROBE = "alembic_review_probe"
_INDEX = re.compile(r"^CREATE UNIQUE INDEX .*? ON ", re.DOTALL)


def wishes(connection: Connection, tables: Structure, found: Sequence[Danger]) -> dict[tuple[Any, str], list[str]]:
    """Values that benign rows prefer: those that the plan takes."""
    wished: dict[tuple[Any, str], list[str]] = {}
    for one in found:
        table = tables.get(one.identity)
        if table is None or one.of_new_column:
            continue
        before, after = one.before, one.column
        if one.hazard.kind == "cast" and before is not None and after is not None:
            values = list(after.labels) or [literals.benign(after, n) or "" for n in (1, 2)]
            if all(values) and not _castable(connection, before, after):
                wished[one.identity, before.name] = values
        if one.hazard.kind == "check" and one.constraint is not None:
            columns = _columns(table, one.names)
            if any((one.identity, column.name) in wished for column in columns):
                continue
            deciding = _deciding(connection, table, one, columns, wanted=True)
            chosen = list(islice((values for values in deciding if None not in values.values()), _SATISFYING))
            for column in columns if chosen else ():
                wished[one.identity, column.name] = [values[column.name] or "" for values in chosen]
    return wished


def _castable(connection: Connection, before: Column, after: Column) -> bool:
    """Whether usual values of the old type are values of the new one as well."""
    usual = [literals.benign(before, n) for n in (1, 2)]
    length, _ = literals.modifiers(after)
    if literals.is_text(after) and length is not None and any(len(value or "") > length for value in usual):
        return False  # an explicit cast cuts them off
    if connection.dialect.name == "sqlite":
        return True
    shown = (f"CAST(CAST({literal(value)} AS {before.type}) AS {after.type})" for value in usual)
    try:
        with _Probe(connection):
            execute(connection, f"SELECT {', '.join(shown)}")
    except DBAPIError:
        return False
    return True


@dataclass
class Hostile:
    """Adds the hostile rows for dangers to tables that have benign rows already."""

    seeder: Seeder

    def add(self, danger: Danger) -> str:
        """``ACCEPTED``, ``IMPOSSIBLE``, or the reason why it is not known whether the danger holds."""
        table = self.seeder.tables.get(danger.identity)
        if table is None:
            return "the table does not exist before the plan"
        if table.identity in self.seeder.reasons:
            return f"no row: {self.seeder.reasons[table.identity]}"
        if danger.of_new_column:
            return ACCEPTED  # any row shows it
        return str(getattr(self, f"_{danger.hazard.kind}")(table, danger))

    def _not_null(self, table: Table, danger: Danger) -> str:
        error = self.seeder.row(table, dict.fromkeys(danger.names))
        if error is None:
            return ACCEPTED
        return IMPOSSIBLE if hazard_of(error) in ("not_null", "check") else error.message

    def _unique(self, table: Table, danger: Danger) -> str:
        constraint = danger.constraint
        assert constraint is not None
        plain = not constraint.expression and not constraint.predicate
        reason = IMPOSSIBLE
        for first, second in self._pairs(table, danger, plain=plain):
            error = self.seeder.row(table, first) or self.seeder.row(table, second)
            if error is None:
                if plain or self._fails(table, constraint.definition):
                    return ACCEPTED
                reason = "no rows that violate the index could be generated"
            elif hazard_of(error) not in ("unique", "exclude"):
                reason = error.message
        return reason

    def _pairs(self, table: Table, danger: Danger, *, plain: bool) -> Iterator[tuple[Values, Values]]:
        constraint = danger.constraint
        assert constraint is not None
        number = self.seeder.numbers.get(table.identity, 0) + 1
        names = danger.names if plain else (*danger.names, *_mentioned(table, constraint.definition))
        columns = _columns(table, dict.fromkeys(names))
        values = self._some(table, columns, number)
        yield values, values
        if plain:
            return
        texts = {column.name for column in columns if literals.benign(column, 1) == literals.benign(column, 1)}
        predicate = _columns(table, _mentioned(table, constraint.predicate))
        others = [column for column in columns if column not in predicate and column.name in texts]
        every = combinations(predicate, constraint.predicate, number) if predicate else iter([Values()])
        for chosen in islice(every, _PREDICATES):
            yield {**values, **chosen}, {**values, **chosen}
            words = [column.name for column in others if literals.is_text(column)]
            yield (
                {**values, **chosen, **dict.fromkeys(words, "dup")},
                {**values, **chosen, **dict.fromkeys(words, "DUP")},
            )
        nulls: Values = {column.name: None for column in others if column.nullable}
        yield {**values, **nulls}, {**values, **nulls}

    def _some(self, table: Table, columns: Sequence[Column], number: int) -> Values:
        """A value for each of the columns, also for those that the server fills or that may be NULL."""
        usual = self.seeder.values(table, number)
        found: Values = {}
        for column in columns:
            value = usual.get(column.name)
            found[column.name] = value if value is not None else literals.benign(column, number + _ORPHAN)
        return found

    def _fails(self, table: Table, definition: str) -> bool:
        """Whether the unique index can't be made of the rows that there are."""
        connection = self.seeder.connection
        name = quoted(table.key)
        made, count = _INDEX.subn(f"CREATE UNIQUE INDEX {_PROBE} ON ", definition)
        if not count:
            made = f"CREATE UNIQUE INDEX {_PROBE} ON {name} {definition.partition(' ')[2]}"
        try:
            with self.seeder.saved():
                execute(connection, made)
        except DBAPIError as error:
            return "23505" in str(getattr(error.orig, "pgcode", "") or getattr(error.orig, "sqlstate", "")) or (
                "UNIQUE constraint failed" in str(error.orig)
            )
        with suppress(DBAPIError), self.seeder.saved():
            schema = f"{table.key.schema}." if table.key.schema is not None else ""
            execute(connection, f"DROP INDEX {schema}{_PROBE}")
        return False

    def _exclude(self, table: Table, danger: Danger) -> str:
        constraint = danger.constraint
        assert constraint is not None
        names = dict.fromkeys((*danger.names, *_mentioned(table, constraint.definition)))
        values = self._some(table, _columns(table, names), self.seeder.numbers.get(table.identity, 0) + 1)
        error = self.seeder.row(table, values) or self.seeder.row(table, values)
        if error is None:
            return ACCEPTED
        return IMPOSSIBLE if hazard_of(error) in ("unique", "exclude") else error.message

    def _foreign_key(self, table: Table, danger: Danger) -> str:
        constraint = danger.constraint
        assert constraint is not None
        columns = _columns(table, danger.names)
        target = self.seeder.tables.get(constraint.target)
        there = set(self.seeder.rows(target, constraint.target_columns)) if target is not None else set()
        for n in (_ORPHAN, 33, 9):
            values = tuple(literals.benign(column, n) for column in columns)
            if None not in values and values not in there:
                error = self.seeder.row(table, dict(zip(danger.names, values, strict=True)))
                if error is None:
                    return ACCEPTED
                return IMPOSSIBLE if hazard_of(error) == "foreign_key" else error.message
        return "no value that the other table lacks could be generated"

    def _check(self, table: Table, danger: Danger) -> str:
        columns = _columns(table, danger.names)
        if not columns:
            return "the CHECK uses no columns"
        connection, accepted = self.seeder.connection, False
        violating = list(islice(_deciding(connection, table, danger, columns, wanted=False), _VIOLATING))
        if not violating:
            return "no value that violates it could be generated"
        for values in violating:
            accepted = self.seeder.row(table, values) is None or accepted
        return ACCEPTED if accepted else IMPOSSIBLE

    def _cast(self, table: Table, danger: Danger) -> str:
        before = danger.before
        assert before is not None
        reason, accepted = "no hostile values are known for this type", False
        for value in literals.hostile(before):
            error = self.seeder.row(table, {before.name: value})
            accepted = accepted or error is None
            reason = error.message if error is not None else reason
        return ACCEPTED if accepted else reason


def _deciding(
    connection: Connection, table: Table, danger: Danger, columns: Sequence[Column], *, wanted: bool
) -> Iterator[Values]:
    """Values of these columns for which the condition of a new CHECK is true, or false."""
    assert danger.constraint is not None
    definition = danger.constraint.definition
    expression = definition[len("CHECK ") :].removesuffix(" NOT VALID").removesuffix(" NO INHERIT")
    renamed = dict(zip(danger.names, danger.constraint.columns, strict=False))
    # What a narrower condition refuses is often named in the present one.
    present = [one.definition for one in table.of_kind("check") if set(one.columns) & set(danger.names)]
    for values in islice(combinations(columns, " ".join([definition, *present]), 1), _TRIED):
        shown = ", ".join(
            f"CAST({literal(values[column.name])} AS {column.type or 'BLOB'}) AS "
            f"{quoted_name(renamed.get(column.name, column.name))}"
            for column in columns
        )
        name = quoted_name(table.key.name)
        try:
            with _Probe(connection):
                # SELECT of constants: nothing that the application brings but its own condition.
                result = execute(connection, f"SELECT {expression} FROM (SELECT {shown}) AS {name}").scalar()
        except DBAPIError:
            continue
        if (bool(result) is wanted and result is not None) or (wanted and result is None):
            yield values


class _Probe:
    """An error leaves no trace in a transaction of PostgreSQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._saved = False

    def __enter__(self) -> None:
        with suppress(DBAPIError):
            self._connection.exec_driver_sql(f"SAVEPOINT {_PROBE}")
            self._saved = True

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._saved:
            if kind is not None:
                self._connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_PROBE}")
            self._connection.exec_driver_sql(f"RELEASE SAVEPOINT {_PROBE}")


def _columns(table: Table, names: Any) -> list[Column]:
    return [column for name in names if (column := table.column(name)) is not None]


def _mentioned(table: Table, text: str) -> list[str]:
    words = set(re.findall(r"\w+", text))
    return [column.name for column in table.columns if column.name in words and not column.generated]
