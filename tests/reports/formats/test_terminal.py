"""The terminal report: nothing lost, nothing shown twice."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_review.model.review import (
    Change,
    Finding,
    Gate,
    Outcome,
    Provenance,
    Review,
    Severity,
    Summary,
    Verdict,
)
from alembic_review.reports.base import Options
from alembic_review.reports.formats.terminal import render
from alembic_review.reports.parts.items import items
from alembic_review.reports.parts.similar import FOLD_FROM, fold_changes, fold_items
from tests.reports.samples import sample

REASONS = ("rattail's own", "its table {table} belongs to rattail", "")
KINDS = ("add_index", "add_column", "add_table", "add_fk", "op:CreateEnumOp")


def _change(number: int, verdict: Verdict, kind: str, reason: str, owner: str | None) -> Change:
    table = f"n{number:04}"
    return Change(
        fingerprint=f"{number:04x}",
        verdict=verdict,
        kind=kind,
        schema=None,
        table=None if kind.startswith("op:") else table,
        name=table if kind.startswith("op:") else None,
        owner=owner,
        cause=None,
        reason=reason.format(table="of someone"),
        location=None,
        operation=number,
        python="",
        sql=None,
    )


@st.composite
def change_lists(draw: st.DrawFn) -> tuple[Change, ...]:
    kinds = st.tuples(
        st.sampled_from(Verdict), st.sampled_from(KINDS), st.sampled_from(REASONS), st.sampled_from(["a", None])
    )
    runs = draw(st.lists(st.tuples(kinds, st.integers(1, 2 * FOLD_FROM)), max_size=6))
    parts = [kind for kind, times in runs for _ in range(times)]
    return tuple(_change(number, *part) for number, part in enumerate(draw(st.permutations(parts))))


def _review(changes: tuple[Change, ...] = (), findings: tuple[Finding, ...] = ()) -> Review:
    verdicts = [change.verdict.value for change in changes]
    return Review(
        outcome=Outcome.BLOCKED,
        gate=Gate(refused=False),
        summary=Summary(**{verdict.value: verdicts.count(verdict.value) for verdict in Verdict}),
        changes=changes,
        findings=findings,
        tables=(),
        provenance=Provenance(tool="t"),
    )


@given(change_lists(), st.booleans(), st.sampled_from([100, 2000]))
def test_every_change_is_listed_or_counted_exactly_once(
    changes: tuple[Change, ...],
    verbose: bool,
    width: int,
) -> None:
    text = render(_review(changes), Options(width=width, verbose=verbose))
    rows = re.sub(r"for example .*?\)", "", text, flags=re.DOTALL)
    listed = re.findall(r"n\d{4}", rows)
    counted = [int(number) for number in re.findall(r": (\d+) changes on", " ".join(rows.split()))]
    assert len(set(listed)) == len(listed)
    assert len(listed) + sum(counted) == len(changes)
    assert not (verbose and counted)
    for verdict in Verdict:
        heading = re.search(rf"^{verdict.value.upper()}  (?:\d+ problems? \()?(\d+) change", text, flags=re.MULTILINE)
        assert int(heading[1] if heading else 0) == sum(change.verdict is verdict for change in changes)


@given(change_lists(), st.booleans())
def test_folding_loses_and_doubles_nothing(changes: tuple[Change, ...], verbose: bool) -> None:
    lines = fold_items(items(_review(changes)), verbose=verbose)
    entries = [change for line in lines for item in line.entries for change in item.changes]
    assert sorted(entry.fingerprint for entry in entries) == [change.fingerprint for change in changes]
    for line in lines:
        kinds = {(one.verdict, one.kind, one.owner) for item in line.entries for one in item.changes}
        assert len(kinds) == 1


def _like(count: int) -> list[Change]:
    return [_change(number, Verdict.UPSTREAM, "add_table", "x", "a") for number in range(count)]


def test_few_like_changes_stay_apart_and_many_become_one_line() -> None:
    assert len(fold_changes(_like(FOLD_FROM - 1))) == FOLD_FROM - 1
    assert len(fold_changes(_like(FOLD_FROM))) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("verdict", Verdict.BLOCKED),
        ("kind", "remove_table"),
        ("owner", "b"),
        ("cause", "b"),
        ("reason", "y"),
        ("findings", ("AR201",)),
    ],
)
def test_a_change_that_differs_is_never_folded_away(field: str, value: object) -> None:
    changes = _like(20)
    changes[7] = dataclasses.replace(changes[7], **{field: value})  # type: ignore[arg-type]
    assert [len(line.entries) for line in fold_changes(changes)] == [19, 1]


def test_reasons_that_differ_only_in_the_changes_own_names_fold() -> None:
    changes = [dataclasses.replace(change, reason=f"nobody knows {change.table}.") for change in _like(9)]
    text = render(_review(tuple(changes)), Options())
    assert "nobody knows <table>." in text
    assert "add_table: 9 changes on tables of a" in text


def _finding(code: str, change: str | None, message: str = "m", table: str | None = None) -> Finding:
    return Finding(
        code, Severity.ERROR, blocks=True, message=message, hint="h", fingerprint="f", change=change, table=table
    )


def test_a_blocked_change_is_shown_once_with_its_code() -> None:
    blocked = tuple(_change(number, Verdict.BLOCKED, "add_column", f"reason {number}", "a") for number in range(2))
    findings = (
        _finding("AR101", "0000", "reason 0"),
        _finding("AR101", "0001", "reason 1"),
        _finding("AR105", None, "third"),
    )
    text = render(_review(blocked, findings), Options())
    assert "BLOCKED  3 problems (2 changes)" in text
    assert text.count("[AR101]") == 2
    assert text.count("reason 0") == text.count("reason 1") == 1
    assert "error: third [AR105]" in text


def test_many_like_findings_become_one_line_with_their_number() -> None:
    findings = tuple(
        dataclasses.replace(
            _finding("AR401", None, f"t{number} has no prefix", f"t{number}"),
            blocks=False,
            severity=Severity.WARNING,
            fingerprint=f"f{number}",
        )
        for number in range(8)
    )
    text = render(_review((), findings), Options())
    assert "t0 has no prefix" in text
    assert "and 7 more like this" in text
    assert text.count("has no prefix") == 1
    assert render(_review((), findings), Options(verbose=True)).count("has no prefix") == 8


def test_findings_that_block_are_never_folded() -> None:
    findings = tuple(
        dataclasses.replace(_finding("AR105", None, f"t{number} is altered", f"t{number}"), fingerprint=f"f{number}")
        for number in range(8)
    )
    assert render(_review((), findings), Options()).count("is altered") == 8


def test_the_sample_review_fits_a_screen() -> None:
    assert len(render(sample("suggestion"), Options()).splitlines()) <= 25


def test_the_sql_of_one_operation_is_shown_once() -> None:
    both = tuple(dataclasses.replace(change, operation=1, sql="ALTER TABLE x") for change in _like(2))
    assert render(_review(both), Options(sql=True, verbose=True)).count("ALTER TABLE x") == 1
    apart = tuple(
        dataclasses.replace(change, database=f"db{change.operation}", operation=1, sql="ALTER") for change in _like(2)
    )
    assert render(_review(apart), Options(sql=True, verbose=True)).count("ALTER") == 2


def test_sql_is_never_wrapped() -> None:
    sql = "CREATE INDEX i ON t (" + ", ".join(f"column_{number}" for number in range(30)) + ")"
    changes = tuple(dataclasses.replace(change, sql=sql) for change in _like(1))
    for colour in (False, True):
        text = render(_review(changes), Options(sql=True, colour=colour, verbose=True))
        assert sql in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()


def test_blocked_comes_first_then_safe_then_upstream() -> None:
    changes = tuple(_change(number, verdict, "add_table", "r", "a") for number, verdict in enumerate(Verdict))
    text = render(_review(changes), Options())
    assert text.index("\nBLOCKED") < text.index("\nSAFE") < text.index("\nUPSTREAM")


def test_everything_not_checked_is_listed_even_when_it_is_much() -> None:
    review = _review()
    left = tuple(f"thing {number}" for number in range(40))
    text = render(dataclasses.replace(review, provenance=Provenance(tool="t", not_checked=left)), Options())
    assert all(re.search(rf"\b{thing}\b", " ".join(text.split())) for thing in left)
