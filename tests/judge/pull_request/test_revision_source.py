"""What revision files assign, and the same files behind another revision."""

from __future__ import annotations

import re

import pytest

from alembic_review.judge.pull_request.revision_source import (
    RevisionSource,
    UnreadableSourceError,
    moved,
    read_source,
)

GENERATED = '''"""add größe

Revision ID: b2
Revises: a1
Create Date: 2026-11-28

"""
from typing import Sequence, Union

from alembic import op  # Revises: a1

# revision identifiers, used by Alembic.
revision: str = 'b2'
down_revision: Union[str, Sequence[str], None] = 'a1'  # not "a0"
branch_labels: Union[str, Sequence[str], None] = ("poser",)
depends_on = ["x1", "x2"]


def upgrade() -> None:
    down_revision = 'a1'
    op.execute("a1")
'''


def test_a_file_as_alembic_writes_it() -> None:
    assert read_source(GENERATED.encode()) == RevisionSource("b2", ("a1",), ("x1", "x2"), ("poser",))
    made = moved(GENERATED.encode(), "c3").decode()
    lines = zip(GENERATED.splitlines(), made.splitlines(), strict=True)
    assert [(old, new) for old, new in lines if old != new] == [
        ("Revises: a1", "Revises: c3"),
        (
            "down_revision: Union[str, Sequence[str], None] = 'a1'  # not \"a0\"",
            "down_revision: Union[str, Sequence[str], None] = 'c3'  # not \"a0\"",
        ),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""x\n\nRevises: \n"""\nrevision = "b"\ndown_revision = None\n', 'Revises: c3\n"""…down_revision = "c3"\n'),
        ('"""x\r\nRevises: a1\r\n"""\r\nrevision = "b"\r\ndown_revision = "a1"\r\n', 'Revises: c3\r\n"""…= "c3"\r\n'),
        ('"""x\nRevises: a1 (step 3)\n"""\nrevision = "b"\ndown_revision = "a1"\n', "Revises: c3 (step 3)\n…"),
        ('"""x\nRevises: a11\n"""\nrevision = "b"\ndown_revision = "a1"\n', "Revises: c3\n…"),
        ('"""Revises: a1"""\nrevision = "b"; down_revision = ("a1",)', '"""Revises: a1"""…("c3",)'),
        ("revision = 'b'\n'ä'; down_revision = (\n    # why\n    'a1'\n)\n", "…(\n    # why\n    'c3'\n)\n"),
        ("P = 'a1'\nrevision = 'b'\ndown_revision = P\n", "P = 'a1'\n…down_revision = 'c3'\n"),
        ("revision = 'b'\ndown_revision = 'a1', 'a2'\n", "…down_revision = 'c3'\n"),
        ("revision = 'b'\ndown_revision = None\ndown_revision = 'a1'\n", "…None\ndown_revision = 'c3'\n"),
    ],
)
def test_whatever_else_there_is_stays(before: str, after: str) -> None:
    made = moved(before.encode(), "c3").decode()
    assert read_source(made.encode()).down_revisions == ("c3",)
    assert re.search(".*".join(map(re.escape, after.split("…"))), made, re.DOTALL), made


def test_the_encoding_of_the_file_stays() -> None:
    text = '# -*- coding: latin-1 -*-\n"""größe\n\nRevises: a1\n"""\nrevision = "b"\n"ä"; down_revision = "a1"\n'
    assert moved(text.encode("latin-1"), "c3").decode("latin-1") == text.replace("a1", "c3")
    marked = ("\ufeff" + GENERATED).encode()
    assert moved(marked, "c3") == ("\ufeff" + moved(GENERATED.encode(), "c3").decode()).encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("revision = 'b'\ndown_revision = find()\n", "its `down_revision` is not a literal"),
        ("revision = 'b'\ndown_revision = 7\n", "its `down_revision` is not a literal"),
        ("revision, down_revision = 'b', 'a'\n", "`(down_)?revision` is not assigned by a statement of its own"),
        ("revision = 'b'\nif x:\n    down_revision = 'a'\n", "its `down_revision` is not assigned by a statement"),
        ("down_revision = 'a'\n", "it assigns no `revision`"),
        ("revision = \n", "it is not valid Python"),
        ("revision = 'b'\0", "it is not valid Python"),
    ],
)
def test_what_only_running_the_file_would_tell(text: str, why: str) -> None:
    with pytest.raises(UnreadableSourceError, match=why):
        read_source(text.encode())
    with pytest.raises(UnreadableSourceError, match=why):
        moved(text.encode(), "c3")


@pytest.mark.parametrize("nested", ["(" * 5000, "-" * 500_000 + "1", "[" * 150 + "]" * 150 + "*" * 9])
def test_a_file_that_is_too_deep_for_python(nested: str) -> None:
    with pytest.raises(UnreadableSourceError):
        read_source(f"revision = 'b'\ndown_revision = {nested}\n".encode())


def test_what_python_warns_of_is_nobody_s_to_read(recwarn: pytest.WarningsRecorder) -> None:
    text = "revision = 'b'\ndown_revision = 'a'\nop = '\\d'\n"
    assert moved(text.encode(), "c3").decode() == text.replace("'a'", "'c3'")
    assert not recwarn.list


def test_a_file_without_a_parent_can_be_read_and_not_moved() -> None:
    assert read_source(b"revision = 'b'\n") == RevisionSource("b", ())
    with pytest.raises(UnreadableSourceError, match="it assigns no `down_revision`"):
        moved(b"revision = 'b'\n", "c3")
