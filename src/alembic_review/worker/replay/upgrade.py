"""``upgrade heads`` on an empty scratch database, noting which revision made or altered what."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from alembic_review.model.facts import Alteration, Frame, Origin, Place, TableKey
from alembic_review.worker import internals
from alembic_review.worker.environment.private_version_locations import Folders
from alembic_review.worker.hints import Circumstances, Fault, hint_of
from alembic_review.worker.packages import package_of_path
from alembic_review.worker.replay.catalogue import Catalogue, Definition, Details, Namer, Snapshot
from alembic_review.worker.replay.downgrade_differences import Contents, contents
from alembic_review.worker.replay.first_failure import definition, not_consumed, not_run
from alembic_review.worker.worker_errors import WorkerError, application_frames, at, describe

_DEFAULT = "default"


@dataclass
class Replayed:
    """One target after ``upgrade heads``. ``name`` is the engine's name in a multidb environment.

    ``watched`` says which revisions could be the application's: what those alter is noted in every detail, of the
    others which tables they create and drop, and what they do to tables of watched ones; ``effective`` are those that
    changed any table or type. Those on ``trial`` come last; ``before`` is the database without them, ``after`` what it
    is when they were taken back again. ``taken`` are tables of others that watched revisions dropped, with the revision
    that had created them. ``running`` is the revision that runs just now, or empty. ``earlier`` are the tables, by
    identity, that the settings made before the first revision. ``noted`` and ``noted_alterations`` are ``last`` and the
    number of ``alterations`` right after the last revision so far. Not ``explained``: see ``Catalogue``. Each revision
    runs inside of ``around()``.
    """

    catalogue: Catalogue
    watched: frozenset[str]
    trial: frozenset[str] = frozenset()
    before: Contents | None = None
    after: Contents | None = None
    applied: list[str] = field(default_factory=list)
    effective: set[str] = field(default_factory=set)
    alterations: list[Alteration] = field(default_factory=list)
    creators: dict[Any, str] = field(default_factory=dict)
    last: Snapshot = field(default_factory=lambda: Snapshot({}, {}))
    known: dict[Any, Details] = field(default_factory=dict)
    taken: dict[TableKey, str] = field(default_factory=dict)
    digested: bool = False
    gone: dict[TableKey, str] = field(default_factory=dict)
    name: str | None = None
    circumstances: Circumstances = field(default_factory=Circumstances)
    running: str = ""
    earlier: frozenset[Any] = frozenset()
    noted: Snapshot = field(default_factory=lambda: Snapshot({}, {}))
    noted_alterations: int = 0
    explained: bool = True
    around: Callable[[], AbstractContextManager[None]] = nullcontext

    def namer(self, connection: Connection, *, all_schemas: bool) -> Namer:
        """How Alembic's comparison on this connection calls the tables."""
        tables = [key for key, _ in self.last.tables.values()]
        return self.catalogue.namer(connection, tables, all_schemas=all_schemas)

    def named(self, name: Namer) -> Replayed:
        """The same with every table called as ``name`` says."""
        tables = {identity: (name(key), digest) for identity, (key, digest) in self.last.tables.items()}
        gone: dict[TableKey, str] = {}
        for key, revision in self.gone.items():
            gone.setdefault(name(key), revision)
        alterations = [replace(alteration, key=name(alteration.key)) for alteration in self.alterations]
        return replace(self, last=replace(self.last, tables=tables), gone=gone, alterations=alterations)

    def origins(self, packages: dict[str, str | None]) -> tuple[Origin, ...]:
        """Which revision created each table that there is now."""
        rows = [
            Origin(key, self.creators[identity], packages.get(self.creators[identity]))
            for identity, (key, _) in self.last.tables.items()
            if identity in self.creators
        ]
        return tuple(sorted(rows, key=lambda origin: (origin.key.schema or "", origin.key.name)))

    def look_again(self, connection: Connection) -> None:
        """Others have altered the database since: see what there is now, and what is gone of what was created here."""
        before, self.last = self.last, self.catalogue.snapshot(connection, digests=False)
        self.digested = False
        for identity, (key, _) in before.tables.items():
            now, _ = self.last.tables.get(identity, (None, ""))
            if identity in self.creators and now != key:
                self.gone.setdefault(key, self.creators[identity])

    def existed_before(self) -> tuple[TableKey, ...]:
        """The tables that there are still of those that existed before the first revision."""
        rows = [key for identity, (key, _) in self.last.tables.items() if identity in self.earlier]
        return tuple(sorted(rows, key=lambda key: (key.schema or "", key.name)))

    def former(self, packages: dict[str, str | None]) -> tuple[Origin, ...]:
        """Which revision created each table that is no longer there by that name."""
        present = {key for key, _ in self.last.tables.values()}
        rows = [
            Origin(key, revision, packages.get(revision)) for key, revision in self.gone.items() if key not in present
        ]
        return tuple(sorted(rows, key=lambda origin: (origin.key.schema or "", origin.key.name)))


def replay(
    context: MigrationContext,
    steps: list[Any],
    result: Replayed,
    progress: Callable[[str], None],
) -> Iterator[Any]:
    """The ``steps`` for ``run_migrations``, which note in ``result`` what each of them does."""
    result.last = result.catalogue.snapshot(connection_of(context), digests=False)
    ordered = sorted(steps, key=lambda step: step.revision.revision in result.trial)
    return _steps(result, context, ordered, progress)


def connection_of(context: MigrationContext) -> Connection:
    """The connection that env.py migrates on. Raises ``WorkerError`` in offline mode."""
    if context.connection is None:
        raise WorkerError("env.py ran its migrations without a database connection.", "The review needs online mode.")
    return context.connection


def _steps(
    result: Replayed,
    context: MigrationContext,
    steps: list[Any],
    progress: Callable[[str], None],
) -> Iterator[Any]:
    for number, step in enumerate(steps, 1):
        progress(f"applying revision {step.revision.revision} ({number} of {len(steps)})")
        step.migration_fn = Noted(result, context, step.migration_fn, step.revision)
        yield step
    result.explained = result.catalogue.explained(connection_of(context))


class Noted:
    """A step's function, run inside the step's own transaction with a look at the catalogue after it."""

    def __init__(self, result: Replayed, context: MigrationContext, function: Any, revision: Any) -> None:
        self._result = result
        self._context = context
        self._function = function
        self.revision = revision
        self.watched = revision.revision in result.watched
        self.__name__ = getattr(function, "__name__", "upgrade")
        self.__doc__ = getattr(function, "__doc__", None)

    def __call__(self, **arguments: Any) -> None:
        name = arguments.get("engine_name")
        if name is not None:  # empty for the database that has no bind key in Flask-Migrate, which logs it as <default>
            self._result.name = str(name) or _DEFAULT
        connection = self._context.connection
        assert connection is not None
        if self.revision.revision in self._result.trial and self._result.before is None:
            version_table = internals.version_tables(self._context)
            self._result.before = contents(self._result.catalogue, connection, version_table)
        if self.watched:
            digest(self._result, connection)
        self._result.catalogue.start_revision()
        self._result.running = self.revision.revision
        try:
            self._run(arguments)
        except WorkerError:
            raise
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            raise _failed(self._result, self.revision, error) from error
        finally:
            self._result.running = ""
        version_table = internals.version_tables(self._context)
        _note(self._result, connection, self.revision.revision, version_table, watched=self.watched)

    def _run(self, arguments: dict[str, Any]) -> None:
        kind = not_run(self._function)
        if kind:
            raise self._without_effect(f"is {kind}")
        with self._result.around():
            kind = not_consumed(self._function(**arguments))
        if kind:
            raise self._without_effect(f"returned {kind}")

    def _without_effect(self, why: str) -> WorkerError:
        place = definition(self._function) or self.revision.path
        return WorkerError(
            f"The upgrade function of revision {self.revision.revision} {why}, whose body Alembic does not run."
            f"{at([place])}",
            "Define it with `def`, without `yield`; wait for asynchronous code inside it, as with asyncio.run().",
        )


def running_revision(frame: FrameType | None) -> str:
    """The revision whose function runs in a frame or further out; empty when none does."""
    while frame is not None:
        if frame.f_code is Noted.__call__.__code__:
            noted: Noted = frame.f_locals["self"]
            return str(noted.revision.revision)
        frame = frame.f_back
    return ""


def digest(result: Replayed, connection: Connection) -> None:
    """Know every table in detail before somebody may alter it."""
    if result.digested:
        return
    result.last = result.catalogue.snapshot(connection, digests=True)
    result.known = dict(result.catalogue.details(connection, result.last.tables))
    result.digested = True


def _failed(result: Replayed, revision: Any, error: BaseException) -> WorkerError:
    where = at(application_frames(error.__traceback__))
    fault = Fault(error, result.circumstances, revision=revision.path, created=_creators(result))
    return WorkerError(
        f"Revision {revision.revision} failed in {revision.path}: {describe(error)}{where}",
        hint_of(
            fault, "Every revision must apply to an empty database, in the order of version_locations and depends_on."
        ),
    )


def _creators(result: Replayed) -> dict[str, str]:
    """Which revision created the table of each name; without those names that several schemas have."""
    found: dict[str, str] = {}
    several: set[str] = set()
    for identity, (key, _) in result.last.tables.items():
        if key.name in found:
            several.add(key.name)
        found[key.name] = result.creators.get(identity, "")
    return {name: revision for name, revision in found.items() if name not in several}


def _note(
    result: Replayed,
    connection: Connection,
    revision: str,
    version_table: tuple[str, str | None],
    *,
    watched: bool,
) -> None:
    before, after = result.last, result.catalogue.snapshot(connection, digests=watched)
    unclear = _note_gone(result, connection, revision, after, version_table)
    for identity in after.tables.keys() - before.tables.keys():
        if not unclear:
            # Who drops a table of somebody else and makes it again does not make it one's own.
            key, _ = after.tables[identity]
            result.creators[identity] = result.taken.get(key, revision) if watched else revision
    if not watched:
        _note_own(result, connection, revision, after)
    else:
        _note_details(result, connection, revision, before, after)
        if after != before:
            result.effective.add(revision)
    result.digested = watched
    result.last = result.noted = after
    result.noted_alterations = len(result.alterations)
    result.applied.append(revision)


def note_statement(result: Replayed, connection: Connection, revision: str, frame: Frame) -> None:
    """What one statement did that is no revision's own, after ``digest``; ``revision`` runs meanwhile, or is empty."""
    before, after = result.last, result.catalogue.snapshot(connection, digests=True)
    first = len(result.alterations)
    _note_gone(result, connection, revision, after, ("", None))
    _note_details(result, connection, revision, before, after)
    place = Place(frame.path, frame.line)
    result.alterations[first:] = [
        replace(alteration, place=place, package=frame.package) for alteration in result.alterations[first:]
    ]
    result.last = after


def _note_gone(
    result: Replayed, connection: Connection, revision: str, after: Snapshot, version_table: tuple[str, str | None]
) -> bool:
    """The tables that were dropped, or go by another name; true when the database can't tell which."""
    before = result.last
    unclear = _renames_unclear(result, connection, before, after)
    for identity, (key, _) in before.tables.items():
        if identity not in after.tables and not _is(key, version_table):
            action = "dropped_or_renamed" if unclear else "dropped"
            creator = result.creators.get(identity)
            if revision in result.watched and creator is not None and creator not in result.watched:
                result.taken[key] = creator
            result.gone.setdefault(key, result.creators.get(identity, ""))
            result.alterations.append(Alteration(revision, key, "table", action))
        elif identity in after.tables and after.tables[identity][0] != key:
            renamed = after.tables[identity][0].name
            result.gone.setdefault(key, result.creators.get(identity, ""))
            result.alterations.append(Alteration(revision, key, "table", "renamed", renamed))
    return unclear


def _is(key: TableKey, version_table: tuple[str, str | None]) -> bool:
    name, schema = version_table
    return key.name == name and schema in (None, key.schema)


def _renames_unclear(result: Replayed, connection: Connection, before: Snapshot, after: Snapshot) -> bool:
    """A table went and another came, and nothing tells whether it is the same one: nobody is known to have made it."""
    came = after.tables.keys() - before.tables.keys()
    went = [key for identity, (key, _) in before.tables.items() if identity not in after.tables]
    return bool(came and went) and result.catalogue.may_be_renamed(connection, went)


def _note_details(result: Replayed, connection: Connection, revision: str, before: Snapshot, after: Snapshot) -> None:
    touched = [identity for identity, entry in after.tables.items() if before.tables.get(identity) != entry]
    details = result.catalogue.details(connection, touched)
    for identity in touched:
        if identity in before.tables:
            key, _ = before.tables[identity]
            _note_items(result, revision, key, result.known.get(identity, {}), details.get(identity, {}))
    _note_types(result, connection, revision, before, after)
    result.known.update(details)


def _note_own(result: Replayed, connection: Connection, revision: str, after: Snapshot) -> None:
    """What a revision of somebody else did to tables that watched ones had created."""
    own = [one for one, creator in result.creators.items() if creator in result.watched and one in after.tables]
    details = result.catalogue.details(connection, own) if own else {}
    for identity in own:
        key, _ = after.tables[identity]
        _note_items(result, revision, key, result.known.get(identity, {}), details.get(identity, {}))
    result.known.update(details)


def _note_items(result: Replayed, revision: str, key: TableKey, old: Details, new: Details) -> None:
    for kind, name in sorted({*old, *new}, key=lambda entry: (entry[0], entry[1] or "")):
        before, after = old.get((kind, name)), new.get((kind, name))
        if before == after:
            continue
        action = "added" if before is None else "removed" if after is None else "changed"
        columns = (after or before or Definition("")).columns
        old_text, new_text = _text(before), _text(after)
        result.alterations.append(Alteration(revision, key, kind, action, name, columns, old_text, new_text))


def _text(definition: Definition | None) -> str | None:
    return f"{definition.text} {definition.place}".rstrip() if definition is not None else None


def _note_types(result: Replayed, connection: Connection, revision: str, before: Snapshot, after: Snapshot) -> None:
    """A type whose values changed alters every column that had it before."""
    for identity, values in after.types.items():
        if identity in before.types and before.types[identity] != values:
            for key, column in result.catalogue.type_users(connection, identity):
                texts = (str(before.types[identity]), str(values))
                result.alterations.append(Alteration(revision, key, "column", "changed", column, (column,), *texts))


def revision_packages(script: ScriptDirectory, folders: Folders) -> dict[str, str | None]:
    """The package that owns each revision's file."""
    return {
        revision.revision: package_of_path(folders.original(os.path.realpath(revision.path)))
        for revision in script.walk_revisions()
    }
