"""How a review is put together: databases, order, places, gate, and what must have been inspected."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from alembic_review.judge import gate
from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import Filter, Filtered, Listener, Place
from alembic_review.model.review import Location, Outcome, Severity, Summary, Verdict
from alembic_review.model.settings import FailOn
from tests.judge.checks.test_checks import several_heads
from tests.judge.world import APP_REVISION, CORE_REVISION, ROOT, SETTINGS, World, basics, only, verdicts


def two_databases() -> World:
    """``main`` has the usual tables; ``log`` a custom and a core table of its own."""
    world = basics()
    world.databases[0].name = "main"
    log = world.database("log")
    log.table("poser_entry", ["poser:50"], by=APP_REVISION)
    log.table("entry", ["basis:50"], by=CORE_REVISION)
    return world


def test_each_database_is_judged_by_itself() -> None:
    world = two_databases()
    main, log = world.databases
    main.change("add_column", "poser_widget", "size")
    log.change("add_column", "entry", "uuid")
    log.created("product", APP_REVISION)
    log.change("remove_table", "product")
    review = world.review()
    rows = [(change.database, change.table, change.verdict) for change in review.changes]
    assert rows == [
        ("log", "entry", Verdict.UPSTREAM),
        ("main", "poser_widget", Verdict.SAFE),
        ("log", "product", Verdict.SAFE),
    ]
    owners = {(entry.database, entry.name): entry.owner for entry in review.tables}
    assert (owners["main", "product"], owners["log", "product"]) == ("basis", "poser")


def test_operations_of_several_databases_do_not_share_a_number() -> None:
    world = two_databases()
    main, log = world.databases
    for _ in range(2):
        main.change("add_index", "poser_widget", "size", operation=1)
        log.change("add_index", "poser_entry", "uuid", operation=0)
    numbers = {(change.database, change.operation) for change in world.review().changes}
    assert numbers == {("main", 1), ("log", 0)}


def test_the_same_change_in_two_databases_has_two_fingerprints() -> None:
    world = two_databases()
    for database in world.databases:
        database.table("poser_new", ["poser:60"])
        database.change("add_table", "poser_new")
    fingerprints = [change.fingerprint for change in world.review().changes]
    assert len(set(fingerprints)) == 2


def test_databases_without_a_name_go_by_their_target() -> None:
    world = two_databases()
    world.databases[0].name = None
    names = {entry.database for entry in world.review().tables}
    assert names == {"log", "postgresql://db.invalid/main"}


def test_one_database_needs_no_name() -> None:
    world = basics()
    world.databases[0].name = "main"
    assert {entry.database for entry in world.review().tables} == {None}


def test_changes_are_ordered_by_schema_table_kind_and_name_with_none_first() -> None:
    world = basics()
    world.table("log.poser_entry", ["poser:50"], by=APP_REVISION)
    world.change("remove_column", "poser_widget", "b")
    world.change("add_column", "log.poser_entry", "x")
    world.change("remove_column", "poser_widget", "a")
    world.change("add_table_comment", "poser_widget")
    world.change("add_constraint", "poser_widget", "uq")
    world.change("add_constraint", "poser_widget", None)
    world.change("op:CreateEnumOp", None, "mood", type_name="mood")
    rows = [(change.schema, change.table, change.kind, change.name) for change in world.review().changes]
    assert rows == [
        (None, None, "op:CreateEnumOp", "mood"),
        (None, "poser_widget", "add_constraint", None),
        (None, "poser_widget", "add_constraint", "uq"),
        (None, "poser_widget", "add_table_comment", None),
        (None, "poser_widget", "remove_column", "a"),
        (None, "poser_widget", "remove_column", "b"),
        ("log", "poser_entry", "add_column", "x"),
    ]


@pytest.mark.parametrize(
    ("item", "model", "created", "expected"),
    [
        (True, True, True, Location("project", "poser/model.py", 21)),
        (False, True, True, Location("project", "poser/model.py", 20)),
        (False, False, True, Location("project", "poser/versions/a1.py", 1)),
        (False, False, False, None),
    ],
    ids=["the item", "the table", "the revision", "nowhere"],
)
def test_the_place_of_a_change_is_the_nearest_that_is_known(
    item: bool, model: bool, created: bool, expected: Location | None
) -> None:
    world = basics()
    if model:
        lines = (Place("/site/helper/model.py", 5), Place(f"{ROOT}/poser/model.py", 21))
        items = [replace(world.item("column", "x", ["helper():5", "poser:20"]), places=lines)] if item else []
        world.table("poser_thing", ["helper():5", "poser:20"], by=APP_REVISION if created else None, items=items)
    elif created:
        world.databases[0].created("poser_thing", APP_REVISION)
    world.change("modify_type", "poser_thing", "x")
    assert only(world.review()).location == expected


def test_provenance_says_what_was_looked_at() -> None:
    world = basics()
    world.settings = replace(SETTINGS, config=ROOT / "conf" / "alembic.ini")
    database = world.databases[0]
    database.filters += [Filter("include_name", Place(f"{ROOT}/migrations/env.py", 9)), Filter("include_object")]
    provenance = world.review().provenance
    assert (provenance.tool, provenance.server, provenance.root) == ("t", "s", ".")
    assert provenance.database == "postgresql 18.6"
    assert provenance.config == "conf/alembic.ini"
    assert provenance.custom == ("poser",)
    assert provenance.heads == ("a1", "c1", "x1")
    assert (provenance.revisions, provenance.tables_compared) == (3, 2)
    assert provenance.models == ("basis.model", "poser.model")
    assert provenance.filters == ("include_name: migrations/env.py:9", "include_object")


@pytest.mark.parametrize("config", [None, Path("/elsewhere/app.conf")])
def test_a_conf_outside_the_root_is_named_without_its_folder(config: Path | None) -> None:
    world = basics()
    world.settings = replace(SETTINGS, config=config)
    assert world.review().provenance.config == ("app.conf" if config else "")


def pending(safe: int, upstream: int, blocked: int) -> World:
    world = basics()
    for number in range(safe):
        world.change("remove_index", "poser_widget", f"ix_{number}")
    for number in range(upstream):
        world.change("remove_index", "product", f"ix_{number}")
    for number in range(blocked):
        world.change("remove_table", f"stray_{number}")
    return world


@pytest.mark.parametrize(
    ("counts", "outcome"),
    [
        ((0, 0, 0), Outcome.CLEAN),
        ((0, 2, 0), Outcome.CLEAN),
        ((1, 2, 0), Outcome.SAFE),
        ((1, 2, 1), Outcome.BLOCKED),
        ((0, 0, 1), Outcome.BLOCKED),
    ],
)
def test_the_worst_gives_the_outcome(counts: tuple[int, int, int], outcome: Outcome) -> None:
    review = pending(*counts).review()
    assert review.outcome is outcome
    assert (review.summary.safe, review.summary.upstream, review.summary.blocked) == counts


@pytest.mark.parametrize(
    ("fail_on", "reasons"),
    [
        ((), ("1 blocked change",)),
        ((FailOn.BLOCKED,), ("1 blocked change",)),
        ((FailOn.PENDING,), ("1 blocked change", "3 pending changes")),
        ((FailOn.UPSTREAM,), ("1 blocked change", "2 upstream changes")),
        ((FailOn.ERROR,), ("1 blocked change",)),
        ((FailOn.WARNING,), ("1 blocked change",)),
        ((FailOn.NEVER,), ()),
        (
            (FailOn.UPSTREAM, FailOn.PENDING, FailOn.UPSTREAM),
            ("1 blocked change", "3 pending changes", "2 upstream changes"),
        ),
        ((FailOn.BLOCKED, FailOn.NEVER), ()),
    ],
)
def test_what_the_settings_name_is_added_to_what_always_fails_the_check(
    fail_on: tuple[FailOn, ...], reasons: tuple[str, ...]
) -> None:
    world = pending(3, 2, 1)
    world.settings = replace(SETTINGS, fail_on=fail_on)
    review = world.review()
    assert review.gate.reasons == reasons
    assert review.gate.refused is bool(reasons)


def test_damage_is_refused_though_nothing_is_pending() -> None:
    world = basics()
    world.alter(APP_REVISION, "product", "column", "added", "label")
    review = world.review()
    assert review.changes == ()
    assert (review.outcome, review.gate.reasons) == (Outcome.BLOCKED, ("1 blocking finding",))
    world.settings = replace(SETTINGS, fail_on=(FailOn.NEVER,))
    assert world.review().outcome is Outcome.BLOCKED


@pytest.mark.parametrize("fail_on", [(), (FailOn.ERROR,), (FailOn.BLOCKED, FailOn.PENDING)])
def test_an_error_fails_the_check_though_nothing_is_blocked(fail_on: tuple[FailOn, ...]) -> None:
    world = basics()
    several_heads(world)
    world.settings = replace(SETTINGS, fail_on=fail_on)
    review = world.review()
    assert [(finding.severity, finding.blocks) for finding in review.findings] == [(Severity.ERROR, False)]
    assert (review.outcome, review.gate.reasons) == (Outcome.CLEAN, ("1 error",))
    world.change("remove_table", "stray")
    assert world.review().gate.reasons == ("1 blocked change", "1 other error")
    world.settings = replace(SETTINGS, fail_on=(FailOn.NEVER,))
    assert not world.review().gate.refused


def test_warnings_are_refused_only_on_request() -> None:
    world = basics()
    world.declare("poser_gadget", "poser.gadget")
    assert (world.review().gate.refused, world.review().outcome) == (False, Outcome.CLEAN)
    world.settings = replace(SETTINGS, fail_on=(FailOn.WARNING,))
    assert world.review().gate.reasons == ("1 warning",)


def test_a_blocked_change_is_not_counted_twice() -> None:
    review = pending(0, 0, 2).review()
    decided = gate.decide((FailOn.BLOCKED,), Summary(blocked=2), review.findings)
    assert decided.reasons == ("2 blocked changes",)
    assert {finding.severity for finding in review.findings} == {Severity.ERROR}


# What must have been inspected


def test_no_database_is_an_error() -> None:
    world = basics()
    world.databases.clear()
    world.settings = replace(SETTINGS, custom=("poser",))
    with pytest.raises(ObservationError, match="no database"):
        world.review()


@pytest.mark.parametrize("removed", [True, False])
def test_no_model_at_all_is_an_error(removed: bool) -> None:
    world = basics()
    tables = world.databases[0].tables
    world.databases[0].tables = [replace(table, removed=True) for table in tables] if removed else []
    world.settings = replace(SETTINGS, custom=("poser",))
    with pytest.raises(ObservationError, match=r"No model was loaded: the MetaData of /site/basis/alembic/env\.py"):
        world.review()


def test_modules_that_declare_tables_and_were_not_imported_are_named_where_models_are_missing() -> None:
    world = World(settings=replace(SETTINGS, custom=None))
    world.packages.clear()
    world.databases[0].created("users", APP_REVISION)
    world.declare("users", "poser.model")
    world.modules.clear()
    with pytest.raises(ObservationError, match="No model was loaded") as caught:
        world.review()
    assert "not imported: poser.model (poser/model.py:5). Import them" in caught.value.hint
    world = basics()
    world.databases[0].tables[1:] = []
    world.declare("poser_widget", "poser.widgets")
    with pytest.raises(ObservationError, match="No model of poser was loaded") as caught:
        world.review()
    assert "poser.widgets (poser/widgets.py:5)" in caught.value.hint


def test_a_file_that_alembic_executes_is_no_module_that_nobody_imports() -> None:
    world = basics()
    world.declare("poser_thing", "env")
    world.declared[0] = replace(world.declared[0], path="/site/basis/alembic/env.py")
    assert world.review().findings == ()


def test_a_database_without_models_though_revisions_created_tables_is_an_error() -> None:
    world = two_databases()
    world.databases[1].tables.clear()
    with pytest.raises(ObservationError, match="No model was loaded for log, though revisions created 2 tables"):
        world.review()


def test_a_database_without_models_and_without_tables_is_none() -> None:
    world = basics()
    world.databases[0].name = "main"
    world.database("spare")
    assert world.review().outcome is Outcome.CLEAN


def test_models_of_the_core_alone_though_revisions_of_the_application_created_tables_is_an_error() -> None:
    world = basics()
    world.databases[0].tables[1:] = []
    with pytest.raises(ObservationError) as caught:
        world.review()
    assert caught.value.message == "No model of poser was loaded, though its revisions created poser_widget."
    assert "target_metadata" in caught.value.hint


def test_models_that_were_taken_out_were_not_loaded_either() -> None:
    world = basics()
    world.databases[0].tables[1] = replace(world.databases[0].tables[1], removed=True)
    with pytest.raises(ObservationError, match="No model of poser"):
        world.review()


def test_a_custom_package_that_only_holds_revisions_needs_no_models_of_its_own() -> None:
    world = basics()
    world.settings = replace(SETTINGS, custom=("poser", "annex"))
    world.table("poser_note", ["poser:30"], by="x1")
    assert world.review().outcome is Outcome.CLEAN


def test_an_application_without_tables_is_inspected_all_the_same() -> None:
    world = basics()
    world.databases[0].tables[1:] = []
    world.databases[0].origins[1:] = []
    world.databases[0].present[1:] = []
    assert world.review().outcome is Outcome.CLEAN


@pytest.mark.parametrize(
    ("hidden", "message"), [(True, "the filters of env.py exclude every table"), (False, "autogenerate_plugins")]
)
def test_models_that_were_not_compared_are_an_error(hidden: bool, message: str) -> None:
    world = basics()
    world.databases[0].compared = 0
    if hidden:
        world.databases[0].filtered.append(Filtered("include_object", "table", None, "product"))
    with pytest.raises(ObservationError, match=message):
        world.review()


@pytest.mark.parametrize(
    ("at", "hint"),
    [
        (["poser:30"], "Move the call to code"),
        (["/site/basis/alembic/env.py:9"], "Remove the call"),
    ],
)
def test_tables_that_were_all_created_from_the_models_were_not_compared(at: list[str], hint: str) -> None:
    world = basics()
    world.settings = replace(SETTINGS, custom=("poser",))
    world.databases[0].create("poser_widget", "product", at=at)
    with pytest.raises(ObservationError) as caught:
        world.review()
    line = at[0].rpartition(":")[2]
    assert re.fullmatch(
        rf"Nothing was compared: metadata\.create_all\(\) \(\S+:{line}\) created every table from the current models, "
        "and no revision did.",
        caught.value.message,
    )
    assert caught.value.hint.startswith(hint)
    assert caught.value.hint.endswith("in a revision: `alembic-review revision -m TEXT` writes it.")


def test_tables_that_the_settings_created_from_the_models_were_not_compared_either() -> None:
    world = basics()
    world.databases[0].create("poser_widget", "product", at=["poser:30"])
    world.databases[0].before += [table.key for table in world.databases[0].tables]
    with pytest.raises(ObservationError) as caught:
        world.review()
    assert caught.value.hint.startswith("Let `before` create the tables as they were before the first revision")


def test_one_of_two_databases_whose_tables_were_all_created_from_the_models_is_named() -> None:
    world = two_databases()
    names = [table.key.name for table in world.databases[1].tables]
    world.databases[1].create(*names, at=["poser:30"])
    with pytest.raises(ObservationError, match=r"created every table of log from the current models"):
        world.review()


def test_tables_that_a_filter_hides_were_not_compared_either() -> None:
    world = basics()
    world.databases[0].create("poser_widget", at=["poser:30"])
    assert world.review().outcome is Outcome.CLEAN
    world.databases[0].filtered.append(Filtered("include_object", "table", None, "product"))
    with pytest.raises(ObservationError, match="created every table from"):
        world.review()


def test_a_revision_that_created_every_table_from_the_models_is_a_finding() -> None:
    world = basics()
    world.databases[0].create("poser_widget", "product", by="a1")
    assert "AR602" in {finding.code for finding in world.review().findings}


def test_a_table_of_the_changes_that_nothing_else_mentions() -> None:
    world = basics()
    world.change("add_table", "mystery")
    assert verdicts(world.review()) == ["blocked add_table mystery"]
    world.settings = replace(SETTINGS, owners={"mystery": "poser"})
    assert verdicts(world.review()) == ["safe add_table mystery"]
    assert "mystery" not in {entry.name for entry in world.review().tables}


def test_listeners_that_may_change_any_table_are_told_unless_the_core_s() -> None:
    world = basics()
    for package, path in (("poser", "/project/poser/model.py"), ("basis", "/site/basis/model.py"), (None, "/etc/x.py")):
        world.listeners.append(Listener("Column.after_parent_attach", Place(path, 4), package))
    assert [line for line in world.review().provenance.not_checked if "listens" in line] == [
        "effects of poser/model.py:4 on tables (it listens to every Column.after_parent_attach)",
        "effects of x.py:4 on tables (it listens to every Column.after_parent_attach)",
    ]
