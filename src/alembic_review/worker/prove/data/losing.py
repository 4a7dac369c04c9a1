"""Which values a plan loses: every column as a multiset of its values, before and after."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy.engine import Connection

from alembic_review.model.proofs import Loss
from alembic_review.worker.prove.data.seeding import read_values
from alembic_review.worker.prove.data.structure import Structure, Table

_UUID = re.compile(r"[0-9a-f]{32}")
_MIDNIGHT = re.compile(r"^(\d{4}-\d\d-\d\d)[ T]00:00:00(?:\.0+)?$")
_UTC = re.compile(r"(?<=\d)(?:\+00(?::?00)?|Z)$")
_FRACTION = re.compile(r"(?<=:\d\d)\.(\d*?)0*$")
_LONGEST = 400  # digits of a number that is written out
_TRUTH = {"true": "1", "false": "0", "t": "1", "f": "0"}


@dataclass(frozen=True)
class Content:
    """The rows of tables: ``counts`` by identity, ``values`` by identity and number of the column."""

    tables: Structure
    counts: Mapping[Any, int]
    values: Mapping[tuple[Any, Any], Counter[str]]


def content(connection: Connection, tables: Structure) -> Content:
    """What is in these tables now."""
    counts: dict[Any, int] = {}
    values: dict[tuple[Any, Any], Counter[str]] = {}
    for table in tables.values():
        rows = read_values(connection, table, [column.name for column in table.columns])
        counts[table.identity] = len(rows)
        for place, column in enumerate(table.columns):
            found = (row[place] for row in rows)
            values[table.identity, column.number] = Counter(canonical(value) for value in found if value is not None)
    return Content(tables, counts, values)


def canonical(value: str) -> str:
    """The same text for values that mean the same in different types."""
    text = value.rstrip()
    if text in _TRUTH:
        return _TRUTH[text]
    with suppress(InvalidOperation):
        number = Decimal(text)
        return (
            format(number.normalize(), "f") if number.is_finite() and abs(number.adjusted()) < _LONGEST else str(number)
        )
    text = _UTC.sub("", text)
    text = _FRACTION.sub(lambda match: f".{match[1]}" if match[1] else "", text)
    text = _MIDNIGHT.sub(r"\1", text)
    compact = text.replace("-", "").lower()
    if _UUID.fullmatch(compact):
        return compact
    if text[:1] in "{[":
        with suppress(ValueError):
            return json.dumps(json.loads(text), sort_keys=True)
    return text


def losses(before: Content, after: Content) -> list[Loss]:
    """Values of columns, or rows, that were there before and are nowhere after."""
    gained = {
        place: values - before.values.get(place, Counter())
        for place, values in after.values.items()
        if values - before.values.get(place, Counter())
    }
    found: list[Loss] = []
    for table in before.tables.values():
        if before.counts[table.identity]:
            found += _of_table(table, before, after, gained)
    return found


def _of_table(
    table: Table, before: Content, after: Content, gained: Mapping[tuple[Any, Any], Counter[str]]
) -> list[Loss]:
    rows = before.counts[table.identity]
    left = after.counts.get(table.identity)
    found = []
    for column in table.columns:
        place = (table.identity, column.number)
        values = before.values[place]
        lost = values - after.values.get(place, Counter())
        if not lost or any(not lost - others for others in gained.values()):
            continue
        how = "changed" if place in after.values else "dropped"
        found.append(Loss(table.key, column.name, values.total(), values.total() - lost.total(), how))
    if found and left is None:
        return [Loss(table.key, None, rows, 0, "dropped")]
    gone = rows - (left or 0)
    if found and gone > 0 and all(one.before - one.after <= gone and one.how == "changed" for one in found):
        return [Loss(table.key, None, rows, left or 0, "deleted")]
    return found
