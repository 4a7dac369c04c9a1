"""AR801, AR802 and AR804: the plan taken back, and applied once more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.model.facts import Downgrade
from alembic_review.model.proofs import REVERSES, DatabaseError, Leak, NotReversed, Proved, Reversal, Statement
from alembic_review.model.pull_request_base import PullRequestBase
from alembic_review.model.review import Proof, ProofState
from tests.judge.checks import proved
from tests.judge.checks.proved import LEAK, NOT_REVERSED, SIZED, WIDGET, reversing
from tests.judge.world import APP_REVISION, World, basics, found


@pytest.mark.parametrize(
    ("leak", "message", "hint"),
    [
        (LEAK, "The downgrade of the plan leaves the type `state`.", "Drop it in downgrade()."),
        (
            Leak("trigger", WIDGET, "tr", "gone", "CREATE TRIGGER tr", "", SIZED),
            "The downgrade of the plan does not restore the trigger `tr` of `poser_widget`.",
            "Create it again in downgrade().",
        ),
        (
            Leak("column", WIDGET, "size", "changed", "integer", "text", SIZED),
            "The downgrade of the plan does not change back the column `size` of `poser_widget`.",
            "Change it back in downgrade().",
        ),
        (
            Leak(
                "table", WIDGET, "poser_widget", "left", "", "", replace(SIZED, operation=None, revision=APP_REVISION)
            ),
            f"The downgrade of revision {APP_REVISION} leaves the table `poser_widget`.",
            "Drop it in downgrade().",
        ),
    ],
)
def test_what_is_not_as_it_was(leak: Leak, message: str, hint: str) -> None:
    world = basics()
    reversing(world, Reversal((leak,)))
    (finding,) = found(world.review(), "AR801")
    assert (finding.message, finding.hint) == (message, hint)
    assert finding.observed == {"is": leak.after or None, "wanted": leak.before or None}


def test_a_new_value_of_an_enum_stays() -> None:
    world = basics()
    reversing(world, Reversal((replace(LEAK, how="changed", before="'a'", after="'a', 'b'"),)))
    (finding,) = found(world.review(), "AR801")
    assert finding.hint.startswith("PostgreSQL can't remove a value from an enum")


def test_the_second_upgrade_points_at_what_is_left() -> None:
    world = basics()
    reversing(world, Reversal((LEAK,), (), (NOT_REVERSED,)))
    (finding,) = found(world.review(), "AR804")
    assert finding.suggestion == LEAK.suggestion


def test_code_that_raises_has_no_statement() -> None:
    world = basics()
    failure = NotReversed(Statement("", revision=APP_REVISION), DatabaseError("NotImplementedError"))
    reversing(world, Reversal((), (failure,)))
    (finding,) = found(world.review(), "AR802")
    assert finding.message == (
        f"The downgrade of revision {APP_REVISION} fails on an empty database: NotImplementedError."
    )
    assert (finding.statement, finding.revision) == (None, APP_REVISION)


def test_nothing_left_is_a_proof_that_held() -> None:
    world = basics()
    reversing(world, Reversal())
    review = world.review()
    assert review.proofs == (Proof(REVERSES, None, ProofState.HELD),)
    assert [finding for finding in review.findings if finding.proof is not None] == []


@pytest.mark.parametrize(("reason", "guessed"), [("", False), ("it crashed", True)])
def test_the_guess_about_a_new_revision_gives_way(reason: str, *, guessed: bool) -> None:
    world = new_revision()
    proved.proved(world, Proved(REVERSES, 0, reason=reason, reverses=None if reason else Reversal()))
    assert bool(found(world.review(), "AR514")) is guessed


def new_revision() -> World:
    """A revision that a pull request adds, and whose downgrade does nothing."""
    world = basics()
    world.databases[0].downgrades.append(Downgrade(APP_REVISION, needed=True, changed=False))
    facts = world.facts()
    base = tuple(revision for revision in facts.revisions if revision.id != APP_REVISION)
    world.history = PullRequestBase("0" * 40, replace(facts, revisions=base))
    return world
