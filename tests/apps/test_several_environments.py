"""Several Alembic environments in one database: a framework with a history of its own, and an application on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .edits import Edit, Replace, Write
from .environments import FIXTURES, install, install_editable, make_environment
from .harness import Application, Run, copy_tree, run_tool
from .scenario import check_every_run, review_of, row, tree
from .test_revision import new_files, revise

URL = "postgresql://courier:s3cr%%et@db.invalid"
ON_SQLITE = (
    Replace("depot.ini", f"{URL}/courier", "sqlite:///%(here)s/x.db"),
    Replace("alembic.ini", f"{URL}:5432/courier", "sqlite:///%(here)s/y.db"),
)
DEPOT_ENV = "site:depot/migrations/env.py"


def courier(folder: Path, *edits: Edit) -> Application:
    environment = make_environment(folder / "env")
    install(environment, FIXTURES / "depot")
    application = Application(folder, folder / "project", environment)
    copy_tree(FIXTURES / "courier", application.project)
    for edit in edits:
        edit.apply(application.locate)
    install_editable(environment, application.project)
    return application


def reviewed(application: Application, conf: str | None = None) -> Run:
    before = tree(application.project)
    run = run_tool(application, "--full", conf=conf)
    check_every_run(run, application)
    assert tree(application.project) == before
    return run


def rows(report: dict[str, Any]) -> list[str]:
    return sorted(f"{change['environment']}: {row(change)}" for change in report["changes"])


def left_out(report: dict[str, Any]) -> list[str]:
    return [line.partition(" (")[0] for line in report["provenance"]["not_checked"] if "of other environments" in line]


PENDING = [
    "alembic.ini: safe add_column courier_parcel.weight",
    "depot.ini: upstream add_column product.barcode",
]


@pytest.mark.both_stacks
def test_each_environment_is_upgraded_and_then_compared(tmp_path: Path) -> None:
    run = reviewed(courier(tmp_path))
    report = review_of(run)
    # Both environments declare the framework's tables, and its drift is told once.
    assert rows(report) == PENDING
    assert run.status == 0
    assert left_out(report) == [
        "1 table and 1 version table of other environments in the comparison of depot.ini",
        "1 version table of other environments in the comparison of alembic.ini",
    ]
    assert {table["name"]: f"{table['owner']} {table['role']}" for table in report["tables"]} == {
        "product": "depot core",
        "shelf": "depot core",
        "courier_parcel": "courier custom",
    }
    provenance = report["provenance"]
    assert provenance["custom"] == ["courier"]
    assert (provenance["config"], provenance["revisions"]) == ("depot.ini, alembic.ini", 2)
    # The pending change was tried on copies that have the tables of both.
    states = {proof["proof"]: (proof["state"], proof["reason"]) for proof in report["proofs"]}
    assert states["converges"] == states["rows"] == states["reverses"] == ("held", "")
    assert "not_done" not in {state for state, _ in states.values()}
    # Downgrades and another order were tried, each with the tables of the environments before it.
    assert [one for one in report["findings"] if one["proof"] != "locks"] == []
    assert [line for line in provenance["not_checked"] if "downgrade" in line or "order" in line] == []


@pytest.mark.parametrize("edits", [(), ON_SQLITE], ids=["postgresql", "sqlite"])
def test_a_plan_is_tried_in_its_own_environment(tmp_path: Path, edits: tuple[Edit, ...]) -> None:
    required = Replace(
        "courier/model.py", "weight = sa.Column(sa.Integer())", "weight = sa.Column(sa.Integer(), nullable=False)"
    )
    run = run_tool(courier(tmp_path, *edits, required), "--prove", conf=None)
    report = review_of(run)
    (finding,) = [one for one in report["findings"] if one["proof"] == "rows"]
    shown = (finding["code"], finding["environment"], finding["table"], finding["column"])
    assert shown == ("AR210", "alembic.ini", "courier_parcel", "weight"), run.explain()
    states = {proof["proof"]: proof["state"] for proof in report["proofs"]}
    assert (states["converges"], states["rows"], states["blind_spots"]) == ("held", "found", "held")


OWN_BASE = Replace(
    "courier/model.py",
    "from depot.model import Base, Product\n",
    "from sqlalchemy.orm import declarative_base\n\nBase = declarative_base()\n",
)
OWN_KEY = Replace("courier/model.py", "sa.ForeignKey(Product.id), ", "")
NO_KEY = Replace("courier/migrations/versions/c7f9b3d2a618_parcels.py", 'sa.ForeignKey("product.id"), ', "")
LABEL = Write(
    "courier/migrations/versions/c8d1_label.py",
    """
    import sqlalchemy as sa
    from alembic import op

    revision = "c8d1"
    down_revision = "c7f9b3d2a618"


    def upgrade():
        op.add_column("product", sa.Column("label", sa.String(5)))
    """,
)
BEFORE = (
    Write("before.sql", "CREATE TABLE visit (id INTEGER);\n"),
    Replace(
        "pyproject.toml",
        '[[tool.alembic-review.environments]]\nconfig = "depot.ini"',
        '[tool.alembic-review]\nbefore = "before.sql"\n\n[[tool.alembic-review.environments]]\nconfig = "depot.ini"',
    ),
)


@pytest.mark.one_stack
def test_what_one_environment_does_to_tables_of_another(tmp_path: Path) -> None:
    application = courier(tmp_path, *ON_SQLITE, OWN_BASE, OWN_KEY, NO_KEY, LABEL, *BEFORE)
    run = reviewed(application)
    report = review_of(run)
    assert rows(report) == [
        "alembic.ini: safe add_column courier_parcel.weight",
        "depot.ini: blocked remove_column product.label",
        # It existed before the first revision of either.
        "depot.ini: blocked remove_table visit",
        "depot.ini: upstream add_column product.barcode",
    ]
    (label,) = [change for change in report["changes"] if change["name"] == "label"]
    assert (label["owner"], label["cause"]) == ("depot", "courier")
    (altered,) = [finding for finding in report["findings"] if finding["code"] == "AR106"]
    assert (altered["environment"], altered["revision"]) == ("alembic.ini", "c8d1")
    assert "the core table product of depot" in altered["message"]
    assert left_out(report) == [
        "1 table and 1 version table of other environments in the comparison of depot.ini",
        "2 tables and 1 version table of other environments in the comparison of alembic.ini",
    ]


@pytest.mark.one_stack
def test_a_revision_is_for_one_environment(tmp_path: Path) -> None:
    application = courier(tmp_path, *ON_SQLITE)
    before = tree(application.project)
    written = revise(application, conf="alembic.ini")
    assert written.status == 0, written.explain()
    (file,) = new_files(application, before, "courier/migrations/versions")
    assert "op.add_column('courier_parcel'" in file.read_text() or "add_column(sa.Column('weight'" in file.read_text()
    report = review_of(reviewed(application, "alembic.ini"))
    assert rows(report) == []
    assert report["provenance"]["config"] == "alembic.ini"


@pytest.mark.one_stack
def test_an_environment_needs_a_version_table_of_its_own_and_may_have_no_models(tmp_path: Path) -> None:
    application = courier(
        tmp_path, *ON_SQLITE, Replace(DEPOT_ENV, 'Base.metadata, version_table="depot_version"', "None")
    )
    run = reviewed(application)
    assert run.status == 3, run.explain()
    assert "alembic.ini: The version table alembic_version contains revision d1a5e0c40f27" in run.said
    assert "version_table=" in run.said
    Replace(DEPOT_ENV, "=None", '=None, version_table="depot_version"').apply(application.locate)
    report = review_of(reviewed(application))
    assert rows(report) == [PENDING[0], "alembic.ini: upstream add_column product.barcode"]
    assert any(line.startswith("the models of depot.ini") for line in report["provenance"]["not_checked"])
