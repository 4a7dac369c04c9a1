"""What the proofs observed on copies of the scratch databases, as plain data: it crosses the process border as JSON.

Nothing here is judged. A proof is one fact type here, one optional field of ``Proved``, one file in ``worker/prove``,
and the checks that judge it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from alembic_review.model.facts import Facts
from alembic_review.model.keys import Place, TableKey

CONVERGES, ROWS, RENAMES, BLIND_SPOTS = "converges", "rows", "renames", "blind_spots"
LOCKS, REVERSES = "locks", "reverses"
PLAIN = (CONVERGES, ROWS, REVERSES, LOCKS, RENAMES)
"""The proofs of every run: their cost is proportional to the plan."""

JUDGED = frozenset({RENAMES})
"""Those that need nothing but the comparison: the worker is not asked for them."""

ON_REQUEST = (BLIND_SPOTS,)
"""Those of ``--prove`` besides; they look at the models, and have something to do without any plan."""

ROLLING = "rolling"
SINCE: tuple[str, ...] = (ROLLING,)
"""Those of ``--prove`` with ``--since`` besides."""


@dataclass(frozen=True)
class Planned:
    """A pending operation that is written: its number in the comparison of the database of this index."""

    database: int
    number: int


@dataclass(frozen=True)
class ProofPlan:
    """What the parent asks the worker to prove.

    ``originals`` are the scratch databases to copy, as they are before the plan, in the order of the facts' databases.
    The plan applies the ``revisions``, which the originals do not have, and then the ``operations``.
    ``proofs`` are the names of the proofs to run.
    """

    proofs: tuple[str, ...]
    originals: tuple[str, ...]
    operations: tuple[Planned, ...] = ()
    revisions: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatabaseError:
    """What a database said, with the names that it gave; ``sqlstate`` is empty on SQLite."""

    message: str
    sqlstate: str = ""
    detail: str = ""
    schema: str | None = None
    table: str | None = None
    column: str | None = None
    constraint: str | None = None


@dataclass(frozen=True)
class Statement:
    """A statement of the plan as it ran.

    It belongs to a pending ``operation`` (its number in the comparison), or to a ``revision``, with the line of its
    file. ``parameters`` are not part of it.
    """

    sql: str
    operation: int | None = None
    revision: str = ""
    place: Place | None = None
    error: DatabaseError | None = None


@dataclass(frozen=True)
class NotApplied:
    """A part of the plan that fails without any row.

    ``kind`` is the kind of ``Hazard`` that the error shows, or empty; ``dependants`` are the objects that the server
    names.
    """

    statement: Statement
    error: DatabaseError
    kind: str = ""
    dependants: tuple[str, ...] = ()
    suggestion: str | None = None


@dataclass(frozen=True)
class Remaining:
    """An entry of the comparison after the plan; ``operation`` is that of the plan that was to make it unnecessary."""

    kind: str
    key: TableKey | None
    name: str | None
    wanted: str = ""
    existing: str = ""
    python: str = ""
    operation: int | None = None


@dataclass(frozen=True)
class Convergence:
    """The plan on an empty copy: what does not apply, and what Alembic still proposes afterwards."""

    failures: tuple[NotApplied, ...] = ()
    remaining: tuple[Remaining, ...] = ()


@dataclass(frozen=True)
class Hazard:
    """A part of the plan that rows may break.

    ``kind`` is ``not_null``, ``unique``, ``narrow``, ``cast``, ``foreign_key``, ``check`` or ``exclude``; ``wanted`` is
    what the plan makes of it, as the catalogue shows it. ``state`` is ``found``, ``held`` (a hostile row that the
    database accepted survived, or can't exist) or ``not_tried`` with its ``reason``. ``benign`` tells that rows fail
    that are not made for this hazard. ``back`` tells that it is the downgrade that fails.
    """

    kind: str
    key: TableKey
    column: str | None = None
    columns: tuple[str, ...] = ()
    name: str | None = None
    wanted: str = ""
    state: str = "held"
    reason: str = ""
    benign: bool = False
    back: bool = False
    statement: Statement | None = None
    error: DatabaseError | None = None
    suggestion: str | None = None


@dataclass(frozen=True)
class Loss:
    """Values that are gone; ``column`` is ``None`` for rows that are gone as a whole.

    ``before`` and ``after`` count values, or rows. ``how`` is ``dropped``, ``changed`` or ``deleted``. ``back`` tells
    that they survive the upgrade and not the downgrade.
    """

    key: TableKey
    column: str | None
    before: int
    after: int
    how: str
    benign: bool = True
    back: bool = False
    statement: Statement | None = None
    suggestion: str | None = None


@dataclass(frozen=True)
class Rows:
    """The plan on copies with rows.

    ``seeded`` are the tables that got rows, ``unfilled`` says why others did not. ``values`` are the columns of
    existing tables whose values were compared before and after.
    """

    seeded: tuple[TableKey, ...] = ()
    unfilled: tuple[tuple[TableKey, str], ...] = ()
    hazards: tuple[Hazard, ...] = ()
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True)
class LockedRelation:
    """What one statement did to a relation that existed before the plan.

    ``acquired`` is the strongest lock that the statement took, ``held`` the strongest that the transaction holds after
    it; both are empty where locks could not be observed. ``scanned`` tells that all rows were read. ``built`` are the
    names of the indexes that were built.
    """

    key: TableKey
    acquired: str = ""
    held: str = ""
    rewritten: bool = False
    scanned: bool = False
    built: tuple[str, ...] = ()


@dataclass(frozen=True)
class LockingStatement:
    """A statement of the plan with what it locked, rewrote and scanned.

    ``transaction`` numbers the transactions of a run; ``None`` is a statement in AUTOCOMMIT, whose locks are not
    observed. ``defines`` tells DDL from other statements. ``lock_timeout`` is the application's own setting where
    the statement took an ACCESS EXCLUSIVE lock, ``0`` for none.
    """

    statement: Statement
    transaction: int | None = None
    relations: tuple[LockedRelation, ...] = ()
    defines: bool = True
    lock_timeout: str = ""


@dataclass(frozen=True)
class Locks:
    """Every statement of the plan in the order in which they ran. SQLite has none: it locks the whole file.

    ``limited_by`` names what else sets a lock_timeout (``env.py``, ``revision X``), where a statement had none.
    """

    statements: tuple[LockingStatement, ...] = ()
    limited_by: str = ""


@dataclass(frozen=True)
class Leak:
    """An item that is not as it was before the plan, after the plan was applied and taken back.

    ``kind`` is ``table``, ``column``, ``index``, ``type``, …; ``key`` is the table that the item is or belongs to.
    ``how`` is ``left``, ``gone`` or ``changed``; ``before`` and ``after`` are the definitions. ``statement`` is the
    statement that created or altered it.
    """

    kind: str
    key: TableKey | None
    name: str
    how: str
    before: str = ""
    after: str = ""
    statement: Statement | None = None
    suggestion: str | None = None


@dataclass(frozen=True)
class NotReversed:
    """A part of the downgrade, or of the second upgrade, that fails without any row.

    The statement has no ``sql`` where the code of a revision raises the error.
    """

    statement: Statement
    error: DatabaseError
    dependants: tuple[str, ...] = ()
    suggestion: str | None = None


@dataclass(frozen=True)
class Reversal:
    """The plan on empty copies, applied, taken back and applied again, as far as the first ``failures``."""

    leaks: tuple[Leak, ...] = ()
    failures: tuple[NotReversed, ...] = ()
    again: tuple[NotReversed, ...] = ()


@dataclass(frozen=True)
class Broken:
    """A statement of the base's models that succeeds on the schema of the base, and fails on that of today.

    ``classes`` are the mapped classes that make such a statement, none for a table without a class. ``kind`` is
    ``missing_table``, ``missing_column``, ``required`` (a column that the models do not have), ``default`` (one that
    the server filled), a kind of ``Hazard``, or empty for any other error. ``wanted`` is what the catalogue says the
    column is today.
    """

    key: TableKey
    action: str
    kind: str
    statement: Statement
    error: DatabaseError
    classes: tuple[str, ...] = ()
    column: str | None = None
    name: str | None = None
    wanted: str = ""


@dataclass(frozen=True)
class Rolling:
    """The models of the base on the schema of today; ``tables`` are those that were tried."""

    tables: tuple[TableKey, ...] = ()
    broken: tuple[Broken, ...] = ()


@dataclass(frozen=True)
class BlindSpot:
    """A difference between the database after the plan and the models, built in a copy, that the comparison misses.

    ``kind`` is ``enum_value``, ``check``, ``server_default``, ``identity``, ``generated``, ``primary_key``,
    ``exclude``, ``index``, ``unique``, ``foreign_key``, ``collation``, ``comment``, ``sequence``, ``partitioning``,
    ``unlogged``, ``storage``, ``type``, ``domain`` or ``nullable``. ``existing`` and ``wanted`` are the database's own
    text, empty where there is nothing. ``columns`` are those of a constraint or index. ``weaker`` tells that the
    database lacks what the models have; otherwise it has more. ``renamed`` tells that only the name differs.
    ``revised`` tells that new revisions are the cause. ``upgrade`` and ``downgrade`` are code for a revision, where
    there is any.
    """

    kind: str
    key: TableKey | None
    column: str | None = None
    name: str | None = None
    columns: tuple[str, ...] = ()
    existing: str = ""
    wanted: str = ""
    weaker: bool = True
    renamed: bool = False
    revised: bool = False
    users: tuple[TableKey, ...] = ()
    upgrade: str | None = None
    downgrade: str | None = None


@dataclass(frozen=True)
class BlindSpots:
    """The models in a copy: ``compared`` are the tables that could be built there."""

    compared: tuple[TableKey, ...] = ()
    spots: tuple[BlindSpot, ...] = ()


@dataclass(frozen=True)
class Proved:
    """One proof on one database, with a ``reason`` instead of facts where it was not done.

    ``database`` is the index in the facts' databases. ``not_checked`` are parts that it left out. The proof ``rolling``
    has the ``blind_spots`` of the base.
    """

    proof: str
    database: int
    reason: str = ""
    not_checked: tuple[str, ...] = ()
    milliseconds: int = 0
    converges: Convergence | None = None
    rows: Rows | None = None
    locks: Locks | None = None
    reverses: Reversal | None = None
    rolling: Rolling | None = None
    blind_spots: BlindSpots | None = None


@dataclass(frozen=True)
class Proofs:
    """What came of all proofs of a run, by ``names``; ``reason`` says why none was made, where that is so.

    ``idle`` are those that had nothing to do, because there is no plan.
    """

    proved: tuple[Proved, ...] = ()
    reason: str = ""
    names: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProvedFacts(Facts):
    """What one worker saw, with the proofs that it made after the parent had decided what the plan is."""

    proofs: Proofs = field(default_factory=Proofs)
