"""Risks beside the verdict: counted in the headline, marked at the change, with code to copy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.judge.checks import CHECKS
from alembic_review.model.review import Accepted, Finding, Review, Severity
from alembic_review.reports import Options
from alembic_review.reports.formats import github, html, markdown, sarif, terminal
from alembic_review.reports.parts.headline import counts
from alembic_review.reports.parts.risks import RISKS, is_guess, is_risk, marks, risk_counts, risk_of
from tests.reports.samples import sample

POSER = sample("poser")
CHANGE = POSER.changes[0]
CODE = "op.alter_column('poser_widget', 'colour', new_column_name='color')"


def finding(code: str, **fields: object) -> Finding:
    made = Finding(code, Severity.WARNING, False, f"What {code} found.", "", f"f-{code}-{len(fields)}", column="colour")
    return replace(replace(made, change=CHANGE.fingerprint, proof="rows"), **fields)  # type: ignore[arg-type]


def review(*findings: Finding) -> Review:
    return replace(POSER, findings=findings)


def test_a_risk_is_counted_once_however_it_was_found() -> None:
    told = review(finding("AR203"), finding("AR203", table="other", column=None), finding("AR701"), finding("AR301"))
    assert risk_counts(told) == (
        "1 column loses data",
        "1 table loses its data",
        "1 column looks renamed",
        "1 statement rewrites a table",
    )
    assert risk_counts(review(finding("AR203"), finding("AR203", column="size"))) == ("2 columns lose data",)
    assert "1 statement rewrites a table" in counts(told)
    assert not any("warning" in text for text in counts(told))


@pytest.mark.parametrize(
    ("code", "one", "two"),
    [
        ("AR310", "1 table fails with the old models", "2 tables fail with the old models"),
        ("AR801", "1 downgrade leaves something", "2 downgrades leave something"),
        ("AR805", "1 downgrade loses data", "2 downgrades lose data"),
    ],
)
def test_tables_and_downgrades_are_counted_rather_than_findings(code: str, one: str, two: str) -> None:
    first, second = finding(code), finding(code, fingerprint="second", column="size")
    assert risk_counts(review(first, second)) == (one,)
    assert risk_counts(review(first, replace(second, table="other", revision="another"))) == (two,)


def test_a_note_and_what_is_accepted_are_no_risk() -> None:
    accepted = finding("AR203", accepted=Accepted("read by nobody"))
    assert not is_risk(accepted)
    assert risk_counts(review(accepted, finding("AR704", severity=Severity.INFO), finding("AR601"))) == ()
    assert marks(CHANGE, (accepted,)) == ()


def test_the_marks_of_a_change_are_those_of_its_findings() -> None:
    other = finding("AR703", change="another")
    assert marks(CHANGE, (finding("AR203"), finding("AR301"), other)) == ("data is lost", "looks renamed")


@pytest.mark.parametrize("code", ["AR7", "AR8"])
def test_a_code_without_words_of_its_own_has_those_of_its_family(code: str) -> None:
    risk = risk_of(finding(f"{code}99"))
    assert risk is not None
    assert f"{code}99" not in RISKS


def test_every_check_about_rows_old_models_locks_and_reversal_is_a_risk() -> None:
    families = ("AR20", "AR21", "AR3", "AR7", "AR8")
    codes = {check.code for check in CHECKS if check.code.startswith(families)} - {"AR217", "AR218"}
    assert {code for code in codes if risk_of(finding(code)) is None} == set()


def test_only_a_guess_is_told_by_its_mark_alone() -> None:
    assert is_guess(finding("AR201", proof=None))
    assert not is_guess(finding("AR203"))


def test_a_suggestion_is_code_to_copy() -> None:
    told = review(finding("AR301", suggestion=CODE))
    options = Options(verbose=True)
    assert f"```python\n  {CODE}\n  ```" in markdown.render(told, options)
    assert CODE in terminal.render(told, options)
    assert CODE in sarif.render(told, options)
    assert CODE in github.render(told, options)
    page = html.render(told, options)
    assert "Suggested fix:" in page
    assert "new_column_name" in page


def test_what_is_accepted_needs_no_fix() -> None:
    told = review(finding("AR301", suggestion=CODE, accepted=Accepted("on purpose")))
    assert CODE not in markdown.render(told, Options())
    assert CODE not in terminal.render(told, Options(verbose=True))
    assert "new_column_name" not in html.render(told, Options())
