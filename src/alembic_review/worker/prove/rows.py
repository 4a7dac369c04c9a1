"""The plan on rows: what fails, and which values are gone.

Two copies get benign rows, and one of them hostile rows as well, made for what the plan changes. Where an operation
fails, its table is emptied, the operation is tried once more, and the table is filled again for the rest of the plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from alembic_review.model.keys import TableKey
from alembic_review.model.proofs import ROWS, DatabaseError, Hazard, Loss, Proved, Rows, Statement
from alembic_review.worker.prove.bench import Bench
from alembic_review.worker.prove.data.benign import benign_seeder
from alembic_review.worker.prove.data.hazards import Danger, conversions, dangers, matching
from alembic_review.worker.prove.data.hostile import ACCEPTED, IMPOSSIBLE, Hostile
from alembic_review.worker.prove.data.losing import Content, content, losses
from alembic_review.worker.prove.data.seeding import Seeder, emptied, empty
from alembic_review.worker.prove.data.structure import Structure, execute, quoted, read_structure
from alembic_review.worker.prove.data.suggesting import required_column
from alembic_review.worker.prove.dry import DryRun, dry_run
from alembic_review.worker.prove.failing import hazard_of
from alembic_review.worker.prove.recorder import Recorder, in_transaction
from alembic_review.worker.prove.run import Failed, Hooks, Unit, run_back, run_plan
from alembic_review.worker.replay.upgrade import connection_of
from alembic_review.worker.worker_errors import WorkerError

_AGAIN = 3  # runs, where a revision fails outside any operation
_WORD = re.compile(r"\w+")
_CONVERTING = ("cast", "narrow")
_DATA = "22"  # the class of SQLSTATE of all data exceptions
_LOSING = {
    "dropped": re.compile(r"\bDROP\b", re.IGNORECASE),
    "deleted": re.compile(r"\b(?:DELETE|TRUNCATE|DROP)\b", re.IGNORECASE),
    "changed": re.compile(r"\b(?:UPDATE|TYPE|INSERT|DROP\s+COLUMN)\b", re.IGNORECASE),
}
_CHANGING = re.compile(r"\b(?:DROP|ALTER|UPDATE|DELETE|TRUNCATE|INSERT)\b", re.IGNORECASE)


def observe(bench: Bench) -> list[Proved]:
    """Hazards and losses of the plan, up and down. Raises ``WorkerError``."""
    dry = dry_run(bench)
    found = [_Found() for _ in bench.numbers]
    if any(one.names for one in dry):
        for hostile in (False, True):
            _run(_Trial(bench, dry, found), hostile=hostile)
    for number, one in enumerate(dry):
        found[number].add_failures(one)
    return [one.proved(number) for number, one in enumerate(found)]


@dataclass
class _Found:
    """What is known of one database: dangers with their state, by what they are about."""

    dangers: dict[Any, Danger] = field(default_factory=dict)
    losses: dict[Any, Loss] = field(default_factory=dict)
    seeded: set[TableKey] = field(default_factory=set)
    unfilled: dict[TableKey, str] = field(default_factory=dict)
    not_checked: list[str] = field(default_factory=list)

    def expect(self, danger: Danger, state: str, reason: str = "") -> None:
        """Note a danger before the run; what is found stays found, and what was tried stays tried."""
        known = self.dangers.get(_identity(danger))
        if known is None or known.hazard.state == "not_tried":
            self.dangers[_identity(danger)] = danger.told(state=state, reason=reason)

    def found(self, danger: Danger, **fields: Any) -> None:
        known = self.dangers.get(_identity(danger))
        if known is None or known.hazard.state != "found":
            self.dangers[_identity(danger)] = danger.told(state="found", reason="", **fields)

    def lose(self, loss: Loss) -> None:
        self.losses.setdefault((loss.key, loss.column, loss.back), loss)

    def add_failures(self, dry: DryRun) -> None:
        """Casts that do not exist fail without rows as well."""
        for failure in dry.failures:
            if failure.kind == "cast":
                key = _key_of(failure.statement.sql, dry.after)
                known = [one.hazard for one in self.dangers.values() if one.hazard.state == "found"]
                if key is not None and not any((one.key, one.kind) == (key, "cast") for one in known):
                    hazard = Hazard("cast", key, _altered(failure.statement.sql), wanted=failure.statement.sql)
                    told = replace(hazard, state="found", benign=True, error=failure.error, statement=failure.statement)
                    self.dangers.setdefault((key, "cast", failure.statement.sql), Danger(told, None))

    def proved(self, number: int) -> Proved:
        hazards = tuple(danger.hazard for danger in self.dangers.values())
        seeded = tuple(sorted(self.seeded, key=str))
        unfilled = tuple((key, self.unfilled[key]) for key in sorted(self.unfilled, key=str))
        untold = [*self.not_checked, *(f"rows of {key.name} ({why})" for key, why in unfilled)]
        untold += [
            f"{one.kind} of {one.key.name}.{one.name or one.column} on rows ({one.reason})"
            for one in hazards
            if one.state == "not_tried" and one.key not in self.unfilled
        ]
        rows = Rows(seeded, unfilled, hazards, tuple(self.losses.values()))
        return Proved(ROWS, number, not_checked=tuple(dict.fromkeys(untold)), rows=rows)


def _identity(danger: Danger) -> Any:
    hazard = danger.hazard
    number = danger.column.number if danger.column is not None else hazard.columns
    return danger.identity, hazard.kind, number, hazard.name, hazard.wanted, hazard.back


@dataclass(frozen=True)
class _Shown:
    """An error that shows a hazard of this kind, and where."""

    kind: str
    error: DatabaseError
    statement: Statement
    unit: Unit


@dataclass(frozen=True)
class _Trial:
    """What is tried, and where it is noted, by database."""

    bench: Bench
    dry: Sequence[DryRun]
    found: list[_Found]


def _run(trial: _Trial, *, hostile: bool) -> None:
    skipped: set[TableKey] = set()
    for _ in range(_AGAIN):
        hooks = _OnRows(trial, hostile=hostile, skipped=skipped)
        with trial.bench.copies():
            run_plan(trial.bench, hooks, hooks.recorder)
            if not hooks.blocked and not any(one.failures for one in trial.dry):
                _back(trial, hooks, hostile=hostile)
        skipped = skipped | hooks.blocked
        if not hooks.blocked:
            return


def _back(trial: _Trial, hooks: _OnRows, *, hostile: bool) -> None:
    """The downgrade on the rows that survived, and on hostile ones for it."""
    reason = ""
    try:
        back = _Back(trial, hostile=hostile, came=hooks)
        run_back(trial.bench, back, back.recorder)
    except WorkerError as error:
        reason = error.message.split("\n", 1)[0]
    for one in trial.found if reason else ():
        one.not_checked.append(f"the downgrade on rows ({reason})")


class _OnRows(Hooks):
    """Fills the tables, tries the plan, and compares the values."""

    back = False

    def __init__(
        self, trial: _Trial, *, hostile: bool, skipped: set[TableKey] | None = None, came: _OnRows | None = None
    ) -> None:
        self.bench, self.dry, self.everything = trial.bench, trial.dry, trial.found
        self.hostile, self.skipped = hostile, skipped or set()
        self.recorder = Recorder()
        # The tables before the plan, and the rows that were in them when the plan came to them.
        self.origins: dict[int, Structure] = dict(came.origins) if came is not None else {}
        self.originals: dict[int, Content] = dict(came.befores) if came is not None else {}
        self.befores: dict[int, Content] = {}
        self.wanted: dict[int, list[Structure]] = {}
        self.blocked: set[TableKey] = set()
        self.database = 0
        self.emptied: set[Any] = set()
        self.tried: set[int] = set()
        self.first = 0  # of the statements that may lose what is not known to be lost yet
        self.refilled: set[Any] = set()

    @property
    def found(self) -> _Found:
        return self.everything[self.database]

    def start(self, number: int, context: MigrationContext) -> None:
        self.database = number
        with _own_connection(connection_of(context)) as connection:
            tables = read_structure(connection, self.dry[number].names)
            self.wanted[number] = self._stages(number)
            kept = {one: table for one, table in tables.items() if table.key not in self.skipped}
            seeder = self._fill(connection, tables, list(kept), transaction=False)
            self.befores[number] = content(connection, tables)
            self.origins.setdefault(number, tables)
        for identity, table in tables.items():
            if identity in seeder.reasons:
                self.found.unfilled.setdefault(table.key, seeder.reasons[identity])
            elif self.befores[number].counts[identity]:
                self.found.seeded.add(table.key)

    def _stages(self, number: int) -> list[Structure]:
        """What the tables are to become, one after the other."""
        return [stage for stage in (self.dry[number].between, self.dry[number].after) if stage]

    def _fill(self, connection: Connection, tables: Structure, identities: list[Any], *, transaction: bool) -> Seeder:
        coming = self._coming(tables)
        seeder = benign_seeder(connection, tables, coming, transaction=transaction)
        seeder.fill(identities)
        hostile = Hostile(seeder)
        for one in coming:
            self._add(hostile, one, wanted=one.identity in identities)
        texts = [statement.sql for statement in self.dry[self.database].statements]
        for one in conversions(tables, self._last, texts) if self.hostile and not self.back else ():
            if one.identity in identities:
                hostile.add(one)
        return seeder

    def _coming(self, tables: Structure) -> list[Danger]:
        """The dangers of what the plan has not done yet."""
        every = [one for stage in self.wanted[self.database] for one in dangers(tables, stage)]
        told = [one.told(back=self.back) for one in every]
        return list({_identity(one): one for one in told}.values())

    @property
    def _last(self) -> Structure:
        stages = self.wanted[self.database]
        return stages[-1] if stages else {}

    def _add(self, hostile: Hostile, danger: Danger, *, wanted: bool) -> None:
        if not self.hostile:
            self.found.expect(danger, "not_tried", "hostile rows were not tested")
            return
        if wanted:
            state = hostile.add(danger)
            known = state in (ACCEPTED, IMPOSSIBLE)
            self.found.expect(danger, "held" if known else "not_tried", "" if known else state)

    def failed(self, unit: Unit, error: DatabaseError) -> bool:
        self.database = unit.database
        if self._expected(unit, error):
            return False
        kind = hazard_of(error) or ("cast" if error.sqlstate.startswith(_DATA) else "")
        connection = unit.connection
        if not unit.restored:
            _drop_invalid(connection)
        statement = unit.failing or Statement("", unit.operation, unit.revision)
        tables = read_structure(connection, self.dry[unit.database].names, self.befores[unit.database].tables.keys())
        identity = _table_of(tables, error, statement, unit)
        if not kind or identity is None:
            self.found.not_checked.append(f"a part of the plan on rows ({error.message})")
            return False
        self._note(tables, identity, _Shown(kind, error, statement, unit))
        if id(unit) in self.tried:
            self._refill(connection)
            return False
        self.tried.add(id(unit))
        self._lose(connection, tables)
        self.emptied = emptied(tables, [identity])
        try:
            empty(connection, tables, [identity])
        except DBAPIError:
            self.emptied = set()
            return False
        return True

    def _expected(self, unit: Unit, error: DatabaseError) -> bool:
        """Whether it failed without rows, too."""
        failures = self.dry[unit.database].failures
        state = error.sqlstate
        return any(
            (one.statement.operation, one.statement.revision, one.error.sqlstate)
            == (unit.operation, unit.revision, state)
            for one in failures
        )

    def _note(self, tables: Structure, identity: Any, shown: _Shown) -> None:
        name, column = shown.error.constraint, shown.error.column or _column_of(shown.unit, shown.statement)
        names = {name, column} if name or column else set(_WORD.findall(shown.statement.sql))
        matched = matching(self._coming(tables), identity, shown.kind, names)
        if not matched:
            texts = [shown.statement.sql]
            casting = conversions(tables, self._last, texts) if shown.kind in _CONVERTING else []
            column = casting[0].hazard.column if len(casting) == 1 else column
            columns = (column,) if column is not None else ()
            hazard = Hazard(shown.kind, tables[identity].key, column, columns, name, back=self.back)
            matched = [Danger(hazard, identity)]
        fields: dict[str, Any] = {"benign": not self.hostile, "statement": shown.statement, "error": shown.error}
        if shown.kind == "not_null":
            fields["suggestion"] = required_column(self.bench, self.database, shown.unit.invoked)
        for one in matched:
            if one.hazard.kind != shown.kind:
                # The same part of the plan: what is too long may turn out not to be castable, and the reverse.
                self.found.dangers.pop(_identity(one), None)
            self.found.found(one.told(kind=shown.kind, name=one.hazard.name or name), **fields)

    def after(self, unit: Unit) -> None:
        if self.emptied:
            self.database = unit.database
            self._refill(unit.connection)

    def _refill(self, connection: Connection) -> None:
        """Rows for the rest of the plan."""
        identities, self.emptied = list(self.emptied), set()
        self.refilled |= set(identities)
        tables = read_structure(connection, self.dry[self.database].names, self.befores[self.database].tables.keys())
        transaction = in_transaction(connection)
        self._fill(connection, tables, identities, transaction=transaction)
        if transaction and connection.dialect.name == "postgresql":
            # What a deferred constraint has to check later would keep the table from being altered.
            execute(connection, "SET CONSTRAINTS ALL IMMEDIATE")
        before, now = self.befores[self.database], content(connection, tables)
        kept = {place: values for place, values in before.values.items() if place[0] not in identities}
        new = {place: values for place, values in now.values.items() if place[0] in identities}
        counts = {**before.counts, **{one: now.counts[one] for one in identities if one in now.counts}}
        shown = {**before.tables, **{one: tables[one] for one in identities if one in tables}}
        self.befores[self.database] = Content(shown, counts, {**kept, **new})

    def broken(self, failed: Failed) -> None:
        kind = hazard_of(failed.error) if failed.error is not None else ""
        statement = failed.statement
        key = _key_of(statement.sql, self.befores[self.database].tables) if statement is not None else None
        if failed.error is None or not kind or statement is None or key is None:
            message = failed.error.message if failed.error is not None else str(failed.cause)
            self.found.not_checked.append(f"revision {failed.revision} on rows ({message})")
            return
        identity = next(one for one, table in self.befores[self.database].tables.items() if table.key == key)
        unit = Unit(self.database, None, revision=failed.revision)  # type: ignore[arg-type] # nothing runs in it
        shown = _Shown(kind, failed.error, statement, unit)
        self._note(self.befores[self.database].tables, identity, shown)
        self.blocked.add(key)

    def between(self, number: int, context: MigrationContext) -> None:
        self.finish(number, context)
        self.first = len(self.recorder.statements)

    def finish(self, number: int, context: MigrationContext) -> None:
        self.database = number
        connection = connection_of(context)
        tables = read_structure(connection, self.dry[number].names, self.befores[number].tables.keys())
        self._lose(connection, tables)

    def _lose(self, connection: Connection, tables: Structure) -> None:
        after = content(connection, tables)
        for loss in losses(self.befores[self.database], after):
            statement = self._losing(loss)
            self.found.lose(replace(loss, benign=not self.hostile, statement=statement))

    def _losing(self, loss: Loss) -> Statement | None:
        """The last statement of the right kind that names the column, else the table."""
        ranked: list[tuple[int, int]] = []
        for place, one in enumerate(self.recorder.statements[self.first :], self.first):
            words = set(_WORD.findall(one.sql))
            if loss.key.name in words and one.error is None and _CHANGING.search(one.sql):
                kind = 2 if _LOSING[loss.how].search(one.sql) else 0
                ranked.append((kind + (loss.column in words), place))
        return self.recorder.statements[max(ranked)[1]] if ranked else None


class _Back(_OnRows):
    """The same for the downgrade: the rows that the upgrade left, and new ones for the way back."""

    back = True

    def _stages(self, number: int) -> list[Structure]:
        return [self.origins[number]]

    def finish(self, number: int, context: MigrationContext) -> None:
        self.database = number
        connection = connection_of(context)
        tables = read_structure(connection, self.dry[number].names, self.originals[number].tables.keys())
        gone = {(loss.key, loss.column) for loss in self.found.losses.values() if not loss.back}
        for loss in losses(self._of_origin(number), content(connection, tables)):
            if (loss.key, loss.column) not in gone and (loss.key, None) not in gone:
                self.found.lose(replace(loss, back=True, statement=self._losing(loss)))

    def _of_origin(self, number: int) -> Content:
        """The rows from before the upgrade, in the columns that there were; not those of tables emptied since."""
        then, tables = self.originals[number], {}
        for identity, table in self.origins[number].items():
            known = then.tables.get(identity)
            if known is not None and identity not in self.refilled:
                numbers = {column.number for column in known.columns}
                tables[identity] = replace(table, columns=tuple(c for c in table.columns if c.number in numbers))
        return Content(tables, then.counts, then.values)

    def _lose(self, connection: Connection, tables: Structure) -> None:
        """Nothing before the end: the rows that count are those from before the upgrade."""


@contextmanager
def _own_connection(connection: Connection) -> Iterator[Connection]:
    """A connection beside that of the plan, whose statements are transactions of their own."""
    with connection.engine.connect() as own:
        yield own.execution_options(isolation_level="AUTOCOMMIT")


def _drop_invalid(connection: Connection) -> None:
    """What a failed CREATE INDEX CONCURRENTLY leaves behind."""
    if connection.dialect.name != "postgresql":
        return
    rows = connection.exec_driver_sql(
        "SELECT n.nspname, c.relname FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE NOT x.indisvalid"
    ).fetchall()
    for schema, name in rows:
        with suppress(DBAPIError):
            execute(connection, f"DROP INDEX {quoted(TableKey(schema, name))}")


def _table_of(tables: Structure, error: DatabaseError, statement: Statement, unit: Unit) -> Any:
    """The table that an error is about, by its identity."""
    names = [error.table, getattr(unit.invoked, "source_table", None), getattr(unit.invoked, "table_name", None)]
    for name in names:
        for identity, table in tables.items():
            if name == table.key.name and error.schema in (None, table.key.schema):
                return identity
    key = _key_of(statement.sql, tables)
    return next((identity for identity, table in tables.items() if table.key == key), None)


def _key_of(sql: str, tables: Structure) -> TableKey | None:
    """The first table that a statement names."""
    known = {table.key.name: table.key for table in tables.values()}
    return next((known[word] for word in _WORD.findall(sql) if word in known), None)


_ALTERED = re.compile(r"\b(?:ALTER|ADD|MODIFY)\s+(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?\"?(\w+)\"?\s", re.IGNORECASE)
_NO_COLUMN = frozenset({"table", "constraint", "unique", "primary", "foreign", "check", "exclude", "column"})


def _altered(sql: str) -> str | None:
    """The column that a statement alters or adds."""
    names = [name for name in _ALTERED.findall(sql) if name.lower() not in _NO_COLUMN]
    return names[0] if names else None


def _column_of(unit: Unit, statement: Statement) -> str | None:
    name = getattr(unit.invoked, "column_name", None)
    column = getattr(unit.invoked, "column", None)
    return name or getattr(column, "name", None) or _altered(statement.sql)
