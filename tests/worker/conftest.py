"""Models in real modules: a witness needs import boundaries, packages and files."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy.engine.default import DefaultDialect

from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.definitions.definition_sites import Witnesses

Modules = Callable[[dict[str, str]], None]
DIALECT = DefaultDialect()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Modules]:
    """Write modules below a folder on ``sys.path``; they are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write_modules(files: dict[str, str]) -> None:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        importlib.invalidate_caches()

    yield write_modules
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        # A namespace has no file, and its path can't be read once its parent is gone.
        if file is None or str(tmp_path) in file:
            del sys.modules[name]


@pytest.fixture
def witnesses() -> Iterator[Witnesses]:
    watching = Witnesses(Stacks())
    watching.install()
    yield watching
    watching.stop()


def load(name: str) -> ModuleType:
    """Import a module that a test wrote."""
    return importlib.import_module(name)
