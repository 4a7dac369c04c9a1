"""The JSON report: version 1 of the contract, written and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from alembic_review.model.errors import UsageError
from alembic_review.model.review import FORMAT, Review
from alembic_review.reports.base import Options

_REVIEW_KEYS = ("format", "outcome", "gate", "summary", "changes", "findings", "tables", "provenance", "failure")
_FINDING_KEYS = (
    *("code", "severity", "blocks", "message", "hint"),
    *("change", "schema", "table", "revision", "location", "fingerprint"),
)


def render(review: Review, options: Options) -> str:  # noqa: ARG001 - every report takes options
    """The review as JSON; the same review gives the same bytes. Ends with a newline."""
    data = _ordered(msgspec.to_builtins(review), _REVIEW_KEYS)
    data["findings"] = [_ordered(finding, _FINDING_KEYS) for finding in data["findings"]]
    if review.failure is None:
        del data["failure"]
    text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    # A file name that is no UTF-8 comes with lone surrogates, which no UTF-8 file can hold.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def read(text: str | bytes) -> Review:
    """A review out of its JSON report; UsageError for anything that is not exactly one, with the place in it."""
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, UnicodeEncodeError, RecursionError) as error:
        message = f"not a JSON report: {error}"
        raise UsageError(message) from error
    found = raw.get("format") if isinstance(raw, Mapping) else None
    if found != FORMAT:
        message = f"not a report of the format {FORMAT}" + (f", but of {found}" if isinstance(found, str) else "")
        raise UsageError(message, hint="`alembic-review -o json=FILE` writes one")
    try:
        review = msgspec.convert(raw, Review)
    except msgspec.ValidationError as error:
        message = f"a damaged report: {error}"
        raise UsageError(message) from error
    unknown = _unknown(raw, msgspec.to_builtins(review), "$")
    if unknown:
        message = f"a damaged report: unknown key {unknown}"
        raise UsageError(message, hint="Was it written by a newer alembic-review?")
    return review


def _ordered(data: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: data[key] for key in keys}


def _unknown(raw: object, known: object, path: str) -> str | None:
    if isinstance(raw, Mapping) and isinstance(known, Mapping):
        for key, value in raw.items():
            if key not in known:
                return f"{path}.{key}"
            deeper = _unknown(value, known[key], f"{path}.{key}")
            if deeper:
                return deeper
    if isinstance(raw, list) and isinstance(known, list | tuple):
        for index, (value, kept) in enumerate(zip(raw, known, strict=True)):
            deeper = _unknown(value, kept, f"{path}[{index}]")
            if deeper:
                return deeper
    return None
