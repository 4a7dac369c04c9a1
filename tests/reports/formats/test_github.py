"""Workflow commands, read back as GitHub's runner reads them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import pytest

from alembic_review.model.review import Gate, Location, Review, Severity
from alembic_review.reports import Options
from alembic_review.reports.formats.github import SHOWN, render
from tests.reports.samples import NAMES, sample


@dataclass(frozen=True)
class Command:
    name: str
    properties: dict[str, str]
    data: str


def command(line: str) -> Command:
    """One line as actions/runner takes it (src/Runner.Common/ActionCommand.cs)."""
    line = line.lstrip()
    assert line.startswith("::")
    info, separator, data = line[2:].partition("::")
    assert separator
    name, _, told = info.partition(" ")
    properties = dict(pair.split("=", 1) for pair in told.split(",") if pair)
    return Command(name, {key: _unescaped(value, ":,") for key, value in properties.items()}, _unescaped(data))


def _unescaped(text: str, more: str = "") -> str:
    for char in f"\r\n{more}%":
        text = text.replace(f"%{ord(char):02X}", char)
    return text


def commands(text: str) -> list[Command]:
    assert text.endswith("\n")
    return [command(line) for line in text[:-1].split("\n")]


def told_of(review: Review) -> list[Command]:
    return commands(render(review, Options()))


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_an_annotation(name: str) -> None:
    for told in told_of(sample(name)):
        assert told.name in {"error", "warning", "notice"}
        assert set(told.properties) <= {"file", "line", "title"}
        assert ("file" in told.properties) == ("line" in told.properties)


def test_the_verdict_stands_first_and_everything_at_its_line() -> None:
    first, *rest = told_of(sample("poser"))
    assert (first.name, first.properties) == ("error", {"title": "alembic-review: check failed"})
    assert first.data.startswith("Check failed: 2 blocking problems")
    assert [(told.name, told.properties.get("file"), told.properties.get("line")) for told in rest] == [
        ("error", "poser/db/model/customers.py", "14"),
        ("error", "poser/db/alembic/versions/7c1f0a9d2b34_more.py", "1"),
        ("warning", "poser/db/model/widgets.py", "9"),
        ("notice", None, None),
        ("notice", "poser/db/model/orders.py", "17"),
        ("notice", "poser/db/model/orders.py", "11"),
        ("notice", None, None),
    ]


def test_a_review_that_passes_is_a_notice() -> None:
    passing = replace(sample("poser"), gate=Gate(refused=False), findings=(), changes=())
    assert {told.name for told in told_of(passing)} == {"notice"}
    assert told_of(sample("clean"))[0].name == "notice"


def test_a_place_in_an_installed_package_is_told_but_not_pointed_at() -> None:
    review = sample("poser")
    finding = replace(review.findings[0], location=Location("package", "rattail/db/model.py", 7))
    told = told_of(replace(review, changes=(), findings=(finding,)))[1]
    assert "file" not in told.properties
    assert "(rattail/db/model.py:7)" in told.data


def test_a_failed_run_is_one_error() -> None:
    review = sample("failed")
    assert review.failure is not None
    (told,) = told_of(review)
    assert told.name == "error"
    assert told.data == f"{review.failure.message}\n{review.failure.hint}"


@pytest.mark.parametrize("errors", [SHOWN - 1, SHOWN, 35])
def test_no_more_than_github_shows_and_the_rest_is_counted(errors: int) -> None:
    review = sample("poser")
    blocking, free = review.findings[0], replace(review.findings[0], blocks=False, change=None)
    many = [replace(free, fingerprint=f"free{n}", message=f"free {n}.") for n in range(errors - 5)]
    many += [replace(blocking, fingerprint=f"stop{n}", message=f"stop {n}.", change=None) for n in range(5)]
    many += [replace(free, fingerprint=f"w{n}", message=f"warn {n}.", severity=Severity.WARNING) for n in range(14)]
    many += [replace(free, fingerprint=f"i{n}", message=f"info {n}.", severity=Severity.INFO) for n in range(22)]
    told = told_of(replace(review, changes=(), findings=tuple(many)))
    kinds = Counter(entry.name for entry in told)
    assert max(kinds.values()) <= SHOWN
    assert [f"stop {n}." in told[1 + n].data for n in range(5)] == [True] * 5
    (rest,) = [entry for entry in told if entry.properties["title"] == "alembic-review: not all is shown here"]
    left = {"error": errors - (SHOWN - 1), "warning": 14 - SHOWN, "note": 22 - (SHOWN - 2)}
    for word, number in left.items():
        assert (f"{number} {word}" in rest.data) == (number > 0)
