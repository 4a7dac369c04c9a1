"""What proofs observed, for the judge: one example for each of their checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from alembic_review.model.proofs import (
    CONVERGES,
    ROLLING,
    ROWS,
    Broken,
    Convergence,
    DatabaseError,
    Hazard,
    Loss,
    NotApplied,
    Proofs,
    Proved,
    Remaining,
    Rolling,
    Rows,
    Statement,
)
from tests.judge.world import World, key

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


EXAMPLES: dict[str, Callable[[World], None]] = {
    "AR203": lambda world: rows(world, LOSS),
    "AR210": lambda world: rows(world, hazard("not_null")),
    "AR211": lambda world: rows(world, hazard("unique", name="uq_size")),
    "AR212": lambda world: rows(world, hazard("narrow")),
    "AR213": lambda world: rows(world, hazard("cast")),
    "AR214": lambda world: rows(world, hazard("foreign_key", name="fk_size")),
    "AR215": lambda world: rows(world, hazard("check", name="ck_size")),
    "AR216": lambda world: rows(world, hazard("exclude", name="ex_size")),
    "AR803": lambda world: rows(world, hazard("not_null", back=True)),
    "AR805": lambda world: rows(world, replace(LOSS, back=True)),
    "AR217": lambda world: not_applied(world, DatabaseError('type "state" does not exist', "42704")),
    "AR218": remaining,
    "AR310": lambda world: rolling(world, BROKEN),
}
"""For each check of a proof, what it finds; no other check finds anything there."""
