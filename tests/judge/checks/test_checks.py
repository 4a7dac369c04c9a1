"""The mechanism of the checks, and what each of them finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from alembic_review.judge import checks
from alembic_review.judge.checks import CHECKS
from alembic_review.judge.table_prefixes import habitual_prefix, prefix
from alembic_review.model.accepting import Accept
from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import (
    Alteration,
    Downgrade,
    Filter,
    Filtered,
    Hidden,
    OrderTrial,
    Place,
    Privilege,
    RevisionFailure,
    ServerChange,
)
from alembic_review.model.pull_request_base import ChangedSettings, EditedRevision, PullRequestBase
from alembic_review.model.review import Outcome, Severity
from alembic_review.model.settings import Settings
from tests.judge.checks import proved
from tests.judge.world import (
    ANNEX,
    ANNEX_REVISION,
    APP,
    APP_REVISION,
    CORE,
    CORE_REVISION,
    ROOT,
    SETTINGS,
    World,
    basics,
    folder,
    found,
    key,
    only,
    package,
    verdicts,
)

PAGES = Path(checks.__file__).parent / "pages"


def blocked(world: World) -> None:
    world.databases[0].stray("stray")
    world.settings = replace(SETTINGS, owners={"stray": "basis"})
    world.change("remove_table", "stray")


def disagreeing(world: World) -> None:
    world.table("badge", ["poser:20"], by=CORE_REVISION)


def unowned(world: World) -> None:
    world.databases[0].stray("stray")


def not_imported(world: World) -> None:
    world.declare("poser_gadget", "poser.db.gadget")


def altered_by_models(world: World) -> None:
    world.table("store", ["basis:30"], by=CORE_REVISION, items=[world.item("column", "label", ["poser:20"])])


def altered_by_revision(world: World) -> None:
    world.alter(APP_REVISION, "product", "column", "added", "label")


def destructive(world: World) -> None:
    world.change("remove_column", "poser_widget", "shape")


def required(world: World) -> None:
    world.change("add_column", "poser_widget", "weight", wanted="weight INTEGER NOT NULL")


def without_prefix(world: World) -> None:
    world.settings = replace(SETTINGS, prefix="poser_")
    world.table("gadget", ["poser:20"])


def in_a_namespace(world: World) -> None:
    world.table("annex_one", ["annex:20"], by=ANNEX_REVISION)
    world.table("annex_two", ["annex:21"], by=ANNEX_REVISION)
    world.table("annex_mine", ["poser:22"])


def filtered(world: World) -> None:
    world.databases[0].filtered.append(Filtered("include_object", "table", None, "poser_widget"))


def created_from_models(world: World) -> None:
    world.databases[0].create("poser_widget", by=APP_REVISION, at=["poser:30"])


def edited(world: World) -> None:
    path = world.facts().revisions[0].path
    world.history = PullRequestBase("c0ffee", world.facts(), edited=(EditedRevision(APP_REVISION, path),))


def removed(world: World) -> None:
    world.history = PullRequestBase("c0ffee", world.facts(), removed=("gone",))


def other_settings(world: World) -> None:
    changed = ChangedSettings(Place("/project/pyproject.toml", 7), ("custom", "prefix"))
    world.history = PullRequestBase("c0ffee", world.facts(), settings=(changed,))


def behind_branch(world: World, *labels: str) -> None:
    """A new revision ``a3`` after the one that ``a2`` on ``main`` follows."""
    then, folder_of_app = world.facts(), f"{folder(APP)}/versions"
    world.revision("a2", APP, folder_of_app, APP_REVISION)
    branch = world.facts().revisions
    world.revisions = [one for one in world.revisions if one.id != "a2"]
    world.revision("a3", APP, folder_of_app, APP_REVISION, labels)
    world.history = PullRequestBase("c0ffee", then, ref="main", branch=branch)


def foreign_branch(world: World) -> None:
    world.follow(APP_REVISION, CORE_REVISION)


def foreign_location(world: World) -> None:
    world.alter(CORE_REVISION, "poser_widget", "column", "added", "label")


def several_heads(world: World) -> None:
    world.revision("a2", APP, f"{folder(APP)}/versions", down=APP_REVISION)
    world.revision("a3", APP, f"{folder(APP)}/versions", down=APP_REVISION)


def without_dependency(world: World) -> None:
    failure = RevisionFailure(
        'UndefinedTable: relation "product" does not exist', place=Place("/project/poser/a1.py", 9)
    )
    world.order_trials.append(OrderTrial(APP, (APP_REVISION,), APP_REVISION, (CORE_REVISION,), failure))


def no_way_back(world: World) -> None:
    world.databases[0].downgrades.append(Downgrade(APP_REVISION, changed=False))


def outside_targets(world: World) -> None:
    world.outside("poser_log", ["poser:40"])


def hidden_by_filter(world: World) -> None:
    place = Place("/project/migrations/env.py", 12)
    world.databases[0].hidden.append(
        Hidden("include_object", "add_column", key("poser_widget"), "label", ("label",), "label TEXT", place=place)
    )


def partly_reflected(world: World) -> None:
    world.table("poser_gadget", ["poser:20"], by=APP_REVISION, columns=("uuid", "size"), reflected=("size",))


def server_changed(world: World) -> None:
    world.server_changes.append(ServerChange("role", "reporting", "changed", ("rolcreatedb", "rolconnlimit")))


def as_superuser(world: World) -> None:
    refusal = 'permission denied to create extension "file_fdw"'
    world.superuser = Privilege("CREATE EXTENSION file_fdw", refusal, APP_REVISION, "/project/poser/a1.py", 9)


def accepting(until: date | None = None) -> Accept:
    return Accept("AR512", "two teams", table="x", until=until, place=Place("/project/pyproject.toml", 9))


def expired(world: World) -> None:
    world.settings = replace(SETTINGS, accept=(accepting(date(2020, 1, 1)),))


def unmatched(world: World) -> None:
    world.settings = replace(SETTINGS, accept=(accepting(),))


EXAMPLES: dict[str, Callable[[World], None]] = {
    **proved.EXAMPLES,
    "AR101": blocked,
    "AR102": disagreeing,
    "AR103": unowned,
    "AR104": not_imported,
    "AR105": altered_by_models,
    "AR106": altered_by_revision,
    "AR201": destructive,
    "AR202": required,
    "AR401": without_prefix,
    "AR402": in_a_namespace,
    "AR501": edited,
    "AR502": removed,
    "AR503": other_settings,
    "AR510": foreign_branch,
    "AR511": foreign_location,
    "AR512": several_heads,
    "AR513": without_dependency,
    "AR514": no_way_back,
    "AR515": behind_branch,
    "AR601": filtered,
    "AR602": created_from_models,
    "AR603": outside_targets,
    "AR604": hidden_by_filter,
    "AR605": partly_reflected,
    "AR901": server_changed,
    "AR902": as_superuser,
    "AR903": expired,
    "AR904": unmatched,
}
BLOCKING = {"AR101", "AR105", "AR106", "AR510", "AR901"}
COMPANIONS = {"AR102": {"AR511"}, "AR706": {"AR704"}}
"""What else an example shows, seen from another side."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_every_check_finds_its_example_and_nothing_else_does(check: checks.Check) -> None:
    world = basics()
    EXAMPLES[check.code](world)
    review = world.review()
    codes = {finding.code for finding in review.findings}
    assert codes == {check.code, *COMPANIONS.get(check.code, ())}
    (finding,) = found(review, check.code)
    assert (finding.severity, finding.blocks) == (check.severity, check.code in BLOCKING)
    assert finding.message.endswith(".")
    assert finding.hint
    assert finding.location is not None or check.code in {"AR101", "AR103", "AR502", "AR601", "AR901"}
    assert (review.outcome is Outcome.BLOCKED) is (check.code in BLOCKING)
    assert review.gate.refused is any(finding.severity is Severity.ERROR for finding in review.findings)


def test_nothing_to_find_is_nothing_found() -> None:
    assert basics().review().findings == ()


def test_codes_are_unique_and_in_order_and_nothing_lies_about() -> None:
    codes = [check.code for check in CHECKS]
    assert codes == sorted(set(codes))
    assert set(codes) == set(EXAMPLES)
    assert sorted(f"{page.parent.name} {page.stem}" for page in PAGES.rglob("*.md")) == [f"{c[:4]} {c}" for c in codes]
    assert sorted(path.stem for path in PAGES.parent.glob("*.py")) == ["__init__", "base"]
    modules = [path for path in PAGES.parent.glob("*/*.py") if path.name != "__init__.py"]
    # One module may have a whole family of checks.
    assert len(modules) == len({check.run.__module__ for check in CHECKS})


# The family of checks with each first digit.
FAMILIES = {
    "1": "ownership",
    "2": "data",
    "3": "compatibility",
    "4": "naming",
    "5": "history",
    "6": "comparison",
    "7": "locks",
    "8": "reversal",
    "9": "run",
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_every_check_is_in_the_folder_of_its_family(check: checks.Check) -> None:
    assert check.run.__module__.split(".")[-2] == FAMILIES[check.code[2]]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_every_check_has_a_page_that_says_what_to_do(check: checks.Check) -> None:
    page = check.page
    assert page.startswith(f"# {check.code}: {check.title}\n")
    for section in ("## What it means", "## Why it matters", "## What to do", "## Example"):
        assert page.count(f"\n{section}\n") == 1
    assert page.count("```") >= 2
    assert page.count("```") % 2 == 0
    assert max(map(len, page.splitlines())) <= 120


def test_the_page_of_a_check_that_fails_the_run_says_so() -> None:
    for check in CHECKS:
        assert ("exit status 1" in check.page) is (check.severity is Severity.ERROR), check.code


# AR101


def test_a_blocked_change_and_its_finding_name_each_other() -> None:
    world = basics()
    altered_by_models(world)
    world.change("add_column", "store", "label")
    review = world.review()
    change = only(review)
    (finding,) = review.findings
    assert change.findings == ("AR101",)
    assert (finding.change, finding.message, finding.location) == (change.fingerprint, change.reason, change.location)
    assert (finding.table, review.gate.reasons) == ("store", ("1 blocked change",))


# AR103


@pytest.mark.parametrize("removed", [True, False])
def test_a_table_that_is_gone_needs_no_owner(removed: bool) -> None:
    world = basics()
    if removed:
        world.table("stray", None, removed=True)
    else:
        world.alter(CORE_REVISION, "stray", "table", "dropped")
    assert world.review().findings == ()


def test_tables_that_nothing_but_the_database_knows_are_one_finding_and_get_no_owner() -> None:
    world = basics()
    for number in range(7):
        world.databases[0].stray(f"stray{number}")
        world.change("remove_table", f"stray{number}")
    (finding,) = found(world.review(), "AR103")
    assert finding.message == (
        "7 tables have no known owner: no model declares them and no revision created them "
        "(stray0, stray1, stray2, stray3, stray4 and 2 more). Every change to them is blocked."
    )
    assert finding.table is None
    told = [finding.hint, *(change.reason for change in world.review().changes)]
    assert not any("poser" in text or "basis" in text for text in told)


def test_the_version_table_of_another_history_is_named_as_such() -> None:
    world = basics()
    world.databases[0].stray("alembic_version_annex")
    world.databases[0].version_tables.append(key("alembic_version_annex"))
    (finding,) = found(world.review(), "AR103")
    assert finding.message == (
        "alembic_version_annex is the version table of another Alembic environment: version_num is its only column."
    )
    assert "include_name" in finding.hint


def test_a_package_without_revisions_here_is_one_finding_with_the_lines_that_work() -> None:
    world = basics()
    world.packages += [package("helper"), package("other")]
    for name, at in [("helper_a", "helper:1"), ("helper_b", "helper:2"), ("other_a", "other:1")]:
        world.table(name, [at])
        world.change("add_table", name)
    world.table("filtered", ["helper:3"])
    findings = found(world.review(), "AR103")
    assert [finding.message for finding in findings] == [
        f"{tables} that no revision creates, and has no revisions in this project ({names}). Their changes are blocked."
        for tables, names in [("helper declares 2 tables", "helper_a, helper_b"), ("other declares 1 table", "other_a")]
    ]
    assert findings[0].hint == (
        'Add core = ["basis", "helper", "other"] to the settings if helper creates its tables itself, or '
        'custom = ["helper", "poser"] if your revisions create them.'
    )
    assert found(world.review(), "AR102") == []
    world.settings = replace(SETTINGS, core=("basis", "helper", "other"))
    assert {change.verdict.value for change in world.review().changes} == {"upstream"}
    world.settings = replace(SETTINGS, custom=("poser", "helper"))
    assert {change.owner for change in world.review().changes if change.verdict.value == "safe"} == {"helper"}


def test_the_lines_of_a_flat_project_name_no_package_that_the_settings_would_refuse() -> None:
    world = World(settings=Settings(root=ROOT))
    world.packages = [package("helper")]
    world.locations.clear()
    world.revisions.clear()
    world.revision("m1", None, f"{ROOT}/migrations/versions")
    world.table("book", ["./models.py:3"], by="m1")
    world.table("helper_a", ["helper:1"])
    world.change("add_table", "helper_a")
    (finding,) = found(world.review(), "AR103")
    assert 'core = ["helper"]' in finding.hint
    assert 'custom = ["helper"]' in finding.hint
    world.settings = Settings(root=ROOT, custom=("helper",))
    assert verdicts(world.review()) == ["safe add_table helper_a"]


# AR104


def test_a_module_that_nobody_imports_is_named_with_the_line_to_add() -> None:
    world = basics()
    not_imported(world)
    (finding,) = world.review().findings
    assert finding.message == (
        "The table poser_gadget is declared in poser.db.gadget, which was not imported: "
        "no migration would create the table."
    )
    assert finding.hint == "Add `from poser.db import gadget` to poser/db/__init__.py."
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("poser/db/gadget.py", 5)
    assert (finding.severity, finding.change) == (Severity.WARNING, None)


def test_a_lone_module_that_nobody_imports() -> None:
    world = basics()
    world.declare("gadget", "gadgets")
    assert world.review().findings[0].hint == "Add `import gadgets` to a module that env.py imports."


@pytest.mark.parametrize("schema", [None, "shop"])
def test_a_table_whose_module_nobody_imports_would_be_dropped(schema: str | None) -> None:
    world = basics()
    name = "shop.poser_gadget" if schema else "poser_gadget"
    world.databases[0].created(name, APP_REVISION)
    world.change("remove_table", name)
    not_imported(world)
    review = world.review()
    assert verdicts(review) == ["blocked remove_table poser_gadget"]
    (finding,) = found(review, "AR104")
    assert (finding.severity, finding.change) == (Severity.ERROR, only(review).fingerprint)
    assert only(review).findings == ("AR101", "AR104")
    assert "autogenerate would drop the table" in finding.message


def test_a_table_whose_module_nobody_imports_and_that_a_filter_hides() -> None:
    world = basics()
    world.databases[0].created("poser_gadget", APP_REVISION)
    not_imported(world)
    (finding,) = world.review().findings
    assert "the table was not compared" in finding.message


def test_a_table_without_a_readable_name_in_a_module_that_nobody_imports() -> None:
    world = basics()
    world.declare(None, "poser.db.gadget")
    world.declare(None, "poser.db.gadget")
    (finding,) = world.review().findings
    assert finding.message == (
        "poser.db.gadget, which was not imported, declares a table whose name can't be read from its source: "
        "this table was not compared."
    )
    assert finding.hint == "Add `from poser.db import gadget` to poser/db/__init__.py."
    assert (finding.severity, finding.change, finding.table) == (Severity.WARNING, None, None)


def test_a_table_that_may_be_the_one_without_a_readable_name_would_be_dropped() -> None:
    world = basics()
    for table in ("poser_gadget", "poser_sprocket"):
        world.databases[0].created(table, APP_REVISION)
        world.change("remove_table", table)
    world.declare(None, "poser.db.gadget")
    review = world.review()
    assert verdicts(review) == ["blocked remove_table poser_gadget", "blocked remove_table poser_sprocket"]
    several = found(review, "AR104")
    assert [(finding.table, finding.severity) for finding in several] == [
        ("poser_gadget", Severity.ERROR),
        ("poser_sprocket", Severity.ERROR),
    ]
    assert {finding.change for finding in several} == {change.fingerprint for change in review.changes}
    assert "the removal of poser_gadget may be wrong" in several[0].message


@pytest.mark.parametrize(("table", "module"), [("poser_gadget", "poser.model"), ("poser_widget", "poser.other")])
def test_a_declaration_that_was_loaded_or_has_a_model_is_no_finding(table: str, module: str) -> None:
    world = basics()
    world.declare(table, module)
    assert world.review().findings == ()


def test_a_model_in_a_schema_that_the_source_does_not_say() -> None:
    world = basics()
    world.table("shop.poser_gadget", ["poser:20"])
    not_imported(world)
    assert world.review().findings == ()


# AR105


def damage(world: World) -> list[str]:
    review = world.review()
    assert review.outcome is Outcome.BLOCKED
    assert review.gate.reasons == (f"{len(review.findings)} blocking finding{'s' * (len(review.findings) != 1)}",)
    messages = [finding.message.removesuffix(" No change is pending.") for finding in found(review, "AR105")]
    return [message.partition(" is altered: ")[2] for message in messages]


@pytest.mark.parametrize(
    ("kind", "name", "columns", "expected"),
    [
        ("column", "label", ("label",), "poser adds the column label to it."),
        ("index", "ix", ("name",), "poser adds the index ix to it."),
        ("constraint", None, ("name",), "poser adds a constraint on name to it."),
        ("constraint", None, (), "poser adds a constraint to it."),
    ],
)
def test_an_item_of_the_application_on_a_core_table_is_damage(
    kind: str, name: str | None, columns: tuple[str, ...], expected: str
) -> None:
    world = basics()
    item = world.item(kind, name, ["basis:5", "poser:20"], columns=columns)
    world.table("store", ["basis:30"], by=CORE_REVISION, columns=("name",), items=[item])
    assert damage(world) == [expected]


def test_a_constraint_that_comes_with_the_application_s_column_is_told_once() -> None:
    world = basics()
    column = world.item("column", "other_uuid", ["poser:20"])
    key = world.item("constraint", None, ["poser:20"], columns=("other_uuid",), foreign_key=True)
    world.table("store", ["basis:30"], by=CORE_REVISION, items=[column, key])
    assert damage(world) == ["poser adds the column other_uuid to it."]


def test_what_follows_from_the_application_s_column_is_told_once() -> None:
    world = basics()
    label = world.item("column", "label", ["poser:20"])
    index = world.item("index", "ix", ["scribe():3"], columns=("label",))
    world.table("store", ["basis:30"], by=CORE_REVISION, items=[label, index])
    copied = world.item("column", "label", ["scribe():1"])
    world.table("store_copy", ["scribe():1"], by=CORE_REVISION, sources=["store"], items=[copied])
    assert damage(world) == ["poser adds the column label to it."]


def test_the_application_s_column_on_a_generated_core_table_is_damage() -> None:
    world = basics()
    label = world.item("column", "label", ["poser:20"])
    world.table("product_copy", ["scribe():1"], by=CORE_REVISION, sources=["product"], items=[label])
    assert damage(world) == ["poser adds the column label to it."]


@pytest.mark.parametrize(
    ("edit", "at", "expected"),
    [
        (("column", "uuid", "type"), "poser:9", "poser changes the type of the column uuid in place."),
        (("column", "uuid", "nullable"), "poser:9", "poser changes the nullability of the column uuid in place."),
        (("column", "a", "server_default"), "poser:9", "poser changes the server default of the column a in place."),
        (("table", None, "comment"), "poser:9", "poser changes the comment of the table in place."),
        (("index", "ix", "removed"), "poser:9", "poser removes the index ix in place."),
        (("constraint", None, "changed"), None, "unknown code changes a constraint without a name in place."),
        (("column", "extra", "added"), None, "unknown code adds the column extra in place."),
        (
            ("index", "ix", "changed"),
            "helper:9",
            "code of helper, which owns no tables, changes the index ix in place.",
        ),
    ],
)
def test_a_change_in_place_without_a_pending_change_is_damage(
    edit: tuple[str, str | None, str], at: str | None, expected: str
) -> None:
    world = basics()
    edits = [world.edit(*edit, [at] if at is not None else None)]
    world.table("store", ["basis:30"], by=CORE_REVISION, edits=edits)
    assert damage(world) == [expected]


def test_a_change_in_place_of_the_core_itself_is_no_damage() -> None:
    world = basics()
    world.table("store", ["basis:30"], by=CORE_REVISION, edits=[world.edit("column", "uuid", "type", ["basis:9"])])
    assert world.review().findings == ()


def test_only_what_is_pending_is_left_to_the_blocked_change() -> None:
    world = basics()
    items = [world.item("column", name, ["poser:20"]) for name in ("pending", "done")]
    edits = [world.edit("column", "uuid", attribute, ["poser:9"]) for attribute in ("type", "nullable")]
    world.table("store", ["basis:30"], by=CORE_REVISION, items=items, edits=edits)
    world.change("add_column", "store", "pending")
    world.change("modify_type", "store", "uuid")
    messages = [finding.message for finding in found(world.review(), "AR105")]
    assert len(messages) == 2
    assert "the column done" in messages[0]
    assert "the nullability of the column uuid" in messages[1]


def test_a_column_that_replaces_the_core_s_is_told_once() -> None:
    world = basics()
    longer = world.item("column", "name", ["poser:20"])
    edits = [world.edit("column", "name", "removed")]
    world.table("store", ["basis:30"], by=CORE_REVISION, items=[longer], edits=edits)
    assert damage(world) == ["poser adds the column name to it."]
    world.change("modify_type", "store", "name")
    assert [finding.code for finding in world.review().findings] == ["AR101"]


@pytest.mark.parametrize(("removal", "damaged"), [(["poser:9"], True), (None, True), (["basis:9"], False)])
def test_a_core_model_that_was_taken_out_without_a_pending_change(removal: list[str] | None, damaged: bool) -> None:
    world = basics()
    world.table("store", ["basis:30"], removed=True, removal=removal)
    world.databases[0].former.append(replace(world.databases[0].origins[0], key=world.databases[0].tables[-1].key))
    assert bool(found(world.review(), "AR105")) is damaged
    assert "AR103" not in {finding.code for finding in world.review().findings}


def test_a_disputed_core_table_is_looked_at_too() -> None:
    world = basics()
    world.table("annex_thing", ["annex:20"], by=ANNEX_REVISION)
    label = world.item("column", "label", ["poser:20"])
    world.table("badge", ["basis:20"], by=ANNEX_REVISION, items=[label])
    world.alter(APP_REVISION, "badge", "column", "added", "label")
    assert [finding.code for finding in world.review().findings] == ["AR102", "AR105", "AR106"]


# AR106


def test_what_a_revision_did_is_told_in_words() -> None:
    world = basics()
    for kind, action, name in [
        ("column", "added", "label"),
        ("index", "removed", "ix"),
        ("constraint", "changed", None),
        ("table", "changed", None),
        ("table", "renamed", "goods"),
        ("table", "dropped", None),
        ("table", "dropped_or_renamed", None),
    ]:
        world.alter(APP_REVISION, "product", kind, action, name)
    (finding,) = found(world.review(), "AR106")
    assert finding.message == (
        "Revision a1 of poser altered the core table product of basis: it added the column label, removed the index "
        "ix, changed an unnamed constraint, changed the comment of the table, renamed the table to goods, dropped the "
        "table, dropped or renamed the table."
    )
    assert (finding.revision, finding.table) == ("a1", "product")
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("poser/versions/a1.py", 1)


def test_a_core_table_that_nobody_declares_any_more_was_dropped_all_the_same() -> None:
    world = basics()
    world.databases[0].former.append(replace(world.databases[0].origins[0], key=replace(
        world.databases[0].origins[0].key, name="gone"
    )))  # fmt: skip
    world.alter(APP_REVISION, "gone", "table", "dropped")
    assert [finding.code for finding in world.review().findings] == ["AR106"]


def test_a_table_of_nobody_that_a_custom_revision_altered() -> None:
    world = basics()
    world.databases[0].stray("stray")
    world.alter(APP_REVISION, "stray", "column", "added", "label")
    world.alter(APP_REVISION, "vanished", "table", "dropped")
    (finding,) = found(world.review(), "AR106")
    assert "the table stray, whose owner is unknown" in finding.message


# AR201


@pytest.mark.parametrize(("kind", "name"), [("remove_table", None), ("remove_column", "size")])
@pytest.mark.parametrize(("table", "destructive"), [("poser_old", True), ("basis_old", False)])
def test_only_what_the_application_throws_away_is_destructive(
    kind: str, name: str | None, table: str, destructive: bool
) -> None:
    world = basics()
    world.databases[0].created(table, APP_REVISION if destructive else CORE_REVISION)
    world.change(kind, table, name)
    assert bool(found(world.review(), "AR201")) is destructive


# AR202


@pytest.mark.parametrize(
    ("kind", "wanted", "expected"),
    [
        ("add_column", "weight INTEGER NOT NULL", True),
        ("add_column", "weight INTEGER", False),
        ("add_column", "weight INTEGER DEFAULT 0 NOT NULL", False),
        ("add_column", "weight INTEGER GENERATED ALWAYS AS (size * 2) STORED NOT NULL", False),
        ("add_column", "weight SERIAL NOT NULL", False),
        ("modify_nullable", "False", True),
        ("modify_nullable", "True", False),
    ],
)
def test_a_column_that_rows_must_have_is_told(kind: str, wanted: str, expected: bool) -> None:
    world = basics()
    world.change(kind, "poser_widget", "weight", wanted=wanted)
    assert bool(found(world.review(), "AR202")) is expected


def test_a_table_that_nobody_has_yet_has_no_rows() -> None:
    world = basics()
    world.change("add_column", "poser_widget", "weight", wanted="weight INTEGER NOT NULL")
    facts = world.facts()
    databases = tuple(replace(database, changes=()) for database in facts.databases)
    world.history = PullRequestBase("c0ffee", replace(facts, revisions=(), databases=databases))
    assert not found(world.review(), "AR202")


# AR515


def test_a_new_revision_behind_the_branch_names_the_head_and_the_command() -> None:
    world = basics()
    behind_branch(world)
    (finding,) = found(world.review(), "AR515")
    assert (finding.revision, finding.message) == (
        "a3",
        "Revision a3 follows a1, but the head of main is a2: a merge leaves several heads.",
    )
    assert finding.hint == (
        "Merge main into this branch, then run `alembic-review revision --rebase --since main`: "
        "it sets down_revision to a2."
    )
    assert finding.location is not None
    assert finding.location.path == "poser/versions/a3.py"


def test_a_command_that_refuses_is_no_hint() -> None:
    world = basics()
    behind_branch(world)
    world.revision("a4", APP, f"{folder(APP)}/versions", APP_REVISION)
    findings = found(world.review(), "AR515")
    assert [finding.revision for finding in findings] == ["a3", "a4"]
    assert {one.hint for one in findings} == {"Merge main into this branch, then replace a1 by a2 in down_revision."}


def test_a_branch_of_its_own_and_the_branch_of_another_package_are_other_matters() -> None:
    world = basics()
    behind_branch(world, "expand")
    assert not found(world.review(), "AR515")
    world = basics()
    world.revision("c2", CORE, f"{folder(CORE)}/versions", CORE_REVISION)
    world.history = PullRequestBase("c0ffee", world.facts(), ref="main")
    world.revision("a2", APP, f"{folder(APP)}/versions", CORE_REVISION)
    review = world.review()
    assert found(review, "AR510")
    assert not found(review, "AR515")


# AR401 and AR402


@pytest.mark.parametrize(
    ("names", "setting", "expected"),
    [
        (["poser_a", "poser_b", "stray"], None, ["stray"]),
        (["one", "two", "three"], None, []),
        (["order_item", "order_note", "order_line", "invoice"], None, []),
        (["poser_a", "one"], "poser_", ["one"]),
        (["poser_a", "poser_b"], "shop_", ["poser_a", "poser_b", "poser_widget"]),
    ],
)
def test_a_custom_table_without_the_prefix(names: list[str], setting: str | None, expected: list[str]) -> None:
    world = basics()
    world.settings = replace(SETTINGS, prefix=setting)
    for number, name in enumerate(names):
        world.table(name, [f"poser:{20 + number}"])
    assert [finding.table for finding in found(world.review(), "AR401")] == expected


def test_without_a_core_there_is_nothing_to_be_told_apart_from() -> None:
    world = basics()
    world.databases[0].tables[:1] = []
    world.databases[0].origins[:1] = []
    world.databases[0].present[:1] = []
    world.table("poser_gadget", ["poser:20"])
    world.table("plain", ["poser:21"])
    assert world.review().findings == ()


def test_names_that_nobody_chose_are_nobody_s_fault() -> None:
    world = basics()
    world.settings = replace(SETTINGS, prefix="poser_")
    world.table("copy", ["scribe():1"], sources=["poser_widget"])
    world.databases[0].created("old", APP_REVISION)
    assert world.review().findings == ()


@pytest.mark.parametrize(
    ("tables", "setting", "expected"),
    [
        (["annex_one", "annex_two", "other"], None, True),
        (["annex_one", "other", "another"], None, False),
        (["annex_one"], None, False),
        (["thing_one", "thing_two"], None, False),
        (["annex_one", "annex_two"], "annex_", False),
    ],
    ids=["most of its tables", "some of its tables", "one table", "a common word", "also the application's"],
)
def test_a_namespace_is_a_prefix_that_a_core_package_made_its_habit(
    tables: list[str], setting: str | None, expected: bool
) -> None:
    world = basics()
    world.settings = replace(SETTINGS, prefix=setting)
    for number, name in enumerate(tables):
        world.table(name, [f"annex:{20 + number}"], by=ANNEX_REVISION)
    world.table("annex_mine", ["poser:30"])
    world.table("thing_mine", ["poser:31"])
    names = [finding.table for finding in found(world.review(), "AR402")]
    assert names == (["annex_mine"] if expected else [])


def test_the_namespace_of_another_custom_package_is_free_for_all() -> None:
    world = basics()
    world.settings = replace(SETTINGS, custom=("poser", "annex"))
    in_a_namespace(world)
    assert found(world.review(), "AR402") == []


def test_prefixes() -> None:
    assert [prefix(name) for name in ("shop_item", "item", "_x", "x_")] == ["shop_", None, None, None]
    assert habitual_prefix(["a_1", "a_2", "b"], "space.a") == "a_"
    assert habitual_prefix(["a_1", "b_2"], "a_b") is None
    assert habitual_prefix(["a_1", "a_2", "b_1", "b_2"], "a_b") is None
    assert habitual_prefix([], "a") is None


# AR601


def test_a_filter_is_told_by_whose_tables_it_hides() -> None:
    world = basics()
    world.databases[0].filters.append(Filter("include_object", Place("/project/migrations/env.py", 12)))
    world.databases[0].filtered += [
        Filtered("include_object", "table", None, "product"),
        Filtered("include_object", "table", None, "poser_widget"),
        Filtered("include_object", "table", None, "alembic_version"),
        Filtered("include_object", "index", None, "ix", "product"),
        Filtered("include_name", "schema", None, "audit"),
    ]
    findings = found(world.review(), "AR601")
    told = [(finding.severity, finding.message.removeprefix("The filter ")) for finding in findings]
    out = "from the comparison:"
    assert told == [
        (Severity.WARNING, f"include_name of env.py excludes 1 other object {out} schema audit."),
        (Severity.INFO, f"include_object of env.py excludes 1 core table {out} product."),
        (Severity.INFO, f"include_object of env.py excludes 1 object of core tables {out} index ix of product."),
        (Severity.WARNING, f"include_object of env.py excludes 1 table that is not a core table {out} poser_widget."),
    ]
    assert findings[1].location is not None
    assert (findings[1].location.path, findings[1].location.line) == ("migrations/env.py", 12)


def test_a_filter_that_hides_many_tables_names_some() -> None:
    world = basics()
    for number in range(7):
        world.table(f"poser_{number}", ["poser:20"])
        world.databases[0].filtered.append(Filtered("include_name", "table", None, f"poser_{number}"))
    (finding,) = world.review().findings
    assert "excludes 7 tables that are not core tables" in finding.message
    assert finding.message.endswith("poser_0, poser_1, poser_2, poser_3, poser_4 and 2 more.")


# AR602


def test_a_revision_that_creates_tables_from_the_models_is_told_once() -> None:
    world = basics()
    world.table("poser_gadget", ["poser:20"], by=APP_REVISION)
    world.databases[0].create("poser_gadget", "poser_widget", by=APP_REVISION, at=["poser:30"])
    (finding,) = found(world.review(), "AR602")
    assert finding.message == (
        "Revision a1 created 2 tables (poser_gadget, poser_widget) from the current models with "
        "metadata.create_all(). Comparing these tables with the models finds no difference, even if revisions "
        "are missing."
    )
    assert (finding.severity, finding.blocks, finding.revision) == (Severity.ERROR, False, APP_REVISION)
    assert "move the operations that it writes into revision a1" in finding.hint
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("poser/model.py", 30)


@pytest.mark.parametrize(
    ("at", "hint"),
    [
        (["poser:30"], "Move the call to code that env.py does not run"),
        (["/site/basis/alembic/env.py:9"], "Remove the call from env.py"),
    ],
)
def test_code_outside_the_revisions_that_creates_some_tables_is_told_by_its_line(at: list[str], hint: str) -> None:
    world = basics()
    world.settings = replace(SETTINGS, custom=(APP,))
    world.databases[0].create("poser_widget", at=at)
    (finding,) = found(world.review(), "AR602")
    assert finding.message.startswith("Code outside any revision created the table poser_widget from the current")
    assert hint in finding.hint
    assert finding.severity is Severity.ERROR
    assert finding.location is not None
    assert finding.location.line == int(at[0].rpartition(":")[2])


@pytest.mark.parametrize(
    ("by", "at", "severity"),
    [
        (CORE_REVISION, ["basis:30"], Severity.INFO),
        (CORE_REVISION, None, Severity.INFO),
        (APP_REVISION, ["basis:30"], Severity.ERROR),
        ("", ["basis:30"], Severity.INFO),
        ("", ["helper:3", "basis:30", "poser:5"], Severity.INFO),
        ("", ["helper:3", "poser:5", "basis:30"], Severity.ERROR),
        ("", ["poser:5"], Severity.ERROR),
        ("", None, Severity.ERROR),
    ],
)
def test_core_tables_that_the_core_itself_creates_are_only_mentioned(
    by: str, at: list[str] | None, severity: Severity
) -> None:
    world = basics()
    world.databases[0].create("product", by=by, at=at)
    (finding,) = found(world.review(), "AR602")
    assert finding.severity is severity
    world.settings = replace(SETTINGS, custom=())
    (finding,) = found(world.review(), "AR602")
    assert finding.severity is Severity.ERROR


@pytest.mark.parametrize(("table", "severity"), [("product", Severity.INFO), ("poser_widget", Severity.ERROR)])
def test_what_the_settings_create_before_the_first_revision_need_not_be_the_core_s(
    table: str, severity: Severity
) -> None:
    world = basics()
    world.databases[0].create(table, at=["poser:5"])
    world.databases[0].before.append(key(table))
    (finding,) = found(world.review(), "AR602")
    assert finding.severity is severity
    assert finding.message.startswith(f"`before` created the table {table} from the current models with ")
    assert finding.hint.startswith("Let `before` create the tables as they were")


def test_one_call_for_tables_of_two_owners_is_told_for_each_severity() -> None:
    world = basics()
    world.table("poser_gadget", ["poser:20"], by=APP_REVISION)
    world.databases[0].create("poser_widget", "product", by=CORE_REVISION, at=["basis:30"])
    findings = found(world.review(), "AR602")
    assert [(finding.table, finding.severity) for finding in findings] == [
        ("poser_widget", Severity.ERROR),
        ("product", Severity.INFO),
    ]


def test_a_line_that_moves_is_the_same_finding() -> None:
    prints = set()
    for line in (30, 31):
        world = basics()
        world.databases[0].create("poser_widget", at=[f"poser:{line}"])
        prints |= {finding.fingerprint for finding in found(world.review(), "AR602")}
    assert len(prints) == 1


# AR603


def test_tables_outside_the_target_metadata_are_one_finding_for_each_metadata() -> None:
    world = basics()
    world.outside("poser_log", ["poser:40"])
    world.outside("poser_event", ["poser:44"], mapped=False)
    world.outside("poser_note", ["poser:50"], metadata=1)
    world.outside("poser_gone", ["poser:60"], metadata=2, removed=True)
    findings = found(world.review(), "AR603")
    told = [(finding.table, finding.message.partition(":")[0]) for finding in findings]
    assert told == [
        (None, "2 tables (poser_log, poser_event) of poser are in no target_metadata of env.py"),
        ("poser_gone", "The table poser_gone of poser is removed from target_metadata"),
        ("poser_note", "The table poser_note of poser is in no target_metadata of env.py"),
    ]
    assert "include_object" in findings[1].hint
    assert findings[0].location is not None
    assert findings[0].location.line == 40


@pytest.mark.parametrize(
    ("at", "fields", "not_checked"),
    [
        (["basis:40"], {}, ""),
        (["annex():3", "basis:40"], {}, ""),
        (None, {}, ""),
        (["poser:40"], {"bind": "logs"}, "1 table of the bind logs, for which env.py runs no migrations"),
        (["poser:40"], {"elsewhere": True}, "1 table of another database, for which env.py runs no migrations"),
    ],
)
def test_tables_of_others_and_of_other_databases_need_no_target_metadata(
    at: list[str] | None, fields: dict[str, Any], not_checked: str
) -> None:
    world = basics()
    world.outside("log", at, **fields)
    review = world.review()
    assert review.findings == ()
    assert not not_checked or not_checked in review.provenance.not_checked


@pytest.mark.parametrize("removed", [True, False])
def test_a_table_that_a_mapped_class_uses_is_not_to_be_dropped(removed: bool) -> None:
    world = basics()
    if removed:
        world.table("poser_log", ["poser:40"], by=APP_REVISION, removed=True)
    else:
        world.databases[0].created("poser_log", APP_REVISION)
    world.change("remove_table", "poser_log")
    assert verdicts(world.review()) == ["safe remove_table poser_log"]
    world.outside("poser_log", ["poser:40"], removed=removed)
    review = world.review()
    assert verdicts(review) == ["blocked remove_table poser_log"]
    assert "A mapped class of poser uses the table" in only(review).reason


def test_a_table_without_a_mapped_class_may_be_dropped() -> None:
    world = basics()
    world.databases[0].created("poser_log", APP_REVISION)
    world.change("remove_table", "poser_log")
    world.outside("poser_log", ["poser:40"], mapped=False)
    assert verdicts(world.review()) == ["safe remove_table poser_log"]


# AR604


def test_hidden_changes_are_one_finding_for_each_table_and_filter() -> None:
    world = basics()
    widget = key("poser_widget")
    world.databases[0].hidden += [
        Hidden("compare_type", "modify_type", widget, "size", ("size",), "VARCHAR(80)", "VARCHAR(50)"),
        *(Hidden("include_object", "add_column", widget, f"c{number}", (f"c{number}",)) for number in range(7)),
        Hidden("include_object", "add_constraint", widget, None, ("a", "b")),
    ]
    findings = found(world.review(), "AR604")
    assert [(finding.table, finding.message) for finding in findings] == [
        (
            "poser_widget",
            (
                "compare_type of env.py hides a change to poser_widget (owner: poser) that Alembic finds without it: "
                "modify_type size from VARCHAR(50) to VARCHAR(80)."
            ),
        ),
        (
            "poser_widget",
            (
                "include_object of env.py hides 8 changes to poser_widget (owner: poser) that Alembic finds without "
                "it: add_column c0, add_column c1, add_column c2, add_column c3, add_column c4 and 3 more."
            ),
        ),
    ]
    assert len({finding.fingerprint for finding in findings}) == 2
    # Alembic compares foreign keys in the order of a set.
    world.databases[0].hidden.reverse()
    assert found(world.review(), "AR604") == findings


@pytest.mark.parametrize("table", ["product", "poser_gone", "stray"])
def test_what_is_hidden_of_others_and_of_tables_without_a_model_does_not_count(table: str) -> None:
    world = basics()
    world.table("poser_gone", ["poser:20"], by=APP_REVISION, removed=True)
    world.databases[0].stray("stray")
    world.databases[0].hidden.append(Hidden("include_object", "remove_table", key(table), None))
    assert found(world.review(), "AR604") == []


def test_hidden_changes_to_a_framework_count_in_its_own_review() -> None:
    world = basics()
    world.settings = replace(SETTINGS, custom=())
    world.databases[0].hidden.append(Hidden("include_object", "add_column", key("product"), "label", ("label",)))
    assert [finding.table for finding in found(world.review(), "AR604")] == ["product"]


# AR605


def test_reflected_tables_are_one_finding_for_each_call() -> None:
    world = basics()
    for name in ("poser_one", "poser_two"):
        world.table(name, ["poser:20"], by=APP_REVISION, reflected=("uuid",))
    world.table("poser_three", ["poser:30"], by=APP_REVISION, reflected=("uuid",))
    world.table("store", ["basis:30"], by=CORE_REVISION, reflected=("uuid",))
    findings = found(world.review(), "AR605")
    assert [(finding.severity, finding.message.partition(" in target")[0]) for finding in findings] == [
        (Severity.WARNING, "2 tables (poser_one, poser_two)"),
        (Severity.WARNING, "The table poser_three"),
        (Severity.INFO, "The table store"),
    ]
    assert [finding.location.line for finding in findings if finding.location] == [20, 30, 30]


def test_a_reflected_table_that_is_not_compared_is_not_reported() -> None:
    world = basics()
    world.table("poser_one", ["poser:20"], by=APP_REVISION, reflected=("uuid",))
    world.databases[0].filtered.append(Filtered("include_object", "table", None, "poser_one"))
    assert found(world.review(), "AR605") == []


def test_nothing_is_compared_where_every_table_was_reflected() -> None:
    world = World()
    world.table("poser_one", ["poser:20"], by=APP_REVISION, reflected=("uuid",))
    with pytest.raises(ObservationError, match="the table poser_one in target_metadata was read from"):
        world.review()
    world.table("poser_two", ["poser:30"], by=APP_REVISION, reflected=("uuid",))
    with pytest.raises(ObservationError, match=r"2 tables \(poser_one, poser_two\) in target_metadata were read from"):
        world.review()


def test_a_reflected_table_is_no_model_of_its_package() -> None:
    world = basics()
    world.databases[0].tables.pop()
    world.table("poser_widget", ["poser:10"], columns=("uuid", "size"), reflected=("uuid", "size"))
    with pytest.raises(ObservationError, match="No model of poser was loaded, though its revisions created"):
        world.review()


def test_what_alters_the_core_is_not_told_to_depend_on_it() -> None:
    world = basics()
    without_dependency(world)
    world.alter(APP_REVISION, "product", "column", "added", "label")
    review = world.review()
    assert {finding.code for finding in review.findings} == {"AR106"}
    assert (
        "poser's revisions in a different dependency order (revision a1 alters a core table)"
        in review.provenance.not_checked
    )


def test_history_of_others_is_their_business() -> None:
    world = basics()
    failure = RevisionFailure("ValueError: no")
    world.order_trials.append(OrderTrial(CORE, (CORE_REVISION,), CORE_REVISION, (APP_REVISION,), failure))
    world.order_trials.append(OrderTrial(ANNEX, (ANNEX_REVISION,), skipped="no"))
    downgrades = (Downgrade(CORE_REVISION, changed=False), Downgrade(ANNEX_REVISION, skipped="no"))
    world.databases[0].downgrades.extend(downgrades)
    world.revision("c2", CORE, f"{folder(CORE)}/versions", down=CORE_REVISION)
    world.revision("c3", CORE, f"{folder(CORE)}/versions", down=CORE_REVISION)
    world.follow(ANNEX_REVISION, CORE_REVISION)
    review = world.review()
    assert review.findings == ()
    assert review.provenance.not_checked == ()


def test_several_branches_with_one_head_each_are_as_they_should_be() -> None:
    world = basics()
    world.revision("a2", APP, f"{folder(APP)}/versions")
    world.revision("a3", APP, f"{folder(APP)}/versions", down="a2")
    assert world.review().findings == ()


def test_heads_that_were_merged_are_one() -> None:
    world = basics()
    world.revision("a2", APP, f"{folder(APP)}/versions", down=APP_REVISION)
    world.revision("a3", APP, f"{folder(APP)}/versions", down=APP_REVISION)
    assert [finding.code for finding in world.review().findings] == ["AR512"]
    world.revision("a4", APP, f"{folder(APP)}/versions")
    world.follow("a4", "a2", "a3")
    assert world.review().findings == ()
    # Heads that have nothing in common but a revision of somebody else are not one branch, and still wrong.
    world.revision("a5", APP, f"{folder(APP)}/versions", down=CORE_REVISION)
    world.revision("a6", APP, f"{folder(APP)}/versions", down=CORE_REVISION)
    assert [finding.code for finding in world.review().findings] == ["AR510", "AR510"]


def test_heads_with_different_branch_labels_are_different_branches() -> None:
    world = basics()
    labelled = {"a2": ("expand",), "a3": ("contract",), "a4": ("contract",), "a5": ()}
    for name, labels in labelled.items():
        world.revision(name, APP, f"{folder(APP)}/versions", down=APP_REVISION, labels=labels)
    (finding,) = found(world.review(), "AR512")
    assert finding.message == "One branch of poser has 2 heads: a3 a4."
    assert finding.hint == 'Merge them: alembic merge -m "merge heads" a3 a4'


def test_a_revision_of_the_core_that_follows_one_of_the_application() -> None:
    world = basics()
    world.follow(CORE_REVISION, APP_REVISION)
    (finding,) = world.review().findings
    assert finding.message == "Revision c1 of basis follows a1 of poser, so it is in your application's branch."


@pytest.mark.parametrize(
    ("downgrade", "wrong"),
    [
        (Downgrade(APP_REVISION), None),
        (Downgrade(APP_REVISION, needed=False, changed=False), None),
        (Downgrade(APP_REVISION, changed=False, skipped="why"), None),
        (Downgrade(APP_REVISION, left=(key("b"), key("s.a"))), "leaves tables that its upgrade created: b, s.a."),
        (Downgrade(APP_REVISION, failure=RevisionFailure("KeyError: 'x'")), "fails: KeyError: 'x'."),
    ],
)
def test_what_is_wrong_with_a_downgrade(downgrade: Downgrade, wrong: str | None) -> None:
    world = basics()
    world.databases[0].downgrades.append(downgrade)
    told = [finding.message for finding in world.review().findings]
    assert told == ([f"The downgrade of revision a1 of poser {wrong}"] if wrong else [])


def test_a_downgrade_after_a_wrong_one_is_not_blamed() -> None:
    world = basics()
    world.revision("a2", APP, f"{folder(APP)}/versions")
    failure = RevisionFailure("UndefinedTable: x", place=Place("/project/a1.py", 9))
    world.databases[0].downgrades += [Downgrade("a2", changed=False), Downgrade(APP_REVISION, failure=failure)]
    told = {finding.revision: finding for finding in found(world.review(), "AR514")}
    assert told["a2"].hint.startswith("In downgrade()")
    assert "of poser, run after the downgrade of a2, fails" in told[APP_REVISION].message
    assert told[APP_REVISION].hint.startswith("Fix the downgrade of a2 first")


def test_findings_name_one_of_several_databases() -> None:
    world = basics()
    world.databases[0].name = "main"
    world.databases.append(replace(world.databases[0], name="log", alterations=[], changes=[]))
    for database in world.databases:
        database.alterations.append(Alteration(APP_REVISION, key("product"), "column", "added", "label", ("label",)))
    told = found(world.review(), "AR106")
    assert [(finding.database, finding.table) for finding in told] == [("log", "product"), ("main", "product")]


# AR901


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (
            ServerChange("role", "reporting", "changed", ("rolcreatedb",)),
            "role reporting was changed (rolcreatedb).",
            "Restore role reporting. Use a role in --server whose only privilege is CREATEDB, or omit --server.",
        ),
        (
            ServerChange("database", "sales", "dropped"),
            "database sales was dropped.",
            "Restore database sales. Use a role in --server whose only privilege is CREATEDB, or omit --server.",
        ),
        (
            ServerChange("role", "app", "created", reason="it owns objects"),
            "role app was created.",
            "It was not dropped (it owns objects). Drop it if a revision or env.py created it.",
        ),
    ],
    ids=lambda value: value.action if isinstance(value, ServerChange) else "",
)
def test_what_a_run_changed_on_a_given_server_blocks(change: ServerChange, message: str, hint: str) -> None:
    world = basics()
    world.server_changes.append(change)
    (finding,) = found(world.review(), "AR901")
    assert finding.message == f"The run changed the given server: {message}"
    assert (finding.hint, finding.blocks, finding.severity) == (hint, True, Severity.ERROR)


# AR902


def test_a_replay_as_superuser_names_the_statement_and_its_line() -> None:
    world = basics()
    as_superuser(world)
    (finding,) = found(world.review(), "AR902")
    assert finding.message == (
        "Revision a1 executes `CREATE EXTENSION file_fdw`, which needs a superuser (permission "
        'denied to create extension "file_fdw"). The replay was repeated from an empty database as superuser.'
    )
    assert finding.location is not None
    assert (finding.location.path, finding.location.line, finding.revision) == ("poser/a1.py", 9, APP_REVISION)
    assert not world.review().gate.refused


def test_a_replay_as_superuser_for_env_py_names_no_revision() -> None:
    world = basics()
    world.superuser = Privilege("", "must be owner of extension plpgsql")
    (finding,) = found(world.review(), "AR902")
    assert finding.message.startswith("Code outside any revision executes `a statement`")
    assert (finding.revision, finding.location) == (None, None)
