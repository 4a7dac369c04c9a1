"""What old code does with each table: a SELECT for each mapped class, and INSERTs of rows as its models make them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData, Table, literal_column, null, select
from sqlalchemy import Sequence as DatabaseSequence
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from alembic_review.model.proofs import DatabaseError
from alembic_review.model.secrets.masking import mask
from alembic_review.worker import internals
from alembic_review.worker.prove.data.seeding import Values, literal
from alembic_review.worker.prove.failing import database_error
from alembic_review.worker.worker_errors import WorkerError, describe

_SAVEPOINT = "alembic_review_old"
_TABLE = "alembic_review_table"


@dataclass(frozen=True)
class Reader:
    """A mapped class with its tables, or a ``table`` without a class: what old code selects from."""

    entity: Any
    tables: tuple[Table, ...]
    table: Table
    name: str = ""

    @property
    def statement(self) -> Any:
        """A SELECT of at most one row of the entity."""
        return select(self.entity).limit(1)


@dataclass(frozen=True)
class FailedStatement:
    """The statement that failed, as it was executed, and what the database said."""

    sql: str
    error: DatabaseError


def readers(targets: Sequence[MetaData]) -> list[Reader]:
    """The mapped classes of these tables, and the tables that no class is mapped to, in a stable order."""
    wanted = {id(table): table for target in targets for table in target.tables.values()}
    found, mapped = [], set()
    for mapper in _mappers():
        tables = tuple(table for table in mapper.tables if id(table) in wanted)
        local = mapper.local_table if isinstance(mapper.local_table, Table) else None
        table = local if local is not None and id(local) in wanted else next(iter(tables), None)
        if table is not None:
            mapped |= {id(one) for one in tables}
            found.append(Reader(mapper.class_, tables, table, mapper.class_.__name__))
    found += [Reader(table, (table,), table) for table in wanted.values() if id(table) not in mapped]
    return sorted(found, key=lambda one: (str(one.table.key), one.name))


def _mappers() -> Iterator[Any]:
    if "sqlalchemy.orm" not in sys.modules:
        return
    for registry in internals.registries():
        # A class whose mapping failed has no mapper.
        with suppress(sys.modules["sqlalchemy.orm.exc"].UnmappedClassError):
            yield from registry.mappers


def omitted(table: Table, *, python: bool) -> frozenset[str]:
    """The columns for which an INSERT of old code gives no value: the server fills them, or ``python`` defaults do."""
    found = set()
    for column in table.columns:
        computed = column.computed is not None or column.identity is not None or column.server_default is not None
        counted = column is internals.autoincrement_column(table) and column.default is None
        sequence = isinstance(column.default, DatabaseSequence)
        if computed or counted or sequence or (python and column.default is not None):
            found.add(column.name)
    return frozenset(found)


def insert(table: Table, values: Values) -> Any:
    """The INSERT of old code with these literals."""
    known = columns(table)
    return table.insert().values(
        {known[name]: null() if value is None else literal_column(literal(value)) for name, value in values.items()}
    )


def columns(table: Table) -> dict[str, Any]:
    """The columns by their names in the database."""
    return {column.name: column for column in table.columns}


def default_schema(connection: Connection) -> str | None:
    """The schema of tables without one; SQLite's catalogue names none."""
    if connection.dialect.name != "postgresql":
        return None
    found = connection.exec_driver_sql("SELECT current_schema()").scalar()
    return str(found) if found is not None else connection.dialect.default_schema_name


def failure(connection: Connection, statement: Any, *, committing: bool = False) -> FailedStatement | None:
    """Execute a statement of old code and undo it; what failed, if it did.

    With ``committing``, deferred constraints are checked as by a COMMIT.
    """
    connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")
    try:
        result = connection.execute(statement)
        if result.returns_rows:
            result.fetchall()
        if committing and connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    except Exception as error:  # noqa: BLE001 - defaults are code of the application
        told = database_error(error) or DatabaseError(describe(error).split("\n", 1)[0])
        return FailedStatement(mask(_sql(connection, statement, error)), told)
    finally:
        connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        connection.exec_driver_sql(f"RELEASE SAVEPOINT {_SAVEPOINT}")
    return None


def _sql(connection: Connection, statement: Any, error: BaseException) -> str:
    ran = getattr(error, "statement", None)
    if ran and not str(ran).startswith("SET CONSTRAINTS"):
        return " ".join(str(ran).split())
    try:
        return " ".join(str(statement.compile(dialect=connection.dialect)).split())
    except SQLAlchemyError:
        return ""


class Undone:
    """What is done to the database meanwhile is undone afterwards, and by ``undo``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Undone:
        self._connection.exec_driver_sql(f"SAVEPOINT {_TABLE}")
        return self

    def undo(self) -> None:
        """Roll back to the savepoint; it can be rolled back to again."""
        self._connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_TABLE}")

    def __exit__(self, *_: object) -> None:
        self.undo()
        self._connection.exec_driver_sql(f"RELEASE SAVEPOINT {_TABLE}")


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """A transaction in which savepoints are possible, undone afterwards if env.py began none.

    Raises ``WorkerError``.
    """
    # SQLAlchemy 1.4 commits each statement outside of one.
    own = connection.begin() if not connection.in_transaction() else None
    raw = not _takes_savepoints(connection)
    if raw:
        # env.py works in AUTOCOMMIT.
        connection.exec_driver_sql("BEGIN")
        if not _takes_savepoints(connection):
            raise WorkerError("no savepoint can be created")
    try:
        yield
    finally:
        if raw:
            connection.exec_driver_sql("ROLLBACK")
        if own is not None:
            own.rollback()


def _takes_savepoints(connection: Connection) -> bool:
    with suppress(SQLAlchemyError):
        connection.exec_driver_sql(f"SAVEPOINT {_SAVEPOINT}")
        connection.exec_driver_sql(f"RELEASE SAVEPOINT {_SAVEPOINT}")
        return True
    return False


def columns_missing(
    connection: Connection, tables: Iterable[Table]
) -> Iterator[tuple[Table, str | None, FailedStatement]]:
    """The tables, and else the columns, that can't be selected, each with the failing statement."""
    for table in tables:
        gone = failure(connection, select(literal_column("1")).select_from(table).limit(1))
        if gone is not None:
            yield table, None, gone
            continue
        for column in table.columns:
            gone = failure(connection, select(column).limit(1))
            if gone is not None:
                yield table, column.name, gone
