"""The schema that a database has, carried from one worker to another: what today's heads lead to, for the base."""

from __future__ import annotations

import base64
import pickle
import zlib
from typing import Any, cast
from warnings import catch_warnings, simplefilter

from alembic.migration import MigrationContext
from sqlalchemy import Integer, MetaData, event, inspect
from sqlalchemy.exc import SAWarning

from alembic_review.worker.problems import WorkerError, describe
from alembic_review.worker.replay import connection_of


def packed(context: MigrationContext) -> str:
    """Every table of the database, read as Alembic's comparison reads it. Raises ``WorkerError``."""
    connection = connection_of(context)
    metadata, implementation = MetaData(), cast("Any", context.impl)
    event.listen(metadata, "column_reflect", implementation.autogen_column_reflect)
    event.listen(metadata, "column_reflect", _plain)
    with catch_warnings():
        # Alembic's comparison of the same tables has warned of what can't be reflected.
        simplefilter("ignore", SAWarning)
        for schema in schemas(context):
            metadata.reflect(connection, schema=schema)
    for index in (index for table in metadata.tables.values() for index in table.indexes):
        for name in [name for name, value in index.dialect_kwargs.items() if value in ([], None)]:
            del index.dialect_kwargs[name]
    try:
        return base64.b85encode(zlib.compress(pickle.dumps(metadata))).decode("ascii")
    except Exception as error:
        raise WorkerError(
            f"The schema of today's heads can't be handed on: {describe(error)}",
            "A type that the database's columns have can't be pickled; without --since it does not have to be.",
        ) from error


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


def schemas(context: MigrationContext) -> list[str | None]:
    """The schemas that a comparison with ``include_schemas`` looks at; ``None`` is the default one."""
    default = context.dialect.default_schema_name
    names = inspect(connection_of(context)).get_schema_names()
    return [None, *sorted(name for name in names if name not in ("information_schema", default))]
