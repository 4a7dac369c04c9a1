"""What causes a change on a core table: items, changes in place, removals and revisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from alembic_review.model.facts import Place
from alembic_review.model.review import Change, Location, Verdict
from tests.judge.world import APP_REVISION, CORE_REVISION, SETTINGS, World, basics, found, only, verdicts

BLOCKED, UPSTREAM = Verdict.BLOCKED, Verdict.UPSTREAM


def store(world: World, **fields: object) -> None:
    """A second core table."""
    world.table("store", ["basis:30"], by=CORE_REVISION, **fields)


def column_added_at(at: Sequence[str] | None) -> Change:
    world = basics()
    store(world, items=[world.item("column", "label", at)])
    world.change("add_column", "store", "label")
    return only(world.review())


@pytest.mark.parametrize(
    "at",
    [
        ["poser:20"],
        ["basis:5", "poser:20"],
        ["helper:5", "poser:20"],
        ["poser:20", "basis:5"],
        ["!poser:20", "basis:31"],
        ["./conf/env.py:20"],
    ],
    ids=["directly", "helper of the core", "helper of nobody", "called by the core", "hook", "loose file"],
)
def test_the_application_causes_what_one_of_its_frames_adds(at: Sequence[str]) -> None:
    change = column_added_at(at)
    assert (change.verdict, change.cause) == (BLOCKED, "poser")
    assert change.location is not None
    assert (change.location.base, change.location.line) == ("project", 20)


def test_what_a_helper_adds_for_the_application_is_where_the_application_calls_it() -> None:
    world = basics()
    at = ["basis():5", "poser:20"]
    places = (Place("/site/basis/model.py", 5), Place("/project/poser/model.py", 22))
    store(world, items=[replace(world.item("column", "label", at), places=places)])
    world.change("add_column", "store", "label")
    assert only(world.review()).location == Location("project", "poser/model.py", 22)


@pytest.mark.parametrize(
    ("at", "cause"),
    [(["basis:5"], "basis"), (["annex:5"], "annex"), (["helper:5"], "helper"), (["helper:5", "annex:7"], "annex")],
)
def test_other_packages_bring_drift(at: Sequence[str], cause: str) -> None:
    change = column_added_at(at)
    assert (change.verdict, change.cause) == (UPSTREAM, cause)
    assert (f"caused by {cause}" in change.reason) is (cause != "basis")


@pytest.mark.parametrize("at", [["/etc/tool.py:5"], ["basis:5", "/etc/tool.py:5"]])
def test_code_of_no_known_package_explains_nothing(at: Sequence[str]) -> None:
    change = column_added_at(at)
    assert (change.verdict, change.cause) == (BLOCKED, None)
    assert "code in no known package" in change.reason


def test_a_frame_beneath_the_table_itself_is_no_tampering() -> None:
    world = basics()
    index = world.item("index", "ix_name", ["basis:4", "poser:9"], columns=("name",))
    world.table("journal", ["basis:3", "poser:9"], by=CORE_REVISION, columns=("name",), items=[index])
    world.change("add_index", "journal", "ix_name")
    assert verdicts(world.review()) == ["upstream add_index journal.ix_name"]


def test_the_same_package_on_another_line_is_tampering() -> None:
    world = basics()
    index = world.item("index", "ix_name", ["basis:4", "poser:10"], columns=("name",))
    world.table("journal", ["basis:3", "poser:9"], by=CORE_REVISION, columns=("name",), items=[index])
    world.change("add_index", "journal", "ix_name")
    assert verdicts(world.review()) == ["blocked add_index journal.ix_name"]


@pytest.mark.parametrize("kind", ["add_index", "add_constraint", "add_column", "modify_type", "op:Comment"])
def test_what_the_model_does_not_show_is_not_explained(kind: str) -> None:
    world = basics()
    world.change(kind, "product", "other", item=None)
    change = only(world.review())
    assert (change.verdict, change.cause) == (BLOCKED, None)


@pytest.mark.parametrize("kind", ["remove_index", "remove_constraint", "remove_fk", "remove_column"])
def test_what_only_the_database_has_is_drift_when_nobody_touched_the_table(kind: str) -> None:
    world = basics()
    world.change(kind, "product", "old", item=None)
    assert only(world.review()).verdict is UPSTREAM


@pytest.mark.parametrize("at", [None, ["/etc/tool.py:1"]])
def test_what_only_the_database_has_needs_a_table_that_somebody_was_seen_defining(at: list[str] | None) -> None:
    world = basics()
    world.table("journal", at, by=CORE_REVISION)
    world.change("remove_index", "journal", "old")
    world.change("remove_table_comment", "journal")
    assert {change.verdict for change in world.review().changes} == {BLOCKED}


def test_an_item_that_is_the_core_s_and_an_edit_that_is_the_application_s() -> None:
    world = basics()
    store(world, edits=[world.edit("column", "uuid", "nullable", ["poser:9"])])
    world.change("modify_nullable", "store", "uuid")
    assert (only(world.review()).verdict, only(world.review()).cause) == (BLOCKED, "poser")


def test_an_item_of_the_application_that_the_core_edits_stays_the_application_s() -> None:
    world = basics()
    label = world.item("column", "label", ["poser:20"])
    store(world, items=[label], edits=[world.edit("column", "label", "nullable", ["basis:9"])])
    world.change("modify_nullable", "store", "label")
    assert (only(world.review()).verdict, only(world.review()).cause) == (BLOCKED, "poser")


EDITS = [
    ("column", "uuid", "type", "modify_type", "uuid"),
    ("column", "uuid", "nullable", "modify_nullable", "uuid"),
    ("column", "uuid", "server_default", "modify_default", "uuid"),
    ("column", "uuid", "comment", "modify_comment", "uuid"),
    ("column", "uuid", "type", "add_column", "uuid"),
    ("column", "gone", "removed", "remove_column", "gone"),
    ("column", "new", "name", "remove_column", "old"),
    ("index", "ix", "removed", "remove_index", "ix"),
    ("index", "ix", "changed", "add_index", "ix"),
    ("index", "new", "changed", "remove_index", "old"),
    ("index", "uq", "removed", "remove_constraint", "uq"),
    ("constraint", "uq", "removed", "remove_constraint", "uq"),
    ("constraint", None, "removed", "remove_constraint", "uq"),
    ("constraint", "fk", "removed", "remove_fk", "fk"),
    ("table", None, "comment", "add_table_comment", None),
    ("table", None, "comment", "remove_table_comment", None),
    ("table", None, "name", "add_table", None),
    ("column", "uuid", "nullable", "add_table", None),
]


@pytest.mark.parametrize(("kind", "name", "attribute", "change", "changed"), EDITS)
@pytest.mark.parametrize(
    ("at", "verdict", "cause"),
    [
        (["poser:9"], BLOCKED, "poser"),
        (["basis:9", "poser:9"], BLOCKED, "poser"),
        (None, BLOCKED, None),
        (["helper:9"], BLOCKED, None),
        (["/etc/tool.py:9"], BLOCKED, None),
        (["helper:9", "basis:9"], UPSTREAM, "basis"),
    ],
    ids=["application", "through the core", "unseen", "owner of nothing", "no package", "core"],
)
def test_a_change_in_place(  # noqa: PLR0917 - pytest passes them by name
    kind: str,
    name: str | None,
    attribute: str,
    change: str,
    changed: str | None,
    at: list[str] | None,
    verdict: Verdict,
    cause: str | None,
) -> None:
    world = basics()
    index = world.item("index", "ix", ["basis:30"], columns=("uuid",))
    store(world, items=[index], edits=[world.edit(kind, name, attribute, at)])
    world.change(change, "store", changed)
    decided = only(world.review())
    assert (decided.verdict, decided.cause) == (verdict, cause)
    assert ("unknown code" in decided.reason) is (at is None)
    if cause == "poser":
        assert decided.location is not None
        assert decided.location.line == 9


@pytest.mark.parametrize(
    ("kind", "name", "attribute", "change", "changed"),
    [
        ("column", "name", "nullable", "modify_nullable", "uuid"),
        ("column", "uuid", "type", "modify_nullable", "uuid"),
        ("column", "uuid", "type", "add_table_comment", None),
        ("index", "other", "removed", "remove_index", "ix"),
        ("table", None, "comment", "modify_comment", "uuid"),
        ("table", None, "comment", "remove_column", "gone"),
    ],
)
def test_a_change_in_place_of_something_else(
    kind: str, name: str, attribute: str, change: str, changed: str | None
) -> None:
    world = basics()
    store(world, edits=[world.edit(kind, name, attribute, ["poser:9"])])
    world.change(change, "store", changed)
    assert only(world.review()).verdict is UPSTREAM


@pytest.mark.parametrize("change", ["remove_index", "add_index"])
def test_the_name_that_the_database_made_of_a_longer_one(change: str) -> None:
    """An index that is removed has the database's name, one that is added has the model's."""
    world = basics()
    index = world.item("index", "ix_long", ["basis:30"], columns=("uuid",))
    store(world, items=[index], edits=[world.edit("index", "ix_long", "changed", ["poser:9"], stored="ix_1a2b")])
    names = {"remove_index": ("ix_1a2b", None), "add_index": ("ix_long", "ix_1a2b")}
    world.change(change, "store", names[change][0], stored=names[change][1])
    assert only(world.review()).verdict is BLOCKED


def test_a_revision_that_dropped_an_index_by_the_name_that_the_database_made_of_it() -> None:
    world = basics()
    store(world, items=[world.item("index", "ix_long", ["basis:30"], columns=("uuid",))])
    world.alter(APP_REVISION, "store", "index", "removed", "ix_1a2b")
    world.change("add_index", "store", "ix_long", stored="ix_1a2b")
    assert only(world.review()).verdict is BLOCKED


@pytest.mark.parametrize(
    ("at", "verdict", "cause"),
    [
        (["poser:9", "basis:10"], BLOCKED, "poser"),
        (None, BLOCKED, None),
        (["/etc/tool.py:9", "basis:10"], BLOCKED, None),
        (["helper:9", "basis:10"], UPSTREAM, "basis"),
        (["helper:9"], UPSTREAM, "helper"),
        (["basis:9"], UPSTREAM, "basis"),
    ],
    ids=["application", "unseen", "no package", "owner of nothing for the core", "owner of nothing", "core"],
)
def test_a_change_before_the_table_was_attached(at: list[str] | None, verdict: Verdict, cause: str | None) -> None:
    world = basics()
    store(world, edits=[world.edit("column", "uuid", "nullable", at, early=True)])
    world.change("modify_nullable", "store", "uuid")
    review = world.review()
    assert only(review).verdict is verdict
    assert only(review).cause == (cause if verdict is BLOCKED else "basis")
    world.databases[0].changes.clear()
    assert [finding.blocks for finding in found(world.review(), "AR105")] == [True] * (verdict is BLOCKED)


def test_a_generator_may_change_the_types_of_the_columns_it_copies() -> None:
    world = basics()
    world.databases[0].created("store", CORE_REVISION)
    world.table("store", ["scribe():10"], columns=("uuid",), edits=[world.edit("column", "uuid", "type", early=True)])
    assert found(world.review(), "AR105") == []


@pytest.mark.parametrize(
    ("at", "early", "verdict"),
    [
        (["poser:9"], False, BLOCKED),
        (["basis:9", "poser:9"], False, BLOCKED),
        (None, False, BLOCKED),
        (["basis:9"], False, UPSTREAM),
        (["poser:9"], True, BLOCKED),
        (["helper:9", "poser:9"], True, BLOCKED),
        (["basis:9", "poser:9"], True, UPSTREAM),
        (["basis:9"], True, UPSTREAM),
    ],
)
@pytest.mark.parametrize("kind", ["add_index", "remove_index", "add_constraint", "remove_constraint", "add_fk"])
def test_the_names_of_indexes_and_constraints_follow_who_gave_the_convention(
    kind: str, at: list[str] | None, early: bool, verdict: Verdict
) -> None:
    world = basics()
    what = "index" if kind.endswith("index") else "constraint"
    items = [world.item(what, "ix", ["basis:30"], columns=("uuid",))] if kind.startswith("add_") else []
    store(world, items=items, edits=[world.edit("table", None, "naming_convention", at, early=early)])
    world.change(kind, "store", "ix")
    world.change("modify_nullable", "store", "uuid")
    changes = {change.kind: change for change in world.review().changes}
    assert changes[kind].verdict is verdict
    assert changes["modify_nullable"].verdict is UPSTREAM
    if verdict is UPSTREAM:
        assert "naming convention" not in changes[kind].reason
    assert found(world.review(), "AR105") == []


def test_of_several_changes_in_place_the_application_s_counts_first() -> None:
    world = basics()
    edits = [world.edit("column", "uuid", "type", at) for at in (["basis:9"], None, ["poser:9"])]
    store(world, edits=edits)
    world.change("modify_type", "store", "uuid")
    assert only(world.review()).cause == "poser"


@pytest.mark.parametrize(
    ("removal", "verdict", "cause"),
    [
        (["poser:9"], BLOCKED, "poser"),
        (["basis:9"], UPSTREAM, "basis"),
        (["helper:9"], BLOCKED, None),
        (["/etc/tool.py:9"], BLOCKED, None),
        (None, BLOCKED, None),
    ],
)
def test_a_core_model_that_was_taken_out(removal: list[str] | None, verdict: Verdict, cause: str | None) -> None:
    world = basics()
    store(world, removed=True, removal=removal)
    world.change("remove_table", "store")
    change = only(world.review())
    assert (change.verdict, change.cause) == (verdict, cause)


@pytest.mark.parametrize(("at", "verdict"), [(["poser:9"], BLOCKED), (None, BLOCKED), (["basis:9"], UPSTREAM)])
def test_a_core_model_that_was_renamed_in_place_is_missed_under_its_first_name(
    at: list[str] | None, verdict: Verdict
) -> None:
    world = basics()
    world.databases[0].created("store", CORE_REVISION)
    world.table("shop", ["basis:30"], edits=[world.edit("table", None, "name", at)])
    world.change("remove_table", "store")
    world.change("add_table", "shop")
    assert {change.verdict for change in world.review().changes} == {verdict}


def test_a_custom_model_that_was_renamed_in_place_does_not_concern_the_core() -> None:
    world = basics()
    world.databases[0].created("store", CORE_REVISION)
    world.table("poser_shop", ["poser:30"], edits=[world.edit("table", None, "name", ["poser:9"])])
    world.change("remove_table", "store")
    assert verdicts(world.review()) == ["upstream remove_table store"]


ALTERATIONS = [
    ("column", "removed", "uuid", "add_column", "uuid"),
    ("column", "added", "extra", "remove_column", "extra"),
    ("column", "changed", "uuid", "modify_type", "uuid"),
    ("column", "changed", "uuid", "modify_nullable", "uuid"),
    ("column", "changed", "uuid", "modify_default", "uuid"),
    ("column", "changed", "uuid", "modify_comment", "uuid"),
    ("index", "removed", "ix", "add_index", "ix"),
    ("index", "added", "ix", "remove_index", "ix"),
    ("constraint", "added", "ix", "remove_index", "ix"),
    ("index", "added", "uq", "remove_constraint", "uq"),
    ("constraint", "removed", "uq", "add_constraint", "uq"),
    ("constraint", "removed", "fk", "add_fk", "fk"),
    ("table", "changed", None, "remove_table_comment", None),
    ("table", "dropped", None, "add_table", None),
    ("table", "dropped_or_renamed", None, "add_table", None),
    ("table", "renamed", "elsewhere", "add_table", None),
    ("table", "dropped", None, "add_index", "ix"),
]


@pytest.mark.parametrize(("kind", "action", "name", "change", "changed"), ALTERATIONS)
def test_what_a_custom_revision_altered_names_the_revision(
    kind: str, action: str, name: str | None, change: str, changed: str | None
) -> None:
    world = basics()
    world.alter(APP_REVISION, "product", kind, action, name)
    world.change(change, "product", changed)
    review = world.review()
    decided = only(review)
    assert (decided.verdict, decided.cause) == (BLOCKED, "poser")
    assert "revision a1 of poser" in decided.reason
    assert [finding.revision for finding in found(review, "AR101")] == ["a1"]
    assert [finding.revision for finding in found(review, "AR106")] == ["a1"]


@pytest.mark.parametrize(("kind", "action", "name", "change", "changed"), ALTERATIONS)
def test_what_a_core_revision_altered_is_the_core_s(
    kind: str, action: str, name: str | None, change: str, changed: str | None
) -> None:
    world = basics()
    world.alter(CORE_REVISION, "product", kind, action, name)
    if changed is not None and not change.startswith("remove_"):
        world.databases[0].tables.clear()
        items = [world.item("index" if "index" in change else "constraint", changed, ["basis:11"], columns=("uuid",))]
        world.table("product", ["basis:10"], columns=("uuid",), items=items if changed != "uuid" else ())
        world.table("poser_widget", ["poser:10"])
    world.change(change, "product", changed)
    review = world.review()
    assert only(review).verdict is UPSTREAM
    assert review.findings == ()


@pytest.mark.parametrize(
    ("kind", "action", "name", "change", "changed"),
    [
        ("column", "removed", "name", "add_column", "uuid"),
        ("index", "added", "ix", "remove_index", "other"),
        ("column", "added", "ix", "remove_index", "ix"),
        ("table", "changed", None, "remove_index", "ix"),
    ],
)
def test_an_alteration_of_something_else_is_damage_but_no_cause(
    kind: str, action: str, name: str | None, change: str, changed: str
) -> None:
    world = basics()
    world.alter(APP_REVISION, "product", kind, action, name)
    world.change(change, "product", changed)
    review = world.review()
    assert only(review).verdict is UPSTREAM
    assert [finding.code for finding in review.findings] == ["AR106"]


@pytest.mark.parametrize(("columns", "verdict"), [(("b", "a"), BLOCKED), (("a", "c"), UPSTREAM)])
def test_a_constraint_without_a_name_is_known_by_its_columns_in_any_order(
    columns: tuple[str, ...], verdict: Verdict
) -> None:
    world = basics()
    unnamed = world.item("constraint", None, ["basis:10"], columns=("a", "b"))
    store(world, items=[unnamed])
    world.alter(APP_REVISION, "store", "constraint", "removed", "store_a_b_key", columns=columns)
    world.change("add_constraint", "store", None, columns=("a", "b"))
    assert only(world.review()).verdict is verdict


@pytest.mark.parametrize(
    "renames",
    [
        [("store", "shop", APP_REVISION)],
        [("store", "market", APP_REVISION), ("market", "shop", CORE_REVISION)],
        [("store", "market", CORE_REVISION), ("market", "shop", APP_REVISION)],
        [("old.shop", "shop", APP_REVISION)],
    ],
    ids=["once", "and by the core", "after the core", "into another schema"],
)
def test_a_core_table_that_a_custom_revision_renamed(renames: list[tuple[str, str, str]]) -> None:
    world = basics()
    world.databases[0].created("shop", CORE_REVISION)
    for old, new, revision in renames:
        world.alter(revision, old, "table", "renamed", new)
    world.change("remove_table", "shop")
    change = only(world.review())
    assert (change.verdict, change.cause) == (BLOCKED, "poser")


def test_an_alteration_before_the_core_renamed_the_table() -> None:
    world = basics()
    world.alter(APP_REVISION, "store", "column", "added", "label")
    world.alter(CORE_REVISION, "store", "table", "renamed", "shop")
    world.table("shop", ["basis:30"], by=CORE_REVISION)
    world.change("remove_column", "shop", "label")
    assert verdicts(world.review()) == ["blocked remove_column shop.label"]


def test_tables_that_were_renamed_in_a_circle_end_the_search() -> None:
    world = basics()
    for old, new in (("store", "shop"), ("shop", "market"), ("market", "store")):
        world.alter(CORE_REVISION, old, "table", "renamed", new)
    store(world)
    world.change("remove_index", "store", "ix")
    assert only(world.review()).verdict is UPSTREAM


def test_an_alteration_without_its_definitions_is_not_taken_for_undone() -> None:
    world = basics()
    for _ in range(2):
        world.alter(APP_REVISION, "product", "column", "changed", "name", before=None, after=None)
    world.change("modify_type", "product", "name")
    assert only(world.review()).verdict is BLOCKED


def generated(world: World, *items: object, columns: Sequence[str] = ("uuid",)) -> None:
    """``product_copy``, which scribe generates from ``product``."""
    world.table(
        "product_copy", ["scribe():1"], by=CORE_REVISION, sources=["product"], columns=columns, items=items or ()
    )


def product(world: World, **fields: object) -> None:
    """Put ``product`` into the world again with something more."""
    world.databases[0].tables = [table for table in world.databases[0].tables if table.key.name != "product"]
    world.table("product", ["basis:10"], **fields)


def test_a_generated_column_has_the_cause_of_the_column_it_is_made_from() -> None:
    world = basics()
    product(world, items=[world.item("column", "label", ["poser:20"]), world.item("column", "size", ["basis:21"])])
    generated(world, columns=("uuid", "label", "size", "stamp"))
    for name in ("label", "size", "stamp"):
        world.change("add_column", "product_copy", name)
    changes = {change.name: (change.verdict, change.cause) for change in world.review().changes}
    assert changes == {"label": (BLOCKED, "poser"), "size": (UPSTREAM, "basis"), "stamp": (UPSTREAM, "scribe")}


def test_a_generated_column_of_an_unexplained_one_is_not_explained() -> None:
    world = basics()
    product(world, items=[world.item("column", "label", None)])
    generated(world, columns=("uuid", "label"))
    world.change("add_column", "product_copy", "label")
    assert only(world.review()).verdict is BLOCKED


def test_the_application_s_own_column_on_a_generated_table() -> None:
    world = basics()
    generated(world, world.item("column", "label", ["poser:20"]))
    world.change("add_column", "product_copy", "label")
    assert (only(world.review()).verdict, only(world.review()).cause) == (BLOCKED, "poser")


def test_a_change_in_place_of_the_source_shows_in_the_generated_table() -> None:
    world = basics()
    product(world, edits=[world.edit("column", "uuid", "type", ["poser:9"])])
    generated(world)
    world.change("modify_type", "product_copy", "uuid")
    assert only(world.review()).cause == "poser"


def test_a_generator_may_edit_what_it_generates() -> None:
    world = basics()
    world.table(
        "product_copy",
        ["scribe():1"],
        by=CORE_REVISION,
        sources=["product"],
        edits=[world.edit("column", "uuid", "nullable", ["scribe():5"])],
    )
    world.change("modify_nullable", "product_copy", "uuid")
    assert (only(world.review()).verdict, only(world.review()).cause) == (UPSTREAM, "scribe")


@pytest.mark.parametrize("kind", ["index", "constraint"])
@pytest.mark.parametrize(("at", "verdict"), [(["poser:20"], BLOCKED), (None, BLOCKED), (["basis:20"], UPSTREAM)])
def test_an_index_has_the_cause_of_its_columns(kind: str, at: list[str] | None, verdict: Verdict) -> None:
    world = basics()
    label = world.item("column", "label", at)
    over = world.item(kind, "over", ["scribe():3"], columns=("uuid", "label"))
    store(world, items=[label, over])
    world.change(f"add_{kind}", "store", "over")
    assert only(world.review()).verdict is verdict


@pytest.mark.parametrize(
    ("at", "verdict", "cause"),
    [(["poser:20"], BLOCKED, "poser"), (None, BLOCKED, None), (["basis:31"], UPSTREAM, "basis")],
)
def test_a_new_core_table_with_a_column_of_the_application(
    at: list[str] | None, verdict: Verdict, cause: str | None
) -> None:
    world = basics()
    world.table("store", ["basis:30"], items=[world.item("column", "label", at)])
    world.change("add_table", "store")
    review = world.review()
    assert (only(review).verdict, only(review).cause) == (verdict, cause)
    assert found(review, "AR105") == []


def test_a_table_that_the_settings_call_the_core_s_though_the_application_defines_it() -> None:
    world = basics()
    world.settings = replace(SETTINGS, owners={"poser_new": "basis"})
    world.table("poser_new", ["poser:40"])
    world.change("add_table", "poser_new")
    change = only(world.review())
    assert (change.verdict, change.owner, change.cause) == (BLOCKED, "basis", "poser")


def test_a_core_table_that_is_removed_though_a_model_declares_it_is_not_explained() -> None:
    world = basics()
    world.change("remove_table", "product")
    assert only(world.review()).verdict is BLOCKED


def test_a_revision_in_no_known_package_may_be_the_application_s_whatever_the_settings_say_of_the_table() -> None:
    world = basics()
    world.settings = replace(world.settings, owners={"old": "basis"})
    world.revision("z1", None, "/elsewhere/versions")
    world.databases[0].created("old", "z1")
    world.change("remove_table", "old")
    change = only(world.review())
    assert (change.verdict, change.cause) == (BLOCKED, None)
    assert "z1" in change.reason


@pytest.mark.parametrize("at", [["/etc/tool.py:1", "basis:1"], ["/etc/tool.py:1"]])
def test_an_edit_by_the_unknown_code_that_also_defines_the_table_is_not_explained(at: list[str]) -> None:
    world = basics()
    edit = world.edit("column", "a", "nullable", ["/etc/tool.py:1"])
    world.table("store", at, by=CORE_REVISION, columns=("a",), edits=[edit])
    review = world.review()
    assert review.changes == ()
    (told,) = [finding.message for finding in found(review, "AR105") if "nullability" in finding.message]
    assert "code in no known package changes the nullability of the column a in place" in told
