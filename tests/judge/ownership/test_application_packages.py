"""Whose project is this?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alembic_review.judge.ownership.table_owners import custom_packages
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import Facts, Frame, Package
from alembic_review.model.settings import Settings
from tests.judge.build import ROOT, SITE, World, started

INSTALLED = Package("app", (f"{SITE}/app",), distribution="The.App", installed=True)
EDITABLE = Package("app", ("/elsewhere/app",), distribution="the-app", editable=True, project="/elsewhere")
OTHER = Package("core", ("/project/core",), distribution="core", editable=True, project="/project/core")


def facts(*packages: Package, world: World | None = None) -> Facts:
    """The usual facts, with these packages in the place of those of the same name."""
    usual = (world or started()).facts()
    kept = [package for package in usual.packages if package.name not in {given.name for given in packages}]
    return replace(usual, packages=tuple(sorted([*kept, *packages], key=lambda package: package.name)))


@pytest.mark.parametrize(
    ("given", "settings", "expected"),
    [
        (facts(), Settings(root=ROOT), ("app",)),
        (facts(), Settings(root=ROOT, custom=("core",)), ("core",)),
        (facts(), Settings(root=ROOT, custom=()), ()),
        (facts(INSTALLED), Settings(root=Path("/elsewhere"), distribution="the_app"), ("app",)),
        (facts(EDITABLE), Settings(root=Path("/elsewhere")), ("app",)),
        (facts(EDITABLE), Settings(root=None), ("app",)),
        (facts(OTHER), Settings(root=ROOT), ("app",)),
    ],
    ids=["below-root", "named", "none", "own-installed", "own-editable", "no-root", "core-in-the-same-repository"],
)
def test_custom_is(given: Facts, settings: Settings, expected: tuple[str, ...]) -> None:
    assert custom_packages(given, settings) == expected


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        (facts(INSTALLED), Settings(root=Path("/nowhere"))),
        (facts(INSTALLED), Settings(root=None)),
        (facts(EDITABLE, OTHER), Settings(root=None)),
        (facts(EDITABLE), Settings(root=Path("/nowhere"))),
    ],
)
def test_who_can_not_be_told_is_asked_for_with_the_candidates(given: Facts, settings: Settings) -> None:
    with pytest.raises(UsageError) as caught:
        custom_packages(given, settings)
    assert "app: 1 table" in caught.value.message
    assert "core: 1 table" in caught.value.message
    assert "custom = [" in caught.value.hint


def test_a_package_that_takes_no_part_is_not_taken_for_custom() -> None:
    with pytest.raises(UsageError, match="aps"):
        custom_packages(facts(), Settings(root=ROOT, custom=("aps",)))


def test_loose_files_of_the_project_make_it_custom() -> None:
    world = started()
    world.frames = [replace(frame, package=None, path="/project/env.py") for frame in world.frames]
    usual = world.facts()
    alone = replace(usual, packages=(), modules=(), version_locations=(), revisions=())
    assert custom_packages(alone, Settings(root=ROOT, distribution="shop")) == ("shop",)
    assert custom_packages(alone, Settings(root=ROOT)) == ("project",)


def test_a_hook_defines_no_table() -> None:
    world = World()
    world.frames.append(Frame(f"{SITE}/core/meta.py", 1, "__init__", "core", "core.meta", hook=True))
    world.table("app_widget", ("app", 1), hook="core")
    with pytest.raises(UsageError) as caught:
        custom_packages(facts(INSTALLED, world=world), Settings(root=Path("/nowhere")))
    assert "core: 0 tables" in caught.value.message
