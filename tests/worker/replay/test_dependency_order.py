"""Another order of the same revisions, and which of them can be taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st

from alembic_review.model.facts import OrderTrial, Place, RevisionFailure
from alembic_review.worker.replay.dependency_order import Order, early, steps
from alembic_review.worker.replay.downgrade_trials import plan
from alembic_review.worker.worker_errors import StoppedError

CORE_FIRST = ("c1", "c2", "p1", "c3", "p2")
PARENTS = {"c1": (), "c2": ("c1",), "c3": ("c2",), "p1": (), "p2": ("p1",)}
OWN = frozenset({"p1", "p2"})


def test_a_branch_that_depends_on_nothing_comes_alone() -> None:
    order = early(PARENTS, OWN, CORE_FIRST)
    assert order.names == ("p1", "p2")
    assert order.moved == {"p1": ("c1", "c2"), "p2": ("c1", "c2", "c3")}


def test_what_a_branch_depends_on_comes_just_before_it() -> None:
    order = early({**PARENTS, "p2": ("p1", "c2")}, OWN, CORE_FIRST)
    assert order.names == ("p1", "c1", "c2", "p2")
    assert order.moved == {"p1": ("c1", "c2"), "p2": ("c3",)}


def test_nothing_moves_where_everything_is_said() -> None:
    order = early({**PARENTS, "p1": ("c2",), "p2": ("p1", "c3")}, OWN, CORE_FIRST)
    assert order.names == CORE_FIRST
    assert order.moved == {}


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[str, tuple[str, ...]], list[str], frozenset[str]]:
    """Revisions, each with parents among those before it, in an order that fits, and some that are watched."""
    applied = [f"r{number}" for number in range(draw(st.integers(1, 8)))]
    parents = {
        name: tuple(draw(st.sets(st.sampled_from(applied[:number])))) if number else ()
        for number, name in enumerate(applied)
    }
    return parents, applied, frozenset(draw(st.sets(st.sampled_from(applied))))


@given(histories())
def test_every_order_is_one_that_alembic_allows(
    history: tuple[dict[str, tuple[str, ...]], list[str], frozenset[str]],
) -> None:
    parents, applied, group = history
    order = early(parents, group, applied)
    assert len(set(order.names)) == len(order.names)
    assert group <= set(order.names)
    for number, name in enumerate(order.names):
        assert set(parents[name]) <= set(order.names[:number])
    for name, missing in order.moved.items():
        assert not set(missing) & set(order.names[: order.names.index(name)])


@given(histories())
def test_only_what_nothing_stands_on_is_taken_back(
    history: tuple[dict[str, tuple[str, ...]], list[str], frozenset[str]],
) -> None:
    parents, applied, group = history
    found = plan(parents, group, group, applied)
    assert sorted((*found.order, *found.held)) == sorted(group)
    there = set(applied)
    for name in found.order:
        assert not [other for other in there if name in parents[other]]
        there.remove(name)
    for name in found.held:
        assert [other for other in there if name in parents[other]]


@pytest.mark.parametrize("name", ["p1", "c1"])
def test_a_revision_of_others_that_fails_is_not_the_application_s_fault(name: str, tmp_path: Path) -> None:
    (tmp_path / "env.py").touch()
    path = tmp_path / "versions" / f"{name}.py"
    path.parent.mkdir()
    path.write_text(f'revision = "{name}"\ndown_revision = None\n\n\ndef upgrade():\n    raise KeyError("store")\n')
    found: list[OrderTrial] = []
    order = Order((name,), {name: ("c0",)})
    (step,) = steps(ScriptDirectory(str(tmp_path)), order, {"p1"}, OrderTrial("poser", ("p1",)), found.append)
    with pytest.raises(StoppedError):
        step.migration_fn()
    failure = RevisionFailure("KeyError: 'store'", place=Place(str(path.resolve()), 6))
    skipped = "revision c1 itself does not apply in another order: KeyError: 'store'"
    assert found == [
        OrderTrial("poser", ("p1",), "p1", ("c0",), failure)
        if name == "p1"
        else OrderTrial("poser", ("p1",), skipped=skipped)
    ]
