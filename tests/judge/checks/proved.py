"""What proofs observed, for the judge: one example for each of their checks."""

from __future__ import annotations

from collections.abc import Callable

from alembic_review.model.proofs import (
    CONVERGES,
    Convergence,
    DatabaseError,
    NotApplied,
    Proofs,
    Proved,
    Remaining,
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


EXAMPLES: dict[str, Callable[[World], None]] = {
    "AR217": lambda world: not_applied(world, DatabaseError('type "state" does not exist', "42704")),
    "AR218": remaining,
}
"""For each check of a proof, what it finds; no other check finds anything there."""
