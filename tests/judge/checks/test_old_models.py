"""AR310: models of the base that fail on the schema that the new revisions leave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.model.proofs import ROLLING, Broken, DatabaseError
from alembic_review.model.pull_request_base import PullRequestBase
from alembic_review.model.review import Finding, ProofState, Severity
from tests.judge.checks.proved import BROKEN, rolling
from tests.judge.world import APP_REVISION, basics, found


def reported(broken: Broken) -> Finding:
    world = basics()
    rolling(world, broken)
    (finding,) = found(world.review(), "AR310")
    return finding


def test_what_fails_is_shown_with_its_statement_and_error() -> None:
    finding = reported(BROKEN)
    assert finding.severity is Severity.WARNING
    assert not finding.blocks
    assert (finding.table, finding.column, finding.proof) == ("poser_widget", "size", ROLLING)
    assert finding.statement == "SELECT poser_widget.size FROM poser_widget"
    assert finding.observed == {"sqlstate": "42703", "error": "column poser_widget.size does not exist"}
    assert finding.suggestion == "# in the next release:\nop.drop_column('poser_widget', 'size')"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing_table", "the table `poser_widget` was dropped or renamed"),
        ("missing_column", "the column `poser_widget.size` was dropped or renamed"),
        ("required", "its INSERT has no value for the new column `poser_widget.size`, which is NOT NULL without a "),
        ("default", "its INSERT omits `poser_widget.size`, which has no server default any more"),
        ("not_null", "its INSERT may leave `poser_widget.size` NULL"),
        ("narrow", "`poser_widget.size` refuses values that it accepted before (refused)"),
        ("cast", "`poser_widget.size` refuses values that it accepted before (refused)"),
        ("check", "`ck_size` refuses values that `poser_widget` accepted before"),
        ("", "its INSERT fails (refused)"),
    ],
)
def test_the_message_names_class_and_reason(kind: str, message: str) -> None:
    finding = reported(
        replace(BROKEN, kind=kind, action="insert", name="ck_size", error=DatabaseError("refused", "00000"))
    )
    assert finding.message.startswith(f"The class `PoserWidget` of the base fails on the new schema: {message}")


def test_a_table_without_a_class_and_many_classes() -> None:
    assert reported(replace(BROKEN, classes=())).message.startswith("The table `poser_widget` of the base fails")
    many = reported(replace(BROKEN, classes=("A", "B", "C", "D", "E"))).message
    assert many.startswith("The classes `A`, `B`, `C` and 2 more of the base")


def test_the_fingerprint_is_that_of_what_fails() -> None:
    other = replace(BROKEN, classes=("Other",), error=DatabaseError("something else", "42P10"), action="insert")
    assert reported(BROKEN).fingerprint == reported(other).fingerprint
    assert reported(BROKEN).fingerprint != reported(replace(BROKEN, column="shape")).fingerprint
    assert reported(BROKEN).fingerprint != reported(replace(BROKEN, kind="not_null")).fingerprint


def test_the_revision_that_altered_the_column_is_named() -> None:
    world = basics()
    rolling(world, BROKEN)
    facts = world.facts()
    world.history = PullRequestBase(
        "c0ffee", replace(facts, revisions=tuple(r for r in facts.revisions if r.id != APP_REVISION))
    )
    (alone,) = found(world.review(), "AR310")
    assert alone.revision == APP_REVISION
    world.alter(APP_REVISION, "poser_widget", "column", "removed", "size")
    assert [one.revision for one in found(world.review(), "AR310")] == [APP_REVISION]


def test_what_the_new_schema_takes_is_not_reported() -> None:
    world = basics()
    rolling(world)
    review = world.review()
    assert review.findings == ()
    assert [(proof.proof, proof.state) for proof in review.proofs] == [(ROLLING, ProofState.HELD)]
