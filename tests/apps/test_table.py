"""The table of whole runs over poser on acme: every case of ownership and verdict."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .cases_core import CORE
from .cases_custom import CUSTOM
from .cases_generated import GENERATED
from .cases_unexplained import UNEXPLAINED
from .edits import unchanged
from .harness import SQLITE, make_application, run_tool
from .scenario import Scenario, check, check_every_run, tree

TABLE = (*CUSTOM, *CORE, *GENERATED, *UNEXPLAINED)
RUNS = [
    pytest.param(scenario, database, id=f"{scenario.name}-{database}")
    for scenario in TABLE
    for database in scenario.databases
]
NAMES = {"acme": "zeta", "poser": "quux", "chronicle": "yarn", "Poser": "Quux"}


def renamed(text: str) -> str:
    """The text with every package of the fixtures under another name."""
    return re.sub("|".join(NAMES), lambda match: NAMES[match[0]], text)


def test_names_are_unique() -> None:
    names = [scenario.name for scenario in TABLE]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("scenario", "database"), RUNS)
def test_run(scenario: Scenario, database: str, tmp_path: Path) -> None:
    """On SQLite every package of the fixtures has another name: no verdict depends on a name."""
    rename = renamed if database == SQLITE else unchanged
    application = make_application(tmp_path, scenario.edits, database=database, clean=scenario.clean, rename=rename)
    before = tree(tmp_path)
    run = run_tool(application, *map(rename, scenario.arguments), conf=rename("app/acme.conf"))
    check_every_run(run, application)
    check(scenario, run, application, database, rename)
    assert tree(tmp_path) == before
