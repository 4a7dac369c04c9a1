"""What proofs observed, for the judge: one example for each of their checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from alembic_review.model.facts import ColumnShape
from alembic_review.model.proofs import (
    BLIND_SPOTS,
    CONVERGES,
    LOCKS,
    RENAMES,
    REVERSES,
    ROLLING,
    ROWS,
    BlindSpot,
    BlindSpots,
    Broken,
    Convergence,
    DatabaseError,
    Hazard,
    Leak,
    LockedRelation,
    LockingStatement,
    Locks,
    Loss,
    NotApplied,
    NotReversed,
    Proofs,
    Proved,
    Remaining,
    Reversal,
    Rolling,
    Rows,
    Statement,
)
from alembic_review.model.settings import Level
from tests.judge.world import APP_REVISION, World, key

WIDGET = key("poser_widget")


def proved(world: World, *found: Proved) -> None:
    """Have these proofs, and no others, in the facts."""
    world.proofs = Proofs(found, names=tuple(dict.fromkeys(one.proof for one in found)))


def not_applied(world: World, error: DatabaseError, **fields: object) -> None:
    """A pending index of ``poser_widget`` that the database refuses."""
    world.change("add_index", "poser_widget", "ix_size", columns=("size",))
    failure = NotApplied(Statement("CREATE INDEX ix_size ON poser_widget (size)", 0), error, **fields)  # type: ignore[arg-type]
    proved(world, Proved(CONVERGES, 0, converges=Convergence((failure,))))


def remaining(world: World) -> None:
    """A pending default of ``poser_widget.size`` that Alembic proposes once more after the plan."""
    world.change("modify_default", "poser_widget", "size", wanted="'0'", existing="0", columns=("size",))
    left = Remaining("modify_default", WIDGET, "size", "'0'", "0", "op.alter_column()", 0)
    proved(world, Proved(CONVERGES, 0, converges=Convergence((), (left,))))


STATES = {
    "not_null": "23502",
    "unique": "23505",
    "narrow": "22001",
    "cast": "22P02",
    "foreign_key": "23503",
    "check": "23514",
    "exclude": "23P01",
}


def hazard(kind: str, **fields: Any) -> Hazard:
    """A hazard of ``poser_widget.size`` that benign rows have shown."""
    error = DatabaseError("the rows do not fit", STATES[kind])
    made = Hazard(kind, WIDGET, "size", ("size",), wanted="integer", state="found", benign=True, error=error)
    return replace(made, **{"statement": Statement("ALTER TABLE poser_widget …", 0), **fields})


def rows(world: World, *found: Hazard | Loss) -> None:
    """A pending change of ``poser_widget.size``, and what rows have shown of it."""
    world.change("modify_type", "poser_widget", "size", wanted="INTEGER", existing="VARCHAR", columns=("size",))
    hazards = tuple(one for one in found if isinstance(one, Hazard))
    losses = tuple(one for one in found if isinstance(one, Loss))
    proved(world, Proved(ROWS, 0, rows=Rows((WIDGET,), (), hazards, losses)))


LOSS = Loss(WIDGET, "size", 2, 0, "changed", statement=Statement("ALTER TABLE poser_widget …", 0))

SIZED = Statement("ALTER TABLE poser_widget …", 0)


def locking(world: World, *statements: LockingStatement, limited_by: str = "") -> None:
    """A pending change of ``poser_widget.size``, and what its statements lock."""
    world.change("modify_type", "poser_widget", "size", wanted="INTEGER", existing="VARCHAR", columns=("size",))
    proved(world, Proved(LOCKS, 0, locks=Locks(statements, limited_by)))


def locked(statement: Statement = SIZED, transaction: int | None = 0, **fields: Any) -> LockingStatement:
    """A statement with what it does to ``poser_widget`` in a transaction that locks it already."""
    own = {name: fields.pop(name) for name in ("defines", "lock_timeout") if name in fields}
    relation = LockedRelation(WIDGET, **{"held": "ShareLock", **fields})
    return LockingStatement(statement, transaction, (relation,), **own)


def reversing(world: World, reversal: Reversal) -> None:
    """A pending change of ``poser_widget.size``, and what came of taking it back."""
    world.change("modify_type", "poser_widget", "size", wanted="INTEGER", existing="VARCHAR", columns=("size",))
    proved(world, Proved(REVERSES, 0, reverses=reversal))


EXCLUSIVE = "AccessExclusiveLock"
UNLIMITED = locked(held=EXCLUSIVE, acquired=EXCLUSIVE, lock_timeout="0")
IN_REVISION = Statement("ALTER TABLE poser_widget …", revision=APP_REVISION)
LEAK = Leak("type", None, "state", "left", "", "'a'", SIZED, 'op.execute("DROP TYPE state")')
NOT_REVERSED = NotReversed(SIZED, DatabaseError('type "state" already exists', "42710"))

BROKEN = Broken(
    key=WIDGET,
    action="select",
    kind="missing_column",
    statement=Statement("SELECT poser_widget.size FROM poser_widget"),
    error=DatabaseError("column poser_widget.size does not exist", "42703"),
    classes=("PoserWidget",),
    column="size",
)


def rolling(world: World, *found: Broken) -> None:
    """What models of the base do on the schema that the new revisions leave."""
    proved(world, Proved(ROLLING, 0, rolling=Rolling((WIDGET,), found)))


SPOTS = {
    "AR610": BlindSpot("enum_value", WIDGET, "size", "size_kind", existing="a", wanted="a, b", users=(WIDGET,)),
    "AR611": BlindSpot("check", WIDGET, None, "ck_size", ("size",), wanted="CHECK ((size > 0))"),
    "AR612": BlindSpot("server_default", WIDGET, "size", wanted="0"),
    "AR613": BlindSpot("identity", WIDGET, "size", wanted="GENERATED ALWAYS AS IDENTITY ()"),
    "AR614": BlindSpot("generated", WIDGET, "size", wanted="GENERATED ALWAYS AS ((code * 2)) STORED"),
    "AR615": BlindSpot(
        "primary_key", WIDGET, None, "widget_pkey", ("size",), "PRIMARY KEY (uuid)", "PRIMARY KEY (size)"
    ),
    "AR616": BlindSpot("exclude", WIDGET, None, "ex_size", ("size",), wanted="EXCLUDE USING gist (size WITH &&)"),
    "AR617": BlindSpot("index", WIDGET, None, "ix_size", ("size",), "USING btree (size)", "USING hash (size)"),
    "AR618": BlindSpot("unique", WIDGET, None, "uq", ("size",), "UNIQUE (size)", "UNIQUE (size) DEFERRABLE"),
    "AR619": BlindSpot(
        "foreign_key", WIDGET, None, "fk", ("size",), wanted="FOREIGN KEY (size) REFERENCES product(uuid)"
    ),
    "AR620": BlindSpot("collation", WIDGET, "size", wanted="C"),
    "AR621": BlindSpot("comment", WIDGET, None, "ck_size", ("size",), wanted="positive", weaker=False),
    "AR622": BlindSpot("sequence", WIDGET, None, "size_no", wanted="AS bigint INCREMENT BY 1"),
    "AR623": BlindSpot("partitioning", WIDGET, wanted="PARTITION BY RANGE (size)"),
    "AR624": BlindSpot("unlogged", WIDGET, existing="UNLOGGED", wanted="LOGGED"),
    "AR625": BlindSpot("storage", WIDGET, wanted="fillfactor=70"),
    "AR626": BlindSpot("type", WIDGET, "size", existing="interval", wanted="interval day to second"),
    "AR627": BlindSpot("domain", WIDGET, "size", "positive", existing="integer", wanted="integer NOT NULL"),
    "AR628": BlindSpot("nullable", WIDGET, "size", existing="NULL", wanted="NOT NULL"),
}
"""For each code of the blind spots, one that is a finding of the check's own severity."""


def spots(world: World, *found: BlindSpot, **fields: Any) -> None:
    """Blind spots of a database, with nothing pending."""
    proved(world, Proved(BLIND_SPOTS, 0, blind_spots=BlindSpots((WIDGET,), found), **fields))


def _spot(spot: BlindSpot) -> Callable[[World], None]:
    return lambda world: spots(world, spot)


def renamed(world: World, kind: str, *names: str | None) -> None:
    """A drop and an addition that look like a rename; that they lose data is not asked here."""
    world.settings = replace(world.settings, severity={"AR201": Level.OFF})
    shapes = (ColumnShape("size", "INTEGER"), ColumnShape("more", "INTEGER"))[: 1 if kind == "column" else 2]
    for action, name in zip(("remove", "add"), names, strict=True):
        table = "poser_widget" if kind == "column" else name
        column = name if kind == "column" else None
        if kind == "table" and action == "add":
            world.table(str(name), ["poser:50"])
        elif kind == "table":
            world.databases[0].created(str(name), APP_REVISION)
        world.change(f"{action}_{kind}", table, column, shapes=shapes, siblings=(str(column),))
    world.proofs = Proofs(names=(RENAMES,))


EXAMPLES: dict[str, Callable[[World], None]] = {
    "AR203": lambda world: rows(world, LOSS),
    "AR210": lambda world: rows(world, hazard("not_null")),
    "AR211": lambda world: rows(world, hazard("unique", name="uq_size")),
    "AR212": lambda world: rows(world, hazard("narrow")),
    "AR213": lambda world: rows(world, hazard("cast")),
    "AR214": lambda world: rows(world, hazard("foreign_key", name="fk_size")),
    "AR215": lambda world: rows(world, hazard("check", name="ck_size")),
    "AR216": lambda world: rows(world, hazard("exclude", name="ex_size")),
    "AR301": lambda world: renamed(world, "column", "measure", "measured"),
    "AR302": lambda world: renamed(world, "table", "poser_tool", "poser_kit"),
    "AR701": lambda world: locking(world, locked(rewritten=True)),
    "AR702": lambda world: locking(world, locked(scanned=True)),
    "AR703": lambda world: locking(world, locked(scanned=True, built=("ix",))),
    "AR704": lambda world: locking(world, locked(acquired=EXCLUSIVE)),
    "AR705": lambda world: locking(world, locked(held=EXCLUSIVE), locked(held="", scanned=True, defines=False)),
    "AR706": lambda world: locking(world, UNLIMITED, limited_by="env.py"),
    "AR710": lambda world: locking(world, locked(IN_REVISION, None), locked(IN_REVISION, 1)),
    "AR801": lambda world: reversing(world, Reversal((LEAK,))),
    "AR802": lambda world: reversing(world, Reversal((), (NOT_REVERSED,))),
    "AR804": lambda world: reversing(world, Reversal((), (), (NOT_REVERSED,))),
    "AR803": lambda world: rows(world, hazard("not_null", back=True)),
    "AR805": lambda world: rows(world, replace(LOSS, back=True)),
    "AR217": lambda world: not_applied(world, DatabaseError('type "state" does not exist', "42704")),
    "AR218": remaining,
    "AR310": lambda world: rolling(world, BROKEN),
    **{code: _spot(spot) for code, spot in SPOTS.items()},
}
"""For each check of a proof, what it finds; no other check finds anything there."""
