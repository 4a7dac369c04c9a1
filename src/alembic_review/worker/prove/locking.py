"""The locks, scans and files of relations, as PostgreSQL's catalogue and statistics show them on one connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from alembic_review.model.keys import TableKey
from alembic_review.worker.prove.data.structure import execute

MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
"""From weak to strong: https://www.postgresql.org/docs/current/explicit-locking.html"""

# Sequences, TOAST tables and temporary tables are left out: nobody waits for those alone.
_RELATIONS = """
SELECT c.oid::bigint, n.nspname, c.relname, c.relkind::text, x.indrelid::bigint, h.inhparent::bigint
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid AND c.relispartition AND c.relkind IN ('r', 'p', 'f')
WHERE c.relkind IN ('r', 'p', 'm', 'f', 'v', 'i', 'I') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""

# A relation that a transaction has scanned or rewritten is locked until its end, so the others need no look.
_STATE = """
WITH held AS (
  SELECT locktype, relation::bigint AS relation, mode, virtualxid FROM pg_catalog.pg_locks
  WHERE pid = pg_backend_pid() AND granted AND (locktype = 'virtualxid' OR locktype = 'relation'
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())))
SELECT 'x', 0::bigint, virtualxid, 0::bigint FROM held WHERE locktype = 'virtualxid'
UNION ALL SELECT 'l', relation, mode, 0 FROM held WHERE locktype = 'relation'
UNION ALL SELECT 'c', c.oid::bigint, c.relfilenode::text, pg_stat_get_xact_numscans(c.oid)
  FROM pg_catalog.pg_class c WHERE {which}
UNION ALL SELECT 'i', x.indrelid::bigint, c.relname, x.indexrelid::bigint
  FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid WHERE {which_index}
"""


@dataclass(frozen=True)
class Relations:
    """The relations before the plan: names of tables, views and the like by oid, and the table of each index.

    A partition goes by the name of the outermost table that it is a part of.
    """

    keys: Mapping[int, TableKey]
    indexes: Mapping[int, int]

    @property
    def listed(self) -> str:
        """Every oid, for a statement."""
        return ", ".join(map(str, sorted({*self.keys, *self.indexes}))) or "0"


def relations(connection: Connection, version_table: tuple[str, str | None]) -> Relations:
    """The relations that there are, but for Alembic's own table."""
    rows = execute(connection, _RELATIONS).fetchall()
    parents = {oid: parent for oid, _, _, _, _, parent in rows if parent is not None}
    name, schema = version_table
    names = {
        oid: TableKey(space, table)
        for oid, space, table, kind, _, _ in rows
        if kind not in ("i", "I") and not (table == name and schema in (None, space))
    }
    keys = {}
    for oid, own in names.items():
        root = oid
        while root in parents:
            root = parents[root]
        keys[oid] = names.get(root, own)
    indexes = {oid: table for oid, _, _, kind, table, _ in rows if kind in ("i", "I") and table in names}
    return Relations(keys, indexes)


@dataclass
class State:
    """What a connection holds and has done at one moment.

    ``transaction`` is what PostgreSQL calls the transaction that asked. By oid: ``locks`` are the modes held,
    ``files`` and ``scans`` are of relations, and ``indexes`` are those of a table, with their names.
    """

    transaction: str = ""
    locks: dict[int, set[str]] = field(default_factory=dict)
    files: dict[int, str] = field(default_factory=dict)
    scans: dict[int, int] = field(default_factory=dict)
    indexes: dict[int, dict[int, str]] = field(default_factory=dict)

    def over(self, earlier: State) -> State:
        """This moment, with what an ``earlier`` one knew of the relations that this one did not look at."""
        return State(
            self.transaction,
            self.locks,
            {**earlier.files, **self.files},
            {**earlier.scans, **self.scans},
            {**earlier.indexes, **self.indexes},
        )


def state(connection: Connection, known: Relations, *, everything: bool) -> State:
    """The state of the relations that this transaction has locked, or of ``everything``."""
    which = known.listed if everything else "SELECT relation FROM held"
    sql = _STATE.format(which=f"c.oid IN ({which})", which_index=f"x.indrelid IN ({which})")
    found = State()
    for kind, oid, text, number in execute(connection, sql).fetchall():
        if kind == "x":
            found.transaction = text
        elif kind == "l" and text in MODES:
            found.locks.setdefault(oid, set()).add(text)
        elif kind == "c":
            found.files[oid], found.scans[oid] = text, number or 0
            found.indexes.setdefault(oid, {})
        elif kind == "i":
            found.indexes.setdefault(oid, {})[number] = text
    return found


def strongest(modes: set[str]) -> str:
    """The strongest of these modes; empty for none."""
    return max(modes, key=MODES.index) if modes else ""
