"""Taking revisions back that are on trial, and what of the database is not again as it was before them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alembic.migration import MigrationContext
from alembic.runtime.migration import MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from alembic_review.model.facts import TableKey
from alembic_review.worker.replay.catalogue import Catalogue, Details
from alembic_review.worker.worker_errors import WorkerError, application_frames, at, describe


@dataclass(frozen=True)
class Contents:
    """Every table in detail, and the values of every type."""

    tables: Mapping[TableKey, Details]
    types: Mapping[str, tuple[str, ...]]


def contents(
    catalogue: Catalogue,
    connection: Connection,
    version_table: tuple[str, str | None],
    known: dict[tuple[Any, str], Details] | None = None,
) -> Contents:
    """What is in the database, without Alembic's own table.

    ``known`` are details of tables by identity and digest, which are not read again; what is read is added to them.
    """
    snapshot = catalogue.snapshot(connection, digests=True)
    known = {} if known is None else known
    new = [identity for identity, (_, digest) in snapshot.tables.items() if (identity, digest) not in known]
    found = catalogue.details(connection, new) if new else {}
    for identity in new:
        known[identity, snapshot.tables[identity][1]] = found.get(identity, {})
    tables = {key: known[identity, digest] for identity, (key, digest) in snapshot.tables.items()}
    return Contents({key: each for key, each in tables.items() if key.name != version_table[0]}, snapshot.types)


def downgrade_steps(
    script: ScriptDirectory, revisions: list[str], context: MigrationContext, done: Callable[[Connection], None]
) -> Iterator[Any]:
    """Steps for ``run_migrations`` that take these revisions back, in this order; ``done`` is called after the last."""
    for number, name in enumerate(revisions, 1):
        revision = script.get_revision(name)
        step: Any = MigrationStep.downgrade_from_script(script.revision_map, revision)
        last = number == len(revisions)
        step.migration_fn = _downgrade(step.migration_fn, revision, context, done if last else None)
        yield step


def not_undone(before: Contents, after: Contents) -> Iterator[str]:
    """In words, what the downgrades did not take back."""
    for key in sorted({*before.tables, *after.tables}, key=lambda key: (key.schema or "", key.name)):
        if key not in after.tables:
            yield f"the table {key.name} is gone"
        elif key not in before.tables:
            yield f"the table {key.name} is still there"
        else:
            # A column that is there again stands at another place.
            old, new = ({item: each[:2] for item, each in contents.tables[key].items()} for contents in (before, after))
            differing = [item for item in {**old, **new} if old.get(item) != new.get(item)]
            for kind, name in sorted(differing, key=lambda item: (item[0], item[1] or "")):
                how = "gone" if (kind, name) not in new else "still there" if (kind, name) not in old else "another"
                yield f"the {kind} {name} of {key.name} is {how}" if name else f"the comment of {key.name} differs"


def types_left(before: Contents, after: Contents) -> Iterator[str]:
    """The values of each type that is still there."""
    for identity, values in sorted(after.types.items()):
        if identity not in before.types:
            yield ", ".join(values[1:])


def _downgrade(
    function: Any, revision: Any, context: MigrationContext, done: Callable[[Connection], None] | None
) -> Callable[..., None]:
    def downgrade(**arguments: Any) -> None:
        try:
            function(**arguments)
        except WorkerError:
            raise
        except BaseException as error:
            where = at(application_frames(error.__traceback__))
            raise WorkerError(
                f"The downgrade of revision {revision.revision} failed: {describe(error)}{where}"
            ) from error
        if done is not None and context.connection is not None:
            done(context.connection)

    return downgrade
