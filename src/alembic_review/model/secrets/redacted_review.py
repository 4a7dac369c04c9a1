"""A review without the passwords that this process knows, whatever text they are part of."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from alembic_review.model.review import Review
from alembic_review.model.secrets.known_passwords import hide
from alembic_review.model.secrets.masking import mask, mask_urls

# Generated code, in which connection strings and SQL may stand as well.
_CODE = frozenset({"python", "sql", "statement", "suggestion"})


def redacted(review: Review) -> Review:
    """The review as reports may show it.

    A password that is also the name of a table, a column, a package or a folder of the application is no secret.
    """
    found = [name for table in review.tables for name in (table.name, table.schema, table.owner)]
    found += [name for change in review.changes for name in (change.name, change.table, change.schema, change.owner)]
    found += [*review.provenance.custom, *(part for model in review.provenance.models for part in model.split("."))]
    places = {change.location for change in review.changes} | {finding.location for finding in review.findings}
    found += [part for place in places if place is not None for part in place.path.removesuffix(".py").split("/")]
    hidden: Review = _Redaction(frozenset(name.lower() for name in found if name is not None)).of(review)
    return hidden


class _Redaction:
    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def of(self, value: Any, *, code: bool = False) -> Any:  # noqa: ANN401 - any part of a review
        """The same value where it holds no password."""
        made = value
        if isinstance(value, str):
            made = value if isinstance(value, Enum) else self._text(value, code=code)
        elif isinstance(value, tuple):
            made = tuple(map(self.of, value))
        elif isinstance(value, dict):
            made = {key: self.of(entry) for key, entry in value.items()}
        elif is_dataclass(value) and not isinstance(value, type):
            made = self._fields(value)
        return value if made == value else made

    def _fields(self, value: Any) -> Any:  # noqa: ANN401 - any frozen dataclass
        changed = {}
        for one in fields(value):
            before = getattr(value, one.name)
            if before is None or isinstance(before, (bool, int, Enum)):
                continue
            after = self.of(before, code=one.name in _CODE)
            if after is not before:
                changed[one.name] = after
        return replace(value, **changed) if changed else value

    def _text(self, text: str, *, code: bool) -> str:
        shown = mask(text, self._names) if code else mask_urls(text)
        return hide(shown, self._names)
