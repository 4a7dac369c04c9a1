"""What a revision's own docstring says, and what who wrote it is told."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_review.model.review import Change
from alembic_review.model.revision_plan import LeftOut, RevisionPlan
from alembic_review.reports.formats.json import read
from alembic_review.reports.revision_file import described, nothing, summary
from tests.reports.readers import CONTROL

REVIEW = read((Path(__file__).parent.parent / "golden" / "poser.json").read_bytes())
BODY = 'import sqlalchemy as sa\n\nrevision = "abc"\n'
PLAN = RevisionPlan("poser", "abc", "a step", "93d5b8e20f6c", "/project/versions", ())


def change(kind: str = "remove_column") -> Change:
    return next(one for one in REVIEW.changes if one.kind == kind)


FULL = replace(
    PLAN,
    written=(change(), change("add_table"), change("add_column")),
    destructive=(change(),),
    required=(change("add_column"),),
    left_out=(LeftOut(change("add_index"), "It needs something."),),
    damage=REVIEW.findings[:1],
    depends_on=("c0ffee",),
)


def test_a_file_without_anything_to_say_stays_as_it_is() -> None:
    text = f'"""a step\n\nRevision ID: abc\n\n"""\n{BODY}'
    assert described(text, PLAN) == text


@pytest.mark.parametrize(
    "head",
    [
        '"""a step\n\nRevision ID: abc\n\n"""\n',
        '"""a step"""\n',
        "'''a step\n'''\n",
        '# a comment\n"""a step\n    """\n',
    ],
)
def test_the_docstring_tells_what_is_in_it_and_what_is_not(head: str) -> None:
    text = described(head + BODY, FULL)
    told = ast.get_docstring(ast.parse(text))
    assert told is not None
    assert told.startswith("a step\n\n")
    assert "\n\n\n" not in told
    assert "Destructive, data is lost:\n- remove_column poser_widget.colour\n" in told
    assert "rows; fill them first (AR202):\n- add_column customer.loyalty_points\n" in told
    assert "It needs something." in told
    assert "Not undone here:\n- AR101" in told
    assert text.endswith(BODY)


@pytest.mark.parametrize("head", ["", "# a comment\n", '"a step"\n', "import os\n"])
def test_without_a_docstring_to_add_to_it_stands_in_comments(head: str) -> None:
    text = described(head + BODY, FULL)
    assert "#\n# Destructive, data is lost:\n# - remove_column poser_widget.colour\n" in text
    assert text.startswith(head[: head.find("\n") + 1] if head.startswith("#") else "#")
    assert ast.unparse(ast.parse(text)) == ast.unparse(ast.parse(head + BODY))


def test_the_ends_of_lines_stay_as_they_are() -> None:
    text = described('"""a step\r\n\r\n"""\r\nrevision = "abc"\r\n', FULL)
    assert "\n" not in text.replace("\r\n", "")


@given(st.text(max_size=40), st.sampled_from(['"""a step\n"""\n', "'''a step'''\n", ""]))
def test_names_are_never_python(name: str, head: str) -> None:
    hostile = replace(change("add_table"), table=f'{name}""" + exec("boom") + \'\'\'', schema=name)
    plan = replace(PLAN, destructive=(hostile,), left_out=(LeftOut(hostile, name),))
    module = ast.parse(described(head + BODY, plan))
    plain = ast.parse(head + BODY)
    assert [type(node) for node in module.body] == [type(node) for node in plain.body]


@given(st.text(max_size=20))
def test_no_name_steers_the_terminal(name: str) -> None:
    plan = replace(FULL, revision=name, head=name, depends_on=(name,), branch_label=name or None)
    for head in (name, "base"):
        said = summary(replace(plan, head=head), name, types_left=(name,))
        assert said.count("\n") == summary(FULL, "x", types_left=("x",)).count("\n")
        assert not CONTROL.search(said)


def test_the_summary_names_the_file_and_what_is_destructive_first() -> None:
    assert summary(FULL, "versions/abc.py", types_left=("new, old",)) == (
        "Wrote versions/abc.py\n  revision abc, after 93d5b8e20f6c\n  depends on c0ffee\n  Destructive changes:\n    "
        "- remove_column poser_widget.colour\n  Fails if the table has rows; fill them first (AR202):\n    - "
        "add_column customer.loyalty_points\n  Changes:\n    - add_table poser_order\n  Left out:\n    - add_index "
        "ix_batch_version_pk_transaction_id on batch_version (uuid, transaction_id): It needs something.\n  Its "
        "downgrade leaves the type with the values new, old behind.\n"
    )
    first = replace(PLAN, head="base", branch_label="poser")
    assert summary(first, "x", written=False) == "Would write x\n  revision abc, first of the branch poser\n"


def test_nothing_to_write_says_why() -> None:
    assert nothing((), 0) == "Nothing to write: no safe change is pending.\n"
    assert nothing((), 90).endswith("Upstream drift is never written (90 changes).\n")
    assert "It needs something." in nothing(FULL.left_out, 1)
