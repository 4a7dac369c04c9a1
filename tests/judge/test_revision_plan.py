"""Which revisions would be written: for whom, onto which head, into which folder, with what in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alembic_review.judge.assemble_review import case_of
from alembic_review.judge.revision_plan import left_out, plan
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import Reference, Revision, VersionLocation
from alembic_review.model.revision_plan import RevisionPlan, Wish
from tests.judge.world import ANNEX_REVISION, APP_REVISION, CORE_REVISION, World, basics, key

WISH = Wish("what it does")


def planned(world: World, wish: Wish = WISH, **facts: Any) -> tuple[RevisionPlan, ...]:
    case = case_of(replace(world.facts(), **facts), world.settings, ())
    return plan(case, world.review(), wish)


def revisions(world: World, **changed: dict[str, Any]) -> tuple[Revision, ...]:
    """The world's revisions, heads all of them unless ``changed``."""
    return tuple(replace(one, **{"is_head": True} | changed.get(one.id, {})) for one in world.facts().revisions)


def pending() -> World:
    world = basics()
    world.change("add_column", "poser_widget", "size", operation=3, python="op.add_column(size)")
    world.change("add_column", "product", "other", item=None)
    return world


def test_only_safe_changes_are_in_it_on_the_head_of_their_package() -> None:
    world = pending()
    (one,) = planned(world, revisions=revisions(world))
    assert (one.package, one.head, one.message) == ("poser", APP_REVISION, "what it does")
    assert one.version_path == "/project/poser/versions"
    assert [(entry.database, entry.number, entry.python) for entry in one.operations] == [(0, 3, "op.add_column(size)")]
    assert [change.name for change in one.written] == ["size"]
    assert [entry.change.name for entry in one.left_out] == ["other"]
    assert (one.branch_label, one.depends_on) == (None, ())


def test_nothing_safe_is_no_revision() -> None:
    world = basics()
    world.change("add_column", "product", "other", item=None)
    assert planned(world, revisions=revisions(world)) == ()


def test_an_operation_that_is_safe_in_part_is_left_out() -> None:
    world = pending()
    world.change("add_column", "poser_widget", "weight", operation=8)
    world.change("add_column", "product", "third", item=None, operation=8)
    (one,) = planned(world, revisions=revisions(world))
    assert [change.name for change in one.written] == ["size"]
    case = case_of(replace(world.facts(), revisions=revisions(world)), world.settings, ())
    (entry,) = left_out(case, world.review())
    assert (entry.change.name, "in one operation" in entry.why) == ("weight", True)


def test_what_needs_something_that_is_not_written_is_left_out_and_told() -> None:
    world = pending()
    world.table("poser_note", ["poser:30"], columns=("id",))
    world.change("add_table", "poser_note", references=(Reference(key("product"), ("other",)),), operation=9)
    (one,) = planned(world, revisions=revisions(world))
    assert [change.table for change in one.written] == ["poser_widget"]
    assert "It needs add_column product.other, which is blocked." in [entry.why for entry in one.left_out]


def test_a_table_of_the_core_that_the_branch_does_not_know_yet_is_depended_on() -> None:
    world = pending()
    world.table("poser_note", ["poser:30"], columns=("id",))
    world.change("add_table", "poser_note", references=(Reference(key("product"), ("uuid",)),), operation=9)
    newer = Revision(
        "c2", "/site/basis/versions/c2.py", "basis", "/site/basis/versions", (CORE_REVISION,), is_head=True
    )
    known = tuple(replace(one, is_head=one.id != CORE_REVISION) for one in world.facts().revisions)
    (one,) = planned(world, revisions=(*known, newer))
    assert one.depends_on == ("c2",)
    for depended, expected in ((CORE_REVISION, ("c2",)), ("c2", ())):
        # The column that it refers to may have come with the newer one.
        behind = tuple(replace(one, depends_on=(depended,)) if one.id == APP_REVISION else one for one in known)
        (one,) = planned(world, revisions=(*behind, newer))
        assert one.depends_on == expected


def test_the_first_revision_makes_a_branch_in_the_package_s_folder() -> None:
    world = pending()
    world.databases[0].origins[:] = [one for one in world.databases[0].origins if one.revision != APP_REVISION]
    others = tuple(one for one in revisions(world) if one.id != APP_REVISION)
    (one,) = planned(world, revisions=others)
    assert (one.head, one.branch_label, one.version_path) == ("base", "poser", "/project/poser/versions")


def test_a_first_revision_without_a_folder_says_what_to_add() -> None:
    world = pending()
    others = tuple(one for one in revisions(world) if one.id != APP_REVISION)
    locations = (VersionLocation("/site/basis/versions", "basis"),)
    with pytest.raises(UsageError) as caught:
        planned(world, revisions=others, version_locations=locations)
    assert "version_locations in /project/alembic.ini" in caught.value.message
    assert "as poser:versions" in caught.value.hint


def test_a_folder_must_be_one_of_the_package_s_version_locations() -> None:
    world = pending()
    with pytest.raises(UsageError, match="/else is not one of the version_locations") as caught:
        planned(world, replace(WISH, version_path="/else"), revisions=revisions(world))
    assert "/project/poser/versions" in caught.value.hint
    with pytest.raises(UsageError, match="contains revisions of basis, not of poser"):
        planned(world, replace(WISH, version_path="/site/basis/versions"), revisions=revisions(world))
    (one,) = planned(world, replace(WISH, version_path="/project/poser/versions"), revisions=revisions(world))
    assert one.version_path == "/project/poser/versions"


def test_a_taken_branch_label_is_told() -> None:
    world = pending()
    others = tuple(one for one in revisions(world, c1={"branch_labels": ("poser",)}) if one.id != APP_REVISION)
    with pytest.raises(UsageError, match="branch label poser is taken"):
        planned(world, revisions=others)


def test_several_heads_are_to_be_merged_first() -> None:
    world = pending()
    second = Revision("a2", "/project/poser/versions/a2.py", "poser", "/project/poser/versions", is_head=True)
    with pytest.raises(UsageError, match="2 heads: a1 a2") as caught:
        planned(world, revisions=(*revisions(world), second))
    assert "alembic merge" in caught.value.hint
    with pytest.raises(UsageError, match="2 heads: a1 a2") as caught:
        planned(world, revisions=(*revisions(world), replace(second, branch_labels=("contract",))))
    assert caught.value.hint.endswith("or name the branch: alembic revision --head BRANCH@head")
    elsewhere = replace(second, path="/project/poser/more/a2.py", version_location="/project/poser/more")
    world.locations.append(VersionLocation("/project/poser/more", "poser"))
    wish = replace(WISH, version_path="/project/poser/more")
    (one,) = planned(world, wish, revisions=(*revisions(world), elsewhere))
    assert (one.head, one.version_path) == ("a2", "/project/poser/more")


def test_a_head_that_others_follow_is_told() -> None:
    world = pending()
    with pytest.raises(UsageError, match="No revision of poser is a head"):
        planned(world, revisions=revisions(world, a1={"is_head": False}))


def test_each_package_gets_its_own_those_that_others_refer_to_first() -> None:
    world = pending()
    world.settings = replace(world.settings, custom=("poser", "annex"))
    world.packages[:] = [replace(one, editable=one.name == "annex") for one in world.packages]
    world.table("annex_note", ["annex:30"], columns=("id",))
    world.table("poser_line", ["poser:30"], columns=("id",))
    world.change("add_table", "poser_line", references=(Reference(key("annex_note"), ("id",)),), operation=8)
    world.change("add_table", "annex_note", operation=9)
    first, second = planned(world, revisions=revisions(world))
    assert (first.package, first.head) == ("annex", ANNEX_REVISION)
    assert (second.package, second.depends_on) == ("poser", (first.revision,))
    (only,) = planned(world, replace(WISH, package="annex"), revisions=revisions(world))
    assert only.package == "annex"
    with pytest.raises(UsageError, match="several packages"):
        planned(world, replace(WISH, revision="abc"), revisions=revisions(world))
    with pytest.raises(UsageError, match="basis is not a custom package"):
        planned(world, replace(WISH, package="basis"), revisions=revisions(world))


def test_a_project_without_any_revision_gets_what_alembic_gives() -> None:
    world = pending()
    world.databases[0].origins.clear()
    (one,) = planned(world, revisions=())
    assert (one.head, one.branch_label, one.depends_on) == ("head", None, ())


def test_a_copy_of_the_package_is_no_place_for_a_revision() -> None:
    world = pending()
    world.settings = replace(world.settings, custom=("poser",))
    world.packages[0] = replace(world.packages[0], installed=True)
    with pytest.raises(UsageError, match="poser is installed as a copy"):
        planned(world, revisions=revisions(world))
    world.packages[0] = replace(world.packages[0], editable=True)
    assert planned(world, revisions=revisions(world))
