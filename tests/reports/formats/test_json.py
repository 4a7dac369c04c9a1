"""The JSON report: what is written is what is read, and nothing else is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_review.model.errors import UsageError
from alembic_review.model.review import (
    Change,
    ChangeSince,
    Failure,
    Finding,
    Gate,
    KnownFindings,
    Location,
    NewRevision,
    Outcome,
    Provenance,
    PullRequest,
    Review,
    Role,
    Severity,
    State,
    Suggestion,
    Summary,
    Table,
    Verdict,
)
from alembic_review.reports.base import Options
from alembic_review.reports.formats.json import SELDOM, read, render

SAMPLE = Path(__file__).parent.parent.parent / "golden" / "poser.json"

texts = st.text(max_size=8)
maybe = st.none() | texts
many = st.lists(texts, max_size=3).map(tuple)
numbers = st.integers(0, 2**31)
locations = st.none() | st.builds(Location, st.sampled_from(["project", "package"]), texts, numbers)
_change = {
    "fingerprint": texts,
    "verdict": st.sampled_from(Verdict),
    "kind": texts,
    "schema": maybe,
    "table": maybe,
    "name": maybe,
    "owner": maybe,
    "cause": maybe,
    "reason": texts,
    "location": locations,
    "operation": numbers,
    "python": texts,
    "sql": maybe,
    "findings": many,
    "columns": many,
    "database": maybe,
}
changes = st.builds(Change, **_change)
changes_since = st.builds(ChangeSince, **_change, state=st.sampled_from(State), revision=maybe)
findings = st.builds(
    Finding,
    code=texts,
    severity=st.sampled_from(Severity),
    blocks=st.booleans(),
    message=texts,
    hint=texts,
    fingerprint=texts,
    change=maybe,
    schema=maybe,
    table=maybe,
    revision=maybe,
    location=locations,
)
tables = st.builds(
    Table,
    schema=maybe,
    name=texts,
    owner=maybe,
    role=st.sampled_from(Role),
    extends=maybe,
    references=many,
    evidence=many,
    database=maybe,
)
provenances = st.builds(
    Provenance,
    tool=texts,
    database=texts,
    heads=many,
    revisions=numbers,
    not_checked=many,
    timings_ms=st.dictionaries(texts, numbers, max_size=3),
)
pull_requests = st.builds(
    PullRequest,
    base=texts,
    new_revisions=st.lists(
        st.builds(NewRevision, id=texts, owner=maybe, location=locations, message=texts), max_size=2
    ).map(tuple),
    changes=st.lists(changes_since, max_size=2).map(tuple),
    ref=texts,
)
suggestions = st.builds(Suggestion, schema=maybe, table=texts, columns=many, code=texts, changes=many)
reviews = st.builds(
    Review,
    outcome=st.sampled_from(Outcome),
    gate=st.builds(Gate, refused=st.booleans(), reasons=many),
    summary=st.builds(Summary, safe=numbers, warning=numbers),
    changes=st.lists(changes, max_size=3).map(tuple),
    findings=st.lists(findings, max_size=3).map(tuple),
    tables=st.lists(tables, max_size=3).map(tuple),
    provenance=provenances,
    failure=st.none() | st.builds(Failure, message=texts, hint=texts),
    pull_request=st.none() | pull_requests,
    suggestions=st.lists(suggestions, max_size=2).map(tuple),
)


@given(reviews)
def test_a_review_survives_the_way_through_json(review: Review) -> None:
    text = render(review, Options())
    assert read(text) == review
    assert read(text.encode()) == review
    assert render(read(text), Options()) == text
    assert text.endswith("}\n")


def test_keys_are_those_of_the_contract_in_its_order() -> None:
    data = json.loads(SAMPLE.read_text(encoding="utf-8"))
    assert list(data) == [
        "format",
        "outcome",
        "gate",
        "summary",
        "changes",
        "findings",
        "proofs",
        "tables",
        "provenance",
    ]
    assert list(data["summary"]) == ["safe", "blocked", "upstream", "error", "warning", "info", "accepted"]
    assert list(data["changes"][0]) == [
        *("fingerprint", "verdict", "kind", "schema", "table", "name", "owner", "cause", "reason"),
        *("location", "operation", "python", "sql", "findings", "columns", "database"),
    ]
    assert list(data["findings"][0]) == [
        *("code", "severity", "blocks", "message", "hint", "change", "schema", "table", "column", "name", "revision"),
        *("location", "fingerprint", "proof", "statement", "observed", "suggestion", "accepted", "database"),
    ]
    assert list(data["tables"][0]) == [
        "schema",
        "name",
        "owner",
        "role",
        "extends",
        "evidence",
        "database",
        "references",
    ]


def test_every_field_is_written() -> None:
    review = dataclasses.replace(
        read(SAMPLE.read_bytes()),
        failure=Failure("no database"),
        pull_request=PullRequest("c0ffee"),
        suggestions=(Suggestion(None, "product", ("note",), "class Note: ..."),),
        baseline=KnownFindings("baseline.json", 1),
    )
    written = json.loads(render(review, Options()))
    assert set(written) == {field.name for field in dataclasses.fields(Review)}
    assert set(written["findings"][0]) == {field.name for field in dataclasses.fields(Finding)} - set(SELDOM["Finding"])


def test_the_environment_is_written_where_there_are_several() -> None:
    review = read(SAMPLE.read_bytes())
    change = dataclasses.replace(review.changes[0], environment="core/alembic.ini")
    text = render(dataclasses.replace(review, changes=(change,)), Options())
    (written,) = json.loads(text)["changes"]
    assert written["environment"] == "core/alembic.ini"
    assert read(text).changes == (change,)


def test_failure_is_there_only_when_a_run_failed() -> None:
    review = read(SAMPLE.read_bytes())
    failed = dataclasses.replace(review, outcome=Outcome.FAILED, failure=Failure("no database"))
    assert "failure" not in json.loads(render(review, Options()))
    assert json.loads(render(failed, Options()))["failure"] == {"message": "no database", "hint": ""}


def test_a_path_that_is_no_utf8_can_be_written() -> None:
    review = read(SAMPLE.read_bytes())
    odd = dataclasses.replace(review, provenance=dataclasses.replace(review.provenance, config="caf\udce9.ini"))
    assert json.loads(render(odd, Options()).encode("utf-8"))["provenance"]["config"] == "caf\\udce9.ini"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"alembic-review/1"', '"alembic-review/2"', "but of alembic-review/2"),
        ('"format"', '"formats"', "not a report of the format"),
        ('"timings_ms": {', f'"timings_ms": {{"x": 1{"0" * 400}, ', "a time that no run takes"),
        ('"blocked",', '"fine",', "Invalid enum value 'fine'"),
        ('"refused": true', '"refused": "yes"', "$.gate.refused"),
        ('"outcome": "blocked",', "", "outcome"),
        ('"refused": true', '"refused": true, "waived": true', "unknown key $.gate.waived"),
        ('"blocks": true', '"blocks": true, "colour": 1', "unknown key $.findings[0].colour"),
        ("{", "", "not a JSON report"),
    ],
)
def test_what_is_not_exactly_a_report_is_refused(old: str, new: str, said: str) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(UsageError) as caught:
        read(text.replace(old, new, 1))
    assert said in caught.value.message


@pytest.mark.parametrize("text", ["", "[]", "null", "1", "[" * 100_000, b"\xff", b'{"format": "\xe9"}'])
def test_anything_else_is_refused_too(text: str | bytes) -> None:
    with pytest.raises(UsageError):
        read(text)
