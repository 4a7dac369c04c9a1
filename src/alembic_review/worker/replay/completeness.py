"""Whether the replay is complete: each revision was run, what it created is committed, and nothing took it away again.

An env.py can catch exceptions, roll a transaction back, never commit it, stamp revisions, or clean up afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import column, event, select, table, text
from sqlalchemy.engine import Connection, Engine

from alembic_review.model.facts import Alteration, TableKey
from alembic_review.worker import internals
from alembic_review.worker.environment.revision_scripts import Parents, parents
from alembic_review.worker.replay.database_contents import (
    LIGHT_SETTINGS,
    Difference,
    Identity,
    Listed,
    differences,
    listed,
    listed_as,
)
from alembic_review.worker.replay.statements_after_replay import Afterwards, lines
from alembic_review.worker.replay.upgrade import Replayed
from alembic_review.worker.worker_errors import WorkerError, at, describe

_SHOWN = 3
_TEXT_AT_ONCE = 5  # revisions
_ALTERS = re.compile(r"\s*(?:CREATE|ALTER|DROP|TRUNCATE|DO|CALL|ROLLBACK)\b", re.IGNORECASE)

_STAMPED = (
    "A review starts with an empty database and runs every revision. Remove the stamp, or the INSERT into the version "
    "table, from env.py; tables that are older than the first revision belong in the setting `before`."
)
_CAUGHT = (
    "env.py must not catch exceptions of context.run_migrations(), and must wait for the thread or task that runs it."
)
_COMMIT = (
    "Run the migrations in `with context.begin_transaction():`. A statement that env.py executes before "
    "context.configure() begins a transaction that Alembic does not commit: execute it in a block of its own "
    "(`with engine.begin() as connection:`), or call connection.commit() at the end."
)
_UNDONE = (
    "Move the statements of env.py that remove or change tables into a revision. If env.py rolls back for a dry run, "
    "turn that off for the review with `x` or `env` in the settings."
)


@dataclass
class Run:
    """One call of ``run_migrations`` in the replay: what it has to do, and what was seen of it.

    ``version`` identifies the version table in the catalogue; ``shown`` is its name. ``first`` is the database before
    the first revision, ``end`` right after the last one.
    """

    target: tuple[Any, ...]
    replayed: Replayed
    script: ScriptDirectory
    version: Any
    shown: str
    planned: tuple[str, ...]
    first: Listed
    end: Listed | None = None
    finished: bool = False
    doubtful: bool = False
    mark: int = 0
    last_error: str = ""


@dataclass
class Ledger:
    """What is known of one database.

    ``made`` are the objects that revisions created, ``ran`` the revisions that were run, by version table, and
    ``earlier`` those that a version table contained before the application's first connection.
    """

    made: set[Identity] = field(default_factory=set)
    end: Listed | None = None
    ran: dict[Any, set[str]] = field(default_factory=dict)
    earlier: frozenset[str] = frozenset()
    runs: list[Run] = field(default_factory=list)


class Completed:
    """Follows the replay of one env.py; ``target`` finds the key of a connection's database, if there is one."""

    def __init__(self, target: Callable[[Connection], tuple[Any, ...] | None]) -> None:
        self._target = target
        self._ledgers: dict[tuple[Any, ...], Ledger] = {}
        self._committed: dict[tuple[Any, ...], Listed] = {}
        self._additions: dict[str, str] = {}
        self._afterwards = Afterwards()
        self._compared: set[tuple[Any, ...]] = set()
        self._watching = True

    def install(self) -> None:
        """Listen to every engine."""
        event.listen(Engine, "rollback", self._doubt)
        event.listen(Engine, "rollback_savepoint", lambda connection, _name, _context: self._doubt(connection))
        event.listen(Engine, "rollback_twophase", lambda connection, _xid, _is_prepared: self._doubt(connection))
        event.listen(Engine, "after_cursor_execute", self._executed)
        event.listen(Engine, "handle_error", self._failed)

    def existed(self, key: tuple[Any, ...], revisions: Iterable[str]) -> None:
        """Revisions that the version tables of a database contained before the application connected to it."""
        self._ledger(key).earlier |= frozenset(revisions)

    def begin(
        self,
        key: tuple[Any, ...],
        context: MigrationContext,
        heads: Sequence[str],
        script: ScriptDirectory,
        replayed: Replayed,
    ) -> Run:
        """Before the first step. Raises ``WorkerError`` for revisions that were marked as applied and never run."""
        connection = context.connection
        assert connection is not None
        ledger = self._ledger(key)
        name, schema = internals.version_table(context, connection)
        version = _identity(connection, name, schema)
        known = parents(script)
        marked = ancestors(known, heads)
        run = ledger.ran.setdefault(version, set())
        stamped = marked - run - ancestors(known, ledger.earlier)
        shown = f"{schema}.{name}" if schema else name
        if stamped:
            ordered = [one for one in reversed(list(known)) if one in stamped]
            raise WorkerError(
                f"The version table {shown} contains {_revisions(ordered)} before the upgrade, although the review did "
                f"not run {'it' if len(ordered) == 1 else 'them'}.",
                _STAMPED,
            )
        planned = tuple(step.revision.revision for step in internals.upgrade_steps(script, heads))
        first = self._start(ledger, replayed, connection)
        made = Run(key, replayed, script, version, shown, planned, first)
        ledger.runs.append(made)
        return made

    def restore(
        self, key: tuple[Any, ...], context: MigrationContext, script: ScriptDirectory, replayed: Replayed
    ) -> None:
        """Instead of ``begin``, where the database contains what an earlier replay did and nothing is left to do."""
        connection = context.connection
        assert connection is not None
        name, schema = internals.version_table(context, connection)
        shown = f"{schema}.{name}" if schema else name
        version, nothing = _identity(connection, name, schema), Listed({})
        self._ledger(key).runs.append(Run(key, replayed, script, version, shown, (), nothing, nothing, finished=True))

    def require_restored(self, key: tuple[Any, ...], connection: Connection) -> None:
        """Instead of ``require_committed``: what the database contains is what has to be there in the comparison."""
        self._watching = False
        ledger = self._ledgers[key]
        found = listed(ledger.runs[-1].replayed.catalogue, connection)
        ledger.made, ledger.end = {*_identities(found)}, found
        self._committed[key] = found

    def contents(self, key: tuple[Any, ...]) -> Listed:
        """What was committed of a database's upgrade."""
        return self._committed[key]

    def foreign(self) -> bool:
        """Whether code that is no revision altered anything, also without consequences for what revisions created."""
        runs = [run for ledger in self._ledgers.values() for run in ledger.runs]
        return bool(self.not_checked()) or any(each.revision == "" for run in runs for each in run.replayed.alterations)

    def _start(self, ledger: Ledger, replayed: Replayed, connection: Connection) -> Listed:
        found = listed(replayed.catalogue, connection, ledger.end)
        if ledger.end is not None:
            # Another run on the same database came before: nothing of it may have gone since.
            self._require(ledger, ledger.end, found, additions=False)
        return found

    def watched(self, run: Run, steps: Iterable[Any], connection: Connection) -> Iterator[Any]:
        """The same steps, each of them watched; ``run.finished`` when Alembic has asked for all."""
        for step in steps:
            step.migration_fn = self._watched(run, step.migration_fn, step.revision.revision, connection)
            yield step
        if not run.planned:
            self._end(run, connection)
        run.finished = True

    def _watched(self, run: Run, function: Any, revision: str, connection: Connection) -> Callable[..., None]:
        def call(**arguments: Any) -> None:
            self._before(run, connection)
            function(**arguments)
            run.doubtful = False
            if not run.mark:
                run.mark = len(run.replayed.alterations) + 1
            self._ledgers[run.target].ran[run.version].add(revision)
            if len(run.replayed.applied) == len(run.planned):
                self._end(run, connection)

        return call

    def _before(self, run: Run, connection: Connection) -> None:
        """A transaction or savepoint was rolled back since the last revision, or a table was altered."""
        if not run.doubtful or not run.replayed.applied:
            return
        run.doubtful = False
        before, now = run.replayed.noted, run.replayed.catalogue.snapshot(connection, digests=False)
        gone = [key for one, (key, _) in before.tables.items() if now.tables.get(one, (None, ""))[0] != key]
        created = {key: run.replayed.creators.get(one) for one, (key, _) in before.tables.items()}
        lost = [key for key in gone if created[key]]
        if lost:
            raise WorkerError(
                f"The table {lost[0].name} of revision {created[lost[0]]} was removed, or rolled back, between two "
                f"revisions.{self._blame(run, lost[0])}",
                _UNDONE,
            )

    def _end(self, run: Run, connection: Connection) -> None:
        replayed, ledger = run.replayed, self._ledgers[run.target]
        if replayed.digested:
            run.end = listed_as(connection, replayed.last, replayed.known)
        else:
            run.end = listed(replayed.catalogue, connection, ledger.end)
        ledger.made |= {*_identities(run.end)} - {*_identities(run.first)}
        ledger.end = run.end

    def require(self) -> None:
        """After env.py has returned: every revision was run. Raises ``WorkerError``."""
        self._watching = False
        for run in (run for ledger in self._ledgers.values() for run in ledger.runs):
            self._require_run(run)

    def _require_run(self, run: Run) -> None:
        missing = [one for one in run.planned if one not in run.replayed.applied]
        if not run.finished or missing:
            done = len(run.replayed.applied)
            left = (
                f"revision {run.planned[-1]} was not recorded as applied" if run.planned else "Alembic did not finish"
            )
            if missing:
                left = f"{_revisions(missing)} {'was' if len(missing) == 1 else 'were'} not run"
            raise WorkerError(
                f"env.py ended the upgrade after {done} of {len(run.planned)} revisions: {left}.{_last_error(run)}",
                _CAUGHT,
            )
        for alteration in _foreign(run):
            raise WorkerError(
                f"Code outside any revision altered the table {alteration.key.name} between two revisions "
                f"({alteration.kind} {alteration.name or ''} {alteration.action}).{_place(alteration)}",
                _UNDONE,
            )

    def databases(self) -> list[tuple[Any, ...]]:
        """The keys of the databases that were upgraded."""
        return [key for key, ledger in self._ledgers.items() if ledger.runs]

    def require_committed(self, key: tuple[Any, ...], connection: Connection) -> None:
        """Over a connection that env.py never had: what revisions did is there. Raises ``WorkerError``."""
        ledger = self._ledgers[key]
        found = listed(ledger.runs[-1].replayed.catalogue, connection, ledger.end)
        for run in ledger.runs:
            self._require_version(run, _version_rows(run, connection, found))
        assert ledger.end is not None
        self._require(ledger, ledger.end, found)
        self._committed[key] = found

    def require_compared(
        self, replayed: Replayed, context: MigrationContext, heads: Sequence[str], *, catalogue: bool
    ) -> None:
        """Before a comparison: env.py's own connection shows the same. Raises ``WorkerError``."""
        for key, ledger in self._ledgers.items():
            for run in ledger.runs:
                if run.replayed is not replayed:
                    continue
                self._require_version(run, heads)
                if catalogue and key not in self._compared and context.connection is not None:
                    before = self._committed[key]
                    self._require(ledger, before, listed(replayed.catalogue, context.connection, before))
                    self._compared.add(key)

    def not_checked(self) -> tuple[str, ...]:
        """One line for each object, and for rows, that env.py added after the revisions."""
        return (*lines(self._additions.items()), *self._afterwards.not_checked())

    def _require_version(self, run: Run, heads: Sequence[str]) -> None:
        """Fail unless a version table that contains ``heads`` leaves nothing to upgrade."""
        shown = "no revision" if not heads else _revisions(heads)
        try:
            left = [step.revision.revision for step in internals.upgrade_steps(run.script, tuple(heads))]
        except Exception as error:
            raise WorkerError(
                f"After the upgrade, the version table {run.shown} contains {shown}: {describe(error)}", _UNDONE
            ) from error
        if left:
            raise WorkerError(
                f"The upgrade was rolled back, not committed, or undone: after env.py, the version table {run.shown} "
                f"contains {shown}, and {_revisions(left)} {'is' if len(left) == 1 else 'are'} missing."
                f"{_last_error(run)}",
                _COMMIT,
            )

    def _require(self, ledger: Ledger, before: Listed, after: Listed, *, additions: bool = True) -> None:
        lost: list[Difference] = []
        versions = {run.version for run in ledger.runs}
        for one in differences(before, after):
            kind, identity = one.identity
            if one.table in versions or (kind == "table" and identity in versions):
                continue
            if one.how in ("missing", "changed") and _is_of_revisions(ledger, before, one):
                lost.append(one)
            elif additions:
                self._additions.setdefault(_line(one), kind if one.how == "added" else one.how)
        if lost:
            lost.sort(key=lambda one: one.identity[0] != "table")
            told = "; ".join(f"{one.what}{_creator(ledger, one)} is {one.how}" for one in lost[:_SHOWN])
            more = f"; and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
            key = next((key for one in lost if (key := _key(before, one)) is not None), None)
            run = ledger.runs[-1]
            raise WorkerError(
                f"After env.py, the database does not contain what the revisions created: {told}{more}."
                f"{self._blame(run, key)}{_last_error(run)}",
                _UNDONE,
            )

    def _blame(self, run: Run, key: TableKey | None) -> str:
        """The line of code that altered the table, where it was seen."""
        found = [each for each in run.replayed.alterations if each.revision == "" and each.key == key and each.place]
        return _place(found[-1]) if found else ""

    def _ledger(self, key: tuple[Any, ...]) -> Ledger:
        return self._ledgers.setdefault(key, Ledger())

    def _current(self, connection: Connection) -> Run | None:
        key = self._target(connection)
        ledger = self._ledgers.get(key) if key is not None else None
        return ledger.runs[-1] if ledger is not None and ledger.runs else None

    def _doubt(self, connection: Connection) -> None:
        run = self._current(connection)
        if run is not None and not run.replayed.running:
            run.doubtful = True

    def _executed(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        run = self._current(connection) if self._watching else None
        if run is None or run.replayed.running:
            return
        if run.finished:
            self._afterwards.note(statement)
        elif _ALTERS.match(statement):
            run.doubtful = True

    def _failed(self, context: Any) -> None:
        run = self._current(context.connection) if context.connection is not None else None
        if run is not None and not run.replayed.running and not run.last_error:
            run.last_error = describe(context.sqlalchemy_exception or context.original_exception)


def ancestors(known: Parents, names: Iterable[str]) -> set[str]:
    """These revisions and all that they are based on, as far as they are known."""
    found: set[str] = set()
    queue = [name for name in names if name in known]
    while queue:
        current = queue.pop()
        if current not in found:
            found.add(current)
            queue += known[current]
    return found


def marked(connection: Connection, tables: Iterable[TableKey]) -> set[str]:
    """What these version tables contain."""
    return {str(row) for key in tables for row in _rows(connection, key)}


def _rows(connection: Connection, key: TableKey) -> list[Any]:
    rows: Any = select(column("version_num")).select_from(table(key.name, schema=key.schema))
    return [row[0] for row in connection.execute(rows).fetchall()]


def _version_rows(run: Run, connection: Connection, found: Listed) -> list[str]:
    """What the version table contains; nothing where it does not exist."""
    if connection.dialect.name != "postgresql":
        there = ("table", run.version) in found.things
        return _rows(connection, TableKey(None, run.version)) if there else []
    key, _ = found.snapshot.tables.get(run.version, (None, ""))
    return _rows(connection, key) if key is not None else []


def _identity(connection: Connection, name: str, schema: str | None) -> Any:
    """What identifies a table in the catalogue; PostgreSQL finds one without a schema in the search path."""
    if connection.dialect.name != "postgresql":
        return name
    quote = connection.dialect.identifier_preparer.quote
    path = f"{quote(schema)}.{quote(name)}" if schema else quote(name)
    found = connection.execute(text("SELECT CAST(CAST(to_regclass(:path) AS oid) AS bigint)"), {"path": path})
    return found.scalar()


def _identities(found: Listed) -> Iterator[Identity]:
    yield from found.things
    for one in found.snapshot.types:
        yield "type", one


def _is_of_revisions(ledger: Ledger, before: Listed, difference: Difference) -> bool:
    """Revisions created the object, or altered the table that existed before."""
    if difference.identity in ledger.made:
        return True
    first = ledger.runs[0].first
    if difference.table is None:
        old = first.things.get(difference.identity)
        return old is not None and old.text != before.things[difference.identity].text
    one = difference.table
    return ("table", one) in ledger.made or first.snapshot.tables.get(one) != before.snapshot.tables.get(one)


def _creator(ledger: Ledger, difference: Difference) -> str:
    kind, one = difference.identity
    identity = difference.table if difference.table is not None else one if kind == "table" else None
    for run in reversed(ledger.runs):
        revision = run.replayed.creators.get(identity)
        if revision:
            return f" (revision {revision})"
    return ""


def _key(before: Listed, difference: Difference) -> TableKey | None:
    kind, one = difference.identity
    if difference.table is not None or (kind == "table" and before.snapshot.tables):
        found = before.snapshot.tables.get(one if difference.table is None else difference.table)
        return found[0] if found is not None else None
    return TableKey(None, one) if kind == "table" else None


def _line(difference: Difference) -> str:
    return f"{difference.what} ({_DONE[difference.how]})"


_DONE = {
    "added": "env.py added it after the revisions",
    "missing": "env.py removed it after the revisions; no revision had created it",
    "changed": "env.py changed it after the revisions; no revision had created it",
    "settings": "env.py changed them after the revisions",
    "privileges": "env.py changed them after the revisions",
}


def _foreign(run: Run) -> Iterator[Alteration]:
    """What code that is no revision did between revisions to tables that revisions had created."""
    if not run.mark:
        return
    replayed = run.replayed
    by_key = {key: replayed.creators.get(one, "") for one, (key, _) in replayed.noted.tables.items()}
    for each in replayed.alterations[run.mark - 1 : replayed.noted_alterations]:
        light = each.kind == "setting" and each.name in LIGHT_SETTINGS
        theirs = by_key.get(each.key) or replayed.gone.get(each.key)
        if each.revision == "" and each.action != "added" and theirs and not light:
            yield each


def _place(alteration: Alteration) -> str:
    return at([f"{alteration.place.path}:{alteration.place.line}"]) if alteration.place is not None else ""


def _last_error(run: Run) -> str:
    return f"\n  the database's last error: {run.last_error}" if run.last_error else ""


def _revisions(names: Iterable[str]) -> str:
    found = list(names)
    shown = ", ".join(found[:_TEXT_AT_ONCE])
    more = f" and {len(found) - _TEXT_AT_ONCE} more" if len(found) > _TEXT_AT_ONCE else ""
    return f"revision{'s' if len(found) > 1 else ''} {shown}{more}"
