"""Places that mean the same on every machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from alembic_review.judge.portable_locations import Locations
from alembic_review.model.facts import Package, Place
from alembic_review.model.review import Location

PACKAGES = [
    Package("poser", ("/project/poser",)),
    Package("basis", ("/env/lib/site-packages/basis",), "basis", installed=True),
    Package("basis.extra", ("/env/lib/site-packages/basis/extra",), "extra", installed=True),
    Package("space.shop", ("/src/space/shop",)),
    Package("alone", ("/src/alone.py",)),
    Package("vendored", ("/project/.venv/vendored",), installed=True),
]


@pytest.mark.parametrize(
    ("path", "base", "expected"),
    [
        ("/project/poser/db/model.py", "project", "poser/db/model.py"),
        ("/project/migrations/env.py", "project", "migrations/env.py"),
        ("/env/lib/site-packages/basis/model.py", "package", "basis/model.py"),
        ("/env/lib/site-packages/basis/extra/model.py", "package", "basis/extra/model.py"),
        ("/env/lib/site-packages/other/model.py", "package", "other/model.py"),
        ("/project/.venv/vendored/model.py", "package", "vendored/model.py"),
        ("/project/.venv/lib/python3.11/site-packages/x/y.py", "package", "x/y.py"),
        ("/src/space/shop/model.py", "package", "space/shop/model.py"),
        ("/src/alone.py", "package", "alone.py"),
        ("/etc/somewhere/tool.py", "package", "tool.py"),
    ],
)
@pytest.mark.parametrize("packages", [PACKAGES, PACKAGES[::-1]], ids=["", "backwards"])
def test_a_place(path: str, base: str, expected: str, packages: list[Package]) -> None:
    locations = Locations(Path("/project"), packages)
    assert locations.of(Place(path, 7)) == Location(base, expected, 7)
    assert locations.text(Place(path, 7)) == f"{expected}:7"
    assert locations.in_project(path) is (base == "project")


def test_nowhere() -> None:
    locations = Locations(None, PACKAGES)
    assert locations.of(None) is None
    assert locations.text(None) == ""
    assert locations.of(Place("/project/poser/model.py", 1)) == Location("package", "poser/model.py", 1)


def test_a_root_behind_a_symbolic_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    locations = Locations(link, ())
    for root in (real, link):
        assert locations.of(Place(f"{root}/model.py", 3)) == Location("project", "model.py", 3)
