"""What entries of ``accept`` mark as accepted, and what never."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from alembic_review.judge import gate
from alembic_review.judge.accepting.selecting import Found
from alembic_review.judge.accepting.settling import marked
from alembic_review.judge.assemble_review import case_of
from alembic_review.judge.severities import require_known_codes
from alembic_review.model.accepting import Accept, AcceptedAtBase, Comments
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import Place
from alembic_review.model.pull_request_base import PullRequestBase
from alembic_review.model.review import (
    Accepted,
    AcceptState,
    ChangeSince,
    Outcome,
    PullRequest,
    Review,
    State,
    Summary,
    Verdict,
)
from alembic_review.model.settings import AcceptNew, FailOn, Level, Settings
from tests.judge.checks.proved import hazard, rows
from tests.judge.world import APP_REVISION, SETTINGS, World, basics, found

REASON = "known"
ACCEPTED = Accepted(REASON)
TODAY = date(2026, 11, 28)
PYPROJECT = Place("/project/pyproject.toml", 12)


def entry(code: str, **fields: Any) -> Accept:
    return Accept(code, REASON, **{"place": PYPROJECT, **fields})


def review_of(world: World, *entries: Accept, comments: tuple[Accept, ...] = (), **settings: Any) -> Review:
    world.settings = replace(SETTINGS, accept=entries, **settings)
    world.comments = Comments(comments, TODAY)
    return world.review()


def marks(review: Review, code: str) -> list[Accepted | None]:
    return [one.accepted for one in found(review, code)]


def dropped_columns() -> World:
    """Two columns of a custom table that are dropped: AR201."""
    world = basics()
    world.change("remove_column", "poser_widget", "size")
    world.change("remove_column", "poser_widget", "weight")
    return world


def blocked() -> World:
    """A column that the application adds to a core table: AR101."""
    world = basics()
    world.change("add_column", "product", "label")
    return world


# What is selected


@pytest.mark.parametrize(
    "selectors",
    [
        {"table": "poser_widget"},
        {"table": "poser_widget", "column": "size"},
        {"column": "size"},
        {"name": "size"},
    ],
)
def test_every_selector_has_to_fit(selectors: dict[str, str]) -> None:
    review = review_of(dropped_columns(), entry("AR201", **selectors))
    both = set(selectors) == {"table"}
    assert marks(review, "AR201") == [ACCEPTED, ACCEPTED if both else None]
    assert found(review, "AR904") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"table": "poser_widgets"},
        {"table": "POSER_WIDGET"},
        {"table": "poser_widget", "column": "sizes"},
        {"table": "poser_widget", "name": "sizes"},
        {"table": "poser_widget", "revision": "a1b2"},
        {"fingerprint": "0000000000000000"},
        {"table": "poser_widget", "fingerprint": "0000000000000000"},
        {"table": ""},
    ],
)
def test_a_typo_accepts_nothing(fields: dict[str, str]) -> None:
    review = review_of(dropped_columns(), entry("AR201", **fields), fail_on=(FailOn.WARNING,))
    assert marks(review, "AR201") == [None, None]
    (told,) = found(review, "AR904")
    assert told.message.endswith("is accepted, but no such finding exists. The reason was: known.")
    assert (told.location and (told.location.path, told.location.line)) == ("pyproject.toml", 12)
    assert review.gate.reasons == ("3 warnings",)
    assert review.summary.accepted == 0


def test_another_code_accepts_nothing() -> None:
    review = review_of(dropped_columns(), entry("AR202", table="poser_widget"))
    assert marks(review, "AR201") == [None, None]
    assert len(found(review, "AR904")) == 1


def test_a_schema_may_be_named() -> None:
    world = basics()
    world.table("sales.poser_order", ["poser:20"], by=APP_REVISION, columns=("uuid", "size"))
    world.change("remove_column", "sales.poser_order", "size")
    assert marks(review_of(world, entry("AR201", table="sales.poser_order")), "AR201") == [ACCEPTED]
    assert marks(review_of(world, entry("AR201", table="poser_order")), "AR201") == [ACCEPTED]
    assert marks(review_of(world, entry("AR201", table="stock.poser_order")), "AR201") == [None]


def test_the_fingerprint_of_a_finding_accepts_it_alone() -> None:
    plain = review_of(dropped_columns())
    fingerprint = found(plain, "AR201")[1].fingerprint
    review = review_of(dropped_columns(), entry("AR201", fingerprint=fingerprint))
    assert marks(review, "AR201") == [None, ACCEPTED]


def test_the_first_of_two_entries_gives_the_reason() -> None:
    second = replace(entry("AR201", column="size"), reason="another")
    review = review_of(dropped_columns(), entry("AR201", table="poser_widget"), second)
    assert marks(review, "AR201") == [ACCEPTED, ACCEPTED]
    assert found(review, "AR904") == []


# What counts


def test_what_is_accepted_leaves_the_counts_and_keeps_its_severity() -> None:
    review = review_of(dropped_columns(), entry("AR201", column="size"), fail_on=(FailOn.WARNING, FailOn.PENDING))
    assert (review.summary.warning, review.summary.safe) == (1, 1)
    assert review.summary.accepted == 2  # the finding, and the change that stays
    assert review.gate.reasons == ("1 pending change", "1 warning")
    everything = review_of(
        dropped_columns(), entry("AR201", table="poser_widget"), fail_on=(FailOn.WARNING, FailOn.PENDING)
    )
    assert not everything.gate.refused
    assert everything.outcome is Outcome.SAFE
    assert [change.verdict for change in everything.changes] == [Verdict.SAFE, Verdict.SAFE]


def test_an_accepted_error_fails_no_check() -> None:
    world = basics()
    rows(world, hazard("not_null"))
    review = review_of(world, entry("AR210", table="poser_widget", column="size"))
    assert marks(review, "AR210") == [ACCEPTED]
    assert not review.gate.refused
    assert [change.accepted for change in review.changes] == [None]  # it is written all the same


@pytest.mark.parametrize("of", ["change", "finding"])
def test_a_fingerprint_accepts_a_blocked_change_and_the_outcome_says_so(of: str) -> None:
    plain = review_of(blocked())
    (finding,) = found(plain, "AR101")
    fingerprint = finding.fingerprint if of == "finding" else plain.changes[0].fingerprint
    review = review_of(blocked(), entry("AR101", fingerprint=fingerprint))
    (change,) = review.changes
    assert (change.verdict, change.accepted, marks(review, "AR101")) == (Verdict.BLOCKED, ACCEPTED, [ACCEPTED])
    assert (review.outcome, review.gate.refused) == (Outcome.BLOCKED, False)
    assert (review.summary.blocked, review.summary.error, review.summary.accepted) == (0, 0, 2)


def test_a_blocked_change_of_another_fingerprint_still_fails_the_check() -> None:
    world = blocked()
    fingerprint = review_of(world).changes[0].fingerprint
    world.change("add_column", "product", "shelf")
    review = review_of(world, entry("AR101", fingerprint=fingerprint))
    assert review.gate.reasons == ("1 blocked change",)
    assert sorted(change.accepted is None for change in review.changes) == [False, True]


@pytest.mark.parametrize("selectors", [{"table": "product"}, {"table": "product", "column": "label"}])
def test_nothing_but_a_fingerprint_accepts_what_blocks(selectors: dict[str, str]) -> None:
    review = review_of(blocked(), entry("AR101", **selectors))
    assert review.gate.reasons == ("1 blocked change",)
    (told,) = found(review, "AR904")
    assert "can be accepted by fingerprint only" in told.message
    comment = entry("AR101", place=Place("/project/poser/model.py", 5), lines=(1, 99))
    assert review_of(blocked(), comments=(comment,)).gate.refused


def altered_by_revision() -> World:
    world = basics()
    world.alter(APP_REVISION, "product", "column", "added", "label")
    return world


def test_a_blocking_finding_without_a_change_is_accepted_by_its_fingerprint() -> None:
    (finding,) = found(review_of(altered_by_revision()), "AR106")
    review = review_of(altered_by_revision(), entry("AR106", fingerprint=finding.fingerprint))
    assert (review.outcome, review.gate.refused) == (Outcome.BLOCKED, False)
    assert review_of(altered_by_revision(), entry("AR106", table="product")).gate.reasons == ("1 blocking finding",)


@pytest.mark.parametrize(("named", "accepted"), [(True, ACCEPTED), (False, None)])
def test_a_blocked_change_that_no_finding_is_about_is_accepted_by_its_own_fingerprint(
    named: bool, accepted: Accepted | None
) -> None:
    world = blocked()
    (change,) = world.review().changes
    made = ChangeSince(**{**vars(change), "findings": ()}, state=State.IN_REVISION, revision=None)
    own = entry("AR101", fingerprint=made.fingerprint if named else "0" * 16)
    case = case_of(world.facts(), replace(SETTINGS, accept=(own,)), ())
    found_before = Found((), (), PullRequest("c0ffee", changes=(made,)), ())
    result = marked(case, Comments(today=TODAY), found_before)
    assert result.brought is not None
    assert [one.accepted for one in result.brought.changes] == [accepted]
    assert gate.decide((), Summary(), (), result.brought).refused is not named
    assert bool(result.entries[0].changes) is named


def test_what_a_revision_does_besides_is_not_accepted_along() -> None:
    (finding,) = found(review_of(altered_by_revision()), "AR106")
    world = altered_by_revision()
    world.alter(APP_REVISION, "product", "column", "added", "shelf")
    assert review_of(world, entry("AR106", fingerprint=finding.fingerprint)).gate.refused


# What stays as it is


def test_a_loss_that_is_accepted_is_not_to_be_written() -> None:
    review = review_of(dropped_columns(), entry("AR201", column="size"))
    assert [change.accepted for change in review.changes] == [ACCEPTED, None]


def test_with_a_table_that_stays_everything_on_it_stays() -> None:
    world = basics()
    world.databases[0].created("poser_legacy", APP_REVISION)
    world.change("remove_index", "poser_legacy", "ix_legacy")
    world.change("remove_table", "poser_legacy")
    review = review_of(world, entry("AR201", table="poser_legacy"), fail_on=(FailOn.PENDING, FailOn.WARNING))
    assert [change.accepted for change in review.changes] == [ACCEPTED, ACCEPTED]
    assert not review.gate.refused


def test_the_fingerprint_of_a_safe_change_keeps_it_and_what_is_found_about_it() -> None:
    world = basics()
    rows(world, hazard("not_null"), hazard("cast"))
    fingerprint = review_of(world).changes[0].fingerprint
    review = review_of(world, entry("AR210", fingerprint=fingerprint))
    assert [change.accepted for change in review.changes] == [ACCEPTED]
    assert (marks(review, "AR210"), marks(review, "AR213")) == ([ACCEPTED], [ACCEPTED])


@pytest.mark.parametrize(
    ("made", "kept"),
    [
        (entry("AR203", table="poser_widget"), [True, True]),
        (entry("AR203", table="poser_widget", column="size"), [True, False]),
        (entry("AR203", table="poser_widget", column="size", fingerprint="0" * 16), [True, False]),
        (entry("AR203", table="poser_widgets"), [False, False]),
        (entry("AR203", fingerprint="0" * 16), [False, False]),
        (entry("AR201", table="poser_widget", column="size", fingerprint="0" * 16), [False, False]),
        (entry("AR210", table="poser_widget"), [False, False]),
    ],
)
def test_a_loss_that_was_seen_and_accepted_stays_where_no_rows_are_tried(made: Accept, kept: list[bool]) -> None:
    review = review_of(dropped_columns(), made)
    assert [change.accepted is not None for change in review.changes] == kept
    assert [one is not None for one in marks(review, "AR201")] == kept


# End dates


@pytest.mark.parametrize(("until", "counts"), [(TODAY, True), (date(2026, 11, 27), False), (None, True)])
def test_an_entry_counts_up_to_its_last_day(until: date | None, counts: bool) -> None:
    review = review_of(dropped_columns(), entry("AR201", table="poser_widget", until=until))
    assert len(found(review, "AR903")) == (0 if counts else 1)
    shown = Accepted(REASON, until.isoformat() if until is not None else None)
    assert marks(review, "AR201") == ([shown] * 2 if counts else [None] * 2)
    assert review.gate.reasons == (() if counts else ("1 error",))


def test_without_a_date_of_today_no_entry_with_an_end_counts() -> None:
    world = dropped_columns()
    world.settings = replace(SETTINGS, accept=(entry("AR201", table="poser_widget", until=date(2999, 1, 1)),))
    assert len(found(world.review(), "AR903")) == 1


def test_an_expired_entry_that_matches_nothing_is_to_be_removed() -> None:
    review = review_of(basics(), entry("AR201", table="x", until=date(2026, 1, 1)))
    (told,) = found(review, "AR903")
    assert told.hint == "The entry matches nothing any more. Remove it."
    assert found(review, "AR904") == []


# Comments


def at(line: int, *, path: str = "/project/poser/model.py", **fields: Any) -> Accept:
    made = Accept("AR210", REASON, place=Place(path, line), lines=(line, line + 1), statement="size = Column()")
    return replace(made, **fields)


def nullable() -> World:
    """AR210 at line 10 of the models."""
    world = basics()
    rows(world, hazard("not_null"))
    return world


def test_a_comment_accepts_what_is_found_at_its_statement() -> None:
    (finding,) = found(review_of(nullable()), "AR210")
    assert finding.location is not None
    line = finding.location.line
    assert marks(review_of(nullable(), comments=(at(line),)), "AR210") == [ACCEPTED]
    assert marks(review_of(nullable(), comments=(at(line - 1),)), "AR210") == [ACCEPTED]
    for other in (at(line + 1), at(line, path="/project/poser/other.py"), at(line, code="AR211")):
        assert marks(review_of(nullable(), comments=(other,)), "AR210") == [None]


def test_a_comment_that_cannot_be_read_is_reported() -> None:
    comment = at(10, code="", reason="", problem="it has no reason")
    review = review_of(nullable(), comments=(comment,))
    assert marks(review, "AR210") == [None]
    (told,) = found(review, "AR904")
    assert told.message == "This comment accepts nothing: it has no reason."


@pytest.mark.parametrize("code", ["AR999", "AR904"])
def test_a_comment_with_a_code_that_cannot_be_accepted_is_reported(code: str) -> None:
    (told,) = found(review_of(nullable(), comments=(at(10, code=code),)), "AR904")
    assert f"{code} is not the code of a check that can be accepted" in told.message


# Pull requests


def pull_request(*known: Accept, after_merge: bool = False) -> World:
    world = dropped_columns()
    facts = world.facts()
    facts = replace(facts, databases=tuple(replace(one, changes=()) for one in facts.databases))
    world.history = PullRequestBase("c0ffee", facts, accepted=AcceptedAtBase(known, after_merge))
    return world


WIDGET = entry("AR201", table="poser_widget")


def test_entries_that_the_base_does_not_have_are_listed() -> None:
    review = review_of(pull_request(replace(WIDGET, place=None)), WIDGET, entry("AR201", column="size"))
    assert review.pull_request is not None
    (new,) = review.pull_request.accepts
    (size, _) = found(review, "AR201")
    assert (new.code, new.column, new.reason, new.state, new.findings) == (
        "AR201",
        "size",
        REASON,
        AcceptState.COUNTS,
        (size.fingerprint,),
    )
    assert new.location is not None
    assert marks(review, "AR201") == [ACCEPTED, ACCEPTED]


@pytest.mark.parametrize("change", [{"reason": "other"}, {"until": date(2030, 1, 1)}, {"column": "size"}])
def test_an_entry_that_was_changed_is_new(change: dict[str, Any]) -> None:
    review = review_of(pull_request(WIDGET), replace(WIDGET, **change))
    assert review.pull_request is not None
    assert len(review.pull_request.accepts) == 1


@pytest.mark.parametrize(
    ("base", "today", "waits"),
    [
        (False, AcceptNew.AT_ONCE, False),
        (False, AcceptNew.AFTER_MERGE, True),
        (True, AcceptNew.AFTER_MERGE, True),
        (True, AcceptNew.AT_ONCE, True),
    ],
)
def test_new_entries_may_have_to_be_merged_first(base: bool, today: AcceptNew, waits: bool) -> None:
    review = review_of(pull_request(after_merge=base), WIDGET, accept_new=today, fail_on=(FailOn.WARNING,))
    assert review.pull_request is not None
    assert [one.state is AcceptState.AFTER_MERGE for one in review.pull_request.accepts] == [waits]
    assert marks(review, "AR201") == ([None] * 2 if waits else [ACCEPTED] * 2)
    assert review.gate.refused is waits
    assert found(review, "AR904") == []


def test_entries_of_the_base_count_while_new_ones_wait() -> None:
    review = review_of(pull_request(WIDGET, after_merge=True), WIDGET)
    assert marks(review, "AR201") == [ACCEPTED, ACCEPTED]


def test_without_since_every_entry_counts() -> None:
    review = review_of(dropped_columns(), WIDGET, accept_new=AcceptNew.AFTER_MERGE)
    assert marks(review, "AR201") == [ACCEPTED, ACCEPTED]


def test_a_comment_that_is_copied_to_another_statement_is_new() -> None:
    comment = at(10)
    world = pull_request(comment, after_merge=True)
    again = at(40, statement="weight = Column()")
    review = review_of(world, comments=(at(12), again))
    assert review.pull_request is not None
    assert [one.location.line for one in review.pull_request.accepts if one.location is not None] == [40]
    twice = review_of(world, comments=(at(12), at(40)))
    assert twice.pull_request is not None
    assert len(twice.pull_request.accepts) == 1


# Entries that match nothing


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (entry("AR201", table="poser_gone"), True),
        # Proofs that were not done, or had nothing to do with the table.
        (entry("AR703", table="poser_widget"), False),
        (entry("AR310", fingerprint="0" * 16), False),
        # Without --since.
        (entry("AR501", revision="z9"), False),
        # Of a revision that is merged.
        (entry("AR201", revision=APP_REVISION), False),
        (entry("AR201", revision="z9"), True),
        (entry("AR901", fingerprint="0" * 16), False),
    ],
)
def test_only_what_was_looked_for_is_reported_as_missing(made: Accept, told: bool) -> None:
    assert bool(found(review_of(basics(), made), "AR904")) is told


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (entry("AR211", table="poser_widget"), True),
        (entry("AR211", table="poser_widgets"), True),
        (entry("AR211", fingerprint="0" * 16), True),
        (entry("AR211", table="product"), False),  # the plan does not touch it
        (entry("AR703", table="poser_widget"), False),  # another proof
    ],
)
def test_a_proof_that_was_done_found_everything_about_the_tables_of_the_plan(made: Accept, told: bool) -> None:
    assert bool(found(review_of(nullable(), made), "AR904")) is told


def test_a_check_that_is_off_leaves_its_entries_alone() -> None:
    review = review_of(dropped_columns(), WIDGET, severity={"AR201": Level.OFF})
    assert review.findings == ()


# Settings


@pytest.mark.parametrize("code", ["AR999", "AR903", "AR904"])
def test_codes_that_cannot_be_accepted_are_refused(code: str) -> None:
    with pytest.raises(UsageError):
        require_known_codes(Settings(accept=(entry(code, fingerprint="0" * 16),)))
