"""The JSON report: version 1 of the contract, written and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from alembic_review.model.errors import UsageError
from alembic_review.model.review import FORMAT, Finding, Review
from alembic_review.reports.base import Options
from alembic_review.reports.parts.names import writable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Where the contract has another order than the fields of the model.
_ORDER: dict[type, tuple[str, ...]] = {
    Review: (
        *("format", "outcome", "gate", "summary", "changes", "pull_request", "findings", "baseline", "suggestions"),
        *("proofs", "tables", "provenance", "failure"),
    ),
    Finding: (
        *("code", "severity", "blocks", "message", "hint"),
        *("change", "schema", "table", "column", "name", "revision", "location", "fingerprint"),
        *("proof", "statement", "observed", "suggestion", "accepted", "database", "environment"),
    ),
}
_LONGEST = 1 << 53  # milliseconds
OPTIONAL = ("pull_request", "suggestions", "baseline", "failure")
"""Keys that are left out when there is nothing to say."""
SELDOM = {
    "Change": ("environment", "accepted", "new_name", "replaces"),
    "ChangeSince": ("environment", "accepted", "new_name", "replaces"),
    "Finding": ("environment",),
}
"""Keys of what is in a report that are left out when they would be null or empty."""


def render(review: Review, options: Options) -> str:  # noqa: ARG001 - every report takes options
    """The review as JSON; the same review gives the same bytes. Ends with a newline."""
    return json.dumps(_document(review), ensure_ascii=False, indent=2) + "\n"


def read(text: str | bytes) -> Review:
    """A review out of its JSON report; UsageError for anything that is not exactly one, with the place in it."""
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, UnicodeEncodeError, RecursionError) as error:
        raise UsageError(f"not a JSON report: {error}") from error
    found = raw.get("format") if isinstance(raw, Mapping) else None
    if found != FORMAT:
        raise UsageError(
            f"not a report of the format {FORMAT}" + (f", but of {found}" if isinstance(found, str) else ""),
            hint="`alembic-review -o json=FILE` writes one",
        )
    try:
        review = msgspec.convert(raw, Review)
    except msgspec.ValidationError as error:
        raise UsageError(f"a damaged report: {error}") from error
    if any(not 0 <= milliseconds < _LONGEST for milliseconds in review.provenance.timings_ms.values()):
        raise UsageError("a damaged report: $.provenance.timings_ms has a time that no run takes")
    known = _document(review)
    unknown = _beyond(raw, known, "$")
    if unknown:
        raise UsageError(f"a damaged report: unknown key {unknown}", hint="Was it written by a newer alembic-review?")
    missing = _beyond(known, raw, "$")
    if missing:
        raise UsageError(f"a damaged report: missing key {missing}", hint="Was it written by an older alembic-review?")
    return review


def _document(review: Review) -> dict[str, object]:
    return {key: value for key, value in _record(review).items() if value or key not in OPTIONAL}


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _record(value)
    return value


def _record(value: DataclassInstance) -> dict[str, object]:
    keys = _ORDER.get(type(value)) or tuple(field.name for field in fields(value))
    found = {key: _plain(getattr(value, key)) for key in keys}
    seldom = SELDOM.get(type(value).__name__, ())
    return {key: one for key, one in found.items() if one not in (None, []) or key not in seldom}


def _beyond(here: object, there: object, path: str) -> str | None:
    """The first key that ``here`` has and ``there`` has not."""
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        for key, value in here.items():
            if key not in there:
                return f"{path}.{key}"
            deeper = _beyond(value, there[key], f"{path}.{key}")
            if deeper:
                return deeper
    if isinstance(here, list) and isinstance(there, list | tuple):
        for index, (value, kept) in enumerate(zip(here, there, strict=True)):
            deeper = _beyond(value, kept, f"{path}[{index}]")
            if deeper:
                return deeper
    return None
