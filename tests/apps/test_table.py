"""The table of whole runs over poser on acme: every case of ownership and verdict."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .cases_core import CORE
from .cases_custom import CUSTOM
from .cases_generated import GENERATED
from .cases_unexplained import UNEXPLAINED
from .edits import module, unchanged
from .harness import SQLITE, make_application, run_tool
from .scenario import Scenario, check, check_every_run, review_of, tree

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
    application = make_application(tmp_path, scenario.edits, database=database, clean=scenario.clean)
    before = tree(tmp_path)
    run = run_tool(application, *scenario.arguments)
    check_every_run(run, application)
    check(scenario, run, application, database, unchanged)
    assert tree(tmp_path) == before


@pytest.mark.one_stack
@pytest.mark.parametrize("scenario", [pytest.param(each, id=each.name) for each in TABLE if SQLITE in each.databases])
def test_renaming_every_package_changes_no_verdict(scenario: Scenario, tmp_path: Path) -> None:
    application = make_application(tmp_path, scenario.edits, clean=scenario.clean, rename=renamed)
    run = run_tool(application, *(renamed(text) for text in scenario.arguments), conf=renamed("app/acme.conf"))
    check(scenario, run, application, SQLITE, renamed)


def test_the_same_change_is_the_same_in_every_run(tmp_path: Path) -> None:
    """SQLAlchemy keeps a table's constraints in a set."""
    many = module(
        """
        class PoserMany(Base):
            __tablename__ = "poser_many"
            uuid = uuid_column()
            one_uuid = uuid_fk_column("store.uuid")
            two_uuid = uuid_fk_column("product.uuid")
            three_uuid = uuid_fk_column("person.uuid")
            four_uuid = uuid_fk_column("user.uuid")
            a = sa.Column(sa.Integer, unique=True)
            b = sa.Column(sa.Integer, unique=True)
            __table_args__ = (sa.CheckConstraint("a > 0"), sa.CheckConstraint("b > 0"), sa.UniqueConstraint("a", "b"))
        """
    )
    application = make_application(tmp_path, many)
    runs = [review_of(run_tool(application))["changes"] for _ in range(4)]
    assert runs.count(runs[0]) == len(runs)
