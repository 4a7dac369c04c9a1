"""Values compared before and after: what means the same in another type is not lost."""

from __future__ import annotations

from collections import Counter

import pytest

from alembic_review.model.keys import TableKey
from alembic_review.worker.prove.data.losing import Content, canonical, losses
from alembic_review.worker.prove.data.structure import Column, Table


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.00"),
        ("1e3", "1000"),
        ("true", "1"),
        ("f", "0"),
        ("abc  ", "abc"),
        ("2024-01-02", "2024-01-02 00:00:00"),
        ("2024-01-02 03:04:05", "2024-01-02 03:04:05+00"),
        ("2024-01-02 03:04:05.500", "2024-01-02 03:04:05.5"),
        ("00000000-0000-4000-8000-0000000000AB", "000000000000400080000000000000ab"),
        ('{"b": 1, "a": 2}', '{"a":2,"b":1}'),
    ],
)
def test_the_same_value_in_another_type_is_equal(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.25", "1"),
        ("abc", "ab"),
        ("abc", "0"),
        ("2024-01-02 03:04:05", "2024-01-02"),
        ("12:00:00.5", "12:00:00"),
        ("", "0"),
        ("NaN", "0"),
    ],
)
def test_another_value_is_not(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


def content(**tables: dict[str, list[str]]) -> Content:
    """Tables with their columns and values; columns keep their names as numbers."""
    made = {
        name: Table(name, TableKey(None, name), tuple(Column(c, c, "text", "text", nullable=True) for c in columns))
        for name, columns in tables.items()
    }
    counts = {name: max(map(len, columns.values()), default=0) for name, columns in tables.items()}
    values = {(name, c): Counter(found) for name, columns in tables.items() for c, found in columns.items()}
    return Content(made, counts, values)


BEFORE = content(widget={"id": ["1", "2"], "colour": ["red", "blue"]})


def test_a_dropped_column_loses_its_values() -> None:
    (loss,) = losses(BEFORE, content(widget={"id": ["1", "2"]}))
    assert (loss.column, loss.how, loss.before, loss.after) == ("colour", "dropped", 2, 0)


def test_values_that_were_copied_are_not_lost() -> None:
    assert losses(BEFORE, content(widget={"id": ["1", "2"], "color": ["blue", "red"]})) == []
    assert losses(BEFORE, content(widget={"id": ["1", "2"]}, paint={"colour": ["blue", "red", "green"]})) == []


def test_a_null_that_was_filled_is_no_loss() -> None:
    before = content(widget={"id": ["1", "2"], "colour": ["red"]})
    assert losses(before, content(widget={"id": ["1", "2"], "colour": ["red", "blue"]})) == []


def test_changed_values_are_lost() -> None:
    (loss,) = losses(BEFORE, content(widget={"id": ["1", "2"], "colour": ["red", "red"]}))
    assert (loss.column, loss.how, loss.before, loss.after) == ("colour", "changed", 2, 1)


def test_rows_that_are_gone_are_one_loss() -> None:
    (loss,) = losses(BEFORE, content(widget={"id": ["1"], "colour": ["red"]}))
    assert (loss.column, loss.how, loss.before, loss.after) == (None, "deleted", 2, 1)


def test_a_dropped_table_is_one_loss_unless_its_rows_were_moved() -> None:
    (loss,) = losses(BEFORE, content())
    assert (loss.column, loss.how, loss.before, loss.after) == (None, "dropped", 2, 0)
    assert losses(BEFORE, content(gadget={"id": ["1", "2"], "colour": ["red", "blue"]})) == []
