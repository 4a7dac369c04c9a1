"""Code quality as GitLab's own schema for an entry wants it: description, fingerprint, path and line."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from alembic_review.model.review import Location, Review
from alembic_review.reports import Options
from alembic_review.reports.formats.gitlab import render
from tests.reports.samples import NAMES, sample

SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


def entries(review: Review) -> list[Any]:
    found = json.loads(render(review, Options()))
    assert isinstance(found, list)
    for entry in found:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["description"]
        assert entry["severity"] in SEVERITIES
        assert set(entry["location"]) == {"path", "lines"}
        assert not entry["location"]["path"].startswith(("/", "./"))
        assert entry["location"]["path"]
        assert entry["location"]["lines"]["begin"] >= 1
    assert len({entry["fingerprint"] for entry in found}) == len(found)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_taken(name: str) -> None:
    entries(sample(name))


def test_what_is_where() -> None:
    told = [
        (entry["severity"], entry["check_name"], entry["location"]["path"], entry["location"]["lines"]["begin"])
        for entry in entries(sample("poser"))
    ]
    assert told == [
        ("blocker", "AR101", "poser/db/model/customers.py", 14),
        ("blocker", "AR105", "poser/db/alembic/versions/7c1f0a9d2b34_more.py", 1),
        ("major", "AR201", "poser/db/model/widgets.py", 9),
        ("info", "safe-change", "app/rattail.conf", 1),
        ("info", "safe-change", "poser/db/model/orders.py", 17),
        ("info", "safe-change", "poser/db/model/orders.py", 11),
        ("info", "what-else-to-know", "app/rattail.conf", 1),
    ]


def test_twins_keep_fingerprints_of_their_own() -> None:
    review = sample("poser")
    names = ("a", "a", "a-2", "a", "what-else-to-know")
    twins = tuple(replace(review.findings[0], fingerprint=name) for name in names)
    found = entries(replace(review, changes=(), findings=twins))
    assert len({entry["fingerprint"] for entry in found}) == len(found) == 6


def test_a_failed_run_is_an_entry_that_nobody_overlooks() -> None:
    review = sample("failed")
    assert review.failure is not None
    (entry,) = entries(review)
    assert entry["severity"] == "blocker"
    assert review.failure.message in entry["description"]
    assert entry["location"] == {"path": "alembic.ini", "lines": {"begin": 1}}


@pytest.mark.parametrize("config", ["", "/elsewhere/app.conf", "../x.conf"])
def test_there_is_always_a_place(config: str) -> None:
    review = sample("poser")
    findings = tuple(replace(finding, location=Location("package", "a/b.py", 3)) for finding in review.findings)
    odd = replace(review, findings=findings, provenance=replace(review.provenance, config=config))
    for entry in entries(odd):
        assert ".." not in entry["location"]["path"]
