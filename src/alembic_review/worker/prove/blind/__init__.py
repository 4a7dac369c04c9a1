"""What Alembic's comparison can't see: the models are built in the copy that has the plan, and catalogues compared.

What can't be built is left out of the comparison, with what the database said.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy import Table
from sqlalchemy.engine import Connection

from alembic_review.model.facts import ChangeFact
from alembic_review.model.proofs import BLIND_SPOTS, BlindSpot, BlindSpots, Proved
from alembic_review.worker.compare.comparison import metadatas
from alembic_review.worker.prove.bench import Bench
from alembic_review.worker.prove.blind.building import declared
from alembic_review.worker.prove.blind.comparing import catalogue_of, compare_models, undone
from alembic_review.worker.prove.blind.state import State
from alembic_review.worker.prove.dry import dry_run
from alembic_review.worker.prove.run import Failed, Hooks, run_plan
from alembic_review.worker.replay.upgrade import connection_of
from alembic_review.worker.worker_errors import WorkerError, describe

_CONSTRAINTS = {"add_constraint", "remove_constraint", "add_index", "remove_index"}
_CHANGES = {
    "type": {"modify_type"},
    "collation": {"modify_type"},
    "nullable": {"modify_nullable"},
    "server_default": {"modify_default"},
    "identity": {"modify_default"},
    "generated": {"modify_default"},
    "index": _CONSTRAINTS,
    "unique": _CONSTRAINTS,
    "check": {"add_constraint", "remove_constraint"},
    "exclude": {"add_constraint", "remove_constraint"},
    "foreign_key": {"add_fk", "remove_fk"},
}
"""By kind of blind spot, the changes that the comparison has for it where it sees it after all."""


_BY_COLUMNS = ("index", "unique", "foreign_key")


def observe(bench: Bench) -> list[Proved]:
    """The differences that are left after the plan. Raises ``WorkerError``."""
    if any(bench.entries(number) for number in bench.numbers):
        dry_run(bench)  # what is left of the plan, for later
    hooks = _Hooks(bench)
    with bench.copies():
        run_plan(bench, hooks)
    return [hooks.found.get(number) or Proved(BLIND_SPOTS, number, reason=_NOT_REACHED) for number in bench.numbers]


_NOT_REACHED = "env.py did not connect to this database"


@dataclass
class _Hooks(Hooks):
    bench: Bench
    found: dict[int, Proved] = field(default_factory=dict)
    base: dict[int, State] = field(default_factory=dict)

    def start(self, number: int, context: MigrationContext) -> None:
        if self.bench.plan.revisions and not self.bench.compared[number].modelless:
            connection = connection_of(context)
            catalogue = catalogue_of(connection)
            with undone(connection):
                tables = _tables(self.bench, number)
                self.base[number] = catalogue.read(connection, catalogue.identities(connection, tables))

    def broken(self, failed: Failed) -> None:
        raise WorkerError(f"revision {failed.revision} failed: {describe(failed.cause)}")

    def finish(self, number: int, context: MigrationContext) -> None:
        compared = self.bench.compared[number]
        if compared.modelless:
            self.found[number] = Proved(BLIND_SPOTS, number, blind_spots=BlindSpots())
            return
        connection = connection_of(context)
        with undone(connection):
            self.found[number] = _Comparing(self.bench, number, connection).proved(self.base.get(number))


def _tables(bench: Bench, number: int) -> list[Table]:
    """The tables of the models that take part: not those that a filter of env.py keeps out."""
    comparison = bench.compared[number].comparison
    hidden = {(one.schema, one.name) for one in comparison.filtered if one.kind == "table"}
    every = declared(metadatas(bench.compared[number].context))
    return [table for table in every if (table.schema, table.name) not in hidden]


@dataclass
class _Comparing:
    bench: Bench
    number: int
    connection: Connection

    def proved(self, base: State | None) -> Proved:
        models = metadatas(self.bench.compared[self.number].context)
        came = compare_models(self.connection, models, _tables(self.bench, self.number))
        changes = self._changes()
        left = [spot for spot in came.spots if not self._known(spot, changes)]
        left = [replace(spot, revised=base is not None and _revised(spot, base, came.existing)) for spot in left]
        return Proved(
            BLIND_SPOTS,
            self.number,
            not_checked=tuple(came.built.not_checked()),
            blind_spots=BlindSpots(came.compared, tuple(left)),
        )

    def _changes(self) -> list[ChangeFact | Any]:
        """What the comparison shows of the database after the plan, and what filters of env.py hide from it."""
        comparison = self.bench.compared[self.number].comparison
        changes = comparison.changes
        planned = {entry.number for entry in self.bench.entries(self.number)}
        if not planned:
            return [*changes, *comparison.hidden]
        dry = dry_run(self.bench)[self.number]
        failed = {failure.statement.operation for failure in dry.failures}
        others = [change for change in changes if change.operation not in planned or change.operation in failed]
        return [*others, *dry.remaining, *comparison.hidden]

    def _known(self, spot: BlindSpot, changes: list[Any]) -> bool:
        """Whether the comparison shows a difference, or a filter of env.py keeps it out."""
        wanted = _CHANGES.get(spot.kind, set())
        for change in changes:
            columns = getattr(change, "columns", ())
            if change.key == spot.key and change.kind in wanted:
                same = change.name is not None and change.name == (spot.column or spot.name)
                alike = spot.kind in _BY_COLUMNS and spot.columns and sorted(columns) == sorted(spot.columns)
                if same or alike:
                    return True
            if getattr(change, "type_name", None) == spot.name and spot.kind in ("enum_value", "domain"):
                return True
            if change.kind.startswith("op:") and change.key in (spot.key, None) and change.name == spot.name:
                return True
        for one in self.bench.compared[self.number].comparison.filtered:
            same = spot.key is not None and (one.schema, one.table) == (spot.key.schema, spot.key.name)
            if same and one.name is not None and one.name in (spot.name, spot.column):
                return True
        return False


def _revised(spot: BlindSpot, base: State, existing: State) -> bool:
    """Whether new revisions changed what the database has there."""
    return bool(_part(spot, base) != _part(spot, existing))


def _part(spot: BlindSpot, state: State) -> Any:
    table = state.tables.get(spot.key) if spot.key is not None else None
    if spot.kind == "sequence":
        return {name: text for (_, name), text in state.sequences.items() if name == spot.name}
    if spot.kind in ("enum_value", "domain"):
        every = {**state.enums, **state.domains}
        return {key: one for key, one in every.items() if key[1] == spot.name}
    if table is None:
        return None
    if spot.column is not None:
        return table.columns.get(spot.column)
    if spot.columns or spot.name is not None:
        return [item for item in table.items if item.columns == spot.columns or item.name == spot.name]
    return (table.unlogged, table.storage, table.partitioning)
