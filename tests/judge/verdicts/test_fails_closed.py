"""A change of unknown cause is blocked: ways in which such a change could be taken for ``upstream``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.judge import judge
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import Facts, Revision, VersionLocation
from alembic_review.model.review import Review, Role, Verdict
from alembic_review.model.settings import Settings
from tests.judge.build import ROOT, Alteration, Edit, Item, Origin, TypeUse, World, key, started

BLOCKED, SAFE, UPSTREAM = Verdict.BLOCKED, Verdict.SAFE, Verdict.UPSTREAM


@pytest.mark.parametrize(
    "kind",
    ["add_column", "add_index", "add_constraint", "add_fk", "modify_type", "modify_nullable", "modify_default", "op:X"],
)
def test_what_no_item_of_the_model_stands_for_has_no_witness(kind: str) -> None:
    world = started()
    world.change(kind, "product", "unseen")
    change = world.only()
    assert (change.verdict, change.cause) == (BLOCKED, None)
    assert "the cause of the change is unknown" in change.reason


@pytest.mark.parametrize("owner", ["core", "app"])
def test_a_table_without_a_model_where_the_source_could_not_be_read(owner: str) -> None:
    world = started()
    world.created("old", owner)
    world.change("remove_table", "old")
    judged = judge(world.facts(), Settings(root=ROOT), None, tool="t", server="s", root=".")
    (change,) = judged.changes
    assert (change.verdict, change.cause) == (BLOCKED, None)
    assert "the source of your packages could not be read" in change.reason


@pytest.mark.parametrize("kind", ["remove_column", "remove_index", "remove_constraint", "remove_fk"])
def test_what_only_the_database_has_needs_no_item(kind: str) -> None:
    world = started()
    world.change(kind, "product", "left")
    assert world.only().verdict is UPSTREAM


@pytest.mark.parametrize("kind", ["add_column", "remove_column", "add_table_comment"])
def test_the_applications_own_class_for_a_table_that_the_settings_call_the_cores(kind: str) -> None:
    world = started()
    stack = world.stack(("app", 5))
    world.table("badge", ("app", 5), items=(Item("column", "name", ("name",), stack),))
    world.created("badge", "core")
    world.change(kind, "badge", "name" if kind == "add_column" else "gone")
    change = world.only(owners={"badge": "core"})
    assert (change.verdict, change.owner, change.cause) == (BLOCKED, "core", "app")
    assert change.location is not None
    assert change.location.path == "app/model.py"


def test_a_table_that_a_custom_revision_created_is_not_removed_as_drift_of_the_core() -> None:
    world = started()
    world.created("old", "app")
    world.change("remove_table", "old")
    change = world.only(owners={"old": "core"})
    assert (change.verdict, change.cause) == (BLOCKED, "app")
    assert "app1" in change.reason


def test_a_table_that_custom_revisions_renamed_twice_is_still_the_cores_under_its_last_name() -> None:
    world = started()
    world.origins = [origin for origin in world.origins if origin.key.name != "product"]
    world.former.append(Origin(key("product"), "core1", "core"))
    world.created("third", "core")
    world.alterations += [
        Alteration("app1", key("product"), "table", "renamed", "second"),
        Alteration("app2", key("second"), "table", "renamed", "third"),
    ]
    world.change("add_table", "product")
    world.change("remove_table", "third")
    assert {change.verdict for change in world.review().changes} == {BLOCKED}


@pytest.mark.parametrize(("altered", "pending"), [("index", "add_constraint"), ("constraint", "add_index")])
def test_a_unique_index_and_a_unique_constraint_of_one_name_are_one_thing(altered: str, pending: str) -> None:
    world = started()
    world.tables = [table for table in world.tables if table.key.name != "product"]
    item = Item(pending.removeprefix("add_"), "uq", ("id",), world.stack(("core", 1)))
    world.table("product", ("core", 1), items=(item,))
    world.alterations.append(Alteration("app1", key("product"), altered, "removed", "uq", ("id",), "x", None))
    world.change(pending, "product", "uq", columns=("id",))
    assert world.only().verdict is BLOCKED


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [(("a",), ("a", "b"), BLOCKED), (("a", "b"), ("a", "b"), UPSTREAM), ((), ("a", "b"), BLOCKED)],
)
def test_a_shared_type_that_the_application_declares_otherwise_is_not_drift(
    first: tuple[str, ...], second: tuple[str, ...], verdict: Verdict
) -> None:
    world = started()
    uses = (
        TypeUse(key("product"), "id", "models", first),
        TypeUse(key("app_widget"), "id", "models", second),
        TypeUse(key("product"), "id", "database"),
    )
    world.change("op:SyncEnumValuesOp", None, "mood", type_users=uses, type_name="mood")
    assert world.only().verdict is verdict


def test_two_tables_that_seem_to_be_generated_from_each_other_belong_to_nobody() -> None:
    world = started()
    world.table("left", ("helper()", 1), sources=(key("right"),))
    world.table("right", ("helper()", 2), sources=(key("left"),))
    world.change("add_table", "left")
    assert world.only().verdict is BLOCKED


def test_a_misspelt_owner_is_an_error_and_not_a_core_package() -> None:
    world = started()
    with pytest.raises(UsageError, match="to ap,") as caught:
        world.review(owners={"product": "ap"})
    assert "Did you mean app?" in caught.value.hint
    world.review(owners={"product": "ap"}, core=("ap", "core"))


def test_the_owner_of_a_misspelt_table_is_an_error() -> None:
    world = started()
    with pytest.raises(UsageError, match="prodcut to app, but there is no such table") as caught:
        world.review(owners={"prodcut": "app"})
    assert caught.value.hint == "Did you mean product?"
    world.review(owners={"elsewhere": "app"})


def test_an_owner_may_be_something_that_is_no_package() -> None:
    world = started()
    review = world.review(owners={"product": "postgis"})
    assert {table.name: (table.owner, table.role) for table in review.tables}["product"] == ("postgis", Role.CORE)


def test_items_of_the_application_on_a_generated_table_are_damage() -> None:
    world = started()
    hung = Item("column", "mine", ("mine",), world.stack(("app", 9)))
    world.table("product_copy", ("helper()", 1), sources=(key("product"),), items=(hung,))
    world.created("product_copy", "core")
    assert [(finding.code, finding.table) for finding in world.review().findings] == [("AR105", "product_copy")]


def test_a_generated_copy_of_an_item_of_the_application_is_told_once() -> None:
    world = started()
    world.tables = [table for table in world.tables if table.key.name != "product"]
    world.table("product", ("core", 1), items=(Item("column", "mine", ("mine",), world.stack(("app", 9))),))
    copied = Item("column", "mine", ("mine",), world.stack(("helper()", 3)))
    world.table("product_copy", ("helper()", 1), sources=(key("product"),), items=(copied,))
    world.created("product_copy", "core")
    assert [(finding.code, finding.table) for finding in world.review().findings] == [("AR105", "product")]


@pytest.mark.parametrize(
    ("column", "columns", "expected"),
    [
        ("mine", ("mine",), ["the column mine"]),
        ("mine", (), ["the column mine", "a constraint"]),
        (None, ("id",), ["a constraint on id"]),
    ],
)
def test_an_unnamed_constraint_of_the_application_is_damage_unless_its_column_is(
    column: str | None, columns: tuple[str, ...], expected: list[str]
) -> None:
    world = started()
    world.tables = [table for table in world.tables if table.key.name != "product"]
    stack = world.stack(("app", 9))
    items = [Item("column", column, (column,), stack)] if column else []
    world.table("product", ("core", 1), items=(*items, Item("constraint", None, columns, stack)))
    messages = [finding.message for finding in world.review().findings]
    assert len(messages) == len(expected)
    assert all(any(f"app adds {what} to it" in message for message in messages) for what in expected)


def test_a_blocked_change_does_not_hide_another_alteration_of_its_table() -> None:
    world = started()
    world.tables = [table for table in world.tables if table.key.name != "product"]
    edits = (
        Edit("column", "id", "nullable", world.stack(("app", 9))),
        Edit("column", "name", "comment", world.stack(("app", 10))),
    )
    world.table("product", ("core", 1), edits=edits)
    world.change("modify_nullable", "product", "id")
    found = [finding.message for finding in world.review().findings if finding.code == "AR105"]
    assert len(found) == 1
    assert "app changes the comment of the column name in place" in found[0]


def test_a_new_core_table_with_a_column_of_the_application_is_not_drift() -> None:
    world = started()
    world.table("fresh", ("core", 3), items=(Item("column", "mine", ("mine",), world.stack(("app", 9))),))
    world.change("add_table", "fresh")
    change = world.only()
    assert (change.verdict, change.cause) == (BLOCKED, "app")


def test_a_finding_about_a_revision_has_a_place_even_when_its_change_has_none() -> None:
    world = started()
    world.alterations.append(Alteration("app1", key("product"), "column", "added", "x", ("x",), None, "x"))
    world.change("remove_column", "product", "x")
    for finding in world.review().findings:
        assert finding.location is not None, finding.code
        assert finding.location.path == "app/versions/1.py"


def test_loose_migrations_beside_several_packages_are_the_projects_own() -> None:
    facts = _two_packages()
    review = _judged(facts)
    roles = {table.name: (table.owner, table.role) for table in review.tables}
    assert roles["app_widget"] == ("app", Role.CUSTOM)
    assert roles["billing_invoice"] == ("billing", Role.CUSTOM)
    assert roles["dropped"] == ("project", Role.CUSTOM)
    assert {change.table: change.verdict for change in review.changes} == {"app_widget": SAFE, "dropped": SAFE}


def test_tables_of_one_package_may_be_created_by_the_revisions_of_another() -> None:
    facts = _two_packages(package="app")
    (database,) = facts.databases
    tables = tuple(table for table in database.tables if table.key.name == "billing_invoice")
    origins = tuple(origin for origin in database.origins if origin.key.name == "billing_invoice")
    seen = replace(database, tables=tables, origins=origins, changes=(), database_tables=(key("billing_invoice"),))
    review = _judged(replace(facts, databases=(seen,)))
    assert [(table.owner, table.role) for table in review.tables] == [("billing", Role.CUSTOM)]


def _two_packages(package: str | None = None) -> Facts:
    """A plain project: the packages ``app`` and ``billing`` below its root, and revisions in a folder beside them."""
    world = World()
    world.table("app_widget", ("app", 1))
    world.table("billing_invoice", ("billing", 1))
    for name in ("app_widget", "billing_invoice", "dropped"):
        world.origins.append(Origin(key(name), "r1", package))
    world.change("add_column", "app_widget", "colour")
    world.change("remove_table", "dropped")
    facts = world.facts()
    folder = "/project/migrations/versions"
    frames = tuple(
        replace(frame, path=f"/project/{frame.package}/model.py") if frame.package == "billing" else frame
        for frame in facts.frames
    )
    packages = tuple(
        replace(entry, paths=(f"/project/{entry.name}",), distribution=None, installed=False)
        for entry in facts.packages
        if entry.name != "core"
    )
    return replace(
        facts,
        frames=frames,
        packages=packages,
        version_locations=(VersionLocation(folder, package),),
        revisions=(Revision("r1", f"{folder}/r1.py", package, folder),),
    )


def _judged(facts: Facts) -> Review:
    return judge(facts, Settings(root=ROOT), (), tool="test", server="none", root=".")
