"""The Markdown parses back, with every name intact, and nothing in a name becomes structure."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from alembic_review.model.review import Failure, Location, Review, Verdict
from alembic_review.reports import Options
from alembic_review.reports.base import Links
from alembic_review.reports.formats.json import read
from alembic_review.reports.formats.markdown import CEILING, render
from alembic_review.reports.parts.escaping import escape
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


def parse(text: str) -> list[Token]:
    return MarkdownIt("gfm-like", {"linkify": False}).enable("table").parse(text)


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


def long_review(number: int) -> Review:
    """``number`` blocked changes, each with a cause of its own."""
    blocked = next(change for change in REVIEW.changes if change.verdict is Verdict.BLOCKED)
    changes = tuple(
        replace(
            blocked,
            table=f"core_{n}",
            name=f"c{n}",
            operation=n,
            kind="add_column" if n % 2 else "remove_column",
            reason=f"See model_{n}, not {n}.",
            location=Location("project", f"models/m{n}.py", 1),
            fingerprint=f"f{n}",
        )
        for n in range(number)
    )
    return replace(REVIEW, changes=changes, findings=())


@settings(max_examples=50)
@given(HOSTILE, HOSTILE)
def test_hostile_names_stay_text(table: str, reason: str) -> None:
    table, reason = f"t{table}t", f"r{reason}r"

    def named(table: str, reason: str) -> list[Token]:
        changes = tuple(replace(change, table=table, reason=reason, name=table) for change in REVIEW.changes)
        findings = tuple(replace(finding, message=reason, table=table) for finding in REVIEW.findings)
        return parse(render(replace(REVIEW, changes=changes, findings=findings), Options(verbose=True)))

    tokens = named(table, reason)
    assert [token.type for token in tokens] == [token.type for token in named("tame", "tame reason")]
    allowed = ("<details>", "</details>", "<summary>")
    blocks = [line for token in tokens if token.type == "html_block" for line in token.content.splitlines()]
    assert all(line.strip().startswith(allowed) for line in blocks if line.strip())


def test_a_long_report_is_shortened_and_names_what_is_missing() -> None:
    long = tuple(
        replace(change, table=f"t{n}", python="x" * 400, operation=n, fingerprint=f"f{n}", verdict=Verdict.SAFE)
        for n, change in enumerate([REVIEW.changes[0]] * 200)
    )
    text = render(replace(REVIEW, changes=long, findings=()), Options())
    assert len(text) <= CEILING
    assert "*Left out because of the size limit of comments: Python. The JSON report has them.*" in text


def test_a_long_report_keeps_what_blocks() -> None:
    text = render(long_review(2000), Options(verbose=True))
    assert 10_000 < len(text) <= CEILING
    assert text.count("\n- **<code>") in (30, 100, 300)
    assert re.search(r"\*\d+ more problems in the JSON report\.\*", text)


def test_each_finding_that_blocks_is_a_line_and_others_name_what_they_are_about() -> None:
    tables = [f"core_{name}" for name in ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")]
    blocking = next(one for one in REVIEW.findings if one.blocks and one.change is None)
    warning = next(one for one in REVIEW.findings if not one.blocks)
    found = [
        replace(blocking, table=name, location=None, message=f"{name} is altered.", fingerprint=name) for name in tables
    ]
    lost = [
        replace(warning, change=None, table=f"my_{name}", message=f"This drops my_{name}.", fingerprint=f"my {name}")
        for name in tables
    ]
    text = html.unescape(render(replace(REVIEW, changes=(), findings=(*lost, *found)), Options()))
    assert all(f"\n- {name} is altered." in text for name in tables)
    others = ", ".join(f"<code>my_{name}</code>" for name in tables[1:])
    assert f"This drops my_core_alpha. 5 more findings like this: {others}." in text


def test_lines_are_linked_where_the_file_is_in_the_checkout() -> None:
    links = Links("abcdef0", "https://host.example/o/r/blob/abcdef0/{path}#L{line}", "https://host.example/job")
    text = render(REVIEW, Options(links=links))
    assert '<a href="https://host.example/o/r/blob/abcdef0/poser/db/model/customers.py#L14"><code>' in text
    assert '<a href="https://host.example/job">job</a>' in text
    assert "Commit <code>abcdef0</code>" in text
    assert "<a " not in render(REVIEW, Options())
    outside = replace(REVIEW, provenance=replace(REVIEW.provenance, root="../.."))
    assert "blob/" not in render(outside, Options(links=links))


def test_a_review_without_changes_and_findings_is_one_line() -> None:
    review = read((GOLDEN / "clean.json").read_text(encoding="utf-8"))
    quiet = replace(review, findings=(), changes=())
    text = render(quiet, Options(links=Links(job="https://host.example/job")))
    assert text.startswith(
        "<details>\n<summary><b>alembic-review: check passed</b>, no schema changes "
        '(<a href="https://host.example/job">job</a>)</summary>\n'
    )
    assert text.count("<summary>") == 1
    assert "##" not in text


def test_the_owner_is_named_only_with_several() -> None:
    assert "  -- poser" not in render(REVIEW, Options())
    other = tuple(
        replace(change, owner="other") if change.kind == "remove_column" else change for change in REVIEW.changes
    )
    text = render(replace(REVIEW, changes=other), Options())
    assert "+ table poser_order  -- poser\n" in text
    assert "- column poser_widget.colour  -- data is lost, other\n" in text


def test_a_failure_has_its_lines() -> None:
    failed = read((GOLDEN / "failed.json").read_text(encoding="utf-8"))
    text = render(replace(failed, failure=Failure("It failed:\n  statement: x\n  at y")), Options())
    assert "It failed&#58;<br>&#32;&#32;statement&#58; x<br>&#32;&#32;at y\n" in text
