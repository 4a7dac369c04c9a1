from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.model.review import PullRequest, Severity
from alembic_review.reports.parts.headline import counts, in_revisions, since_label, tally
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


def test_the_numbers_of_changes_add_up() -> None:
    review = sample("since")
    assert len(in_revisions(review)) == 3
    assert tally(review) == "6 schema changes (3 in revisions, 3 pending): 3 blocked, 3 safe"
    assert tally(replace(review, pull_request=None)) == "3 schema changes: 2 blocked, 1 safe"
    assert tally(sample("clean")) == "no schema changes"


def test_risks_are_counted_apart_from_other_findings() -> None:
    review = sample("suggestion")
    note = replace(review.findings[-1], code="AR401", severity=Severity.INFO, change=None, fingerprint="n")
    counted = counts(replace(review, findings=(*review.findings, note)))
    assert counted == ("7 schema changes: 3 blocked, 4 safe", "1 column loses data", "1 note")


def test_a_dropped_table_is_not_counted_as_a_column() -> None:
    review = sample("suggestion")
    dropped = tuple(
        replace(change, kind="remove_table", name=None) if change.kind == "remove_column" else change
        for change in review.changes
    )
    assert "1 table loses its data" in counts(replace(review, changes=dropped))
