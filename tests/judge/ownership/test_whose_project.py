"""Which packages are the application's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alembic_review.judge.ownership.application_packages import custom_packages, loose_folders, project_name
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import Package
from alembic_review.model.review import Role
from alembic_review.model.settings import Settings
from tests.judge.world import APP_REVISION, CORE_REVISION, ROOT, SETTINGS, World, basics, package, table, verdicts

NO_ROOT = Settings()
NO_FILE = Settings(root=ROOT, project_file=False)


def custom(world: World) -> tuple[str, ...]:
    return custom_packages(world.facts(), world.settings)


def world_of(*packages: Package, settings: Settings = SETTINGS) -> World:
    """``product`` of basis and ``poser_widget`` of poser, with these packages."""
    world = basics()
    world.settings = settings
    world.packages = list(packages)
    return world


def test_settings_decide_before_everything() -> None:
    assert custom(world_of(package("poser"), package("basis"), settings=replace(SETTINGS, custom=("basis",)))) == (
        "basis",
    )


def test_custom_none_makes_everything_core() -> None:
    world = basics()
    world.settings = replace(SETTINGS, custom=())
    world.change("add_column", "poser_widget", "size")
    review = world.review()
    assert review.provenance.custom == ()
    assert {entry.role for entry in review.tables} == {Role.CORE}
    assert verdicts(review) == ["upstream add_column poser_widget.size"]


@pytest.mark.parametrize("name", ["posser", "poser.model"])
def test_a_package_that_takes_no_part_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=name) as caught:
        custom(world_of(package("poser"), package("basis"), settings=replace(SETTINGS, custom=(name,))))
    assert "basis, poser" in caught.value.hint


def test_a_namespace_alone_is_no_package() -> None:
    world = world_of(package("poser"), package("space.basis"), settings=replace(SETTINGS, custom=("space",)))
    world.modules.append("space.basis.model")
    with pytest.raises(UsageError, match="space"):
        custom(world)


def test_the_roots_own_distribution_wherever_it_is_installed() -> None:
    installed = package("poser", distribution="Poser", paths=("/site/poser",), installed=True)
    assert custom(world_of(installed, package("basis"))) == ("poser",)


@pytest.mark.parametrize(("written", "registered"), [("my.poser", "My_Poser"), ("my-poser", "my..poser")])
def test_names_of_distributions_are_compared_as_the_index_does(written: str, registered: str) -> None:
    settings = replace(SETTINGS, distribution=written)
    assert custom(world_of(package("poser", distribution=registered, installed=True), settings=settings)) == ("poser",)


def test_an_editable_installation_of_the_root_without_a_name() -> None:
    editable = package("poser", distribution="poser", editable=True, project=str(ROOT))
    assert custom(world_of(editable, package("basis"), settings=Settings(root=ROOT))) == ("poser",)


def test_packages_below_the_root_that_nobody_distributes() -> None:
    assert custom(world_of(package("poser"), package("basis"))) == ("poser",)


def test_own_distribution_and_undistributed_packages_are_both_custom() -> None:
    owned = package("poser", distribution="poser", editable=True, project=str(ROOT))
    loose = Package("tools", (f"{ROOT}/tools",))
    assert custom(world_of(owned, loose, package("basis"))) == ("poser", "tools")


def test_what_is_installed_below_the_root_is_not_the_projects() -> None:
    core = package("basis", distribution=None, paths=(f"{ROOT}/.venv/lib/basis",), installed=True)
    assert custom(world_of(package("poser"), core)) == ("poser",)


def test_a_core_whose_sources_lie_below_the_root_is_still_another_distribution() -> None:
    owned = package("poser", distribution="poser", editable=True, project=str(ROOT))
    core = Package("basis", (f"{ROOT}/vendor/basis",), "basis", editable=True, project=f"{ROOT}/vendor/basis")
    assert custom(world_of(owned, core)) == ("poser",)


def test_a_package_that_only_brought_revisions_was_not_loaded_but_is_known() -> None:
    assert custom(world_of(package("poser", paths=()), package("basis"))) == ("poser",)


def below(name: str) -> Package:
    return Package(name, (f"{ROOT}/{name}",), name, editable=True, project=f"{ROOT}/{name}")


def test_several_distributions_below_the_root_are_refused() -> None:
    world = world_of(below("poser"), below("basis"), settings=Settings(root=ROOT))
    with pytest.raises(UsageError) as caught:
        custom(world)
    for text in ("basis, poser", "basis: 1 table", "poser: 1 table"):
        assert text in caught.value.message
    assert "--custom" in caught.value.hint
    assert "custom = [" in caught.value.hint


def test_several_distributions_below_the_root_are_refused_beside_loose_revisions_too() -> None:
    world = world_of(below("poser"), below("basis"), settings=Settings(root=ROOT))
    world.revision("m1", None, f"{ROOT}/migrations/versions")
    with pytest.raises(UsageError, match="basis, poser"):
        custom(world)


def test_loose_revisions_do_not_outweigh_the_one_distribution_below_the_root() -> None:
    world = world_of(below("poser"), package("basis"), settings=Settings(root=ROOT))
    world.revision("m1", None, f"{ROOT}/migrations/versions")
    with pytest.raises(UsageError, match="poser"):
        custom(world)


def test_nothing_found_below_the_root_lists_the_candidates() -> None:
    world = world_of(package("poser"), package("basis"), settings=Settings(root=Path("/other")))
    with pytest.raises(UsageError) as caught:
        custom(world)
    assert caught.value.exit_code == 2
    assert "poser: 1 table" in caught.value.message
    assert "basis: 1 table" in caught.value.message


def test_a_library_that_only_helps_is_no_candidate_and_no_installed_one_is_proposed() -> None:
    world = world_of(package("poser"), package("basis"), package("helper"), settings=Settings(root=Path("/other")))
    world.locations.pop()
    world.revisions.pop()
    world.table("poser_note", ["helper():5", "poser:20"])
    world.table("copy", ["scribe():5"], sources=["poser_note"])
    with pytest.raises(UsageError) as caught:
        custom(world)
    assert caught.value.message.splitlines()[1:] == [
        "Packages that define tables or bring revisions:",
        "  basis: 1 table",
        "  poser: 2 tables",
    ]
    assert 'custom = ["poser"]' in caught.value.hint
    world.packages = [package("poser", distribution="poser", installed=True), package("basis")]
    with pytest.raises(UsageError) as caught:
        custom(world)
    assert 'custom = ["PACKAGE"]' in caught.value.hint
    world.settings = Settings(custom=("posser",))
    with pytest.raises(UsageError) as caught:
        custom(world)
    assert caught.value.hint == "Packages that define tables or bring revisions: basis, poser."


def test_loose_files_below_the_root_make_a_project_of_their_own() -> None:
    world = World(settings=Settings(root=ROOT))
    world.packages = []
    world.locations.clear()
    world.revisions.clear()
    world.revision("m1", None, f"{ROOT}/migrations/versions")
    world.table("book", ["./models.py:3"], by="m1")
    world.change("add_column", "book", "uuid")
    review = world.review()
    assert review.provenance.custom == ("project",)
    assert verdicts(review) == ["safe add_column book.uuid"]


def test_without_a_root_what_is_editable_is_custom_when_the_rest_is_not() -> None:
    editable = package("poser", distribution="poser", editable=True, project="/src/poser")
    assert custom(world_of(editable, package("basis"), settings=NO_ROOT)) == ("poser",)


def test_without_a_root_two_editable_distributions_are_refused() -> None:
    editable = [package(name, distribution=name, editable=True, project=f"/src/{name}") for name in ("poser", "basis")]
    with pytest.raises(UsageError, match="several projects"):
        custom(world_of(*editable, settings=NO_ROOT))


def test_without_a_root_and_nothing_editable_everything_is_installed() -> None:
    with pytest.raises(UsageError, match="basis: 1 table"):
        custom(world_of(package("poser", distribution="poser", installed=True), package("basis"), settings=NO_ROOT))


def test_without_a_project_file_it_is_what_lies_below_the_working_directory() -> None:
    other = Package("tools", (f"{ROOT}/tools.py",))
    elsewhere = Package("stray", ("/src/stray",))
    world = world_of(package("poser"), other, elsewhere, package("basis"), settings=NO_FILE)
    world.table("stray_table", ["stray:1"])
    assert custom(world) == ("poser", "tools")


def test_without_a_project_file_loose_files_below_the_working_directory_are_the_project() -> None:
    world = World(settings=replace(NO_FILE, root=Path("/project/shop")))
    world.packages = [package("basis")]
    world.locations.clear()
    world.revisions.clear()
    world.revision("m1", None, "/project/shop/migrations")
    world.table("book", ["/project/shop/env.py:3"], by="m1")
    world.change("add_column", "book", "uuid")
    review = world.review()
    assert review.provenance.custom == ("shop",)
    assert verdicts(review) == ["safe add_column book.uuid"]
    location = review.changes[0].location
    assert location is not None
    assert (location.base, location.path) == ("project", "env.py")


def test_without_a_project_file_what_is_editable_comes_first_when_nothing_else_defines_tables() -> None:
    editable = package("poser", distribution="poser", editable=True, project="/src/poser", paths=("/src/poser/poser",))
    world = world_of(editable, Package("tools", (f"{ROOT}/tools",)), package("basis"), settings=NO_FILE)
    assert custom(world) == ("poser",)
    world.table("tools_table", ["tools:1"])
    with pytest.raises(UsageError, match="several projects"):
        custom(world)


VENDOR = "/project/vendor/annex"
BELOW = ("/project", "/project/src", VENDOR)
FOLDERS = (*BELOW, "/src/poser")


@pytest.mark.parametrize(
    ("packages", "settings", "expected"),
    [
        ([package("poser")], Settings(root=ROOT), BELOW),
        ([package("poser")], NO_FILE, BELOW),
        ([], NO_FILE, BELOW),
        (
            [
                package("poser"),
                package("annex", paths=(f"{VENDOR}/annex",), editable=True, project=VENDOR),
            ],
            Settings(root=ROOT),
            ("/project", "/project/src"),
        ),
        ([package("poser", distribution="poser", editable=True, project=str(ROOT))], SETTINGS, ()),
        ([package("poser")], replace(SETTINGS, custom=("poser",)), BELOW),
        ([package("poser")], replace(SETTINGS, custom=("basis",)), ()),
        ([package("poser")], replace(SETTINGS, custom=()), ()),
        (
            [package("poser", distribution="poser", editable=True, project="/src/poser", paths=("/src/poser/poser",))],
            NO_FILE,
            (),
        ),
        ([package("poser")], NO_ROOT, ()),
    ],
    ids=[
        "flat",
        "no file",
        "no model",
        "core below",
        "distribution",
        "settings",
        "settings, other",
        "settings, none",
        "editable elsewhere",
        "environment",
    ],
)
def test_loose_modules_count_in_a_project_that_no_distribution_is(
    packages: list[Package], settings: Settings, expected: tuple[str, ...]
) -> None:
    world = world_of(*packages, package("basis"), settings=settings)
    facts = replace(world.facts(), search_path=FOLDERS)
    names = custom_packages(facts, settings) if packages and settings.root is not None else ()
    assert loose_folders(facts, settings, names) == expected


def test_in_an_environment_without_a_project_file_what_is_not_installed_is_not_guessed() -> None:
    with pytest.raises(UsageError, match="outside of the environment"):
        custom(world_of(package("poser"), package("basis"), settings=NO_ROOT))


def two_custom_packages() -> World:
    """Two custom packages and revisions in a folder of no package."""
    world = world_of(package("poser"), Package("tools", (f"{ROOT}/tools",)), package("basis"))
    world.settings = Settings(root=Path(ROOT))
    world.revision("m1", None, f"{ROOT}/migrations/versions")
    return world


def test_loose_revisions_of_several_custom_packages_are_the_applications() -> None:
    world = two_custom_packages()
    world.table("poser_note", ["poser:30"], by="m1")
    world.change("add_column", "poser_note", "uuid")
    review = world.review()
    assert table(review, "poser_note").role is Role.CUSTOM
    assert verdicts(review) == ["safe add_column poser_note.uuid"]


def test_loose_revisions_need_no_model_of_what_they_created_while_there_are_others() -> None:
    world = two_custom_packages()
    world.databases[0].created("gone", "m1")
    world.change("remove_table", "gone")
    assert verdicts(world.review()) == ["safe remove_table gone"]


def test_a_loose_revision_of_several_custom_packages_does_not_alter_the_core_unseen() -> None:
    world = two_custom_packages()
    world.alter("m1", "product", "column", "added", "label")
    world.change("remove_column", "product", "label")
    assert verdicts(world.review()) == ["blocked remove_column product.label"]


def test_loose_code_of_several_custom_packages_does_not_alter_the_core_unseen() -> None:
    world = two_custom_packages()
    label = world.item("column", "label", ["basis:5", "./migrations/env.py:9"])
    world.table("store", ["basis:30"], by=CORE_REVISION, items=[label])
    world.change("add_column", "store", "label")
    assert verdicts(world.review()) == ["blocked add_column store.label"]


def test_a_revision_of_no_known_package_may_be_the_applications() -> None:
    world = basics()
    world.revision("m1", None, "/srv/migrations")
    world.alter("m1", "product", "column", "added", "label")
    world.change("remove_column", "product", "label")
    review = world.review()
    assert verdicts(review) == ["blocked remove_column product.label"]
    assert review.changes[0].cause is None
    assert "AR106" in {finding.code for finding in review.findings}


def test_with_nothing_custom_a_revision_of_no_known_package_is_nobodys_tampering() -> None:
    world = basics()
    world.settings = replace(SETTINGS, custom=())
    world.revision("m1", None, "/srv/migrations")
    world.alter("m1", "product", "column", "added", "label")
    world.change("remove_column", "product", "label")
    assert verdicts(world.review()) == ["upstream remove_column product.label"]


def test_a_folder_called_like_the_core_does_not_make_the_core_custom() -> None:
    world = basics()
    world.settings = Settings(root=Path("/src/basis"))
    world.packages = [package("basis")]
    world.locations[:] = world.locations[1:2]
    world.revision("m1", None, "/src/basis/migrations")
    assert project_name(world.facts(), world.settings) != "basis"
    world.table("book", ["/src/basis/models.py:3"], by="m1")
    world.databases[0].origins[1:2] = []
    review = world.review()
    assert table(review, "product").role is Role.CORE
    assert table(review, "book").role is Role.CUSTOM


def test_with_nothing_custom_a_loose_folder_beside_the_package_agrees_with_it() -> None:
    world = basics()
    world.settings = Settings(root=ROOT, custom=())
    world.locations[:] = [entry for entry in world.locations if entry.package != "poser"]
    world.revision("m1", None, f"{ROOT}/migrations")
    world.table("poser_note", ["poser:30"], by="m1")
    world.table("poser_new", ["poser:40"])
    world.change("add_table", "poser_new")
    review = world.review()
    assert table(review, "poser_note").owner == "poser"
    assert verdicts(review) == ["upstream add_table poser_new"]


def test_the_revision_of_the_tables_owner_is_not_tampering() -> None:
    world = basics()
    world.alter(APP_REVISION, "poser_widget", "column", "added", "size")
    assert world.review().findings == ()
