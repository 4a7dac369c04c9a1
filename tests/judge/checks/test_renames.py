"""AR301 and AR302: which drop and addition look like a rename."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from alembic_review.model.facts import ColumnShape, Left
from alembic_review.model.proofs import RENAMES, Proofs
from alembic_review.model.review import ProofState
from tests.judge.world import APP_REVISION, World, basics, found

COLOUR = ColumnShape("colour", "VARCHAR(10)")
COLOR = ColumnShape("color", "VARCHAR(10)")


def seen(world: World) -> World:
    world.proofs = Proofs(names=(RENAMES,))
    return world


def columns(dropped: Sequence[ColumnShape], added: Sequence[ColumnShape], *, place: bool = True) -> World:
    """A plan for ``poser_widget``; with ``place``, what is added stands where the dropped columns stood."""
    world = seen(basics())
    old, new = tuple(one.name for one in dropped), tuple(one.name for one in added)
    before = ("uuid", *old, "note")
    after = ("uuid", *new, "note") if place else ("uuid", "note", "more", *new)
    for one in dropped:
        world.change("remove_column", "poser_widget", one.name, shapes=(one,), siblings=before)
    for one in added:
        world.change("add_column", "poser_widget", one.name, shapes=(one,), siblings=after)
    return world


def pairs(world: World) -> list[str]:
    return [f"{finding.column} {finding.name}" for finding in found(world.review(), "AR301")]


@pytest.mark.parametrize(
    ("dropped", "added"),
    [
        (COLOUR, COLOR),
        (COLOUR, replace(COLOR, nullable=False, default="red")),
        (COLOUR, replace(COLOR, type="VARCHAR(20)")),
        (COLOUR, replace(COLOR, type="TEXT")),
        (COLOUR, replace(COLOR, name="shade")),
        (replace(COLOUR, default="'red'::character varying"), replace(COLOR, name="tint", default="red")),
        (ColumnShape("owner_id", "INTEGER", references=("owner.id",)),
         ColumnShape("keeper_id", "BIGINT", nullable=False, references=("owner.id",))),
        (ColumnShape("made", "TIMESTAMP WITHOUT TIME ZONE"), ColumnShape("made_at", "TIMESTAMP WITH TIME ZONE")),
        (ColumnShape("ratio", "DOUBLE PRECISION"), ColumnShape("rate", "FLOAT")),
    ],
    ids=lambda shape: f"{shape.name} {shape.type} {shape.default}",
)  # fmt: skip
def test_a_column_that_looks_renamed(dropped: ColumnShape, added: ColumnShape) -> None:
    assert pairs(columns([dropped], [added])) == [f"{dropped.name} {added.name}"]


@pytest.mark.parametrize(
    ("dropped", "added"),
    [
        ([COLOUR], [replace(COLOR, type="INTEGER")]),
        ([COLOUR], [replace(COLOR, type="VARCHAR(10)[]")]),
        ([ColumnShape("state", "poser_state")], [ColumnShape("status", "poser_status")]),
        ([ColumnShape("made", "DATE")], [ColumnShape("made_at", "TIMESTAMP WITHOUT TIME ZONE")]),
        ([COLOUR], [replace(COLOR, name="country", type="VARCHAR(2)", nullable=False)]),
        ([COLOUR], [COLOR, replace(COLOR, name="colours")]),
        ([COLOUR], [replace(COLOR, name="shade"), replace(COLOR, name="tint")]),
        ([COLOUR, replace(COLOUR, name="shade")], [replace(COLOR, name="paint")]),
        ([ColumnShape("owner_id", "INTEGER", references=("owner.id",))],
         [ColumnShape("store_id", "INTEGER", references=("store.id",))]),
        ([COLOUR], []),
        ([], [COLOR]),
    ],
)  # fmt: skip
def test_columns_that_do_not_look_renamed(dropped: list[ColumnShape], added: list[ColumnShape]) -> None:
    assert pairs(columns(dropped, added)) == []


def test_a_column_elsewhere_with_another_length_and_name_does_not_look_renamed() -> None:
    other = replace(COLOR, name="country", type="VARCHAR(2)")
    assert pairs(columns([COLOUR], [other], place=False)) == []


def test_of_several_the_clearly_best_one_is_told() -> None:
    note = ColumnShape("remark", "TEXT", nullable=False)
    assert pairs(columns([COLOUR], [COLOR, note])) == ["colour color"]
    flavour, flavor = replace(COLOUR, name="flavour"), replace(COLOR, name="flavor")
    assert pairs(columns([COLOUR, flavour], [COLOR, flavor])) == ["colour color", "flavour flavor"]


def test_a_column_on_another_table_does_not_look_renamed() -> None:
    world = seen(basics())
    world.table("poser_part", ["poser:30"], by=APP_REVISION)
    world.change("remove_column", "poser_widget", "colour", shapes=(COLOUR,), siblings=("colour",))
    world.change("add_column", "poser_part", "color", shapes=(COLOR,), siblings=("color",))
    assert pairs(world) == []


def test_the_suggestion_is_code_and_names_the_option() -> None:
    world = columns([COLOUR], [COLOR])
    (finding,) = found(world.review(), "AR301")
    assert finding.suggestion == (
        '# alembic-review revision --rename poser_widget.colour=color -m "…"\n'
        "op.alter_column('poser_widget', 'colour', new_column_name='color')"
    )
    assert (finding.proof, finding.observed) == (RENAMES, {"is": "colour", "wanted": "color"})
    assert "--rename poser_widget.colour=color" in finding.hint
    world.databases[0].changes = [
        replace(change, python="with op.batch_alter_table('poser_widget') as batch_op:\n    …")
        for change in world.databases[0].changes
    ]
    (finding,) = found(world.review(), "AR301")
    assert "with op.batch_alter_table('poser_widget') as batch_op:\n    batch_op.alter" in (finding.suggestion or "")


def test_without_the_proof_nothing_looks_renamed() -> None:
    world = columns([COLOUR], [COLOR])
    world.proofs = Proofs(names=(RENAMES,), reason="--no-prove")
    review = world.review()
    assert found(review, "AR301") == []
    assert [(one.state, one.reason) for one in review.proofs] == [(ProofState.NOT_DONE, "--no-prove")]


def test_the_proof_has_a_state() -> None:
    assert [one.state for one in columns([COLOUR], [COLOR]).review().proofs] == [ProofState.FOUND]
    assert [one.state for one in columns([COLOUR], []).review().proofs] == [ProofState.HELD]


WIDGET = (ColumnShape("id", "INTEGER", nullable=False), ColumnShape("name", "VARCHAR(50)"), COLOUR)


def tables(old: Sequence[ColumnShape], *new: tuple[str, Sequence[ColumnShape]], dropped: str = "poser_tool") -> World:
    world = seen(basics())
    world.databases[0].created(dropped, APP_REVISION)
    left = (Left("index", f"ix_{dropped}_name"), Left("index", "ux"), Left("sequence", f"{dropped}_id_seq"))
    world.change("remove_table", dropped, shapes=tuple(old), left=left)
    for number, (name, shapes) in enumerate(new):
        world.table(name, [f"poser:{40 + number}"])
        world.change("add_table", name, shapes=tuple(shapes))
    return world


def renamed(world: World) -> list[str]:
    return [f"{finding.table} {finding.name}" for finding in found(world.review(), "AR302")]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ([("poser_kit", WIDGET)], ["poser_tool poser_kit"]),
        ([("poser_kit", (*WIDGET, ColumnShape("price", "NUMERIC(10, 2)")))], ["poser_tool poser_kit"]),
        ([("poser_kit", WIDGET[:2])], ["poser_tool poser_kit"]),
        ([("poser_kit", (*WIDGET[:2], ColumnShape("a", "TEXT"), ColumnShape("b", "TEXT")))], []),
        ([("poser_kit", (WIDGET[0], ColumnShape("name", "TEXT"), replace(COLOUR, type="INTEGER")))], []),
        ([("poser_kit", WIDGET), ("poser_set", WIDGET)], []),
        ([("poser_tools", WIDGET), ("poser_set", WIDGET)], ["poser_tool poser_tools"]),
        ([("other.poser_tool", WIDGET)], []),
        ([], []),
    ],
)
def test_tables_that_look_renamed(new: list[tuple[str, Sequence[ColumnShape]]], expected: list[str]) -> None:
    assert renamed(tables(WIDGET, *new)) == expected


def test_a_table_of_one_column_tells_nothing() -> None:
    assert renamed(tables(WIDGET[:1], ("poser_kit", WIDGET[:1]))) == []


def test_what_stays_behind_is_named_and_renamed_in_the_suggestion() -> None:
    (finding,) = found(tables(WIDGET, ("poser_kit", WIDGET)).review(), "AR302")
    names = "index `ix_poser_tool_name`, index `ux` and sequence `poser_tool_id_seq`"
    assert f"A rename keeps the names of {names}." in finding.message
    assert (finding.suggestion or "").splitlines() == [
        '# alembic-review revision --rename poser_tool=poser_kit -m "…"',
        "op.rename_table('poser_tool', 'poser_kit')",
        "op.execute('ALTER INDEX ix_poser_tool_name RENAME TO ix_poser_kit_name')",
        "op.execute('ALTER SEQUENCE poser_tool_id_seq RENAME TO poser_kit_id_seq')",
    ]


def test_a_foreign_key_to_a_table_that_looks_renamed_counts_as_the_same() -> None:
    world = tables(WIDGET, ("poser_kit", WIDGET))
    old = ColumnShape("tool_id", "INTEGER", references=("poser_tool.id",))
    new = ColumnShape("kit_id", "INTEGER", references=("poser_kit.id",))
    world.change("remove_column", "poser_widget", "tool_id", shapes=(old,), siblings=("uuid", "tool_id"))
    world.change("add_column", "poser_widget", "kit_id", shapes=(new,), siblings=("uuid", "kit_id"))
    assert pairs(world) == ["tool_id kit_id"]


def test_what_is_on_a_core_table_is_not_the_application_s_to_rename() -> None:
    world = seen(basics())
    world.change("remove_column", "product", "colour", shapes=(COLOUR,), siblings=("colour",))
    world.change("add_column", "product", "color", shapes=(COLOR,), siblings=("color",))
    assert pairs(world) == []
