from __future__ import annotations

import pytest

from alembic_review.model.errors import UsageError
from alembic_review.model.text_lengths import shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("x" * 10, "x" * 10),
        ("x" * 11, "x" * 10 + " …"),
        ("x" * 100_000, "x" * 10 + " …"),
        ("a b\n" * 3, "a b\na b\na …"),
    ],
)
def test_a_text_is_cut(text: str, shown: str) -> None:
    assert shortened(text, 10) == shown


def test_many_lines_are_cut() -> None:
    assert shortened("x\n" * 100) == "x\n" * 39 + "x …"
    assert shortened("\n".join("x" * 40)) == "\n".join("x" * 40)


def test_an_error_is_cut() -> None:
    error = UsageError("x" * 100_000, hint="y" * 100_000)
    assert (len(error.message), len(error.hint)) == (2002, 4002)
