"""Every name comes from an application, so every name is hostile: over all reports, whatever a name is made of.

A reader of its own takes each report apart again (readers.py): the name is there, and it never became structure.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alembic_review.model.review import (
    Change,
    ChangeSince,
    Failure,
    Finding,
    Location,
    NewRevision,
    PullRequest,
    Review,
    State,
    Table,
    Verdict,
)
from alembic_review.reports import REPORTS, Options
from alembic_review.reports.formats.json import read
from alembic_review.reports.formats.json import render as as_json
from alembic_review.reports.formats.markdown import CEILING
from alembic_review.reports.parts.names import visible
from tests.reports.formats.test_json import reviews
from tests.reports.readers import READERS
from tests.reports.samples import sample

WHOLE = sample("poser")
# Without the long list of upstream drift, which would be read for every example again.
REVIEW = replace(WHOLE, changes=tuple(change for change in WHOLE.changes if change.verdict is not Verdict.UPSTREAM))
NAMES = [report.name for report in REPORTS]
RENDER = {report.name: report.render for report in REPORTS}
WIDE = Options(width=6000, verbose=True, sql=True)
SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

ATTACKS = (
    *("[bold red]x[/]", "[link=http://evil]u[/link]", ":smile:", "\x1b[31mred", "\x1b]8;;http://evil\x07x", "\x9b2J"),
    *(
        "a|b",
        "`x`",
        "```",
        "**b**",
        "_i_",
        "~~~",
        "# h",
        "- l",
        "1. n",
        "a\nb",
        "\\",
        "\\|",
        "[x](http://evil)",
        "![x](y)",
    ),
    *("<script>alert(1)</script>", "</script><script>alert(1)//", "<!--", "-->", "]]>", "<![CDATA[", "&lt;", "&#0;"),
    *(
        "' onload='alert(1)",
        '" onclick="alert(1)',
        "javascript:alert(1)",
        "</details>",
        "</svg><svg onload=x>",
        "</style>",
    ),
    *("{{ 7*7 }}", "{% x %}", "{0}", "{{0}}", "${x}", "%s", "{", "}}"),
    *(
        "::error::x",
        "::set-output name=x::y",
        "::stop-commands::t",
        "##[error]x",
        "%0A::error::x",
        "%25",
        "%0D",
        "a,b:c=d",
    ),
    *(
        "\u202egnp.exe",
        "\u2066x\u2069",
        "\u200bzero",
        "\ufeffbom",
        "\u2028line",
        "\u2029",
        "\x00",
        "\x7f",
        "\r\n",
        "\t",
    ),
    *("\udce9", "\U000e0041tag", "é", "表", "🙂", "@everyone", "#1", "www.evil.example", "https://evil.example", "$x$"),
    *(
        "1. n",
        "2) n",
        "    code",
        "n" * 500,
        "a b " * 100,
        '"',
        "'",
        "\\u0000",
        "\\n",
        "%%{init: {}}%%",
        'click t0 "javascript:x"',
        "end",
        ";",
    ),
)
TEXTS = st.one_of(
    st.text(max_size=30), st.sampled_from(ATTACKS), st.lists(st.sampled_from(ATTACKS), max_size=3).map("".join)
)


def poisoned(table: str, column: str, prose: str) -> Review:
    """A review with these in place of every name and every sentence that comes from an application."""

    def change(old: Change) -> Change:
        named = column if old.name is not None else None
        code = f"op.x('{prose}')"
        changed = replace(old, table=table, name=named, reason=prose, python=code, sql=f"ALTER {prose}", owner=table)
        return replace(changed, columns=(column,) if old.columns else ())

    def finding(old: Finding) -> Finding:
        return replace(old, table=table if old.table is not None else None, message=prose, hint=prose)

    def row(old: Table) -> Table:
        return replace(old, name=table, owner=table, evidence=(prose,), extends=column if old.extends else None)

    run = REVIEW.provenance
    written = [replace(change(old), fingerprint=f"in {old.fingerprint}") for old in REVIEW.changes]
    pull_request = PullRequest(
        "6118cefcbb2a3e3cc67cce03b8fa543471074c0d",
        (NewRevision(column, table, None, prose), NewRevision(table, None, Location("project", prose, 1))),
        tuple(ChangeSince(**vars(entry), state=State.IN_REVISION, revision=column) for entry in written),
        prose,
    )
    return replace(
        REVIEW,
        pull_request=pull_request,
        gate=replace(REVIEW.gate, reasons=(prose,)),
        changes=tuple(map(change, REVIEW.changes)),
        findings=tuple(map(finding, REVIEW.findings)),
        tables=tuple(map(row, REVIEW.tables)),
        provenance=replace(run, not_checked=(prose,), filters=(prose,), custom=(table,), heads=(prose,)),
    )


TAME = poisoned("tametable", "tamecolumn", "tame prose")


@cache
def tame_skeleton(name: str) -> object:
    """The structure of this report on a review without attacks."""
    return READERS[name].skeleton(RENDER[name](TAME, WIDE))


def squeezed(text: str) -> str:
    """Without white space, which wrapping and HTML may change."""
    return "".join(text.split())


def test_every_report_has_a_reader() -> None:
    assert set(NAMES) <= set(READERS)


@pytest.mark.parametrize("name", NAMES)
@SLOW
@given(TEXTS, TEXTS, TEXTS)
def test_a_name_stays_a_name(name: str, table: str, column: str, prose: str) -> None:
    table, column, prose = f"t{table}t", f"c{column}c", f"p{prose}p"
    reader = READERS[name]
    report = RENDER[name](poisoned(table, column, prose), WIDE)
    text = squeezed(reader.text(report))
    assert squeezed(reader.shown(table)) in text
    if name != "owners":
        assert squeezed(reader.shown(column)) in text
    if name not in {"owners", "sarif"}:  # a message of SARIF may have escapes of its own, which its own tests undo
        assert any(squeezed(shown) in text for shown in (reader.shown(prose), visible(prose, lines=True)))
    assert reader.skeleton(report) == tame_skeleton(name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_becomes_structure(name: str, attack: str) -> None:
    report = RENDER[name](poisoned(f"t{attack}", f"{attack}c", attack), WIDE)
    assert READERS[name].skeleton(report) == tame_skeleton(name)
    assert squeezed(READERS[name].shown(f"t{attack}")) in squeezed(READERS[name].text(report))


@pytest.mark.parametrize("name", NAMES)
@SLOW
@given(reviews)
@example(poisoned("\udce9", "\udce9", "\udce9"))
@example(sample("hostile"))
@example(sample("failed"))
@example(WHOLE)
def test_a_saved_review_gives_the_same_report(name: str, review: Review) -> None:
    saved = read(as_json(review, Options()))
    for options in (Options(), Options(width=40), WIDE):
        assert RENDER[name](saved, options) == RENDER[name](review, options)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("attack", ["n", "<b>|表::🙂"])
def test_a_very_long_name_breaks_nothing(name: str, attack: str) -> None:
    long = f"t{attack * (10_000 // len(attack))}"
    failed = replace(sample("failed"), failure=Failure(long, long))
    for review in (poisoned(long, long, long), failed):
        report = RENDER[name](review, Options())
        READERS[name].text(report)
        assert name != "markdown" or len(report) <= CEILING


@pytest.mark.parametrize("name", NAMES)
@SLOW
@given(reviews)
def test_whatever_a_report_says_it_can_be_read(name: str, review: Review) -> None:
    READERS[name].text(RENDER[name](review, Options(verbose=True, sql=True)))
