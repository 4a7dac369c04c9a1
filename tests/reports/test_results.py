"""Headline and exit status agree in every format, whatever the outcome says of ownership."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from alembic_review.model.review import Gate, Outcome, Review, Summary
from alembic_review.reports import REPORTS, Options
from alembic_review.reports.formats import markdown
from alembic_review.reports.parts.headline import Result, explanation, result
from tests.reports.samples import sample

CLEAN = replace(sample("clean"), gate=Gate(refused=False))
REASONS = ("4 pending changes", "1 error")
HEADLINES = {
    "terminal": r"\A(.*)\n",
    "markdown": r"alembic-review: (.*\n?\n?.*)\n",
    "html": r"<h1><span[^>]*>.</span> (.*?)<ul class=",
    "github": r"\A::\w+ title=alembic-review%3A .*?::(.*)\n",
    "gitlab": r'"description": "(.*?)\\n',
    "sarif": r'"summary": "(.*)"',
}


def review_with(outcome: Outcome, *, refused: bool, errors: int = 0) -> Review:
    gate = Gate(refused=True, reasons=REASONS) if refused else Gate(refused=False)
    return replace(CLEAN, outcome=outcome, gate=gate, summary=Summary(error=errors))


@pytest.mark.parametrize(
    ("outcome", "refused", "errors", "expected"),
    [
        (Outcome.CLEAN, False, 0, Result.PASSED),
        (Outcome.SAFE, False, 0, Result.PASSED),
        (Outcome.CLEAN, True, 1, Result.FAILED),
        (Outcome.SAFE, True, 0, Result.FAILED),
        (Outcome.BLOCKED, True, 3, Result.FAILED),
        # Only `never` lets these pass.
        (Outcome.BLOCKED, False, 3, Result.REPORTED),
        (Outcome.CLEAN, False, 1, Result.REPORTED),
        (Outcome.FAILED, True, 0, Result.NONE),
    ],
)
def test_the_gate_comes_before_the_outcome(outcome: Outcome, refused: bool, errors: int, expected: Result) -> None:
    review = review_with(outcome, refused=refused, errors=errors)
    assert result(review) is expected
    assert bool(explanation(review)) is (expected in (Result.FAILED, Result.REPORTED))


@pytest.mark.parametrize("name", HEADLINES)
@pytest.mark.parametrize("outcome", [Outcome.CLEAN, Outcome.SAFE])
def test_a_failed_check_does_not_read_safe(name: str, outcome: Outcome) -> None:
    report = next(report for report in REPORTS if report.name == name)
    told = {}
    for refused in (True, False):
        text = report.render(review_with(outcome, refused=refused), Options())
        match = re.search(HEADLINES[name], text, re.DOTALL if name == "html" else 0)
        assert match is not None, text
        told[refused] = match[1]
    assert "check failed" in told[True].lower()
    assert "4 pending changes; 1 error" in told[True]
    assert not re.search(r"\b(safe|clean|passed)\b", told[True], re.IGNORECASE)
    assert "check passed" in told[False].lower()


def test_every_format_with_a_headline_is_tried() -> None:
    # The JSON report holds the gate, and the list of owners has no check.
    assert {*HEADLINES, "json", "owners"} == {report.name for report in REPORTS}
    assert json.loads(next(r for r in REPORTS if r.name == "json").render(CLEAN, Options()))["gate"] == {
        "refused": False,
        "reasons": [],
    }


def test_the_page_has_the_colour_of_the_result_and_its_title() -> None:
    html = next(report for report in REPORTS if report.name == "html")
    text = html.render(review_with(Outcome.SAFE, refused=True), Options())
    assert "<title>alembic-review: check failed - poser</title>" in text
    assert '<header class="top failed">' in text


def test_the_short_comment_has_the_same_result() -> None:
    assert markdown.short(review_with(Outcome.SAFE, refused=True), Options()).startswith(
        "## alembic-review: check failed\n"
    )
    assert markdown.short(review_with(Outcome.BLOCKED, refused=False), Options()).startswith(
        "## alembic-review: report only\n"
    )


def test_the_headline_counts_causes_and_keeps_the_reasons_that_are_no_problem() -> None:
    review = sample("suggestion")
    gate = Gate(refused=True, reasons=("3 blocked changes", "4 pending changes"))
    assert explanation(replace(review, gate=gate)) == "2 blocking problems; 4 pending changes"
