from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_review.judge.verdicts.remaining_alterations import standing
from alembic_review.model.facts import Alteration, TableKey

CORE = TableKey(None, "core")


def item(action: str, before: str | None, after: str | None, name: str = "size", key: TableKey = CORE) -> Alteration:
    return Alteration("r", key, "column", action, name, (name,), before, after)


def renamed(old: str, new: str, revision: str = "r") -> Alteration:
    return Alteration(revision, TableKey(None, old), "table", "renamed", new)


@pytest.mark.parametrize(
    "alterations",
    [
        [item("added", None, "integer"), item("removed", "integer", None)],
        [item("changed", "a", "b"), item("changed", "b", "c"), item("changed", "c", "a")],
        [item("removed", "a", None), item("added", None, "a")],
        [renamed("core", "other"), renamed("other", "core", "s")],
        [
            renamed("core", "other", "q"),
            item("added", None, "x", key=TableKey(None, "other")),
            renamed("other", "core"),
            replace(item("removed", "x", None), revision="s"),
        ],
        [
            *(renamed("core", "other"), renamed("other", "core")),
            *(renamed("core", "other", "s"), renamed("other", "core", "s")),
        ],
    ],
)
def test_what_was_undone_leaves_nothing(alterations: list[Alteration]) -> None:
    assert standing(alterations) == []


@pytest.mark.parametrize(
    "alterations",
    [
        [item("added", None, "integer")],
        [item("added", None, "integer"), item("changed", "integer", "text")],
        [item("removed", "a", None), item("added", None, "b")],
        [renamed("core", "other")],
        [renamed("core", "other"), renamed("other", "third", "s")],
        [renamed("core", "other"), renamed("other", "core")],
        [renamed("core", "other"), renamed("other", "third"), renamed("third", "core")],
        [Alteration("r", CORE, "table", "dropped")],
        [Alteration("r", CORE, "table", "dropped"), item("added", None, "x")],
    ],
)
def test_what_lasts_stays(alterations: list[Alteration]) -> None:
    assert len(standing(alterations)) == len(alterations)


def test_alterations_of_a_renamed_table_stand_under_its_first_name() -> None:
    added = replace(item("added", None, "x", key=TableKey(None, "other")), revision="s")
    assert [entry.key for entry in standing([renamed("core", "other"), added])] == [CORE, CORE]


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1))
def test_an_item_is_undone_exactly_when_it_is_what_it_was(texts: list[str]) -> None:
    steps = [item("changed", before, after) for before, after in zip(["start", *texts], texts, strict=False)]
    assert len(standing(steps)) == len(steps)
    assert standing([*steps, item("changed", texts[-1], "start")]) == []
