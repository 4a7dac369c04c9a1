"""Comments that accept findings: what they say, and which lines they are about."""

from __future__ import annotations

import textwrap
from datetime import date
from pathlib import Path

import pytest

from alembic_review.model.accepting import Accept
from alembic_review.observe.accept_comments import accept_comments, comments_of


def read(source: str) -> tuple[Accept, ...]:
    return comments_of(textwrap.dedent(source).encode(), "model.py")


def lines(source: str) -> list[tuple[int, int] | None]:
    return [one.lines if not one.problem else None for one in read(source)]


def test_code_reason_and_statement() -> None:
    (one,) = read("x = 1\nsize = Column(Integer)  # alembic-review: accept AR703  ten rows,  no more\n")
    assert (one.code, one.reason, one.until) == ("AR703", "ten rows, no more", None)
    assert one.place is not None
    assert (one.place.path, one.place.line, one.lines) == ("model.py", 2, (2, 2))
    assert one.statement == "size = Column ( Integer )"


def test_an_end_date() -> None:
    (one,) = read("x = 1  # alembic-review: accept AR703 until 2027-06-30 ten rows\n")
    assert (one.until, one.reason) == (date(2027, 6, 30), "ten rows")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("# alembic-review: accept AR703 why\nx = 1\n", [(2, 2)]),
        ("# alembic-review: accept AR703 why\n# another comment\nx = 1\n", [(3, 3)]),
        ("op.create_index(  # alembic-review: accept AR703 why\n    'x',\n)\ny = 1\n", [(1, 3)]),
        ("op.create_index(\n    # alembic-review: accept AR703 why\n    'x',\n)\n", [(1, 4)]),
        ("op.create_index(\n\n    'x',\n)  # alembic-review: accept AR703 why\n", [(1, 4)]),
        ("class A:  # alembic-review: accept AR703 why\n    x = 1\n", [(1, 1)]),
        ("class A:\n    # alembic-review: accept AR703 why\n    x = 1\n    y = 1\n", [(3, 3)]),
        ("class A:\n    x = 1  # alembic-review: accept AR703 why\n\n\ny = 1\n", [(2, 2)]),
        ("x = 1  # noqa: E501  # alembic-review: accept AR703 why\n", [(1, 1)]),
        ("x = '# alembic-review: accept AR703 why'\n", []),
        # A comment that stands apart from all code is about none.
        ("# alembic-review: accept AR703 why\n\nx = 1\n", [None]),
        ("x = 1\n# alembic-review: accept AR703 why\n", [None]),
    ],
)
def test_the_statement_that_a_comment_is_about(source: str, expected: list[tuple[int, int] | None]) -> None:
    assert lines(source) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("acept AR703 why", "it does not begin with `accept` and the code of a check"),
        ("accept all of it", "it does not begin with `accept` and the code of a check"),
        ("accept ar703 why", "it does not begin with `accept` and the code of a check"),
        ("accept AR7033 why", "it does not begin with `accept` and the code of a check"),
        ("accept AR703", "it has no reason"),
        ("accept AR703 until 2027-06-30", "it has no reason"),
        ("accept AR703 until 2027-06-31 why", "2027-06-31 is not a date"),
        ("accept AR101 why", "AR101 can be accepted in the settings only, by fingerprint"),
    ],
)
def test_a_comment_that_accepts_nothing_says_why(text: str, problem: str) -> None:
    (one,) = read(f"x = 1  # alembic-review: {text}\n")
    assert one.problem == problem


def test_a_file_that_does_not_parse_hides_no_other(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("x = 1  # alembic-review: accept AR703 why\n")
    bad.write_text("x = (  # alembic-review: accept AR703 why\n")
    found = accept_comments([str(bad), str(good), str(good), str(tmp_path / "gone.py"), "<string>"])
    assert [one.place.path for one in found if one.place is not None] == [str(good)]
