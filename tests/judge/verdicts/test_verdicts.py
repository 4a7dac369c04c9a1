"""One test, or more, for each row of the verdict table."""

from __future__ import annotations

from typing import Any

import pytest

from alembic_review.model.errors import ObservationError, UsageError
from alembic_review.model.facts import Frame
from alembic_review.model.review import Outcome, Role, Verdict
from tests.judge.build import SITE, Alteration, DeclaredTable, Edit, Item, Origin, TypeUse, World, key, started

BLOCKED, SAFE, UPSTREAM = Verdict.BLOCKED, Verdict.SAFE, Verdict.UPSTREAM


def product(world: World, **values: Any) -> None:
    """Put the core table back into the world with other values."""
    world.tables = [table for table in world.tables if table.key.name != "product"]
    world.table("product", ("core", 1), **values)


@pytest.mark.parametrize("kind", ["add_column", "remove_column", "modify_type", "add_index", "add_fk", "remove_table"])
def test_a_change_to_a_custom_table_is_safe(kind: str) -> None:
    world = started()
    world.change(kind, "app_widget", "colour")
    change = world.only()
    assert (change.verdict, change.owner, change.cause) == (SAFE, "app", "app")


def test_a_new_custom_table_is_safe() -> None:
    world = started()
    world.table("app_new", ("app", 5))
    world.change("add_table", "app_new")
    assert world.only().verdict is SAFE


@pytest.mark.parametrize("steps", [[("app", 7)], [("core", 3), ("app", 7)], [("helper", 2), ("app", 7)]])
def test_an_item_that_the_application_hangs_onto_a_core_table_is_blocked(steps: list[tuple[str, int]]) -> None:
    world = started()
    product(world, items=(Item("column", "label", ("label",), world.stack(*steps)),))
    world.change("add_column", "product", "label")
    change = world.only()
    assert (change.verdict, change.owner, change.cause) == (BLOCKED, "core", "app")
    assert change.location is not None
    assert (change.location.base, change.location.path, change.location.line) == ("project", "app/model.py", 7)
    assert change.findings == ("AR101",)


def test_a_frame_that_also_stands_in_the_stack_of_the_table_is_no_tampering() -> None:
    world = started()
    world.tables = [table for table in world.tables if table.key.name != "product"]
    item = Item("index", "ix", ("id",), world.stack(("core", 4), ("app", 9)))
    world.table("product", ("core", 1), ("app", 9), items=(item,))
    world.change("add_index", "product", "ix")
    assert world.only().verdict is UPSTREAM


def test_a_helper_called_on_the_same_line_as_the_core_s_own_function_is_tampering() -> None:
    world = started()
    world.tables = [table for table in world.tables if table.key.name != "product"]
    world.frames.append(Frame(f"{SITE}/core/model.py", 40, "add_note", "core", "core.model"))
    helper = len(world.frames) - 1
    world.stacks.append((helper, world.frame("app", 9)))
    item = Item("column", "note", ("note",), len(world.stacks) - 1)
    world.table("product", ("core", 1), ("app", 9), items=(item,))
    world.change("add_column", "product", "note")
    assert world.only().verdict is BLOCKED


def test_a_column_that_the_application_makes_and_the_core_attaches_is_blocked() -> None:
    world = started()
    world.tables = [table for table in world.tables if table.key.name != "product"]
    attached, made = world.stack(("core", 1), ("app", 9)), world.stack(("app", 9))
    world.table("product", ("core", 1), ("app", 9), items=(Item("column", "mine", ("mine",), attached, made=made),))
    world.change("add_column", "product", "mine")
    assert world.only().verdict is BLOCKED


def test_drift_of_the_core_is_upstream() -> None:
    world = started()
    product(world, items=(Item("column", "extra", ("extra",), world.stack(("core", 8))),))
    world.change("add_column", "product", "extra")
    change = world.only()
    assert (change.verdict, change.cause) == (UPSTREAM, "core")
    assert world.review().outcome is Outcome.CLEAN


def test_what_an_integration_package_of_the_core_adds_is_upstream() -> None:
    world = started()
    product(world, items=(Item("column", "extra", ("extra",), world.stack(("addon", 8))),))
    world.change("add_column", "product", "extra")
    assert (world.only().verdict, world.only().cause) == (UPSTREAM, "addon")


def test_an_item_that_nobody_was_seen_adding_is_blocked() -> None:
    world = started()
    product(world, items=(Item("column", "extra", ("extra",), None),))
    world.change("add_column", "product", "extra")
    change = world.only()
    assert (change.verdict, change.cause) == (BLOCKED, None)
    assert "the cause of the change is unknown" in change.reason


@pytest.mark.parametrize(
    ("edit", "kind", "name"),
    [
        (("column", "id", "type"), "modify_type", "id"),
        (("column", "id", "nullable"), "modify_nullable", "id"),
        (("column", "id", "server_default"), "modify_default", "id"),
        (("column", "id", "comment"), "modify_comment", "id"),
        (("column", "gone", "removed"), "remove_column", "gone"),
        (("index", "ix", "removed"), "remove_index", "ix"),
        (("constraint", "uq", "removed"), "remove_constraint", "uq"),
        (("index", "ix", "changed"), "add_index", "ix"),
        (("table", None, "comment"), "add_table_comment", None),
    ],
)
@pytest.mark.parametrize(("steps", "verdict", "cause"), [((("app", 7),), BLOCKED, "app"), ((), BLOCKED, None)])
def test_a_change_in_place_is_blocked(  # noqa: PLR0917 - pytest passes them by name
    edit: tuple[str, str | None, str],
    kind: str,
    name: str | None,
    steps: tuple[tuple[str, int], ...],
    verdict: Verdict,
    cause: str | None,
) -> None:
    world = started()
    product(world, edits=(Edit(*edit, world.stack(*steps) if steps else None),))
    world.change(kind, "product", name)
    change = world.only()
    assert (change.verdict, change.cause) == (verdict, cause)


def test_a_change_in_place_by_the_core_itself_is_upstream() -> None:
    world = started()
    product(world, edits=(Edit("column", "id", "nullable", world.stack(("core", 7))),))
    world.change("modify_nullable", "product", "id")
    assert world.only().verdict is UPSTREAM


def test_an_edit_of_another_column_does_not_matter() -> None:
    world = started()
    product(world, edits=(Edit("column", "other", "nullable", world.stack(("app", 7))),))
    world.change("modify_nullable", "product", "id")
    assert world.only().verdict is UPSTREAM


@pytest.mark.parametrize(
    ("alteration", "kind", "name"),
    [
        (Alteration("app1", key("product"), "column", "removed", "id", ("id",), "x", None), "add_column", "id"),
        (
            Alteration("app1", key("product"), "column", "added", "extra", ("extra",), None, "x"),
            "remove_column",
            "extra",
        ),
        (Alteration("app1", key("product"), "column", "changed", "id", ("id",), "x", "y"), "modify_type", "id"),
        (Alteration("app1", key("product"), "index", "removed", "ix", ("id",), "x", None), "add_index", "ix"),
        (Alteration("app1", key("product"), "table", "dropped"), "add_table", None),
        (Alteration("app1", key("product"), "table", "dropped_or_renamed"), "add_table", None),
        (Alteration("app1", key("product"), "table", "renamed", "elsewhere"), "add_table", None),
    ],
)
def test_what_a_custom_revision_altered_is_blocked_and_names_the_revision(
    alteration: Alteration, kind: str, name: str | None
) -> None:
    world = started()
    world.alterations.append(alteration)
    world.change(kind, "product", name)
    review = world.review()
    (change,) = review.changes
    assert (change.verdict, change.cause) == (BLOCKED, "app")
    assert "app1" in change.reason
    assert "AR106" in {finding.code for finding in review.findings}


def test_what_a_core_revision_altered_is_the_cores_own() -> None:
    world = started()
    world.alterations.append(Alteration("core1", key("product"), "column", "changed", "id", ("id",), "x", "y"))
    world.change("modify_type", "product", "id")
    assert world.only().verdict is UPSTREAM


def test_a_table_that_no_model_declares_belongs_to_whose_revision_created_it() -> None:
    world = started()
    world.created("app_old", "app")
    world.created("core_old", "core")
    world.change("remove_table", "app_old")
    world.change("remove_table", "core_old")
    review = world.review()
    assert [(change.table, change.verdict) for change in review.changes] == [("app_old", SAFE), ("core_old", UPSTREAM)]
    assert [finding.code for finding in review.findings if finding.table == "app_old"] == ["AR201"]


def test_a_table_that_no_revision_created_and_no_model_declares_is_blocked() -> None:
    world = started()
    world.change("remove_table", "stray")
    assert world.only().verdict is BLOCKED


@pytest.mark.parametrize("package", ["app", "core"])
def test_a_table_that_an_unloaded_module_declares_is_not_dropped(package: str) -> None:
    world = started()
    world.created("gadget", package)
    world.declared.append(DeclaredTable("app", "app.gadget", "gadget", "/project/app/gadget.py", 4))
    world.change("remove_table", "gadget")
    review = world.review()
    (change,) = review.changes
    assert change.verdict is BLOCKED
    (finding,) = [finding for finding in review.findings if finding.code == "AR104"]
    assert "from app import gadget" in finding.hint


@pytest.mark.parametrize(("removal", "verdict"), [((("app", 7),), BLOCKED), ((), BLOCKED), ((("core", 7),), UPSTREAM)])
def test_a_core_table_whose_model_was_taken_out(removal: tuple[tuple[str, int], ...], verdict: Verdict) -> None:
    world = started()
    product(world, removed=True, removal=world.stack(*removal) if removal else None)
    world.change("remove_table", "product")
    assert world.only().verdict is verdict


def test_a_table_that_a_core_factory_makes_for_the_application_is_blocked_until_a_revision_tells() -> None:
    world = started()
    world.table("log", ("core", 30), ("app", 8))
    world.change("add_table", "log")
    change = world.only()
    assert change.verdict is BLOCKED
    assert 'owners = {"log" = "app"}' in change.reason
    assert world.only(owners={"log": "app"}).verdict is SAFE
    world.created("log", "app")
    assert world.only().verdict is SAFE


def test_a_metaclass_of_the_core_is_no_factory() -> None:
    world = started()
    world.table("app_new", ("app", 5), hook="core")
    world.change("add_table", "app_new")
    assert world.only().verdict is SAFE


def test_a_generated_table_belongs_to_the_owner_of_its_source_and_its_columns_have_the_same_cause() -> None:
    world = started()
    extra = Item("column", "extra", ("extra",), world.stack(("app", 7)))
    product(world, items=(extra,))
    copied = Item("column", "extra", ("extra",), world.stack(("generator()", 3)))
    own = Item("column", "stamp", ("stamp",), world.stack(("generator()", 4)))
    world.table("product_copy", ("generator()", 1), sources=(key("product"),), items=(copied, own))
    world.change("add_column", "product_copy", "extra")
    world.change("add_column", "product_copy", "stamp")
    changes = {change.name: change for change in world.review().changes}
    assert (changes["extra"].verdict, changes["extra"].cause, changes["extra"].owner) == (BLOCKED, "app", "core")
    assert (changes["stamp"].verdict, changes["stamp"].cause) == (UPSTREAM, "generator")


def test_witnesses_that_disagree_block_until_the_settings_decide() -> None:
    world = started()
    world.table("shared", ("core", 40))
    world.created("shared", "app")
    world.change("add_column", "shared", "x")
    review = world.review()
    assert review.changes[0].verdict is BLOCKED
    assert {finding.code for finding in review.findings} == {"AR101", "AR102", "AR511"}
    assert world.only(owners={"shared": "app"}).verdict is SAFE


@pytest.mark.parametrize(
    ("users", "verdict"),
    [(["app_widget"], SAFE), (["app_widget", "product"], UPSTREAM), (["product"], UPSTREAM), ([], BLOCKED)],
)
def test_a_shared_type_is_safe_only_when_all_its_users_are_custom(users: list[str], verdict: Verdict) -> None:
    world = started()
    uses = tuple(TypeUse(key(name), "id", "models", ("good", "bad")) for name in users)
    world.change("op:SyncEnumValuesOp", None, "mood", type_users=uses, type_name="mood", readable=bool(users))
    assert world.only().verdict is verdict


def test_a_shared_type_of_the_core_that_the_application_changed_in_place_is_blocked() -> None:
    world = started()
    product(world, edits=(Edit("column", "id", "type", None),))
    uses = (TypeUse(key("product"), "id", "models"),)
    world.change("op:SyncEnumValuesOp", None, "mood", type_users=uses, type_name="mood")
    assert world.only().verdict is BLOCKED


@pytest.mark.parametrize("table", [None, "app_widget"])
def test_an_operation_that_can_not_be_read_is_blocked(table: str | None) -> None:
    world = started()
    world.change("op:CreateTrigger", table, "t", readable=False)
    assert world.only().verdict is BLOCKED


def test_damage_blocks_although_nothing_is_pending() -> None:
    world = started()
    product(world, items=(Item("column", "label", ("label",), world.stack(("app", 7))),))
    world.alterations.append(Alteration("app1", key("product"), "column", "added", "label", ("label",), None, "x"))
    review = world.review()
    assert (review.outcome, review.gate.refused) == (Outcome.BLOCKED, True)
    assert {finding.code for finding in review.findings} == {"AR105", "AR106"}
    places = {finding.location.path for finding in review.findings if finding.location is not None}
    assert "app/model.py" in places


@pytest.mark.parametrize("code", ["AR105", "AR106"])
def test_each_kind_of_damage_blocks_by_itself(code: str) -> None:
    world = started()
    if code == "AR105":
        product(world, items=(Item("column", "label", ("label",), world.stack(("app", 7))),))
    else:
        world.alterations.append(Alteration("app1", key("product"), "column", "added", "x", ("x",), None, "x"))
    review = world.review()
    assert [(finding.code, finding.blocks) for finding in review.findings] == [(code, True)]
    assert (review.outcome, review.gate.refused) == (Outcome.BLOCKED, True)


def test_a_dropped_core_table_is_damage_even_when_nobody_declares_it_any_more() -> None:
    world = started()
    world.former.append(Origin(key("core_gone"), "core1", "core"))
    world.alterations.append(Alteration("app1", key("core_gone"), "table", "dropped"))
    assert [finding.code for finding in world.review().findings] == ["AR106"]


def test_nothing_is_custom_when_the_settings_say_so() -> None:
    world = started()
    world.change("add_column", "app_widget", "id")
    review = world.review(custom=())
    assert {table.role for table in review.tables} == {Role.CORE}
    assert review.changes[0].verdict is UPSTREAM


def test_an_owner_that_the_settings_do_not_name_is_an_error() -> None:
    with pytest.raises(UsageError, match="core"):
        started().review(core=("another",))


def test_no_model_at_all_is_an_error() -> None:
    world = started()
    world.tables.clear()
    with pytest.raises((ObservationError, UsageError)):
        world.review(custom=("app",))


def test_no_model_of_a_custom_package_that_has_tables_is_an_error() -> None:
    world = started()
    world.tables = [table for table in world.tables if table.key.name == "product"]
    with pytest.raises(ObservationError, match="app_widget"):
        world.review()
