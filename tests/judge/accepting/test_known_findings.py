"""The baseline: which findings it keeps from counting, and what became of its entries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alembic_review.judge.accepting.known_findings import updated
from alembic_review.model.accepting import Accept, AcceptedAtBase, Baseline
from alembic_review.model.facts import Place
from alembic_review.model.proofs import Proofs
from alembic_review.model.pull_request_base import EditedRevision, PullRequestBase
from alembic_review.model.review import Accepted, KnownFinding, Outcome, Review
from alembic_review.model.settings import AcceptNew, FailOn
from tests.judge.accepting.test_settling import altered_by_revision, blocked, dropped_columns, marks, nullable
from tests.judge.world import SETTINGS, World, basics

KNOWN = Accepted("in the baseline known.json")


def review_of(world: World, *entries: KnownFinding, update: bool = False, **settings: Any) -> Review:
    baseline = Baseline("known.json", "/project/known.json", entries, update)
    world.settings = replace(SETTINGS, baseline=baseline, **settings)
    return world.review()


def entries_of(world: World) -> tuple[KnownFinding, ...]:
    """The findings of a run as its baseline has them."""
    review = review_of(world, update=True)
    return updated(Baseline("known.json"), review).entries


def test_only_new_findings_count() -> None:
    world = basics()
    world.change("remove_column", "poser_widget", "size")
    known = entries_of(world)
    assert [(one.code, one.table) for one in known] == [("AR201", "poser_widget")]
    review = review_of(dropped_columns(), *known, fail_on=(FailOn.WARNING,))
    assert marks(review, "AR201") == [KNOWN, None]
    assert review.gate.reasons == ("1 warning",)
    assert (review.summary.warning, review.summary.accepted) == (1, 1)
    assert review.baseline is not None
    assert (review.baseline.file, review.baseline.known, review.baseline.gone) == ("known.json", 1, ())


def test_what_is_known_is_written_all_the_same() -> None:
    review = review_of(dropped_columns(), *entries_of(dropped_columns()))
    assert [change.accepted for change in review.changes] == [None, None]


def test_an_error_may_be_known() -> None:
    review = review_of(nullable(), *entries_of(nullable()))
    assert marks(review, "AR210") == [KNOWN]
    assert not review.gate.refused


@pytest.mark.parametrize("make", [blocked, altered_by_revision])
def test_what_blocks_is_never_known(make: Any) -> None:
    assert entries_of(make()) == ()
    plain = make().review()
    known = [KnownFinding(one.code, one.fingerprint, one.table, one.message) for one in plain.findings]
    review = review_of(make(), *known)
    assert (review.outcome, review.gate.refused) == (Outcome.BLOCKED, True)
    assert review_of(make(), update=True).gate.refused


def test_entries_of_accept_and_edited_revisions_are_never_known() -> None:
    world = basics()
    world.history = PullRequestBase(
        "c0ffee", world.facts(), edited=(EditedRevision("a1", "/project/poser/versions/a1.py"),)
    )
    lost = Accept("AR201", "r", table="gone", place=Place("/project/pyproject.toml", 3))
    review = review_of(world, update=True, accept=(lost,))
    assert {one.code: one.accepted for one in review.findings} == {"AR501": None, "AR904": None}
    assert updated(Baseline("known.json"), review).entries == ()


def test_entries_that_no_longer_occur_are_listed_and_updated_away() -> None:
    entries = entries_of(dropped_columns())
    review = review_of(basics(), *entries)
    assert review.baseline is not None
    assert set(review.baseline.gone) == set(entries)
    assert updated(Baseline("known.json", entries=entries), review).entries == ()


def test_what_was_not_looked_for_stays_in_the_baseline() -> None:
    entries = entries_of(nullable())
    world = nullable()
    world.proofs = Proofs(names=("rows",), reason="--no-prove")
    review = review_of(world, *entries, update=True)
    assert review.baseline is not None
    assert review.baseline.gone == ()
    assert updated(Baseline("known.json", entries=entries), review).entries == entries


def test_the_same_fingerprint_of_another_code_is_not_known() -> None:
    (entry, _) = entries_of(dropped_columns())
    assert marks(review_of(dropped_columns(), replace(entry, code="AR202")), "AR201") == [None, None]


@pytest.mark.parametrize(("base", "counts"), [(None, True), (frozenset(), False), ("all", True)])
def test_entries_that_a_pull_request_adds_may_have_to_be_merged_first(base: Any, counts: bool) -> None:
    entries = entries_of(dropped_columns())
    world = dropped_columns()
    facts = world.facts()
    facts = replace(facts, databases=tuple(replace(one, changes=()) for one in facts.databases))
    known = frozenset(one.fingerprint for one in entries) if base == "all" else base
    world.history = PullRequestBase("c0ffee", facts, accepted=AcceptedAtBase(baseline=known))
    review = review_of(world, *entries, accept_new=AcceptNew.AFTER_MERGE)
    assert marks(review, "AR201") == ([KNOWN] * 2 if counts else [None] * 2)
