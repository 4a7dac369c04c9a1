"""AR217 and AR218: the plan applies to an empty database, and Alembic then proposes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

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
from alembic_review.model.review import Proof, ProofState
from tests.judge.checks import proved
from tests.judge.world import basics, found, key


def test_a_failure_names_what_depends_on_the_object() -> None:
    world = basics()
    error = DatabaseError("cannot alter type of a column used by a view or rule", "0A000")
    proved.not_applied(world, error, dependants=("view v",))
    (finding,) = found(world.review(), "AR217")
    assert finding.hint == "Drop these objects first, and create them again afterwards: view v."
    assert finding.observed == {"sqlstate": "0A000", "error": error.message}
    assert (finding.table, finding.name, finding.proof) == ("poser_widget", "ix_size", CONVERGES)
    assert finding.statement == "CREATE INDEX ix_size ON poser_widget (size)"


@pytest.mark.parametrize(
    ("sql", "state", "hint"),
    [
        ("CREATE INDEX ix_size ON poser_widget ()", "42601", "The Index has no columns"),
        ("CREATE INDEX ix_size ON poser_widget (lower())", "42883", "Edit the operation"),
        ("ALTER TABLE a ADD FOREIGN KEY(b) REFERENCES c (d)", "42830", "primary key or unique constraint"),
    ],
)
def test_a_hint_has_the_cause_where_it_is_known(sql: str, state: str, hint: str) -> None:
    world = basics()
    proved.not_applied(world, DatabaseError("no", state))
    (one,) = world.proofs.proved
    assert one.converges is not None
    (failure,) = one.converges.failures
    failures = (replace(failure, statement=replace(failure.statement, sql=sql)),)
    proved.proved(world, replace(one, converges=replace(one.converges, failures=failures)))
    (finding,) = found(world.review(), "AR217")
    assert hint in finding.hint


def test_the_message_of_the_server_is_not_part_of_the_fingerprint() -> None:
    fingerprints = set()
    for message in ("cannot do that", "that can't be done"):
        world = basics()
        proved.not_applied(world, DatabaseError(message, "0A000"))
        fingerprints |= {finding.fingerprint for finding in found(world.review(), "AR217")}
    assert len(fingerprints) == 1


def test_a_cast_that_does_not_exist_is_left_to_its_own_check() -> None:
    world = basics()
    proved.not_applied(world, DatabaseError("column cannot be cast automatically", "42804"), kind="cast")
    assert found(world.review(), "AR217") == []


def test_what_failed_is_not_reported_as_remaining_too() -> None:
    world = basics()
    proved.not_applied(world, DatabaseError('type "state" does not exist', "42704"))
    (one,) = world.proofs.proved
    assert one.converges is not None
    left = Remaining("add_index", proved.WIDGET, "ix_size", operation=0)
    proved.proved(world, replace(one, converges=replace(one.converges, remaining=(left,))))
    assert found(world.review(), "AR218") == []


def test_what_remains_on_a_core_table_is_not_the_plans() -> None:
    world = basics()
    left = Remaining("modify_default", key("product"), "name", "'x'")
    proved.proved(world, Proved(CONVERGES, 0, converges=Convergence((), (left,))))
    review = world.review()
    assert found(review, "AR218") == []
    assert review.proofs == (Proof(CONVERGES, None, ProofState.HELD),)


def test_a_proof_that_was_not_done_has_its_reason() -> None:
    world = basics()
    proved.proved(world, Proved(CONVERGES, 0, reason="somebody is connected"))
    review = world.review()
    assert review.proofs == (Proof(CONVERGES, None, ProofState.NOT_DONE, "somebody is connected"),)
    assert "the proof converges (somebody is connected)" in review.provenance.not_checked


def test_without_proofs_the_review_says_so() -> None:
    world = basics()
    world.proofs = Proofs(names=(CONVERGES,), reason="--no-prove")
    review = world.review()
    assert review.proofs == (Proof(CONVERGES, None, ProofState.NOT_DONE, "--no-prove"),)
    assert "proofs (--no-prove)" in review.provenance.not_checked


def test_what_follows_from_a_table_that_was_not_added_is_not_reported() -> None:
    world = basics()
    world.change("add_table", "poser_gadget")
    world.change("add_index", "poser_gadget", "ix_gadget", columns=("size",))
    failures = (
        NotApplied(Statement("CREATE TYPE grade …", 0), DatabaseError('type "grade" already exists', "42710")),
        NotApplied(Statement("CREATE INDEX …", 1), DatabaseError('relation "poser_gadget" does not exist', "42P01")),
    )
    proved.proved(world, Proved(CONVERGES, 0, converges=Convergence(failures)))
    (finding,) = found(world.review(), "AR217")
    assert finding.observed == {"sqlstate": "42710", "error": 'type "grade" already exists'}
    assert "create_type=False" in finding.hint
