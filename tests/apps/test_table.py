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
from .harness import POSTGRESQL, SQLITE, make_application, run_tool, run_without_proofs
from .scenario import Scenario, check, check_every_run, each_database, tree

TABLE = (*CUSTOM, *CORE, *GENERATED, *UNEXPLAINED)
# SQLAlchemy reflects, compiles and traces these in its own way in each of its versions.
ON_BOTH_STACKS = frozenset(
    {
        *("custom-changed", "shipped-state", "extension-table-new", "before-the-core-defines-its-tables"),
        *("hung-onto-core-tables", "expression-index-on-a-core-table", "core-changed-in-place"),
        *("revision-changed-columns-and-dropped-items-of-core-tables", "core-models-ahead-of-core-revisions"),
        *("history-of-a-custom-table-existing", "generator-ahead-of-revisions", "factory-of-the-core-existing"),
        *("enum-of-custom-tables", "enum-of-both-changed-by-the-application"),
    }
)
RUNS = [
    pytest.param(
        *(scenario, database),
        id=f"{scenario.name}-{database}",
        marks=(*marks, pytest.mark.both_stacks) if scenario.name in ON_BOTH_STACKS else marks,
    )
    for scenario in TABLE
    for database, marks in each_database(scenario.databases)
]
NAMES = {"acme": "zeta", "poser": "quux", "chronicle": "yarn", "Poser": "Quux"}


def renamed(text: str) -> str:
    """The text with every package of the fixtures under another name."""
    return re.sub("|".join(NAMES), lambda match: NAMES[match[0]], text)


def test_names_are_unique() -> None:
    names = [scenario.name for scenario in TABLE]
    assert len(set(names)) == len(names)
    assert set(names) >= ON_BOTH_STACKS


@pytest.mark.parametrize(("scenario", "database"), RUNS)
def test_run(scenario: Scenario, database: str, tmp_path: Path) -> None:
    """On SQLite every package of the fixtures has another name: no verdict depends on a name."""
    rename = renamed if database == SQLITE else unchanged
    application = make_application(tmp_path, scenario.edits, database=database, clean=scenario.clean, rename=rename)
    before = tree(tmp_path)
    # No verdict depends on a proof, so one database shows that proofs say nothing wrong; but AR203 is their finding.
    tool = run_tool if database == POSTGRESQL or "AR203" in scenario.findings else run_without_proofs
    run = tool(application, *map(rename, scenario.arguments), conf=rename("app/acme.conf"))
    check_every_run(run, application)
    check(scenario, run, application, database, rename)
    assert tree(tmp_path) == before
