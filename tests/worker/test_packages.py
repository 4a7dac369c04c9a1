"""Which package owns a file: names with gaps, parts that the settings name, and the distributions behind them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alembic_review.worker import packages
from alembic_review.worker.packages import describe_packages, name_parts, package_of, package_of_path

from .conftest import Modules, load

_CACHES = (packages._installed, packages._distribution_of, packages._record, packages._owner_in, packages.is_installed)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No part is named, and what is installed is looked up anew."""
    for one in _CACHES:
        one.cache_clear()
    yield
    name_parts(())
    for one in _CACHES:
        one.cache_clear()


@pytest.fixture
def site(tmp_path: Path, write: Modules, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site-packages folder on ``sys.path``; what is imported from there is forgotten afterwards."""
    write({})
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def install(site: Path, name: str, *files: str) -> None:
    """Put a distribution with these (empty) files there."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    for file in files:
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).touch()


def owner(module: str) -> str | None:
    return package_of(module, str(sys.modules[module].__file__))


def plugins(site: Path) -> None:
    """A framework with a gap, in which it has a package itself and another distribution has one."""
    install(site, "sky", "sky/__init__.py", "sky/plugins/own/__init__.py", "sky/plugins/own/model.py")
    install(site, "sky-edge", "sky/plugins/edge/__init__.py", "sky/plugins/edge/db/model.py")


def test_a_package_that_another_distribution_puts_into_a_gap_is_an_owner(site: Path) -> None:
    plugins(site)
    load("sky.plugins.edge.db.model")
    load("sky.plugins.own.model")
    assert (owner("sky.plugins.edge.db.model"), owner("sky.plugins.own.model")) == ("sky.plugins.edge", "sky")
    edge, sky = describe_packages(["sky.plugins.edge", "sky"])[-2:][::-1]
    assert {(edge.name, edge.distribution), (sky.name, sky.distribution)} == {
        ("sky.plugins.edge", "sky-edge"),
        ("sky", "sky"),
    }


@pytest.mark.parametrize("loaded", [True, False])
def test_revisions_beyond_a_gap_belong_to_their_own_package(site: Path, loaded: bool) -> None:
    plugins(site)
    load("sky.plugins.edge" if loaded else "sky")
    revision = site / "sky/plugins/edge/migrations/versions/1.py"
    revision.parent.mkdir(parents=True)
    assert package_of_path(str(revision)) == "sky.plugins.edge"
    assert package_of_path(str(site / "sky/plugins/own/versions/1.py")) == "sky"


def test_a_package_in_another_folder_is_an_owner_without_any_distribution(
    write: Modules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        {
            "one/hill/__init__.py": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)",
            "one/hill/plugins/own.py": "",
            "two/hill/plugins/edge/__init__.py": "",
            # pkgutil only takes up folders with this file.
            "two/hill/__init__.py": "",
        }
    )
    monkeypatch.syspath_prepend(tmp_path / "two")
    monkeypatch.syspath_prepend(tmp_path / "one")
    load("hill.plugins.edge")
    load("hill.plugins.own")
    assert (owner("hill.plugins.edge"), owner("hill.plugins.own")) == ("hill.plugins.edge", "hill")


def test_a_folder_of_a_project_that_lacks_its_file_is_no_gap(write: Modules, tmp_path: Path) -> None:
    write({"shop_one/__init__.py": "", "shop_one/models/user.py": ""})
    load("shop_one.models.user")
    assert owner("shop_one.models.user") == "shop_one"
    assert package_of_path(str(tmp_path / "shop_one/migrations/versions/1.py")) == "shop_one"


def test_in_a_namespace_it_is_the_first_regular_package_or_the_lone_module(write: Modules) -> None:
    write({"space_one/shop/__init__.py": "", "space_one/shop/db/model.py": "", "space_one/lone.py": ""})
    load("space_one.shop.db.model")
    load("space_one.lone")
    assert (owner("space_one.shop.db.model"), owner("space_one.lone")) == ("space_one.shop", "space_one.lone")


@pytest.mark.parametrize(
    ("parts", "module", "expected"),
    [
        (["big_app.contrib"], "big_app.contrib.notes.model", "big_app.contrib"),
        (["big_app.contrib", "big_app.contrib.notes"], "big_app.contrib.notes.model", "big_app.contrib.notes"),
        (["big_app.contrib.notes.model"], "big_app.contrib.notes.model", "big_app.contrib.notes.model"),
        (["big_app.contri"], "big_app.contrib.notes.model", "big_app"),
        (["big_app"], "big_app.contrib.notes.model", "big_app"),
        (["space_two"], "space_two.shop.model", "space_two"),
        (["space_two.shop"], "space_two.shop.model", "space_two.shop"),
    ],
)
def test_a_part_that_the_settings_name_owns_what_lies_below_it(
    write: Modules, tmp_path: Path, parts: list[str], module: str, expected: str
) -> None:
    files = ("big_app/__init__.py", "big_app/contrib/__init__.py", "big_app/contrib/notes/model.py")
    write(dict.fromkeys((*files, "space_two/shop/__init__.py", "space_two/shop/model.py"), ""))
    name_parts(parts)
    load(module)
    assert owner(module) == expected
    folder = tmp_path / module.rpartition(".")[0].replace(".", "/")
    below = expected if expected != module else "big_app"
    assert package_of_path(str(folder / "migrations/versions/1.py")) == below


def test_a_plugin_is_not_swallowed_by_the_name_of_the_framework(site: Path) -> None:
    plugins(site)
    load("sky.plugins.edge.db.model")
    name_parts(["sky"])
    assert owner("sky.plugins.edge.db.model") == "sky.plugins.edge"
    name_parts(["sky.plugins"])
    assert owner("sky.plugins.edge.db.model") == "sky.plugins"


def test_the_search_path_leaves_out_installations_and_editable_ones(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other/src").mkdir(parents=True)
    install(site, "other", "other.pth")
    (site / "other.pth").write_text(f"{tmp_path}/other/src\n")
    (site / "other-1.0.dist-info/direct_url.json").write_text(
        f'{{"dir_info": {{"editable": true}}, "url": "file://{tmp_path}/other"}}'
    )
    monkeypatch.syspath_prepend(tmp_path / "other/src")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert [folder for folder in packages.search_path() if folder.startswith(str(tmp_path))] == [str(tmp_path)]


def test_distributions_in_one_namespace_are_told_apart_by_their_files(site: Path) -> None:
    install(site, "cloud-a", "cloudy/a/__init__.py")
    install(site, "cloud-b", "cloudy/b/__init__.py")
    load("cloudy.a")
    load("cloudy.b")
    found = {one.name: one.distribution for one in describe_packages(["cloudy.a", "cloudy.b"])}
    assert (found["cloudy.a"], found["cloudy.b"]) == ("cloud-a", "cloud-b")
