"""The HTML page parses as what it was meant to be, with every name intact, and nothing runs in it but our script."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alembic_review.model.review import (
    Change,
    ChangeSince,
    Failure,
    Gate,
    Location,
    NewRevision,
    Provenance,
    PullRequest,
    Review,
    Severity,
    State,
    Suggestion,
    Verdict,
)
from alembic_review.reports import Options, Rule
from alembic_review.reports.formats.html import page, render
from alembic_review.reports.parts.headline import explanation
from alembic_review.reports.parts.labels import table_label, target_label
from alembic_review.reports.parts.names import visible
from tests.reports.samples import NAMES, sample

ELEMENTS = {
    *("html", "head", "meta", "title", "link", "style", "script", "body", "header", "main", "aside", "nav", "section"),
    *("article", "div", "span", "p", "h1", "h2", "h3", "h4", "small", "strong", "a", "ul", "li", "dl", "dt", "dd"),
    *("table", "thead", "tbody", "tr", "th", "td", "pre", "code", "details", "summary", "form", "fieldset", "legend"),
    *("label", "input", "button", "svg", "desc", "defs", "marker", "path", "g", "rect", "text", "tspan"),
}
RUN = ("tool", "database", "server", "alembic", "config", "root")
LISTS = ("custom", "heads", "models", "plugins", "filters", "not_checked")
CODE = ("python", "sql", "code")
NAMED = (
    *("kind", "schema", "table", "name", "owner", "cause", "reason", "path", "column", "gate", "message", "hint"),
    *("another", "core", "evidence", "base", "ref", "revision", "news", *RUN, *LISTS, *CODE),
)
HOSTILE = st.one_of(
    st.text(min_size=1, max_size=30),
    st.sampled_from(
        [
            *("<script>alert(1)</script>", "</script>", "<!--", "-->", "]]>", "</style>", "</pre>", "<svg/onload=x>"),
            *("' onmouseover='x", '" autofocus onfocus="x', "&lt;", "&amp;", "javascript:x", "{{ 7*7 }}", "{% raw %}"),
            *(
                "\u202egnp",
                "\x00",
                "a\nb",
                "a\r\nb",
                "\x85",
                "\u2028",
                "\ud800",
                "\ufeff",
                "\ufffe",
                "é" * 200,
                "x" * 3000,
            ),
        ]
    ),
)


def request(review: Review) -> Review:
    """``review`` with a pull request and a suggestion."""
    since = [
        ChangeSince(**vars(change), state=State.IN_REVISION if number % 2 else State.PENDING, revision="ab12")
        for number, change in enumerate(review.changes)
    ]
    revisions = (
        NewRevision("ab12", "poser", Location("project", "versions/ab12.py", 1), "points of customers"),
        NewRevision("cd", None, None),
    )
    blocked = [change for change in review.changes if change.verdict is Verdict.BLOCKED]
    ways = tuple(
        Suggestion(
            schema=change.schema,
            table=change.table or "",
            columns=(change.name or "",),
            code="class Mine(Base):\n    pass\n",
            location=change.location,
            changes=(change.fingerprint,),
            findings=tuple(finding.fingerprint for finding in review.findings if finding.change == change.fingerprint),
        )
        for change in blocked
    )
    return replace(review, pull_request=PullRequest("f" * 40, revisions, tuple(since), "origin/main"), suggestions=ways)


def short(review: Review) -> Review:
    """Without the long list of upstream drift, which would be parsed for every example again."""
    return replace(review, changes=tuple(entry for entry in review.changes if entry.verdict is not Verdict.UPSTREAM))


def parse(text: str) -> Element:
    """The tree of a page that has no parse error at all."""
    tree: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    return tree


def tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def elements(tree: Element, name: str) -> list[Element]:
    return [element for element in tree.iter() if tag(element) == name]


def words(element: Element) -> str:
    """The text, blanks run together."""
    return " ".join(" ".join(element.itertext()).split())


def found(tree: Element, **attributes: str) -> list[Element]:
    return [element for element in tree.iter() if all(element.get(key) == value for key, value in attributes.items())]


def by_class(tree: Element, name: str) -> Iterator[Element]:
    return (element for element in tree.iter() if name in (element.get("class") or "").split())


def check_nothing_runs(tree: Element) -> None:
    """Nothing but our elements, our script and our style, and no way out of the page."""
    assert {tag(element) for element in tree.iter()} <= ELEMENTS
    (script,), (style,) = elements(tree, "script"), elements(tree, "style")
    assert "".join(script.itertext()) == page._asset("script.js")
    assert "".join(style.itertext()) == page._asset("style.css")
    ids = {element.get("id") for element in tree.iter()}
    for element in tree.iter():
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            assert name not in {"src", "srcset", "style", "action", "formaction", "srcdoc", "background", "poster"}
            if name.rpartition("}")[2] == "href":
                assert value == "data:," or (value.startswith("#") and value[1:] in ids)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("whole", [False, True])
def test_the_page_is_valid_and_self_contained(name: str, *, whole: bool) -> None:
    review = request(sample(name)) if whole else sample(name)
    text = render(review, Options(sql=whole))
    tree = parse(text)
    check_nothing_runs(tree)
    ids = Counter(element.get("id") for element in tree.iter() if element.get("id"))
    assert [name for name, number in ids.items() if number > 1] == []
    assert text.startswith("<!DOCTYPE html>")
    assert text.endswith("</html>\n")
    assert "http" not in re.sub(r"http-equiv|http://www\.w3\.org/2000/svg|http://evil", "", text)


def test_the_policy_lets_our_style_and_script_work_and_nothing_else() -> None:
    tree = parse(render(sample("poser"), Options()))
    (policy,) = [meta.get("content") or "" for meta in elements(tree, "meta") if meta.get("http-equiv")]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts.pop("default-src") == "'none'"
    assert parts.pop("img-src") == "data:"
    for name in ("style", "script"):
        digest = hashlib.sha256("".join(elements(tree, name)[0].itertext()).encode()).digest()
        assert parts.pop(f"{name}-src") == f"'sha256-{base64.b64encode(digest).decode()}'"
    assert parts == {"base-uri": "'none'", "form-action": "'none'"}


@settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each name stands beside what it is for: no need to shrink
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.fixed_dictionaries(dict.fromkeys(NAMED, HOSTILE)))
def test_every_hostile_name_is_there_and_is_nothing_but_a_name(drawn: dict[str, str]) -> None:
    hostile = {what: f"{name}{what}" for what, name in drawn.items()}
    plain = request(short(sample("poser")))
    tree = parse(render(spoiled(plain, hostile), Options(verbose=True)))
    check_nothing_runs(tree)
    texts = "".join(tree.itertext())
    for what, name in hostile.items():
        assert (visible(name, lines=True).strip() if what in CODE else visible(name)) in texts, what
    before = parse(render(spoiled(plain, {what: what for what in NAMED}), Options(verbose=True)))
    assert Counter(skeleton(tree)) == Counter(skeleton(before))


def skeleton(tree: Element) -> Iterator[str]:
    """The elements of the page, apart from those that depend on names: highlighting, code, the diagram, the filters."""
    for element in tree:
        if tag(element) in {"svg", "pre", "form", "code"}:
            continue
        yield tag(element)
        yield from skeleton(element)


def spoiled(review: Review, names: dict[str, str]) -> Review:
    """``review`` with a hostile text in each place that holds one."""
    request = review.pull_request
    assert request is not None
    place = Location("project", names["path"], 3)
    run: dict[str, Any] = {key: names[key] for key in RUN}
    run |= {key: (names[key],) for key in LISTS}

    def change(entry: Change) -> Any:
        return replace(
            entry,
            kind=names["kind"],
            schema=names["schema"],
            table=names["table"],
            name=names["name"],
            owner=names["owner"],
            cause=names["cause"],
            reason=names["reason"],
            location=place,
            python=names["python"],
            sql=names["sql"],
            columns=(names["column"],),
            database=names["database"],
        )

    return replace(
        review,
        gate=Gate(refused=True, reasons=(names["gate"],)),
        changes=tuple(map(change, review.changes)),
        findings=tuple(
            replace(entry, message=names["message"], hint=names["hint"], table=names["table"], location=place)
            for entry in review.findings
        ),
        tables=tuple(
            replace(
                entry,
                name=names["another"],
                owner=names["owner"],
                extends=names["core"],
                evidence=(names["evidence"],),
                references=(names["core"], names["another"]),
            )
            for entry in review.tables
        ),
        provenance=Provenance(**run),
        pull_request=PullRequest(
            names["base"],
            tuple(
                replace(entry, id=names["revision"], message=names["news"], location=place)
                for entry in request.new_revisions
            ),
            tuple(map(change, request.changes)),
            names["ref"],
        ),
        suggestions=tuple(
            replace(entry, table=names["table"], columns=(names["column"],), code=names["code"], location=place)
            for entry in review.suggestions
        ),
    )


ATTACKED = spoiled(
    request(short(sample("poser"))),
    {what: f"<img src=x onerror=alert(1)>'\"</script><script>alert(2)</script>{what}{'x' * 200}" for what in NAMED},
)


@given(HOSTILE, HOSTILE)
def test_a_failure_is_told_whatever_is_in_it(message: str, hint: str) -> None:
    tree = parse(render(replace(sample("failed"), failure=Failure(message, hint)), Options()))
    check_nothing_runs(tree)
    said = ["".join(element.itertext()) for element in by_class(tree, "message")]
    assert visible(message, lines=True) in said[0]
    assert visible(hint, lines=True) in said[1]


def test_a_template_that_would_print_none_is_an_error() -> None:
    with pytest.raises(TypeError):
        page._environment().from_string("{{ nothing }}").render(nothing=None)


def plain(text: str) -> str:
    """A sentence as it is read: backticks become code."""
    return visible(text).replace("`", "")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("verbose", [False, True])
def test_every_fact_is_on_the_page(name: str, *, verbose: bool) -> None:
    review = sample(name)
    text = " ".join("".join(parse(render(review, Options(verbose=verbose))).itertext()).split())
    for change in review.changes:
        assert " ".join(target_label(change).split()) in text
        assert " ".join(visible(change.python, lines=True).split()) in text or change.verdict is Verdict.UPSTREAM
    for finding in review.findings:
        assert finding.code in text
        assert plain(finding.hint) in text
        assert plain(finding.message) in text
    for table in review.tables:
        assert table_label(table.schema, table.name, table.database) in text
        assert all(visible(line) in text for line in table.evidence)
    assert all(visible(line) in text for line in (*review.provenance.not_checked, *review.provenance.filters))
    assert all(visible(line) in text for line in (*review.provenance.models, *review.provenance.heads))
    assert explanation(review) in text


def test_blocked_comes_first_and_many_like_changes_are_one_entry_with_their_number() -> None:
    tree = parse(render(sample("poser"), Options()))
    ids = [element.get("id") for element in elements(tree, "section")]
    assert ids == ["blocked", "safe", "upstream", "diagram", "tables", "compared"]
    (upstream,) = found(tree, id="upstream")
    (entry,) = elements(upstream, "article")
    assert "90 changes" in words(entry)
    listed = next(by_class(entry, "entries"))
    assert len(elements(listed, "li")) == 90
    (unfolded,) = found(parse(render(sample("poser"), Options(verbose=True))), id="upstream")
    assert len(elements(unfolded, "article")) == 90


def test_the_hint_of_a_blocked_change_is_in_its_card_and_nowhere_else() -> None:
    text = words(parse(render(sample("poser"), Options())))
    assert text.count("Move the column to an extension table of") == 1
    (blocked,) = found(parse(render(sample("poser"), Options())), id="blocked")
    assert "Move the column to an extension table of" in words(elements(blocked, "article")[0])


def test_entries_carry_what_the_filters_ask_for() -> None:
    tree = parse(render(sample("poser"), Options()))
    labels = {
        (box.get("name"), box.get("value")): words(label)
        for label in elements(tree, "label")
        for box in elements(label, "input")
    }
    (safe,) = found(tree, id="safe")
    (entry,) = [article for article in elements(safe, "article") if "poser_widget.colour" in words(article)]
    assert entry.get("data-verdict") == "safe"
    assert labels["owner", entry.get("data-owner")] == "poser"
    assert [labels["codes", code] for code in (entry.get("data-codes") or "").split()] == ["AR201"]
    (form,) = elements(tree, "form")
    assert "hidden" in form.attrib  # until the script, which it needs, shows it
    assert not [article for article in elements(tree, "article") if "hidden" in article.attrib]


def test_a_pull_request_shows_base_revisions_and_states() -> None:
    tree = parse(render(sample("since"), Options()))
    (section,) = found(tree, id="pull-request")
    said = words(section)
    assert said.startswith("2 new revisions since main Base: 6118cefcbb2a3e3cc67cce03b8fa543471074c0d")
    assert "b2c3d4e5f6a7 : deliveries of widgets to stores ( poser ) poser/db/alembic" in said
    (made,) = found(tree, id="made")
    assert "State in revision b2c3d4e5f6a7" in words(made)
    review = sample("since")
    assert review.pull_request is not None
    unknown = tuple(replace(change, revision=None) for change in review.pull_request.changes)
    odd = replace(review, pull_request=replace(review.pull_request, changes=unknown))
    (made,) = found(parse(render(odd, Options())), id="made")
    assert "State in a revision" in words(made)


def test_what_blocks_comes_first_then_revisions_then_what_is_pending() -> None:
    tree = parse(render(sample("since"), Options()))
    sections = [entry.get("id") for entry in elements(tree, "section")]
    assert sections[:4] == ["blocked", "pull-request", "made", "safe"]


def test_the_header_has_project_commit_date_numbers_and_risks() -> None:
    header = elements(parse(render(sample("suggestion"), Options())), "header")[0]
    assert "project poser commit 5f0c1a7be2d4 2026-03-02 09:41:07 UTC" in words(header)
    assert words(next(by_class(header, "counts"))) == "7 schema changes: 3 blocked, 4 safe 1 column loses data"


def test_a_suggestion_is_inside_the_card_that_it_fixes() -> None:
    tree = parse(render(sample("since"), Options()))
    (blocked,) = found(tree, id="blocked")
    card = elements(blocked, "article")[0]
    assert "Suggested fix: keep shelf_label of product in an extension table." in words(card)
    assert "Remove poser/db/model/catalog.py:7" in words(card)
    assert "class PoserProduct(Base):" in "".join(elements(card, "pre")[0].itertext())


def test_a_code_links_to_the_page_of_its_check_in_the_same_file() -> None:
    page_text = "# AR101: Blocked change\n\n## What to do\n\nSee [the docs](https://docs.example/x) and `x`.\n"
    rule = Rule("AR101", "Blocked change", Severity.ERROR, page_text)
    text = render(sample("poser"), Options(rules=(rule,)))
    tree = parse(text)
    check_nothing_runs(tree)
    (page,) = found(tree, id="check-AR101")
    assert words(page) == "AR101: Blocked change What to do See the docs and x ."
    assert [link.get("href") for link in by_class(tree, "code") if tag(link) == "a"] == ["#check-AR101"]
    assert "docs.example" not in text


def test_no_backtick_is_on_the_page() -> None:
    for name in ("suggestion", "since", "poser"):
        texts = "".join(parse(render(sample(name), Options(verbose=True))).find("body").itertext())  # type: ignore[union-attr]
        assert "`" not in texts.partition('"use strict"')[0]


def test_nothing_but_provenance_differs_between_two_equal_runs() -> None:
    review = sample("poser")
    other = replace(review, provenance=replace(review.provenance, timings_ms={"total": 1}, python="3.99"))
    (first, _, one), (second, _, two) = (
        render(entry, Options()).partition('<section id="compared">') for entry in (review, other)
    )
    assert first == second
    assert one != two
    assert render(review, Options()) == render(review, Options())


def test_a_review_without_changes_says_so() -> None:
    assert "No schema changes" in words(parse(render(sample("clean"), Options())))
    failed = words(parse(render(sample("failed"), Options())))
    assert "No schema changes" not in failed
    assert "Could not review" in failed
    assert "Nothing was compared." in failed
