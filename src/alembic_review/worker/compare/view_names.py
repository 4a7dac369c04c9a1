"""Relations that models may be mapped to and that are not tables: nothing that Alembic compares."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from alembic_review.model.facts import TableKey
from alembic_review.worker.replay.catalogue import Namer

_POSTGRESQL = """
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""  # views, materialized views, foreign tables: https://www.postgresql.org/docs/current/catalog-pg-class.html
_SQLITE = "SELECT NULL, name FROM sqlite_master WHERE type = 'view'"


def views(connection: Connection, name: Namer) -> frozenset[TableKey]:
    """Views, materialized views and foreign tables of a database, as the comparison calls tables."""
    query = _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE
    return frozenset(name(TableKey(schema, relation)) for schema, relation in connection.exec_driver_sql(query))
