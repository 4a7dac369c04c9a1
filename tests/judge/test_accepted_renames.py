"""Renames that the user accepts: the verdict, the fingerprints, and what matches nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.judge.proofs.accepted_renames import require_matched
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import ChangeFact
from alembic_review.model.keys import Rename
from alembic_review.model.review import Verdict
from tests.judge.world import APP_REVISION, CORE_REVISION, World, basics, key

COLUMN = Rename("poser_widget.colour=color", ("poser_widget", "colour"), "color")


def halves(table: str, *extra: ChangeFact) -> tuple[ChangeFact, ...]:
    where = key(table)
    return (
        ChangeFact("remove_column", where, None, "colour", 0, "op.drop_column()", None, columns=("colour",)),
        ChangeFact("add_column", where, None, "color", 1, "op.add_column()", None, columns=("color",), wanted="color"),
        *extra,
    )


def rename(world: World, table: str = "poser_widget", *extra: ChangeFact) -> World:
    fields = {"new_name": "color", "asked": COLUMN.asked, "columns": ("colour", "color"), "wanted": "color"}
    world.change("rename_column", table, "colour", replaces=halves(table, *extra), **fields)
    return world


def test_a_rename_of_a_custom_column_is_safe_and_replaces_both_changes() -> None:
    world = basics()
    for half in halves("poser_widget"):
        world.change(half.kind, "poser_widget", half.name, wanted=half.wanted, columns=half.columns)
    plain = {change.kind: change.fingerprint for change in world.review().changes}
    (change,) = rename(basics()).review().changes
    assert (change.verdict, change.name, change.new_name) == (Verdict.SAFE, "colour", "color")
    assert change.replaces == (plain["remove_column"], plain["add_column"])
    assert change.findings == ()  # AR201 speaks of a column that is dropped


def test_a_rename_of_a_core_column_is_blocked() -> None:
    (change,) = rename(basics(), "product").review().changes
    assert change.verdict is Verdict.BLOCKED


def test_a_rename_of_a_custom_table_that_blocked_changes_follow_from_is_blocked() -> None:
    other = ChangeFact("remove_fk", key("stray"), None, "fk", 2, "op.drop_constraint()", None)
    world = basics()
    world.databases[0].stray("stray")
    (change,) = rename(world, "poser_widget", other).review().changes
    assert change.verdict is Verdict.BLOCKED


def test_renames_come_first_tables_before_columns() -> None:
    world = rename(basics())
    world.databases[0].created("poser_tool", APP_REVISION)
    world.table("poser_kit", ["poser:40"])
    world.change("add_index", "poser_kit", "ix", columns=("a",))
    dropped = ChangeFact("remove_table", key("poser_tool"), None, None, 2, "", None)
    added = ChangeFact("add_table", key("poser_kit"), None, None, 3, "", None)
    world.change("rename_table", "poser_tool", None, replaces=(dropped, added), new_name="poser_kit", asked="x")
    kinds = [change.kind for change in world.review().changes]
    assert kinds == ["rename_table", "rename_column", "add_index"]


def test_a_rename_that_stands_for_a_change_is_matched() -> None:
    world = rename(basics())
    require_matched((world.facts(),), replace(world.settings, renames=(COLUMN,)))


@pytest.mark.parametrize("place", ["", "[tool.alembic-review] of pyproject.toml"])
def test_a_rename_that_matches_nothing_is_an_error(place: str) -> None:
    world = basics()
    world.change("remove_column", "poser_widget", "shape")
    world.change("add_column", "poser_widget", "form")
    settings = replace(world.settings, renames=(replace(COLUMN, place=place),))
    with pytest.raises(UsageError, match=r"poser_widget\.colour=color matches no pending change") as caught:
        require_matched((world.facts(),), settings)
    assert caught.value.hint == "Pending drops: poser_widget.shape; pending additions: poser_widget.form."


@pytest.mark.parametrize(("place", "matched"), [("", False), ("[alembic-review] of alembic.ini", True)])
def test_a_setting_may_stay_when_it_is_done(place: str, matched: bool) -> None:
    world = basics()
    world.table("poser_kit", ["poser:40"], by=APP_REVISION, columns=("uuid", "color"))
    renames = (
        Rename("poser_kit.colour=color", ("poser_kit", "colour"), "color", place),
        Rename("poser_tool=poser_kit", ("poser_tool",), "poser_kit", place),
    )
    for one in renames:
        settings = replace(world.settings, renames=(one,))
        if matched:
            require_matched((world.facts(),), settings)
        else:
            with pytest.raises(UsageError):
                require_matched((world.facts(),), settings)


@pytest.mark.parametrize(
    "old", [("poser_kit", "color"), ("poser_kit", "uuid"), ("poser_widget", "colour"), ("shop", "poser_kit", "colour")]
)
def test_a_setting_that_is_not_done_is_an_error(old: tuple[str, ...]) -> None:
    world = basics()
    world.table("poser_kit", ["poser:40"], by=CORE_REVISION, columns=("uuid", "color"))
    settings = replace(world.settings, renames=(Rename("x", old, "color" if old[-1] != "color" else "paint", "file"),))
    with pytest.raises(UsageError):
        require_matched((world.facts(),), settings)
