"""AR203, AR210 to AR216, AR803 and AR805: what rows have shown of a plan, and the guesses that give way to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.model.proofs import ROWS, DatabaseError, Loss, Proved, Rows, Statement
from alembic_review.model.review import ProofState, Severity
from tests.judge.checks import proved
from tests.judge.checks.proved import LOSS, WIDGET, hazard, rows
from tests.judge.world import World, basics, found

CODES = {
    "not_null": "AR210",
    "unique": "AR211",
    "narrow": "AR212",
    "cast": "AR213",
    "foreign_key": "AR214",
    "check": "AR215",
    "exclude": "AR216",
}


@pytest.mark.parametrize(("kind", "code"), CODES.items())
@pytest.mark.parametrize(("benign", "severity"), [(True, Severity.ERROR), (False, Severity.WARNING)])
def test_a_hazard_is_an_error_where_benign_rows_fail(kind: str, code: str, benign: bool, severity: Severity) -> None:
    world = basics()
    rows(world, hazard(kind, benign=benign))
    (finding,) = found(world.review(), code)
    assert finding.severity is severity
    assert not finding.blocks
    assert (finding.table, finding.column, finding.proof) == ("poser_widget", "size", ROWS)
    assert finding.observed == {"sqlstate": proved.STATES[kind], "error": "the rows do not fit"}
    assert finding.statement == "ALTER TABLE poser_widget …"
    assert finding.change == world.review().changes[0].fingerprint


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("state", ["held", "not_tried"])
def test_a_hazard_that_was_not_seen_is_not_reported(kind: str, state: str) -> None:
    world = basics()
    rows(world, hazard(kind, state=state))
    review = world.review()
    assert review.findings == ()
    assert [one.state for one in review.proofs] == [ProofState.HELD]


@pytest.mark.parametrize("kind", CODES)
def test_a_hazard_of_the_downgrade_is_reported_as_such(kind: str) -> None:
    world = basics()
    rows(world, hazard(kind, back=True))
    (finding,) = world.review().findings
    assert (finding.code, finding.severity) == ("AR803", Severity.WARNING)
    assert finding.message.startswith("The downgrade of the plan fails if `poser_widget.size` ")


def test_the_fingerprint_is_that_of_what_is_wanted() -> None:
    def fingerprint(**fields: object) -> str:
        world = basics()
        rows(world, hazard("cast", **fields))
        (finding,) = world.review().findings
        return finding.fingerprint

    other = DatabaseError("something else", "22P02")
    assert fingerprint() == fingerprint(error=other, benign=False, statement=Statement("ALTER …", 0))
    assert fingerprint() != fingerprint(wanted="bigint")


def test_a_missing_cast_offers_the_operation_with_one() -> None:
    world = basics()
    rows(world, hazard("cast", error=DatabaseError("can't be cast automatically", "42804")))
    (finding,) = world.review().findings
    assert finding.message == "The type of `poser_widget.size` can't be changed: PostgreSQL has no automatic cast."
    assert finding.suggestion == 'op.modify_type(,\n           postgresql_using="size::integer")'


def test_not_null_over_nulls_offers_a_validated_check() -> None:
    world = basics()
    rows(world, hazard("not_null", benign=False))
    (finding,) = world.review().findings
    assert finding.message == "Making `poser_widget.size` NOT NULL fails if `poser_widget.size` has NULLs."
    assert finding.suggestion is not None
    assert "VALIDATE CONSTRAINT ck_poser_widget_size_not_null" in finding.suggestion


def test_the_suggestion_of_the_worker_comes_first() -> None:
    world = basics()
    rows(world, hazard("not_null", suggestion="op.add_column(…)"))
    (finding,) = world.review().findings
    assert finding.suggestion == "op.add_column(…)"


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (
            replace(LOSS, how="dropped"),
            "The values of `poser_widget.size` are lost: the column is dropped, and no other column holds them.",
        ),
        (LOSS, "Values of `poser_widget.size` are lost: the column holds other values afterwards."),
        (replace(LOSS, column=None, how="dropped"), "All rows of `poser_widget` are lost."),
        (replace(LOSS, column=None, how="deleted"), "The rows of `poser_widget` are lost."),
    ],
)
def test_a_loss_says_how(loss: Loss, message: str) -> None:
    world = basics()
    rows(world, loss)
    (finding,) = world.review().findings
    assert (finding.code, finding.message) == ("AR203", message)
    assert list((finding.observed or {}).values()) == [2, 0]


def dropping(world: World, *found: Loss) -> None:
    world.change("remove_column", "poser_widget", "shape", columns=("shape",))
    proved.proved(world, Proved(ROWS, 0, rows=Rows((WIDGET,), (), (), found)))


def test_a_loss_that_was_seen_replaces_the_guess() -> None:
    world = basics()
    dropping(world, replace(LOSS, column="shape", how="dropped"))
    assert [finding.code for finding in world.review().findings] == ["AR203"]


def test_a_guess_that_rows_do_not_confirm_becomes_info() -> None:
    world = basics()
    dropping(world)
    (finding,) = world.review().findings
    assert (finding.code, finding.severity) == ("AR201", Severity.INFO)
    assert finding.message.endswith("Held on the seeded rows.")


def test_a_guess_about_a_table_without_rows_stays() -> None:
    world = basics()
    world.change("remove_column", "poser_widget", "shape", columns=("shape",))
    proved.proved(world, Proved(ROWS, 0, rows=Rows(unfilled=((WIDGET, "no value for the type box3d"),))))
    (finding,) = world.review().findings
    assert (finding.code, finding.severity) == ("AR201", Severity.WARNING)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("found", [("AR210", Severity.ERROR)]),
        ("held", [("AR202", Severity.INFO)]),
        ("not_tried", [("AR202", Severity.WARNING)]),
    ],
)
def test_the_guess_about_a_required_column_gives_way(state: str, expected: list[tuple[str, Severity]]) -> None:
    world = basics()
    world.change("add_column", "poser_widget", "size", wanted="size INTEGER NOT NULL")
    proved.proved(world, Proved(ROWS, 0, rows=Rows((WIDGET,), (), (hazard("not_null", state=state),))))
    assert [(finding.code, finding.severity) for finding in world.review().findings] == expected


def test_rows_that_were_not_tried_are_not_checked() -> None:
    world = basics()
    proved.proved(world, Proved(ROWS, 0, not_checked=("unique of widget.uq on rows (no rows)",), rows=Rows()))
    review = world.review()
    assert [(one.state, one.reason) for one in review.proofs] == [
        (ProofState.NOT_DONE, "unique of widget.uq on rows (no rows)")
    ]
    assert "unique of widget.uq on rows (no rows)" in review.provenance.not_checked
