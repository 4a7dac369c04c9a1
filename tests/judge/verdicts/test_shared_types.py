"""Types that several tables share: every column that uses one has a say."""

from __future__ import annotations

import pytest

from alembic_review.model.facts import TypeUse
from alembic_review.model.review import Change, Verdict
from tests.judge.world import APP_REVISION, CORE_REVISION, World, basics, found, only, use

BLOCKED, SAFE, UPSTREAM = Verdict.BLOCKED, Verdict.SAFE, Verdict.UPSTREAM
GOOD = ("good", "bad")


def judged(world: World, *users: TypeUse) -> Change:
    world.change("op:SyncEnumValuesOp", None, "mood", type_name="mood", type_users=users)
    return only(world.review())


@pytest.mark.parametrize(
    ("users", "verdict", "owner"),
    [
        ([use("poser_widget", "size")], SAFE, "poser"),
        ([use("poser_widget", "size"), use("poser_widget", "size", "database")], SAFE, "poser"),
        ([use("product", "name"), use("product", "name", "database")], UPSTREAM, "basis"),
        ([use("product", "old", "database")], UPSTREAM, "basis"),
        ([use("poser_widget", "size", values=GOOD), use("product", "name", values=GOOD)], UPSTREAM, "basis"),
        ([use("poser_widget", "size", values=GOOD), use("product", "name", values=("good",))], BLOCKED, "basis"),
        ([use("poser_widget", "size", values=GOOD), use("product", "name", "database")], BLOCKED, "basis"),
        ([use("poser_widget", "size", values=()), use("product", "name", values=())], BLOCKED, "basis"),
        ([use("poser_widget", "size", "database"), use("product", "name")], UPSTREAM, "basis"),
        ([use("poser_widget", "size"), use("nowhere", "mood", "database")], BLOCKED, None),
    ],
    ids=[
        "custom models",
        "custom models and database",
        "core",
        "core, in the database only",
        "both, the same values",
        "both, other values",
        "custom models, core database",
        "both, values not known",
        "custom database, core models",
        "unknown table",
    ],
)
def test_who_uses_it(users: list[TypeUse], verdict: Verdict, owner: str | None) -> None:
    change = judged(basics(), *users)
    assert (change.verdict, change.owner) == (verdict, owner)


@pytest.mark.parametrize(
    ("at", "verdict", "cause"),
    [(["poser:20"], BLOCKED, "poser"), (None, BLOCKED, None), (["basis:20"], UPSTREAM, "basis")],
)
def test_a_column_of_somebody_on_a_core_table(at: list[str] | None, verdict: Verdict, cause: str | None) -> None:
    world = basics()
    world.table("store", ["basis:30"], by=CORE_REVISION, items=[world.item("column", "mood", at)])
    change = judged(world, use("store", "mood"), use("product", "name"))
    assert (change.verdict, change.cause) == (verdict, cause)


@pytest.mark.parametrize(("attribute", "verdict"), [("type", BLOCKED), ("comment", UPSTREAM)])
def test_a_core_column_whose_type_was_changed_in_place(attribute: str, verdict: Verdict) -> None:
    world = basics()
    edit = world.edit("column", "uuid", attribute, ["poser:9"])
    world.table("store", ["basis:30"], by=CORE_REVISION, edits=[edit])
    assert judged(world, use("store", "uuid")).verdict is verdict


def test_a_custom_revision_that_altered_the_type() -> None:
    world = basics()
    world.alter(APP_REVISION, "product", "column", "changed", "name")
    change = judged(world, use("product", "name"))
    assert (change.verdict, change.cause) == (BLOCKED, "poser")
    assert "revision a1 of poser changed the column name" in change.reason
    assert found(world.review(), "AR101")[0].revision == "a1"


def test_a_core_model_that_was_taken_out() -> None:
    world = basics()
    world.table("store", ["basis:30"], by=CORE_REVISION, removed=True, removal=["poser:9"])
    assert judged(world, use("store", "mood", "database")).verdict is BLOCKED


def test_the_reason_names_the_tables() -> None:
    change = judged(basics(), use("poser_widget", "size"), use("product", "name", values=("good",)))
    assert "tables that are not yours (product)" in change.reason
    assert change.table is None
    assert change.name == "mood"
