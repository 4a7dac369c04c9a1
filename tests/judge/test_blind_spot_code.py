"""Which blind spots a revision closes: those of custom tables, with code up and down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.judge.assemble_review import case_of
from alembic_review.judge.proofs.written import code
from alembic_review.model.proofs import BLIND_SPOTS, BlindSpot, BlindSpots, Proved
from alembic_review.model.revision_plan import Code
from tests.judge.checks.proved import SPOTS, WIDGET
from tests.judge.world import basics, key

SPOT = replace(SPOTS["AR611"], upgrade="up", downgrade="down")


def written(spot: BlindSpot) -> dict[str, tuple[Code, ...]]:
    world = basics()
    case = case_of(world.facts(), world.settings, ())
    return dict(code(case, (Proved(BLIND_SPOTS, 0, blind_spots=BlindSpots((WIDGET,), (spot,))),)))


def test_what_a_custom_table_lacks_is_written() -> None:
    assert written(SPOT) == {"poser": (Code(0, "up", "down", "check poser_widget.ck_size"),)}


@pytest.mark.parametrize(
    "spot",
    [
        replace(SPOT, weaker=False),
        replace(SPOT, upgrade=None),
        replace(SPOT, downgrade=None),
        replace(SPOT, key=None),
        replace(SPOT, key=key("product")),
        replace(SPOT, users=(WIDGET, key("product"))),
    ],
)
def test_nothing_else_is_written(spot: BlindSpot) -> None:
    assert written(spot) == {}
