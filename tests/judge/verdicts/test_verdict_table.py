"""The verdict table of the design, row by row: each of these fails when its row's rule is taken out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from alembic_review.model.facts import Origin
from alembic_review.model.review import Outcome
from tests.judge.world import (
    ANNEX_REVISION,
    APP_REVISION,
    CORE,
    CORE_REVISION,
    SETTINGS,
    World,
    basics,
    found,
    key,
    only,
    package,
    use,
    verdicts,
)


def custom_column(world: World) -> None:
    world.change("add_column", "poser_widget", "size")


def custom_removal(world: World) -> None:
    world.change("remove_column", "poser_widget", "shape")


def custom_type(world: World) -> None:
    world.change("modify_type", "poser_widget", "size")


def custom_key_to_core(world: World) -> None:
    world.change("add_fk", "poser_widget", "fk_product", columns=("product_uuid",))


def core_column_by_application(world: World) -> None:
    label = world.item("column", "label", ["poser:20"])
    world.table("store", ["basis:30"], by=CORE_REVISION, items=[label])
    world.change("add_column", "store", "label")


def core_column_by_revision(world: World) -> None:
    world.alter(APP_REVISION, "product", "column", "added", "label")
    world.change("remove_column", "product", "label")


def core_ahead(world: World) -> None:
    world.change("add_column", "product", "name")


def core_behind(world: World) -> None:
    world.change("remove_index", "product", "ix_old", columns=("name",))


def core_unexplained_item(world: World) -> None:
    label = world.item("column", "label", None)
    world.table("store", ["basis:30"], by=CORE_REVISION, items=[label])
    world.change("add_column", "store", "label")


def core_unexplained_edit(world: World) -> None:
    world.table("store", ["basis:30"], by=CORE_REVISION, edits=[world.edit("column", "uuid", "type")])
    world.change("modify_type", "store", "uuid")


def left_over_of_custom(world: World) -> None:
    world.databases[0].created("poser_old", APP_REVISION)
    world.change("remove_table", "poser_old")


def left_over_of_custom_unloaded(world: World) -> None:
    left_over_of_custom(world)
    world.declare("poser_old", "poser.old")


def left_over_of_custom_maybe_unloaded(world: World) -> None:
    left_over_of_custom(world)
    world.declare("poser_other", "poser.other")
    world.declare(None, "poser.old")


def left_over_of_custom_in_another_schema(world: World) -> None:
    left_over_of_custom(world)
    world.declare(None, "poser.old", schema="archive")


def left_over_of_custom_readable(world: World) -> None:
    left_over_of_custom(world)
    world.declare("poser_other", "poser.other")
    world.declare(None, "poser.model")


def left_over_of_core_maybe_unloaded(world: World) -> None:
    left_over_of_core(world)
    world.declare(None, "poser.old")


def left_over_of_core(world: World) -> None:
    world.databases[0].created("core_old", CORE_REVISION)
    world.change("remove_table", "core_old")


def left_over_of_core_renamed(world: World) -> None:
    world.databases[0].created("core_new", CORE_REVISION)
    world.alter(APP_REVISION, "core_old", "table", "renamed", "core_new")
    world.change("remove_table", "core_new")


def left_over_of_core_taken_out(world: World) -> None:
    world.table("store", ["basis:30"], by=CORE_REVISION, removed=True, removal=["poser:40"])
    world.change("remove_table", "store")


def left_over_of_core_unloaded(world: World) -> None:
    left_over_of_core(world)
    world.declare("core_old", "poser.old")


def left_over_of_nobody(world: World) -> None:
    world.databases[0].stray("stray")
    world.change("remove_table", "stray")


def existed_before(world: World) -> None:
    world.databases[0].existed("legacy")
    world.change("remove_table", "legacy")


def existed_before_for_others(world: World) -> None:
    existed_before(world)
    world.settings = replace(world.settings, owners={"legacy": "warehouse"})


def existed_before_for_others_altered(world: World) -> None:
    existed_before_for_others(world)
    world.alter(APP_REVISION, "legacy", "column", "added", "label")
    world.change("remove_column", "legacy", "label")
    del world.databases[0].changes[0]


def existed_before_and_declared(world: World) -> None:
    world.table("legacy", ["poser:30"])
    world.databases[0].existed("legacy")
    world.change("add_column", "legacy", "label")


def type_of_custom(world: World) -> None:
    users = (use("poser_widget", "size"), use("poser_widget", "size", "database"))
    world.change("op:AddEnumValuesOp", None, "grade", type_name="grade", type_users=users)


def type_of_both(world: World) -> None:
    world.table("store", ["basis:30"], by=CORE_REVISION, edits=[world.edit("column", "uuid", "type", ["poser:9"])])
    users = (use("poser_widget", "size"), use("store", "uuid"))
    world.change("op:AddEnumValuesOp", None, "grade", type_name="grade", type_users=users)


def type_of_core_in_the_database_only(world: World) -> None:
    world.databases[0].stray("stray")
    users = (use("poser_widget", "size"), use("stray", "grade", "database"))
    world.change("op:AddEnumValuesOp", None, "grade", type_name="grade", type_users=users)


def type_of_core(world: World) -> None:
    world.change("op:AddEnumValuesOp", None, "grade", type_name="grade", type_users=(use("product", "name"),))


def unreadable_operation(world: World) -> None:
    world.change("op:CreateTriggerOp", "poser_widget", "t", readable=False)


def operation_without_a_table(world: World) -> None:
    world.change("op:CreateViewOp", None, "v")


def operation_on_a_core_table(world: World) -> None:
    world.change("op:CreateTriggerOp", "product", "t")


def operation_on_a_custom_table(world: World) -> None:
    world.change("op:CreateTriggerOp", "poser_widget", "t")


def package_without_revisions(world: World) -> None:
    world.table("helper_user", ["helper:5"])
    world.change("add_table", "helper_user")


def package_without_revisions_with_a_table_from_elsewhere(world: World) -> None:
    world.table("helper_user", ["helper:5"], columns=("uuid", "name"))
    world.databases[0].stray("helper_user")
    world.change("add_column", "helper_user", "name")


def package_without_revisions_of_a_revision_in_no_package(world: World) -> None:
    world.revision("m1", None, "/srv/migrations")
    world.table("helper_user", ["helper:5"], by="m1", columns=("uuid", "name"))
    world.change("add_column", "helper_user", "name")


def package_without_revisions_through_a_helper(world: World) -> None:
    world.table("helper_user", ["scribe():5", "helper:5"])
    world.change("add_table", "helper_user")


def package_without_revisions_generated(world: World) -> None:
    world.table("helper_user", ["helper:5"])
    world.table("helper_user_copy", ["scribe():5"], sources=["helper_user"])
    world.change("add_table", "helper_user_copy")


def package_without_revisions_shared_type(world: World) -> None:
    world.table("helper_user", ["helper:5"], columns=("uuid", "mood"))
    users = (use("poser_widget", "size"), use("helper_user", "mood"))
    world.change("op:AddEnumValuesOp", None, "mood", type_name="mood", type_users=users)


def package_without_revisions_named_core(world: World) -> None:
    world.settings = replace(SETTINGS, core=("basis", "helper"))
    package_without_revisions(world)


def package_without_revisions_named_custom(world: World) -> None:
    world.packages.append(package("helper"))
    world.settings = replace(SETTINGS, custom=("poser", "helper"))
    package_without_revisions(world)


def package_without_revisions_named_owner(world: World) -> None:
    world.settings = replace(SETTINGS, owners={"helper_user": "helper"})
    package_without_revisions(world)


def package_without_revisions_of_a_custom_revision(world: World) -> None:
    world.table("helper_user", ["helper:5"], by=APP_REVISION, columns=("uuid", "name"))
    world.change("add_column", "helper_user", "name")


def package_without_revisions_of_a_core_revision(world: World) -> None:
    world.table("helper_user", ["helper:5"], by=CORE_REVISION, columns=("uuid", "name"))
    world.change("add_column", "helper_user", "name")


def package_without_revisions_altered(world: World) -> None:
    label = world.item("column", "label", ["poser:20"])
    world.table("helper_user", ["helper:5"], items=[label])
    world.databases[0].stray("helper_user")
    world.change("add_column", "helper_user", "label")


def version_table_of_another_history(world: World) -> None:
    world.databases[0].stray("alembic_version_annex")
    world.databases[0].version_tables.append(key("alembic_version_annex"))
    world.change("remove_table", "alembic_version_annex")


def version_table_that_a_custom_revision_created(world: World) -> None:
    world.databases[0].created("alembic_version_annex", APP_REVISION)
    world.databases[0].version_tables.append(key("alembic_version_annex"))
    world.change("remove_table", "alembic_version_annex")


def change_of_a_table_that_nobody_knows(world: World) -> None:
    world.change("add_table", "mystery")


ROWS: dict[str, tuple[Callable[[World], None], str]] = {
    "custom table: added": (custom_column, "safe add_column poser_widget.size"),
    "custom table: removed": (custom_removal, "safe remove_column poser_widget.shape"),
    "custom table: modified": (custom_type, "safe modify_type poser_widget.size"),
    "custom table: foreign key to core": (custom_key_to_core, "safe add_fk poser_widget.fk_product"),
    "custom table: plugin": (operation_on_a_custom_table, "safe op:CreateTriggerOp poser_widget.t"),
    "core table: by the application's code": (core_column_by_application, "blocked add_column store.label"),
    "core table: by a custom revision": (core_column_by_revision, "blocked remove_column product.label"),
    "core table: models ahead": (core_ahead, "upstream add_column product.name"),
    "core table: models behind": (core_behind, "upstream remove_index product.ix_old"),
    "core table: unexplained item": (core_unexplained_item, "blocked add_column store.label"),
    "core table: unexplained edit": (core_unexplained_edit, "blocked modify_type store.uuid"),
    "core table: plugin": (operation_on_a_core_table, "blocked op:CreateTriggerOp product.t"),
    "no model, custom revision": (left_over_of_custom, "safe remove_table poser_old"),
    "no model, custom revision, unloaded": (left_over_of_custom_unloaded, "blocked remove_table poser_old"),
    "no model, custom revision, maybe unloaded": (
        left_over_of_custom_maybe_unloaded,
        "blocked remove_table poser_old",
    ),
    "no model, custom revision, another schema": (
        left_over_of_custom_in_another_schema,
        "safe remove_table poser_old",
    ),
    "no model, custom revision, all readable": (left_over_of_custom_readable, "safe remove_table poser_old"),
    "no model, core revision, custom module unloaded": (
        left_over_of_core_maybe_unloaded,
        "upstream remove_table core_old",
    ),
    "no model, core revision": (left_over_of_core, "upstream remove_table core_old"),
    "no model, core revision, renamed": (left_over_of_core_renamed, "blocked remove_table core_new"),
    "no model, core revision, taken out": (left_over_of_core_taken_out, "blocked remove_table store"),
    "no model, core revision, unloaded": (left_over_of_core_unloaded, "blocked remove_table core_old"),
    "no model, no revision": (left_over_of_nobody, "blocked remove_table stray"),
    "no model, before the first revision": (existed_before, "blocked remove_table legacy"),
    "no model, before the first revision, somebody else's": (existed_before_for_others, "upstream remove_table legacy"),
    "no model, before the first revision, somebody else's, altered": (
        existed_before_for_others_altered,
        "blocked remove_column legacy.label",
    ),
    "before the first revision, custom model": (existed_before_and_declared, "safe add_column legacy.label"),
    "shared type: custom": (type_of_custom, "safe op:AddEnumValuesOp grade"),
    "shared type: both": (type_of_both, "blocked op:AddEnumValuesOp grade"),
    "shared type: unknown table": (type_of_core_in_the_database_only, "blocked op:AddEnumValuesOp grade"),
    "shared type: core": (type_of_core, "upstream op:AddEnumValuesOp grade"),
    "unreadable operation": (unreadable_operation, "blocked op:CreateTriggerOp poser_widget.t"),
    "operation without a table": (operation_without_a_table, "blocked op:CreateViewOp v"),
    "package without revisions": (package_without_revisions, "blocked add_table helper_user"),
    "package without revisions: table from elsewhere": (
        package_without_revisions_with_a_table_from_elsewhere,
        "blocked add_column helper_user.name",
    ),
    "package without revisions: revision in no package": (
        package_without_revisions_of_a_revision_in_no_package,
        "blocked add_column helper_user.name",
    ),
    "package without revisions: through a helper": (
        package_without_revisions_through_a_helper,
        "blocked add_table helper_user",
    ),
    "package without revisions: generated": (package_without_revisions_generated, "blocked add_table helper_user_copy"),
    "package without revisions: shared type": (
        package_without_revisions_shared_type,
        "blocked op:AddEnumValuesOp mood",
    ),
    "package without revisions: named core": (package_without_revisions_named_core, "upstream add_table helper_user"),
    "package without revisions: named custom": (package_without_revisions_named_custom, "safe add_table helper_user"),
    "package without revisions: named owner": (package_without_revisions_named_owner, "upstream add_table helper_user"),
    "package without revisions: custom revision": (
        package_without_revisions_of_a_custom_revision,
        "safe add_column helper_user.name",
    ),
    "package without revisions: core revision": (
        package_without_revisions_of_a_core_revision,
        "upstream add_column helper_user.name",
    ),
    "package without revisions: altered": (package_without_revisions_altered, "blocked add_column helper_user.label"),
    "version table of another environment": (
        version_table_of_another_history,
        "blocked remove_table alembic_version_annex",
    ),
    "version table, custom revision": (
        version_table_that_a_custom_revision_created,
        "blocked remove_table alembic_version_annex",
    ),
    "unknown table": (change_of_a_table_that_nobody_knows, "blocked add_table mystery"),
}


@pytest.mark.parametrize(("build", "expected"), ROWS.values(), ids=ROWS)
def test_row(build: Callable[[World], None], expected: str) -> None:
    world = basics()
    build(world)
    review = world.review()
    assert verdicts(review) == [expected]
    blocked = expected.startswith("blocked")
    assert review.outcome is (Outcome.BLOCKED if blocked else Outcome.SAFE if "safe" in expected else Outcome.CLEAN)
    assert review.gate.refused is blocked
    assert [finding.change for finding in found(review, "AR101")] == [only(review).fingerprint] * blocked


DESTRUCTIVE = {
    "custom table: removed",
    "no model, custom revision",
    "no model, custom revision, another schema",
    "no model, custom revision, all readable",
}


@pytest.mark.parametrize("row", ROWS)
def test_what_throws_custom_data_away_is_safe_and_says_so(row: str) -> None:
    world = basics()
    ROWS[row][0](world)
    review = world.review()
    assert bool(found(review, "AR201")) is (row in DESTRUCTIVE)
    assert ("AR201" in only(review).findings) is (row in DESTRUCTIVE)


@pytest.mark.parametrize(
    ("row", "owner", "cause"),
    [
        ("custom table: added", "poser", "poser"),
        ("core table: by the application's code", "basis", "poser"),
        ("core table: by a custom revision", "basis", "poser"),
        ("core table: models ahead", "basis", "basis"),
        ("core table: unexplained item", "basis", None),
        ("no model, no revision", None, None),
        ("no model, core revision", "basis", "basis"),
        ("no model, custom revision, unloaded", "poser", "poser"),
        ("no model, custom revision, maybe unloaded", "poser", None),
        ("package without revisions", "helper", None),
        ("package without revisions: table from elsewhere", "helper", None),
        ("package without revisions: generated", "helper", None),
        ("package without revisions: shared type", "helper", None),
        ("package without revisions: custom revision", "poser", "poser"),
        ("package without revisions: core revision", "basis", "helper"),
        ("package without revisions: altered", "helper", "poser"),
        ("version table of another environment", None, None),
        ("shared type: custom", "poser", "poser"),
        ("shared type: both", "basis", "poser"),
        ("shared type: core", "basis", "basis"),
    ],
)
def test_owner_and_cause(row: str, owner: str | None, cause: str | None) -> None:
    world = basics()
    ROWS[row][0](world)
    change = only(world.review())
    assert (change.owner, change.cause) == (owner, cause)


def test_the_reason_names_what_to_look_at() -> None:
    said = {}
    for row, (build, _) in ROWS.items():
        world = basics()
        build(world)
        said[row] = only(world.review()).reason
    assert "poser adds this column" in said["core table: by the application's code"]
    assert (
        "revision a1 of poser added the column label; this change would revert it. "
        in said["core table: by a custom revision"]
    )
    assert "basis' models and revisions differ without your application" in said["core table: models ahead"]
    assert "the code that adds this column is unknown" in said["core table: unexplained item"]
    assert "changes the type of the column uuid in place" in said["core table: unexplained edit"]
    assert "Import poser.old" in said["no model, custom revision, unloaded"]
    assert "Import poser.old" in said["no model, custom revision, maybe unloaded"]
    assert "can't be read" in said["no model, custom revision, maybe unloaded"]
    assert "Name the owner of stray in the settings" in said["no model, no revision"]
    assert 'core = ["basis", "helper"]' in said["package without revisions"]
    assert 'custom = ["helper", "poser"]' in said["package without revisions"]
    assert "the version table of another Alembic environment" in said["version table of another environment"]
    assert "poser changes the type of the column uuid in place" in said["shared type: both"]
    assert all(reason.endswith(".") and reason.count(". ") <= 1 for reason in said.values())


def test_removals_that_come_with_an_unloaded_table_are_blocked_too() -> None:
    world = basics()
    left_over_of_custom_unloaded(world)
    world.change("remove_index", "poser_old", "ix_old", columns=("x",))
    assert verdicts(world.review()) == ["blocked remove_index poser_old.ix_old", "blocked remove_table poser_old"]


def custom_only(world: World) -> World:
    """The same without the core's table."""
    database = world.databases[0]
    del database.tables[0], database.origins[0], database.present[0]
    return world


def added(_world: World) -> None:
    """Nothing else."""


def a_stray_table(world: World) -> None:
    world.databases[0].stray("stray")


def a_core_table_to_come(world: World) -> None:
    world.table("store", ["basis:30"])


def a_core_table_taken_out(world: World) -> None:
    world.table("store", ["basis:30"], removed=True)


def a_core_table_dropped(world: World) -> None:
    world.databases[0].former.append(Origin(key("store"), CORE_REVISION, CORE))


@pytest.mark.parametrize(
    ("besides", "verdict"),
    [
        (added, "safe"),
        (a_stray_table, "blocked"),
        (a_core_table_to_come, "blocked"),
        (a_core_table_taken_out, "safe"),
        (a_core_table_dropped, "safe"),
    ],
)
@pytest.mark.parametrize("type_name", [None, "grade"])
def test_an_operation_of_a_plugin_without_a_table_is_safe_where_every_table_is_custom(
    besides: Callable[[World], None], verdict: str, type_name: str | None
) -> None:
    world = custom_only(basics())
    besides(world)
    world.change("op:CreateOp", None, "cheap_items", readable=False, type_name=type_name)
    review = world.review()
    assert verdicts(review) == [f"{verdict} op:CreateOp cheap_items"]
    change = review.changes[0]
    assert change.owner == ("poser" if verdict == "safe" else None)
    assert change.reason.startswith("CreateOp is an operation of a plugin, and ")
    assert ("every table of this database is yours." in change.reason) is (verdict == "safe")


def test_an_operation_of_a_plugin_is_written_by_the_package_with_the_most_tables() -> None:
    world = custom_only(basics())
    world.settings = replace(SETTINGS, custom=("poser", "annex"))
    world.table("annex_one", ["annex:20"], by=ANNEX_REVISION)
    world.table("annex_two", ["annex:21"], by=ANNEX_REVISION)
    world.change("op:CreateOp", None, "cheap_items", readable=False)
    assert only(world.review()).owner == "annex"


def test_another_database_with_core_tables_makes_no_difference() -> None:
    world = basics()
    other = world.database("other")
    other.table("poser_log", ["poser:40"], by=APP_REVISION)
    other.change("op:CreateOp", None, "recent", readable=False)
    assert verdicts(world.review()) == ["safe op:CreateOp recent"]
