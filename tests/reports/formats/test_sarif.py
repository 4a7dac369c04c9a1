"""SARIF as its official schema wants it, with places that code scanning can show and fingerprints that last."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft4Validator, FormatChecker

from alembic_review.model.review import Location, Outcome, Review, Severity
from alembic_review.reports import Options
from alembic_review.reports.formats.sarif import FINGERPRINT, render
from alembic_review.workflows.explain import explain, rules
from tests.reports.samples import NAMES, sample

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = Draft4Validator(SCHEMA, format_checker=FormatChecker())
RULES = rules()


def run_of(review: Review, options: Options | None = None) -> Any:
    log = json.loads(render(review, options or Options()))
    VALIDATOR.validate(log)
    assert log["$schema"] == SCHEMA["id"]
    (run,) = log["runs"]
    return run


def results_at(run: Any) -> list[tuple[str, str, str, int]]:
    found = []
    for result in run["results"]:
        (place,) = [location["physicalLocation"] for location in result["locations"]]
        assert place["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
        path = unquote(place["artifactLocation"]["uri"])
        found.append((result["ruleId"], result["level"], path, place["region"]["startLine"]))
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rules", [(), RULES], ids=["bare", "described"])
def test_every_sample_keeps_the_official_schema(name: str, rules: tuple[Any, ...]) -> None:
    run = run_of(sample(name), Options(rules=rules))
    described = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(described)) == len(described)
    assert [rule for rule in run["tool"]["driver"]["rules"] if not rule["fullDescription"]["text"]] == []
    assert [described[result["ruleIndex"]] for result in run["results"]] == [r["ruleId"] for r in run["results"]]


def test_results_are_where_the_models_are() -> None:
    assert results_at(run_of(sample("poser"))) == [
        ("AR101", "error", "poser/db/model/customers.py", 14),
        ("AR105", "error", "poser/db/alembic/versions/7c1f0a9d2b34_more.py", 1),
        ("AR201", "warning", "poser/db/model/widgets.py", 9),
        ("safe-change", "note", "app/rattail.conf", 1),
        ("safe-change", "note", "poser/db/model/orders.py", 17),
        ("safe-change", "note", "poser/db/model/orders.py", 11),
    ]


def test_places_are_those_of_the_checkout() -> None:
    review = sample("poser")
    below = replace(review, provenance=replace(review.provenance, root="apps/my poser"))
    assert [path for _, _, path, _ in results_at(run_of(below))] == [
        f"apps/my poser/{path}" for _, _, path, _ in results_at(run_of(review))
    ]


@pytest.mark.parametrize("path", ["/etc/passwd", "../../x", "//evil.example/x", "a/../../x", "", "."])
def test_no_place_is_outside_of_the_checkout(path: str) -> None:
    review = sample("poser")
    away = tuple(replace(finding, location=Location("project", path, 1)) for finding in review.findings)
    run = run_of(replace(review, changes=(), findings=away))
    assert {place for _, _, place, _ in results_at(run)} == {"app/rattail.conf"}


def test_a_blocked_change_without_a_finding_is_a_result_too() -> None:
    review = sample("poser")
    run = run_of(replace(review, findings=()))
    assert ("blocked-change", "error", "poser/db/model/customers.py", 14) in results_at(run)
    rule = next(rule for rule in run["tool"]["driver"]["rules"] if rule["id"] == "blocked-change")
    assert rule["defaultConfiguration"]["level"] == "error"


def test_the_checks_come_with_their_pages() -> None:
    rules = run_of(sample("clean"), Options(rules=RULES))["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.code for rule in RULES]
    for rule, known in zip(rules, RULES, strict=True):
        assert rule["shortDescription"]["text"] == known.title
        assert re.fullmatch(r"[A-Z][A-Za-z]+", rule["name"])
        assert not rule["fullDescription"]["text"].startswith("#")
        assert rule["fullDescription"]["text"] in " ".join(known.page.split())
        assert rule["help"]["markdown"] == explain(known.code)
        assert (
            rule["defaultConfiguration"]["level"]
            == {"error": "error", "warning": "warning", "info": "note"}[known.severity.value]
        )


def fingerprints(run: Any) -> list[str]:
    return [result["partialFingerprints"][FINGERPRINT] for result in run["results"]]


def test_fingerprints_outlast_lines_and_order() -> None:
    review = sample("poser")

    def moved(location: Location | None) -> Location | None:
        return replace(location, line=location.line + 100) if location is not None else None

    changes = tuple(replace(change, location=moved(change.location)) for change in review.changes)
    findings = tuple(replace(finding, location=moved(finding.location)) for finding in reversed(review.findings))
    before, after = run_of(review), run_of(replace(review, changes=changes, findings=findings))
    assert sorted(fingerprints(before)) == sorted(fingerprints(after))
    assert len(set(fingerprints(before))) == len(before["results"])


def test_what_code_scanning_would_take_for_one_is_one_and_says_both() -> None:
    review = sample("poser")
    first = review.findings[0]
    twin = replace(first, fingerprint="f" * 16, message="The other one.")
    run = run_of(replace(review, changes=(), findings=(first, twin)))
    (result,) = run["results"]
    assert first.message in result["message"]["text"]
    assert "The other one." in result["message"]["text"]
    (turned,) = run_of(replace(review, changes=(), findings=(twin, first)))["results"]
    assert turned["partialFingerprints"] == result["partialFingerprints"]


def test_a_failed_run_says_so() -> None:
    review = sample("failed")
    assert review.outcome is Outcome.FAILED
    assert review.failure is not None
    run = run_of(review)
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (told,) = invocation["toolExecutionNotifications"]
    assert told["level"] == "error"
    assert review.failure.message in told["message"]["text"]
    assert review.failure.hint in told["message"]["text"]
    assert run["results"] == []


def test_what_was_not_looked_at_is_told() -> None:
    review = sample("poser")
    run = run_of(review)
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    told = "\n".join(entry["message"]["text"] for entry in invocation["toolExecutionNotifications"])
    assert [line for line in review.provenance.not_checked if line not in told] == []
    assert "90 changes of upstream drift, not yours to write: rattail" in told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("{0} and {}", "{{0}} and {{}}"),
        ("owners = {1 = 2}", "owners = {1 = 2}"),
        ("[x](http://evil)", r"\[x\](http://evil)"),
        ("a[0]", "a[0]"),
    ],
)
def test_nothing_in_a_message_is_a_placeholder_or_a_link(name: str, told: str) -> None:
    review = sample("poser")
    finding = replace(review.findings[0], message=name, hint="", severity=Severity.INFO, change=None)
    (result,) = run_of(replace(review, changes=(), findings=(finding,)))["results"]
    assert result["message"]["text"].endswith(f": {told}")
