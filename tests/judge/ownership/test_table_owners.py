"""Owner and role of each table: definition, provenance, generators, factories, settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alembic_review.model.errors import UsageError
from alembic_review.model.facts import Origin, Package
from alembic_review.model.review import Role, Verdict
from tests.judge.world import (
    ANNEX_REVISION,
    APP_REVISION,
    CORE_REVISION,
    ROOT,
    SETTINGS,
    World,
    basics,
    found,
    key,
    only,
    package,
    table,
    verdicts,
)


def owned(world: World, name: str) -> tuple[str | None, str]:
    """Owner and role of a table as the report says them."""
    entry = table(world.review(), name)
    return entry.owner, entry.role.value


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (["poser:20"], ("poser", "custom")),
        (["basis:20"], ("basis", "core")),
        (["annex:20"], ("annex", "core")),
        (["helper:5", "poser:20"], ("poser", "custom")),
        (["helper:5", "annex:20"], ("annex", "core")),
        (["poser:20", "basis:5"], ("poser", "custom")),
        (["!basis:5", "poser:20"], ("poser", "custom")),
        (["./tool.py:20"], ("poser", "custom")),
        (["basis:5", "poser:20"], (None, "unknown")),
        (["helper():5"], (None, "unknown")),
        (["helper():5", "helper:9"], ("helper", "core")),
        (["scribe():5", "helper:9"], ("helper", "core")),
        (["helper:5", "helper():9"], ("helper", "core")),
        (["/etc/tool.py:5"], (None, "unknown")),
        (None, (None, "unknown")),
    ],
    ids=[
        "application",
        "core",
        "second core package",
        "helper of the application",
        "helper of the core",
        "called by the core",
        "hook of the core",
        "loose file",
        "factory of the core",
        "function of a package without revisions",
        "package without revisions",
        "package without revisions, through a helper",
        "class body in a function",
        "no package",
        "unseen",
    ],
)
def test_a_new_table_belongs_to_the_innermost_owner(at: list[str] | None, expected: tuple[str | None, str]) -> None:
    world = basics()
    world.table("thing", at)
    assert owned(world, "thing") == expected


@pytest.mark.parametrize("at", [["basis:5", "poser:20"], ["helper:5"], ["helper():5"], ["/etc/tool.py:5"], None])
@pytest.mark.parametrize(("by", "expected"), [(APP_REVISION, ("poser", "custom")), (CORE_REVISION, ("basis", "core"))])
def test_without_a_definition_the_creating_revision_tells(
    at: list[str] | None, by: str, expected: tuple[str, str]
) -> None:
    world = basics()
    world.table("thing", at, by=by)
    assert owned(world, "thing") == expected


def test_a_new_table_of_a_core_factory_asks_for_the_setting() -> None:
    world = basics()
    world.table("log", ["basis:5", "poser:20"])
    world.change("add_table", "log")
    review = world.review()
    change = only(review)
    assert change.verdict is Verdict.BLOCKED
    assert "A function of the framework defines this table for the application" in change.reason
    assert 'owners = {"log" = "poser"}' in change.reason
    (finding,) = found(review, "AR103")
    assert finding.hint == 'Name the owner in the settings: owners = {"log" = "poser"}.'
    world.settings = replace(SETTINGS, owners={"log": "poser"})
    assert verdicts(world.review()) == ["safe add_table log"]


def test_tables_that_the_application_lets_the_core_define_are_the_core_s() -> None:
    world = basics()
    world.table("journal", ["basis:5", "poser:20"], by=CORE_REVISION)
    world.change("remove_index", "journal", "ix")
    review = world.review()
    assert table(review, "journal").evidence == (
        "created by basis for the application at poser/model.py:20",
        "created by revision c1 (basis)",
    )
    assert verdicts(review) == ["upstream remove_index journal.ix"]


def test_settings_decide_before_any_witness() -> None:
    world = basics()
    world.settings = replace(SETTINGS, owners={"product": "poser", "log.poser_widget": "basis"})
    world.table("log.poser_widget", ["poser:30"], by=APP_REVISION)
    assert owned(world, "product") == ("poser", "custom")
    assert table(world.review(), "product").evidence[0] == "`owners` in the settings: poser"
    roles = {entry.schema: entry.role for entry in world.review().tables if entry.name == "poser_widget"}
    assert roles == {None: Role.CUSTOM, "log": Role.CORE}


@pytest.mark.parametrize(("at", "by"), [(["poser:20"], CORE_REVISION), (["basis:20"], APP_REVISION)])
def test_witnesses_that_disagree_block_until_the_settings_decide(at: list[str], by: str) -> None:
    world = basics()
    world.table("badge", at, by=by, columns=("uuid", "name"))
    world.change("add_column", "badge", "name")
    review = world.review()
    assert owned(world, "badge")[1] == "unknown"
    assert only(review).verdict is Verdict.BLOCKED
    assert "Name the owner in the settings" in only(review).reason
    (finding,) = found(review, "AR102")
    assert (finding.revision, finding.blocks) == (by, False)
    assert found(review, "AR103") == []
    world.settings = replace(SETTINGS, owners={"badge": "poser"})
    assert {change.verdict for change in world.review().changes} == {Verdict.SAFE}
    assert found(world.review(), "AR102") == []


def test_two_core_packages_that_disagree_are_disputed() -> None:
    world = basics()
    world.table("annex_thing", ["annex:20"], by=ANNEX_REVISION)
    world.table("badge", ["basis:20"], by=ANNEX_REVISION)
    assert owned(world, "badge") == ("basis", "unknown")


def test_a_core_package_that_only_holds_revisions_is_no_other_owner() -> None:
    world = basics()
    world.table("badge", ["basis:20"], by=ANNEX_REVISION)
    assert owned(world, "badge") == ("basis", "core")


def test_a_core_package_that_makes_a_table_with_a_function_of_another() -> None:
    world = basics()
    world.table("annex_thing", ["annex:20"], by=ANNEX_REVISION)
    world.table("annex_log", ["basis:5", "annex:21"], by=ANNEX_REVISION)
    assert owned(world, "annex_log") == ("annex", "core")


def two_custom() -> World:
    world = basics()
    world.settings = replace(SETTINGS, custom=("poser", "annex"))
    world.table("annex_thing", ["annex:20"], by=ANNEX_REVISION)
    return world


def test_among_the_application_s_own_packages_there_is_nothing_to_disagree_about() -> None:
    world = two_custom()
    world.table("annex_badge", ["annex:30"], by=APP_REVISION, columns=("uuid", "name"))
    world.change("add_column", "annex_badge", "name")
    review = world.review()
    assert owned(world, "annex_badge") == ("annex", "custom")
    assert (verdicts(review), review.findings) == (["safe add_column annex_badge.name"], ())


def test_two_custom_packages_are_both_the_application() -> None:
    world = two_custom()
    label = world.item("column", "label", ["annex:31"])
    world.table("store", ["basis:30"], by=CORE_REVISION, items=[label])
    world.change("add_column", "store", "label")
    world.change("add_table", "annex_thing")
    review = world.review()
    assert verdicts(review) == ["safe add_table annex_thing", "blocked add_column store.label"]
    assert review.changes[1].cause == "annex"


@pytest.mark.parametrize(
    ("source", "expected"), [("product", ("basis", "core")), ("poser_widget", ("poser", "custom"))]
)
def test_a_generated_table_belongs_to_the_owner_of_its_source_until_a_revision_tells(
    source: str, expected: tuple[str, str]
) -> None:
    world = basics()
    world.table("copy", ["scribe():1"], sources=[source])
    assert owned(world, "copy") == expected
    assert f"generated from {source}" in table(world.review(), "copy").evidence
    world.databases[0].created("copy", ANNEX_REVISION)
    assert owned(world, "copy") == ("annex", "core")


def test_a_generated_table_of_a_generated_table() -> None:
    world = basics()
    world.table("copy", ["scribe():1"], sources=["poser_widget"])
    world.table("copy_of_copy", ["scribe():2"], sources=["copy"])
    assert owned(world, "copy_of_copy") == ("poser", "custom")


@pytest.mark.parametrize("sources", [[], ["product", "poser_widget"], ["nowhere"], ["copy"]])
def test_a_generator_that_can_not_be_read_leaves_the_owner_open(sources: list[str]) -> None:
    world = basics()
    world.table("copy", ["scribe():1"], sources=sources)
    world.change("add_table", "copy")
    assert owned(world, "copy") == (None, "unknown")
    assert verdicts(world.review()) == ["blocked add_table copy"]


@pytest.mark.parametrize("created", [False, True])
def test_tables_that_are_generated_from_each_other_leave_the_owner_open(created: bool) -> None:
    world = basics()
    world.revision("m1", None, "/srv/migrations")
    for name, source in (("one", "two"), ("two", "three"), ("three", "two")):
        world.table(name, ["scribe():1"], sources=[source], by="m1" if created else None)
        world.change("add_column", name, "uuid")
    world.settings = replace(SETTINGS, owners={"one": "basis"})
    roles = {entry.name: entry.role for entry in world.review().tables}
    assert (roles["two"], roles["three"]) == (Role.UNKNOWN, Role.UNKNOWN)


def test_what_is_generated_from_a_disputed_table_is_disputed() -> None:
    world = basics()
    world.table("badge", ["poser:20"], by=CORE_REVISION)
    world.table("copy", ["scribe():1"], sources=["badge"])
    world.change("add_table", "copy")
    review = world.review()
    assert only(review).verdict is Verdict.BLOCKED
    assert "generated from a table with conflicting ownership" in only(review).reason
    assert [finding.table for finding in found(review, "AR102")] == ["badge"]


def test_an_extension_table_refers_to_a_core_table_with_its_whole_primary_key() -> None:
    world = basics()
    world.table("poser_product", ["poser:20"], extends=key("product"))
    world.table("poser_part", ["poser:30"], extends=key("poser_widget"))
    world.table("basis_part", ["basis:40"], extends=key("product"))
    world.table("poser_line", ["poser:50"], references=(key("poser_part"), key("other.product")))
    review = world.review()
    assert table(review, "poser_line").references == ("poser_part", "other.product")
    extends = {entry.name: entry.extends for entry in review.tables}
    assert (extends["poser_product"], extends["poser_part"], extends["product"]) == ("product", None, None)


def test_only_what_is_there_is_listed_and_in_order() -> None:
    world = basics()
    world.table("taken", ["basis:30"], removed=True)
    world.databases[0].former.append(Origin(key("gone"), CORE_REVISION, "basis"))
    world.table("log.entry", ["basis:31"])
    world.databases[0].stray("left")
    names = [(entry.schema, entry.name) for entry in world.review().tables]
    assert names == [(None, "left"), (None, "poser_widget"), (None, "product"), ("log", "entry")]


def test_a_former_table_without_a_known_revision_says_nothing() -> None:
    world = basics()
    world.databases[0].former.append(Origin(key("thing"), "", None))
    world.table("thing", ["poser:20"])
    assert owned(world, "thing") == ("poser", "custom")
    assert table(world.review(), "thing").evidence == ("defined at poser/model.py:20 (poser)",)


def test_a_table_of_a_revision_in_no_known_package_has_no_owner() -> None:
    world = basics()
    world.revision("m1", None, "/srv/migrations")
    world.databases[0].created("left", "m1")
    world.change("remove_table", "left")
    review = world.review()
    assert only(review).verdict is Verdict.BLOCKED
    assert "Revision m1, which created this table, belongs to no known package" in only(review).reason
    assert table(review, "left").evidence == ("created by revision m1 (of no known package)",)


def test_core_packages_that_the_settings_do_not_name_are_an_error() -> None:
    world = basics()
    world.settings = replace(SETTINGS, core=("annex",))
    with pytest.raises(UsageError, match="basis owns product, but neither `core` nor `custom`"):
        world.review()
    world.settings = replace(SETTINGS, core=("basis", "annex"))
    assert world.review().outcome.value == "clean"


def test_a_package_that_is_core_and_custom_is_an_error() -> None:
    world = basics()
    world.settings = replace(SETTINGS, core=("basis", "poser"))
    with pytest.raises(UsageError, match="poser is custom, but `core` in the settings names it as well"):
        world.review()


def test_a_core_package_that_the_settings_name_owns_what_its_functions_make() -> None:
    world = basics()
    world.packages.append(package("helper"))
    world.table("thing", ["helper():5", "/etc/tool.py:5"])
    assert owned(world, "thing") == (None, "unknown")
    world.settings = replace(SETTINGS, core=("basis", "annex", "helper"))
    assert owned(world, "thing") == ("helper", "core")


@pytest.mark.parametrize(
    ("by", "expected"), [(None, ("helper", "core")), (APP_REVISION, ("poser", "custom")), ("m1", ("helper", "core"))]
)
@pytest.mark.parametrize("core", [None, ("basis", "annex", "helper")])
def test_a_package_without_revisions_here_is_not_in_conflict_with_the_one_whose_revision_created_its_table(
    by: str | None, expected: tuple[str, str], core: tuple[str, ...] | None
) -> None:
    world = basics()
    world.settings = replace(SETTINGS, core=core)
    world.revision("m1", None, "/srv/migrations")
    world.table("thing", ["helper:5"], by=by)
    assert owned(world, "thing") == expected
    assert found(world.review(), "AR102") == []


def test_an_owner_in_a_namespace_is_named_in_full() -> None:
    world = basics()
    world.packages.append(Package("space.shop", (f"{ROOT}/space/shop",)))
    world.settings = replace(SETTINGS, custom=("space.shop",))
    world.table("shop_order", ["space.shop:5"])
    assert owned(world, "shop_order") == ("space.shop", "custom")
    assert owned(world, "poser_widget") == ("poser", "core")
