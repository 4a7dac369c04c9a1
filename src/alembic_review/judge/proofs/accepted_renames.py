"""The renames that the user accepts, and the changes that these stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import ChangeFact, DatabaseFacts, Facts
from alembic_review.model.keys import Rename
from alembic_review.model.settings import Settings

_COLUMN_PARTS = 2  # table and column
_LISTED = 5


def require_matched(observed: Sequence[Facts], settings: Settings) -> None:
    """Raise ``UsageError`` for a rename that stands for no change.

    One of a settings file may be done already: the database has the new name, and nothing has the old one.
    """
    databases = [database for facts in observed for database in facts.databases]
    changes = [change for database in databases for change in database.changes]
    used = {change.asked for change in changes if change.new_name is not None}
    for rename in settings.renames:
        done = rename.place and any(_is_done(rename, database) for database in databases)
        if rename.asked not in used and not done:
            where = f"{rename.place}: `rename`" if rename.place else "--rename"
            raise UsageError(
                f"{where}: {rename.asked} matches no pending change: nothing drops {'.'.join(rename.old)} and adds "
                f"{'.'.join((*rename.old[:-1], rename.new))}.",
                hint=_hint(changes),
            )


def _is_done(rename: Rename, database: DatabaseFacts) -> bool:
    """Tell whether the models and the database have the new name, and neither has the old one."""
    return _has_column(rename, database) or _has_table(rename, database)


def _has_table(rename: Rename, database: DatabaseFacts) -> bool:
    *schema, old = rename.old
    if len(schema) > 1:
        return False
    names = {key.name for key in database.database_tables if not schema or key.schema in _schemas(schema[0], database)}
    modelled = {table.key.name for table in database.tables if not table.removed}
    return rename.new in names & modelled and old not in names | modelled


def _has_column(rename: Rename, database: DatabaseFacts) -> bool:
    if len(rename.old) < _COLUMN_PARTS:
        return False
    *schema, named, old = rename.old
    pending = {(change.key, change.name) for change in database.changes if change.kind.endswith("_column")}
    for table in database.tables:
        if table.removed or table.key.name != named or table.key not in database.database_tables:
            continue
        if schema and table.key.schema not in _schemas(schema[0], database):
            continue
        columns = {item.name for item in table.items if item.kind == "column"}
        waiting = {(table.key, rename.new), (table.key, old)} & pending
        if rename.new in columns and old not in columns and not waiting:
            return True
    return False


def _schemas(named: str, database: DatabaseFacts) -> tuple[str | None, ...]:
    return (named, None) if named == database.default_schema else (named,)


def _hint(changes: Iterable[ChangeFact]) -> str:
    """What there is to rename."""
    found = list(changes)
    dropped, added = (list(_named(found, word)) for word in ("remove", "add"))
    if not dropped or not added:
        return "There is no pending drop and addition that could be a rename."
    return f"Pending drops: {_listed(dropped)}; pending additions: {_listed(added)}."


def _named(changes: Iterable[ChangeFact], action: str) -> Iterator[str]:
    for change in changes:
        if change.key is not None and change.kind == f"{action}_column":
            yield f"{table_text(change.key)}.{change.name}"
        if change.key is not None and change.kind == f"{action}_table":
            yield table_text(change.key)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
