"""The schema that a database has, carried from one worker to another: what today's heads lead to, for the base."""

from __future__ import annotations

import base64
import pickle
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from warnings import catch_warnings, simplefilter

from alembic.migration import MigrationContext
from sqlalchemy import Integer, MetaData, event, inspect
from sqlalchemy.exc import SAWarning
from sqlalchemy.types import UserDefinedType

from alembic_review.worker.compare.rendered_operations import compiled
from alembic_review.worker.definitions.definition_sites import ordered_items
from alembic_review.worker.replay.upgrade import connection_of
from alembic_review.worker.worker_errors import WorkerError, describe


def packed(context: MigrationContext) -> str:
    """Every table of the database, read as Alembic's comparison reads it. Raises ``WorkerError``."""
    connection = connection_of(context)
    metadata, implementation = MetaData(), cast("Any", context.impl)
    event.listen(metadata, "column_reflect", implementation.autogen_column_reflect)
    event.listen(metadata, "column_reflect", _plain)
    with catch_warnings(), plain_names(context):
        # Alembic's comparison of the same tables has warned of what can't be reflected.
        simplefilter("ignore", SAWarning)
        for schema in schemas(context):
            metadata.reflect(connection, schema=schema)
    for index in (index for table in metadata.tables.values() for index in table.indexes):
        for name in [name for name, value in index.dialect_kwargs.items() if value in ([], None)]:
            del index.dialect_kwargs[name]
    for item in (each for table in metadata.tables.values() for each in (table, *ordered_items(table))):
        # Listeners of the application may have left anything there.
        item.info.clear()
    for column in (column for table in metadata.tables.values() for column in table.columns):
        if not _can_be_pickled(column.type):
            column.type = Spelt(compiled(column.type, context.dialect))
            column.autoincrement = "auto"
    try:
        return base64.b85encode(zlib.compress(pickle.dumps(metadata))).decode("ascii")
    except Exception as error:
        raise WorkerError(
            f"The schema of the current heads can't be transferred: {describe(error)}",
            "A value that the application adds to every reflected table can't be pickled.",
        ) from error


class Spelt(UserDefinedType):  # type: ignore[type-arg]
    """A type that is known by its words alone."""

    cache_ok = True

    def __init__(self, words: str) -> None:
        self.words = words

    def get_col_spec(self, **_: Any) -> str:
        """The type as SQL, for ``CREATE TABLE``; the arguments of SQLAlchemy are ignored."""
        return self.words


def _can_be_pickled(kind: Any) -> bool:
    try:
        pickle.dumps(kind)
    except Exception:  # noqa: BLE001 - whatever a type of the application's raises
        return False
    return True


def _plain(_inspector: Any, _table: Any, column: Any) -> None:
    """Say nothing of what could not be otherwise: only integers ever count up by themselves."""
    if not isinstance(column["type"], Integer) and not column.get("autoincrement"):
        column.pop("autoincrement", None)


def unpacked(text: str) -> MetaData:
    """What another worker of the same run has packed."""
    # It comes from a worker that ran the same code as this one.
    metadata = pickle.loads(zlib.decompress(base64.b85decode(text)))  # noqa: S301 - see above
    assert isinstance(metadata, MetaData)
    return metadata


@contextmanager
def plain_names(context: MigrationContext) -> Iterator[None]:
    """Meanwhile, tables of no schema but the default one are found, and referred to, without it.

    With a longer search path PostgreSQL leaves out the schema of whatever a foreign key refers to on it, so that one
    table gets two names.
    """
    connection, default = connection_of(context), context.dialect.default_schema_name
    if context.dialect.name != "postgresql" or default is None:
        yield
        return
    before = connection.exec_driver_sql("SHOW search_path").scalar()
    narrow = context.dialect.identifier_preparer.quote(default)
    connection.exec_driver_sql(f"SET search_path TO {narrow}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"SET search_path TO {before}")


def schemas(context: MigrationContext) -> list[str | None]:
    """The schemas that a comparison with ``include_schemas`` looks at; ``None`` is the default one."""
    default = context.dialect.default_schema_name
    names = inspect(connection_of(context)).get_schema_names()
    return [None, *sorted(name for name in names if name not in ("information_schema", default))]
