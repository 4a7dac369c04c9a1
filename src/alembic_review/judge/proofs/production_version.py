"""The major version of PostgreSQL in production, where the plan was tried on another one."""

from __future__ import annotations

from collections.abc import Iterable

from alembic_review.model.facts import DatabaseFacts
from alembic_review.model.proofs import CONVERGES, LOCKS, REVERSES, ROWS
from alembic_review.model.settings import Settings

DEPENDENT = frozenset({CONVERGES, ROWS, REVERSES, LOCKS})
"""The proofs that execute the DDL of the plan: what it accepts, rewrites and locks differs from version to version."""


def note(database: DatabaseFacts, settings: Settings) -> str:
    """Both versions, for what was observed on this database; empty where the major versions are the same."""
    if not _differs(database, settings):
        return ""
    return f"observed on PostgreSQL {_major(database)}; production runs {settings.server_version}"


def warning(databases: Iterable[DatabaseFacts], settings: Settings) -> str:
    """The difference as a sentence for the end of a report; empty where there is none."""
    others = dict.fromkeys(database.server_version for database in databases if _differs(database, settings))
    if not others:
        return ""
    return (
        f"The scratch server is PostgreSQL {' and '.join(others)}, but production runs PostgreSQL "
        f"{settings.server_version} (server-version): locks, table rewrites and errors may differ there. "
        f"Review on PostgreSQL {settings.server_version} with --server or ALEMBIC_REVIEW_POSTGRES_BIN."
    )


def _differs(database: DatabaseFacts, settings: Settings) -> bool:
    if settings.server_version is None or database.dialect != "postgresql":
        return False
    return _major(database) != str(settings.server_version)


def _major(database: DatabaseFacts) -> str:
    return database.server_version.partition(".")[0]
