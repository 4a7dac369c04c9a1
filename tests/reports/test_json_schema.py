"""The JSON Schema of the JSON report: current, kept by every report, and strict. It is rewritten by

REWRITE_GOLDEN=1 pytest tests/reports/test_json_schema.py
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from alembic_review.model.errors import UsageError
from alembic_review.model.review import Review
from alembic_review.reports import Options
from alembic_review.reports.formats.json import OPTIONAL, SELDOM, read, render
from alembic_review.reports.json_schema import schema, text
from tests.reports.formats.test_json import reviews
from tests.reports.samples import NAMES, sample

PUBLISHED = Path(__file__).parents[2] / "docs" / "review.schema.json"
VALIDATOR = Draft202012Validator(schema())


def test_the_published_schema_is_current() -> None:
    if os.environ.get("REWRITE_GOLDEN"):
        PUBLISHED.write_text(text(), encoding="utf-8")
    assert PUBLISHED.read_text(encoding="utf-8") == text()
    command = [sys.executable, "-m", "alembic_review.reports.json_schema"]
    assert subprocess.run(command, capture_output=True, check=True).stdout.decode() == text()


def test_it_is_a_schema_that_says_what_it_is_of() -> None:
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(published)
    assert published["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert published["$id"]
    parts = [published, *published["$defs"].values()]
    assert [part for part in parts if not part.get("title")] == []
    assert [part["title"] for part in parts if not part.get("description")] == []
    assert [part["title"] for part in parts if "\n " in part["description"]] == []


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for part in node.values():
            yield from _objects(part)
    if isinstance(node, list):
        for part in node:
            yield from _objects(part)


def test_no_other_key_is_allowed_and_few_may_be_left_out() -> None:
    whole = schema()
    assert len(list(_objects(whole))) > 10
    assert all(node["additionalProperties"] is False for node in _objects(whole))
    types: Any = whole["$defs"]
    for name, node in (("Review", whole), *((name, node) for name, node in types.items() if "properties" in node)):
        optional = set(OPTIONAL) if name == "Review" else set(SELDOM.get(name, ()))
        assert set(node["properties"]) - set(node["required"]) == optional


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_validates(name: str) -> None:
    VALIDATOR.validate(json.loads(render(sample(name), Options())))


@given(reviews)
def test_whatever_is_written_validates(review: Review) -> None:
    VALIDATOR.validate(json.loads(render(review, Options())))


def _places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node[:2]) if isinstance(node, list) else ()
    for key, part in items:
        yield from _places(part, (*path, key))


def _at(node: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        node = node[key]
    return node


def test_neither_the_schema_nor_the_reader_lets_a_key_be_left_out() -> None:
    whole = json.loads(render(sample("poser"), Options()))
    for path in _places(whole):
        if not path or isinstance(path[-1], int) or path[:-1] == ("provenance", "timings_ms"):
            continue
        damaged = copy.deepcopy(whole)
        del _at(damaged, path[:-1])[path[-1]]
        assert not VALIDATOR.is_valid(damaged), path
        with pytest.raises(UsageError):
            read(json.dumps(damaged))


@pytest.mark.parametrize("key", OPTIONAL)
@pytest.mark.parametrize("empty", [None, []])
def test_what_is_empty_is_left_out(key: str, empty: object) -> None:
    padded = {**json.loads(render(sample("poser"), Options())), key: empty}
    assert not VALIDATOR.is_valid(padded)
    with pytest.raises(UsageError):
        read(json.dumps(padded))


def test_neither_the_schema_nor_the_reader_lets_damage_pass() -> None:
    whole = json.loads(render(sample("poser"), Options()))
    tried = 0
    for path in _places(whole):
        damaged = copy.deepcopy(whole)
        part = _at(damaged, path)
        if path and path[-1] == "observed":
            _at(damaged, path[:-1])["observed"] = ["no", "mapping"]
        elif isinstance(part, dict) and path != ("provenance", "timings_ms"):
            part["surplus"] = 1
        elif path:
            _at(damaged, path[:-1])[path[-1]] = {"of": "another type"}
        else:
            continue
        if path == ("provenance", "timings_ms"):
            damaged["provenance"]["timings_ms"] = ["no", "mapping"]
        tried += 1
        assert not VALIDATOR.is_valid(damaged), path
        with pytest.raises(UsageError):
            read(json.dumps(damaged))
    assert tried > 100
