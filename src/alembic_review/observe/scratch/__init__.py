"""Throw-away databases, one file per way to get one."""

from __future__ import annotations

from alembic_review.model.errors import ObservationError
from alembic_review.observe.scratch.base import Kept, Scratch, ScratchDatabase

__all__ = ["Kept", "Scratch", "ScratchDatabase", "open_scratch"]

_SUPPORTED = ("postgresql", "sqlite")


def open_scratch(dialect: str, server: str | None, *, superuser: bool = False, kept: Kept | None = None) -> Scratch:
    """The way to get scratch databases of ``dialect``; nothing is started yet.

    ``server`` is the URL of a PostgreSQL server that the user names. SQLite needs no server, so an application that
    uses both gets its SQLite files all the same. With ``superuser``,
    migrations run as one on a server of our own. With ``kept``, databases of an earlier run are there, too. Raises
    ``ObservationError`` for a dialect that isn't supported, ``UsageError`` for a URL that names no PostgreSQL server.
    """
    if dialect not in _SUPPORTED:
        raise ObservationError(
            f"The database dialect {dialect!r} is not supported yet.",
            hint=f"Scratch databases can be created for: {', '.join(_SUPPORTED)}.",
        )
    given = _given(server) if server is not None else None
    if dialect == "sqlite":
        return _sqlite(kept)
    return given or _own(kept, superuser=superuser)


# Each way is imported only when it is taken: a server's brings SQLAlchemy along.


def _given(url: str) -> Scratch:
    from alembic_review.observe.scratch.given_server import ServerScratch  # noqa: PLC0415

    return ServerScratch(url)


def _own(kept: Kept | None, *, superuser: bool) -> Scratch:
    from alembic_review.observe.scratch.embedded_server import PostgresScratch  # noqa: PLC0415

    return PostgresScratch(superuser=superuser, kept=kept)


def _sqlite(kept: Kept | None) -> Scratch:
    try:
        from alembic_review.observe.scratch.sqlite import SqliteScratch  # noqa: PLC0415
    except ImportError as error:
        raise ObservationError(
            f"This Python was built without SQLite: {error}.", hint="Run alembic-review with a Python that has it."
        ) from error
    return SqliteScratch(kept)
