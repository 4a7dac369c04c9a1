from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.model.review import PullRequest
from alembic_review.reports.parts.headline import in_revisions, levels, since_label, tally
from tests.reports.samples import sample

BASE = "6118cefcbb2a3e3cc67cce03b8fa543471074c0d"


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("", "since 6118cefcbb2a: no"),
        ("origin/main", "since origin/main (6118cefcbb2a): no"),
        (BASE, "since 6118cefcbb2a: no"),
        ("f" * 40, "since ffffffffffff (6118cefcbb2a): no"),
        ("main\x1b[2J", "since main\\x1b[2J (6118cefcbb2a): no"),
    ],
)
def test_the_base_is_named_as_it_was_asked_for(ref: str, said: str) -> None:
    assert since_label(PullRequest(BASE, ref=ref)) == f"{said} new revision"


def test_of_a_pull_request_revisions_and_what_is_pending_are_counted_apart() -> None:
    review = sample("since")
    assert len(in_revisions(review)) == 3
    assert tally(review) == "in revisions: 1 blocked, 2 safe; pending: 2 blocked, 1 safe"
    assert tally(replace(review, pull_request=None)) == "2 blocked, 1 safe"
    assert tally(sample("clean")) == "no changes"


def test_findings_are_counted_by_severity() -> None:
    assert levels(sample("since")) == "4 errors"
    assert levels(replace(sample("since"), summary=replace(sample("since").summary, warning=1, info=2))) == (
        "4 errors, 1 warning, 2 notes"
    )
