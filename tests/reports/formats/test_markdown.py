"""The Markdown parses back, with every name intact, and nothing in a name becomes structure."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from alembic_review.model.review import Failure, Verdict
from alembic_review.reports import Options
from alembic_review.reports.formats.json import read
from alembic_review.reports.formats.markdown import CEILING, escape, render
from alembic_review.reports.parts.names import visible

GOLDEN = Path(__file__).parent.parent.parent / "golden"
WHOLE = read((GOLDEN / "poser.json").read_text(encoding="utf-8"))
# Without the long list of upstream drift, which would be parsed for every example again.
REVIEW = replace(WHOLE, changes=tuple(change for change in WHOLE.changes if change.verdict is not Verdict.UPSTREAM))
HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            *("a|b", "`x`", "<script>alert(1)</script>", "[x](http://evil)", "**b**", "_i_", "@everyone", "#1", "a\nb"),
            *(
                "www.evil.example",
                "https://evil.example",
                "\u202egnp",
                "::error::",
                "%0A",
                "</details>",
                "```",
                "&amp;",
            ),
        ]
    ),
)

TEXT = {"text", "text_special", "strong_open", "strong_close"}


def parse(text: str) -> list[Token]:
    return MarkdownIt("gfm-like", {"linkify": False}).enable("table").parse(text)


def cells(tokens: list[Token]) -> list[str]:
    """The text of every table cell."""
    found = []
    for number, token in enumerate(tokens):
        if token.type == "td_open":
            children = tokens[number + 1].children or []
            tags = [child for child in children if child.type == "html_inline"]
            assert {child.type for child in children if child not in tags} <= TEXT
            assert {tag.content for tag in tags} <= {"<wbr>"}
            found.append("".join(child.content for child in children if child not in tags))
    return found


@given(HOSTILE)
def test_an_escaped_text_is_read_as_it_was(text: str) -> None:
    (_, inline, _) = parse(f"x{escape(text)}x")
    children = [child for child in inline.children or [] if child.content != "<wbr>"]
    assert {child.type for child in children} <= {"text", "text_special"}
    assert "".join(child.content for child in children) == f"x{visible(text)}x"


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("ask @acme/security-team", ["ask @", "acme/security-team"]),
        ("a@b.example", ["a@", "b.example"]),
        ("see https://evil.example", ["see https:", "//evil.example"]),
        ("at WWW.evil.example", ["at WWW", ".evil.example"]),
        ("fixes #1, !2, GH-3 and ~4", ["fixes #", "1, !", "2, GH-", "3 and ~", "4"]),
        ("a :+1: b", ["a :", "+1: b"]),
        ("models.py:7", ["models.py:7"]),
        ("50% of 3 & 4 @ 5", ["50% of 3 & 4 @ 5"]),
        ("evil@", ["evil@", ""]),
    ],
)
def test_forges_find_nothing_in_a_text(text: str, pieces: list[str]) -> None:
    """Mentions, links and references are looked for in each piece of text of the page."""
    assert [html.unescape(piece) for piece in escape(text).split("<wbr>")] == pieces


@settings(max_examples=50)
@given(HOSTILE, HOSTILE)
def test_hostile_names_stay_in_their_cells(table: str, reason: str) -> None:
    changes = tuple(replace(change, table=table, reason=reason, name=table) for change in REVIEW.changes)
    findings = tuple(replace(finding, message=reason, table=table) for finding in REVIEW.findings)
    tokens = parse(render(replace(REVIEW, changes=changes, findings=findings), Options(verbose=True)))
    before = parse(render(REVIEW, Options(verbose=True)))
    assert [token.type for token in tokens if "table" in token.type or token.type[:3] in ("tr_", "td_", "th_")] == [
        token.type for token in before if "table" in token.type or token.type[:3] in ("tr_", "td_", "th_")
    ]
    assert any(visible(table) in cell for cell in cells(tokens))
    allowed = ("<details>", "</details>", "<summary>")
    html = [line for token in tokens if token.type == "html_block" for line in token.content.splitlines()]
    assert all(line.startswith(allowed) for line in html)


def test_a_long_report_is_shortened_and_says_so() -> None:
    safe = next(change for change in REVIEW.changes if change.verdict is Verdict.SAFE)
    changes = tuple(replace(safe, table=f"table{n}", python="x" * 400, operation=n) for n in range(200))
    text = render(replace(REVIEW, changes=changes), Options(verbose=True))
    assert len(text) <= CEILING
    assert "Left out, to keep this short: SQL and Python" in text
    endless = tuple(replace(change, reason="y" * 5000, table=f"t{n}") for n, change in enumerate(changes))
    short = render(replace(REVIEW, changes=endless), Options(verbose=True))
    assert len(short) <= CEILING
    assert "*And 190 more rows: the JSON report has everything.*" in short
    assert short.startswith("## alembic-review: ")
    without = render(
        replace(REVIEW, changes=tuple(replace(change, reason="y" * 65_000) for change in changes)), Options()
    )
    assert len(without) <= CEILING
    assert without.splitlines()[-1].startswith("*Left out, to keep this short: SQL and Python, changes.")
    assert "### Findings" in without


def test_a_long_report_keeps_what_blocks() -> None:
    """However many changes there are, the findings fit."""
    blocked = next(change for change in REVIEW.changes if change.verdict is Verdict.BLOCKED)
    changes = tuple(
        replace(
            blocked, table=f"core_{n}", name=f"c{n}", operation=n, reason=f"See model_{n}. " * 20, fingerprint=f"f{n}"
        )
        for n in range(400)
    )
    text = render(replace(REVIEW, changes=changes), Options())
    assert 20_000 < len(text) <= CEILING
    assert text.count("| add") + text.count("| remove") + text.count("| modify") == 100
    assert "*And 300 more rows: the JSON report has everything.*" in text
    assert "### Findings" in text


def test_each_finding_that_blocks_is_a_row_and_others_name_what_they_are_about() -> None:
    tables = [f"core_{name}" for name in ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")]
    blocking = next(one for one in REVIEW.findings if one.blocks and one.change is None)
    warning = next(one for one in REVIEW.findings if not one.blocks)
    found = [replace(blocking, table=name, message=f"{name} is altered.", fingerprint=name) for name in tables]
    lost = [
        replace(warning, table=f"my_{name}", message=f"This drops my_{name}.", fingerprint=f"my {name}")
        for name in tables
    ]
    text = html.unescape(render(replace(REVIEW, findings=(*lost, *found)), Options()))
    rows = [line for line in text.splitlines() if line.startswith("| AR")]
    assert len(rows) == 7
    assert all(f"{name} is altered." in row for name, row in zip(tables, rows[1:], strict=True))
    others = ", ".join(f"my_{name}" for name in tables[1:])
    assert f"This drops my_core_alpha. The same of 5 more, on {others}." in rows[0]


def test_a_place_breaks_before_the_file() -> None:
    """Where it can't, the column of the reasons gets too narrow to read."""
    place = next(change.location for change in REVIEW.changes if change.location is not None)
    folder, _, file = place.path.rpartition("/")
    assert f"| {escape(folder)}/<wbr>{escape(f'{file}:{place.line}')} |" in render(REVIEW, Options())


def test_a_failure_has_its_lines() -> None:
    failed = read((GOLDEN / "failed.json").read_text(encoding="utf-8"))
    text = render(replace(failed, failure=Failure("It failed:\n  statement: x\n  at y")), Options())
    assert "It failed&#58;<br>&#32;&#32;statement&#58; x<br>&#32;&#32;at y\n" in text
