"""The JSON Schema of the JSON report, out of the types: ``python -m alembic_review.reports.json_schema`` prints it."""

from __future__ import annotations

import inspect
import json
import sys

import msgspec

from alembic_review.model.review import FORMAT, Review
from alembic_review.reports.formats.json import OPTIONAL, SELDOM

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:alembic-review:schema:1"

Node = dict[str, object]


def schema() -> Node:
    """What a JSON report is, no more and no less: every key is there but the optional ones, and no other is."""
    types = {name: _strict(name, node) for name, node in msgspec.json.schema(Review)["$defs"].items()}
    top = types.pop(Review.__name__)
    parts = top["properties"]
    assert isinstance(parts, dict)
    parts["format"] = {"const": FORMAT}
    parts |= {key: _present(parts[key]) for key in OPTIONAL}
    top["required"] = [key for key in parts if key not in OPTIONAL]
    head = {"$schema": DIALECT, "$id": ID, "title": f"JSON report of alembic-review, format {FORMAT}"}
    return {**head, **{key: value for key, value in top.items() if key != "title"}, "$defs": types}


def text() -> str:
    """The schema as it stands in the documentation."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


def _strict(of: str, node: Node) -> Node:
    """An object with all keys required and no other allowed; defaults are of no use then."""
    description = node.get("description")
    if isinstance(description, str):
        node = {**node, "description": inspect.cleandoc(description)}  # Python 3.13 does so by itself
    properties = node.get("properties")
    if not isinstance(properties, dict):
        return node
    kept = {name: {key: value for key, value in part.items() if key != "default"} for name, part in properties.items()}
    seldom = SELDOM.get(of, ())
    kept |= {name: _present(part) for name, part in kept.items() if name in seldom}
    required = [name for name in kept if name not in seldom]
    return {**node, "properties": kept, "required": required, "additionalProperties": False}


def _present(part: Node) -> Node:
    """Of a key that is left out when it has nothing to say: then it is not null, and no empty list either."""
    choices = part.get("anyOf")
    if isinstance(choices, list):
        (only,) = [choice for choice in choices if choice != {"type": "null"}]
        return dict(only)
    return {**part, "minItems": 1}


if __name__ == "__main__":
    sys.stdout.write(text())
