"""The severity that the settings give to checks: what it changes, and what it can't lower."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.judge.severities import require_known_codes
from alembic_review.model.errors import UsageError
from alembic_review.model.review import Outcome, ProofState, Review, Severity
from alembic_review.model.settings import FailOn, Level, Settings
from tests.judge.checks.proved import hazard, rows
from tests.judge.world import SETTINGS, World, basics, found


def dropped_column(**severity: Level) -> World:
    """A pending DROP COLUMN on a custom table: AR201, a warning."""
    world = basics()
    world.change("remove_column", "poser_widget", "size")
    world.settings = replace(SETTINGS, severity=severity)
    return world


def numbers(review: Review) -> tuple[int, int, int]:
    return review.summary.error, review.summary.warning, review.summary.info


@pytest.mark.parametrize(
    ("level", "counted", "refused"),
    [
        (None, (0, 1, 0), False),
        (Level.ERROR, (1, 0, 0), True),
        (Level.WARNING, (0, 1, 0), False),
        (Level.INFO, (0, 0, 1), False),
    ],
)
def test_a_check_has_the_severity_of_the_settings(
    level: Level | None, counted: tuple[int, int, int], refused: bool
) -> None:
    review = dropped_column(**({"AR201": level} if level is not None else {})).review()
    assert numbers(review) == counted
    assert review.gate.refused is refused
    assert [change.findings for change in review.changes] == [("AR201",)]


def test_the_other_checks_keep_theirs() -> None:
    assert numbers(dropped_column(AR202=Level.ERROR).review()) == (0, 1, 0)


def test_a_check_that_is_off_reports_nothing_and_is_listed_as_not_checked() -> None:
    review = dropped_column(AR201=Level.OFF).review()
    assert (review.findings, review.summary.warning, review.changes[0].findings) == ((), 0, ())
    assert "AR201 Destructive change (`severity` in the settings is off)" in review.provenance.not_checked


def test_a_warning_that_is_made_a_note_does_not_fail_the_check_with_fail_on_warning() -> None:
    world = dropped_column(AR201=Level.INFO)
    world.settings = replace(world.settings, fail_on=(FailOn.WARNING,))
    assert not world.review().gate.refused


@pytest.mark.parametrize("level", [Level.WARNING, Level.INFO, Level.OFF])
def test_no_severity_lowers_what_blocks(level: Level) -> None:
    world = basics()
    world.change("add_column", "product", "label")
    world.settings = replace(SETTINGS, severity={"AR101": level})
    review = world.review()
    assert (review.outcome, review.gate.reasons) == (Outcome.BLOCKED, ("1 blocked change",))
    (finding,) = found(review, "AR101")
    assert (finding.severity, finding.blocks) == (Severity.ERROR, True)
    assert finding.hint.endswith("`severity` in the settings does not apply to it, because the finding blocks.")
    assert not any("AR101" in line for line in review.provenance.not_checked)


def test_a_proof_that_found_something_did_so_whatever_the_severity_is() -> None:
    world = basics()
    rows(world, hazard("not_null"))
    world.settings = replace(SETTINGS, severity={"AR210": Level.OFF})
    review = world.review()
    assert found(review, "AR210") == []
    assert ProofState.FOUND in {proof.state for proof in review.proofs}


def test_a_code_that_no_check_has_is_refused() -> None:
    require_known_codes(Settings(severity={"AR201": Level.INFO}))
    with pytest.raises(UsageError) as caught:
        require_known_codes(Settings(severity={"AR999": Level.INFO}))
    assert caught.value.message == "`severity` in the settings names AR999, which is not the code of a check."
