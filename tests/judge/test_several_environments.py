"""Several Alembic environments in one database: whose every entry is, and what is known of the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_review.judge.combined_review import judge_together
from alembic_review.judge.several_environments import together
from alembic_review.model.accepting import Accept, Baseline
from alembic_review.model.errors import ObservationError, UsageError
from alembic_review.model.facts import (
    ChangeFact,
    Creation,
    DatabaseFacts,
    Facts,
    Filtered,
    Item,
    ModelTable,
    Origin,
    Revision,
    TableKey,
)
from alembic_review.model.review import KnownFinding, KnownFindings, Outcome, Review
from alembic_review.model.settings import Environment
from tests.judge.world import (
    APP,
    APP_REVISION,
    CORE,
    CORE_REVISION,
    SETTINGS,
    World,
    found,
    key,
    package,
    use,
    verdicts,
)

CORE_INI, APP_INI = "basis.ini", "alembic.ini"
ENVIRONMENTS = tuple(Environment(name, Path("/project") / name) for name in (CORE_INI, APP_INI))


def environment(of: str) -> World:
    """An environment with the revisions of one package, in which only that package is known."""
    world = World(packages=[package(of)], modules=[f"{of}.model"])
    world.revisions = [revision for revision in world.revisions if revision.package == of]
    world.locations = [location for location in world.locations if location.package == of]
    return world


def worlds() -> tuple[World, World]:
    """A core table ``product`` in the one, a custom table ``poser_widget`` in the other; each sees all tables."""
    core, app = environment(CORE), environment(APP)
    core.table("product", ["basis:10"], by=CORE_REVISION, columns=("uuid", "name"))
    app.table("poser_widget", ["poser:10"], by=APP_REVISION, columns=("uuid", "size"))
    for world, other in ((core, "poser_widget"), (app, "product")):
        world.databases[0].stray(other)
        world.databases[0].stray("basis_version" if world is app else "poser_version")
        world.change("remove_table", other)
        world.change("remove_table", "basis_version" if world is app else "poser_version")
    return core, app


def declare_product(app: World, *items: Item) -> None:
    """The application's own env.py imports the model of the core table, too."""
    app.table("product", ["basis:10"], columns=("uuid", "name"), items=items)
    database = app.databases[0]
    database.changes = [change for change in database.changes if change.key != key("product")]


def observed(core: World, app: World) -> tuple[Facts, Facts]:
    facts = []
    for world, name, version_table in ((core, CORE_INI, "basis_version"), (app, APP_INI, "poser_version")):
        made = world.facts()
        databases = tuple(
            replace(one, default_schema="public", scratch="s", version_table=key(version_table))
            for one in made.databases
        )
        facts.append(replace(made, environment=name, databases=databases))
    return facts[0], facts[1]


def review(core: World, app: World, **settings: object) -> Review:
    chosen = replace(SETTINGS, environments=ENVIRONMENTS, **settings)  # type: ignore[arg-type]
    declared = (*core.declared, *app.declared)
    return judge_together(observed(core, app), chosen, declared, tool="t", server="s", root=".")


def rows(review: Review) -> list[str]:
    return [
        f"{change.environment}: {verdict}" for change, verdict in zip(review.changes, verdicts(review), strict=True)
    ]


def test_tables_of_another_environment_are_left_out_and_counted() -> None:
    core, app = worlds()
    core.change("add_column", "product", "name")
    app.change("add_column", "poser_widget", "size")
    told = review(core, app)
    assert rows(told) == [
        "alembic.ini: safe add_column poser_widget.size",
        "basis.ini: upstream add_column product.name",
    ]
    assert told.outcome is Outcome.SAFE
    assert [line for line in told.provenance.not_checked if "other environments" in line] == [
        f"1 table and 1 version table of other environments in the comparison of {name} (each environment compares its "
        "own)"
        for name in (CORE_INI, APP_INI)
    ]
    assert [(one.name, one.owner, one.role.value) for one in told.tables] == [
        ("product", "basis", "core"),
        ("poser_widget", "poser", "custom"),
    ]
    assert told.provenance.config == "basis.ini, alembic.ini"
    assert told.provenance.heads == (CORE_REVISION, APP_REVISION)
    assert (told.provenance.revisions, told.provenance.tables_compared) == (2, 2)
    assert found(told, "AR103") == []


def test_the_version_table_of_another_environment_is_no_model() -> None:
    """An application may read all tables that are there into its MetaData."""
    core, app = worlds()
    app.table("basis_version", ["poser:30"], columns=("version_num",), reflected=("version_num",))
    app.table("poser_gadget", ["poser:20"], by=APP_REVISION, columns=("uuid",), reflected=("uuid",))
    told = review(core, app)
    assert [finding.table for finding in found(told, "AR605")] == ["poser_gadget"]
    assert "basis_version" not in {table.name for table in told.tables}


def test_what_two_environments_declare_is_told_once_where_its_revisions_are() -> None:
    core, app = worlds()
    for world in (app, core):
        world.change("add_column", "product", "name", wanted="name TEXT")
    declare_product(app)
    assert rows(review(core, app)) == ["basis.ini: upstream add_column product.name"]


@pytest.mark.parametrize(("at", "home"), [("basis:30", CORE_INI), ("poser:30", APP_INI)])
def test_a_new_table_that_two_environments_declare_is_for_its_package_to_create(at: str, home: str) -> None:
    core, app = worlds()
    for world in (core, app):
        world.table("news", [at])
        world.change("add_table", "news")
    (change,) = review(core, app).changes
    assert change.environment == home


@pytest.mark.parametrize(
    ("own_item", "hidden_by_both", "told_in"),
    [(False, False, []), (True, False, [APP_INI]), (False, True, [CORE_INI])],
    ids=["compared by the other", "with another model there", "hidden by both, said once"],
)
def test_a_hidden_table_that_another_environment_compares(
    own_item: bool, hidden_by_both: bool, told_in: list[str]
) -> None:
    core, app = worlds()
    declare_product(app, *([app.item("column", "label", ["poser:20"])] if own_item else []))
    for world in (core, app) if hidden_by_both else (app,):
        world.databases[0].filtered.append(Filtered("include_object", "table", None, "product"))
    assert [finding.environment for finding in found(review(core, app), "AR601")] == told_in


def test_what_only_the_applications_process_adds_to_a_core_table_is_blocked() -> None:
    core, app = worlds()
    label = app.item("column", "label", ["poser:20"])
    declare_product(app, label)
    app.change("add_column", "product", "label")
    told = review(core, app)
    assert rows(told) == ["alembic.ini: blocked add_column product.label"]
    assert (told.changes[0].owner, told.changes[0].cause) == (CORE, APP)


def test_a_core_table_that_a_custom_revision_altered_is_told_once_and_blocks() -> None:
    core, app = worlds()
    app.alter(APP_REVISION, "product", "column", "added", "label")
    core.change("remove_column", "product", "label")
    told = review(core, app)
    assert rows(told) == ["basis.ini: blocked remove_column product.label"]
    (change,) = told.changes
    assert (change.owner, change.cause) == (CORE, APP)
    (finding,) = found(told, "AR106")
    assert (finding.environment, finding.revision, finding.table) == (APP_INI, APP_REVISION, "product")
    assert "core table product of basis" in finding.message


def test_a_core_table_without_a_revision_is_known_by_the_model_of_the_other_environment() -> None:
    core, app = worlds()
    core.table("legacy", ["basis:40"])
    app.databases[0].existed("legacy")
    app.alter(APP_REVISION, "legacy", "column", "added", "label")
    (finding,) = found(review(core, app), "AR106")
    assert "core table legacy of basis" in finding.message


def test_a_core_table_that_a_custom_revision_dropped() -> None:
    core, app = worlds()
    core.databases[0].former.append(Origin(key("gone"), CORE_REVISION, CORE))
    app.alter(APP_REVISION, "gone", "table", "dropped")
    (finding,) = found(review(core, app), "AR106")
    assert "core table gone of basis" in finding.message


def test_a_table_is_compared_where_it_is_declared_whoever_created_it() -> None:
    core, app = worlds()
    core.databases[0].created("moved", CORE_REVISION)
    core.change("remove_table", "moved")
    app.table("moved", ["poser:50"], columns=("uuid", "more"))
    app.databases[0].stray("moved")
    app.change("add_column", "moved", "more")
    told = review(core, app)
    # The definition and the revision that created it belong to different packages.
    assert rows(told) == ["alembic.ini: blocked add_column moved.more"]
    (finding,) = found(told, "AR102")
    assert "revision c1 of basis created it" in finding.message


def test_a_table_of_nobody_is_told_once() -> None:
    core, app = worlds()
    for world in (core, app):
        world.databases[0].stray("stray")
        world.change("remove_table", "stray")
    told = review(core, app)
    assert rows(told) == ["basis.ini: blocked remove_table stray"]
    assert len(found(told, "AR103")) == 1


def test_types_of_tables_of_another_environment_are_left_out() -> None:
    core, app = worlds()
    of_core, of_both = (
        (use("product", "name", "database"),),
        (use("product", "name", "database"), use("poser_widget", "size")),
    )
    app.change("op:DropEnumOp", None, "grade", type_name="grade", type_users=of_core)
    app.change("op:DropEnumOp", None, "colour", type_name="colour", type_users=of_both)
    assert [change.name for change in review(core, app).changes] == ["colour"]


def test_schemas_are_compared_by_their_full_names() -> None:
    core, app = worlds()
    core.table("archive.product", ["basis:60"], by=CORE_REVISION)
    made = observed(core, app)
    # For the other environment, archive is the default schema.
    theirs = replace(
        made[1].databases[0],
        default_schema="archive",
        changes=(ChangeFact("remove_table", key("product"), None, None, 0, "", None),),
    )
    _, told = together((made[0], replace(made[1], databases=(theirs,))))
    assert told.databases[0].changes == ()


def test_other_databases_have_nothing_to_do_with_each_other() -> None:
    made = observed(*worlds())
    apart = replace(made[1], databases=tuple(replace(one, scratch="other") for one in made[1].databases))
    told = together((made[0], apart))
    assert [len(one.databases[0].changes) for one in told] == [2, 2]


def test_revisions_of_the_same_id_are_told_apart() -> None:
    core, app = worlds()
    core.revisions = [Revision(APP_REVISION, "/site/basis/versions/a1.py", CORE, "/site/basis/versions")]
    core.databases[0].origins = [Origin(key("product"), APP_REVISION, CORE)]
    declare_product(app)
    (evidence,) = [one.evidence for one in review(core, app).tables if one.name == "product"]
    assert evidence == ("defined at basis/model.py:10 (basis)", "created by revision a1 (basis)")
    _, told = together(observed(core, app))
    assert [origin.revision for origin in told.databases[0].other_origins if origin.key.name == "product"] == [
        "basis.ini:a1"
    ]


def test_only_the_environments_that_were_asked_for_are_told() -> None:
    core, app = worlds()
    core.change("add_column", "product", "name")
    app.change("add_column", "poser_widget", "size")
    chosen = (replace(ENVIRONMENTS[0], reviewed=False), ENVIRONMENTS[1])
    facts = observed(core, app)
    told = judge_together(facts, replace(SETTINGS, environments=chosen), (), tool="t", server="s", root=".")
    assert rows(told) == ["alembic.ini: safe add_column poser_widget.size"]
    assert told.provenance.config == "alembic.ini"


def test_a_model_that_another_environment_loads_is_not_missing() -> None:
    core, app = worlds()
    core.declare("poser_widget", "poser.model")
    core.declare("poser_lost", "poser.lost")
    (finding,) = found(review(core, app), "AR104")
    assert finding.message.count("poser_lost") > 0


def test_an_environment_without_models_of_its_own() -> None:
    core, app = worlds()
    core.databases[0].tables.clear()
    declare_product(app)
    assert rows(review(core, app)) == []
    app.databases[0].tables.clear()
    with pytest.raises(ObservationError, match="No model was loaded"):
        review(core, app)


@pytest.mark.parametrize(("line", "told"), [("poser:10", ["compared"]), ("poser:11", [])])
def test_a_table_that_another_environment_created_from_the_models(line: str, told: list[str]) -> None:
    core, app = worlds()
    app.databases[0].origins.clear()
    app.table("poser_part", ["poser:70"], by=APP_REVISION)
    call, defined = core.stack(["basis:80"]), core.stack([line])
    made = observed(core, app)
    creation = Creation(key("poser_widget"), "metadata.create_all()", call, defined=defined)
    theirs = replace(made[0].databases[0], other_creations=(creation,))
    chosen = replace(SETTINGS, environments=ENVIRONMENTS)
    facts = (replace(made[0], databases=(theirs,)), made[1])
    judged = judge_together(facts, chosen, (), tool="t", server="s", root=".")
    assert [(one.environment, one.location is not None) for one in found(judged, "AR602")] == [
        (APP_INI, True) for _ in told
    ]


def test_an_environment_that_is_only_upgraded() -> None:
    core, app = worlds()
    core.databases[0].tables.clear()
    core.databases[0].changes.clear()
    made = observed(core, app)
    told = replace(made[0].databases[0], modelless=True, not_checked=("the models of basis.ini",))
    chosen = replace(SETTINGS, environments=ENVIRONMENTS)
    judged = judge_together((replace(made[0], databases=(told,)), made[1]), chosen, (), tool="t", server="s", root=".")
    assert judged.changes == ()
    assert "the models of basis.ini" in judged.provenance.not_checked
    (product,) = [one for one in judged.tables if one.name == "product"]
    assert product.owner == CORE


def test_tables_that_only_another_environment_has_may_have_an_owner_in_the_settings() -> None:
    assert review(*worlds(), owners={"product": "basis"}).outcome is Outcome.CLEAN
    with pytest.raises(UsageError, match="there is no such table"):
        review(*worlds(), owners={"produkt": "basis"})


NAMES = st.lists(st.sampled_from(["a", "b", "c"]), unique=True)


@st.composite
def databases(draw: st.DrawFn) -> DatabaseFacts:
    """One database as an environment sees it: what it declares may differ, what it does not declare is removed."""
    declared, created = draw(NAMES), draw(NAMES)
    changes = [("add_column" if name in declared else "remove_table", name) for name in draw(NAMES)]
    return DatabaseFacts(
        *("t", None, "postgresql", "psycopg", "18"),
        origins=tuple(Origin(key(name), CORE_REVISION) for name in created),
        tables=tuple(ModelTable(key(name), None) for name in declared),
        database_tables=tuple(key(name) for name in "abc"),
        changes=tuple(ChangeFact(kind, key(name), None, None, 0, "", None) for kind, name in changes),
        scratch="s",
    )


def entries(one: DatabaseFacts) -> set[tuple[str, TableKey | None]]:
    return {(change.kind, change.key) for change in one.changes}


def manages(one: DatabaseFacts, name: TableKey | None) -> bool:
    return name in {model.key for model in one.tables} | {origin.key for origin in one.origins}


@given(st.lists(databases(), min_size=2, max_size=3))
def test_nothing_is_lost(drawn: list[DatabaseFacts]) -> None:
    core = worlds()[0].facts()
    every = [replace(core, environment=f"e{number}", databases=(one,)) for number, one in enumerate(drawn)]
    told = [facts.databases[0] for facts in together(every)]
    for number, one in enumerate(drawn):
        others = [other for other in range(len(drawn)) if other != number]
        for kind, name in entries(one) - entries(told[number]):
            same = any((kind, name) in entries(told[other]) for other in others)
            # What nobody else tells is a table that this environment knows nothing of, and another one does.
            assert same or (kind == "remove_table" and any(manages(drawn[other], name) for other in others))
    kept = [entry for one in told for entry in entries(one)]
    assert len(kept) == len(set(kept))
    assert {name for one in told for name in one.database_tables} == set(map(key, "abc"))


def dropped() -> tuple[World, World]:
    """A table of the application that its environment drops: AR201."""
    core, app = worlds()
    app.databases[0].created("poser_legacy", APP_REVISION)
    app.change("remove_table", "poser_legacy")
    return core, app


@pytest.mark.parametrize(("table", "unmatched"), [("poser_legacy", 0), ("poser_gone", 1)])
def test_an_entry_need_not_match_in_every_environment(table: str, unmatched: int) -> None:
    told = review(*dropped(), accept=(Accept("AR201", "kept", table=table),))
    assert len(found(told, "AR904")) == unmatched
    assert told.summary.accepted == (0 if unmatched else 2)
    assert [one.accepted is None for one in found(told, "AR201")] == [bool(unmatched)]


def test_a_baseline_is_that_of_all_environments() -> None:
    plain = review(*dropped())
    known = tuple(KnownFinding(one.code, one.fingerprint, one.table, one.message) for one in plain.findings)
    gone = KnownFinding("AR201", "0" * 16, "poser_gone", "The change drops the table poser_gone.")
    told = review(*dropped(), baseline=Baseline("known.json", entries=(*known, gone)))
    assert told.baseline == KnownFindings("known.json", len(known), (gone,))
    assert told.summary.accepted == len(known) > 0
