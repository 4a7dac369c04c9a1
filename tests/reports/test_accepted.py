"""What reports show of accepted changes and findings."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from alembic_review.model.review import Outcome, Review
from alembic_review.reports import REPORTS, Options
from alembic_review.reports.parts.headline import Result, result
from alembic_review.reports.parts.items import items
from tests.reports.samples import sample

ACCEPTED = sample("accepted")
INDEX = "40f3307c658ef4e3"


def rendered(name: str, review: Review = ACCEPTED) -> str:
    return next(report for report in REPORTS if report.name == name).render(review, Options(width=200))


def counting(review: Review, *fingerprints: str) -> Review:
    """The review without the acceptance of these changes and of the findings about them."""
    changes = tuple(replace(one, accepted=None) if one.fingerprint in fingerprints else one for one in review.changes)
    findings = tuple(replace(one, accepted=None) if one.change in fingerprints else one for one in review.findings)
    return replace(review, changes=changes, findings=findings)


def test_a_check_passes_with_an_outcome_that_stays_blocked() -> None:
    assert ACCEPTED.outcome is Outcome.BLOCKED
    assert result(ACCEPTED) is Result.PASSED
    assert not any(item.is_problem for item in items(ACCEPTED))


def test_blocked_changes_that_nobody_accepted_pass_only_where_never_is_set() -> None:
    assert result(counting(ACCEPTED, INDEX)) is Result.REPORTED
    summary = replace(ACCEPTED.summary, accepted=0)
    assert result(replace(ACCEPTED, changes=(), findings=(), pull_request=None, summary=summary)) is Result.REPORTED


def test_what_is_not_accepted_is_a_problem_again() -> None:
    history = next(change for change in ACCEPTED.changes if change.table == "product_history")
    text = rendered("terminal", counting(ACCEPTED, history.fingerprint))
    assert "BLOCKED  1 problem" in text
    assert "also: add_column product_history.shelf_label (pending) (not accepted)" in text


@pytest.mark.parametrize("name", ["terminal", "markdown", "html", "github", "gitlab", "sarif"])
def test_every_report_has_the_new_entries_before_everything_else(name: str) -> None:
    text = rendered(name)
    if name == "sarif":
        (run,) = json.loads(text)["runs"]
        notes = run["invocations"][0]["toolExecutionNotifications"]
        text = "".join(note["message"]["text"] for note in notes)
    if name == "html":
        text = text[text.index("<main") :]
    first = text.lower().index("accepted in this pull request")
    for later in ("poser_delivery", "poser/db/model/deliveries.py", "not checked", "AR904"):
        assert later not in text or first < text.index(later)
    assert "the table has ten rows" in text
    assert "counts only after the merge" in text


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_annotations_leave_accepted_issues_out(name: str) -> None:
    text = rendered(name)
    assert "AR904" in text
    assert "6 accepted issues" in text
    for code in ("AR105", "AR106", "AR202", "AR401"):
        assert f"title={code}" not in text
        assert f'"{code}"' not in text


def test_sarif_suppresses_a_result_only_where_all_of_it_is_accepted() -> None:
    def suppressed(review: Review) -> dict[str, int]:
        (run,) = json.loads(rendered("sarif", review))["runs"]
        found: dict[str, int] = {}
        for one in run["results"]:
            found[one["ruleId"]] = found.get(one["ruleId"], 0) + ("suppressions" in one)
        return found

    assert suppressed(ACCEPTED) == {"AR904": 0, "AR515": 0, "AR101": 2, "AR105": 1, "AR106": 1, "AR202": 1, "AR401": 1}
    history = next(one for one in ACCEPTED.findings if one.code == "AR101" and one.change != INDEX)
    index = next(one for one in ACCEPTED.findings if one.change == INDEX)
    same_line = tuple(
        replace(one, location=index.location) if one.fingerprint == history.fingerprint else one
        for one in ACCEPTED.findings
    )
    mixed = counting(replace(ACCEPTED, findings=same_line), INDEX)
    assert suppressed(mixed)["AR101"] == 0
    assert "(accepted until 2027-06-30: agreed with acme" in rendered("sarif", mixed)
