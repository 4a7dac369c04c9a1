"""Highlighting marks words and changes none."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_review.reports.formats.html.highlight import highlighted
from alembic_review.reports.parts.names import visible

CODE = st.one_of(
    st.text(max_size=60),
    st.text("'\"\\$-/*#\n\t ()[]{}ab1eE.:;@%`", max_size=60),
    st.lists(st.sampled_from(["'''", '"""', "/*", "*/", "$$", "--", "E'", "\\", "\n", "op.f(", "SELECT"])).map("".join),
)


@pytest.mark.parametrize("language", ["sql", "python"])
@given(CODE)
def test_the_code_is_all_there(language: str, text: str) -> None:
    marked = str(highlighted(text, language))
    tags = re.findall(r"<[^>]*>", marked)
    assert set(tags) <= {
        *("<pre>", "<code>", "</code>", "</pre>", "</span>"),
        *(f'<span class="code-{name}">' for name in ("keyword", "string", "number", "comment", "name")),
    }
    assert html.unescape(re.sub(r"<[^>]*>", "", marked)) == visible(text, lines=True).strip()


def test_words_of_the_language_are_marked() -> None:
    sql = str(highlighted("ALTER TABLE a -- why", "sql"))
    assert '<span class="code-keyword">ALTER</span>' in sql
    assert '<span class="code-comment">-- why</span>' in sql
    assert '<span class="code-string">&#39;a&#39;</span>' in str(highlighted("op.drop_table('a')", "python"))
