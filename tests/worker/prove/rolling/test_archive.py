"""Modules come from the archive of the base, or the proof names one that does not."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from alembic_review.worker.prove.rolling.archive import Archive
from alembic_review.worker.worker_errors import WorkerError


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """A checkout on ``sys.path``, and the same package as it was at the base."""
    for when in ("today", "base"):
        package = tmp_path / when / "src" / "oldapp"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"WHEN = {when!r}\n")
        (package / "models.py").write_text(f"WHEN = {when!r}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "today" / "src"), *sys.path])
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.chdir(tmp_path)
    yield Archive(str(tmp_path / "today"), str(tmp_path / "base"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "oldapp"]:
        del sys.modules[name]


def env_py(archive: Archive) -> str:
    return f"{archive.folder}/migrations/env.py"


def test_what_was_imported_from_the_checkout_comes_from_the_archive(archive: Archive) -> None:
    others = sys.path[1:]
    archive.enter([])
    assert sys.path == [f"{archive.folder}/src", *others]
    assert importlib.import_module("oldapp.models").WHEN == "base"
    archive.require(env_py(archive))


class Finder:
    """As editable installations have one, before all others."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        if name != "oldapp":
            return None
        return importlib.util.spec_from_file_location(
            name, f"{self.folder}/src/oldapp/__init__.py", submodule_search_locations=[f"{self.folder}/src/oldapp"]
        )


def test_a_module_of_the_checkout_is_named(archive: Archive) -> None:
    archive.enter([])
    sys.meta_path.insert(0, Finder(archive.top))
    assert importlib.import_module("oldapp.models").WHEN == "today"
    with pytest.raises(WorkerError, match=r"^the module oldapp was not imported from the base, but from src/oldapp/__"):
        archive.require(env_py(archive))


def test_a_copy_of_a_module_that_the_archive_has_is_named(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "today" / "src").rename(tmp_path / "copy")
    (tmp_path / "today" / "src").mkdir()
    archive.enter([])
    sys.meta_path.insert(0, Finder(str(tmp_path)))
    (tmp_path / "src").symlink_to(tmp_path / "copy")
    assert importlib.import_module("oldapp").WHEN == "today"
    with pytest.raises(WorkerError, match=r"^the module oldapp was not imported from the base"):
        archive.require(env_py(archive))


def test_todays_env_py_is_named(archive: Archive) -> None:
    archive.enter([])
    with pytest.raises(
        WorkerError, match=r"^migrations/env.py is not from the base: the config file contains the path of its folder$"
    ):
        archive.require(f"{archive.top}/migrations/env.py")


def test_environments_in_the_checkout_stay(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = Path(archive.top) / ".venv" / "lib" / "site-packages"
    installed.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(installed), *sys.path])
    archive.enter([])
    assert str(installed) in sys.path
