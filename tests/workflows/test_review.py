"""What the service puts together without a run."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from alembic_review.judge.checks import CHECKS
from alembic_review.model.errors import ObservationError
from alembic_review.model.review import Outcome
from alembic_review.model.settings import Settings
from alembic_review.workflows import review as service
from tests.judge.build import ROOT, started


def test_every_check_is_described() -> None:
    assert [(rule.code, rule.title, rule.severity) for rule in service.rules()] == [
        (check.code, check.title, check.severity) for check in CHECKS
    ]
    assert [rule.code for rule in service.rules() if not rule.page.startswith(f"# {rule.code}")] == []


def fail(*_: object, **__: object) -> NoReturn:
    raise IndexError("list index out of range")


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("alembic_review.workflows.review.declared_tables", "tables that only the source of your packages declares"),
        ("alembic_review.judge.assemble_review.suggestions", "extension tables that would hold columns of core tables"),
    ],
)
def test_what_is_optional_never_costs_the_review(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], where: str, line: str
) -> None:
    monkeypatch.setattr(where, fail)
    world = started()
    world.change("add_column", "app_widget", "size")
    settings = Settings(root=ROOT)
    review = service.judged(world.facts(), settings, "none")
    assert [change.table for change in review.changes] == ["app_widget"]
    (failure,) = review.provenance.not_checked
    assert failure.startswith(f"{line} (IndexError: list index out of range at ")
    assert capsys.readouterr().err == ""
    assert service.judged(world.facts(), settings, "none", debug=True).changes == review.changes
    assert "Traceback" in capsys.readouterr().err


def test_a_failed_review_names_the_interpreter(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, python=str(tmp_path / "env" / "bin" / "python"))
    run = service.failed_review(ObservationError("No PostgreSQL."), settings).provenance
    assert (run.interpreter, run.interpreter_source) == ("env/bin/python", "--python")


def test_a_failed_review_has_the_places_of_the_checkout_and_no_absolute_path(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    root = tmp_path / "apps" / "poser"
    root.mkdir(parents=True)
    error = ObservationError("No PostgreSQL.", hint="Install one.")
    below = service.failed_review(error, Settings(config=root / "app" / "poser.conf", root=root))
    assert (below.provenance.config, below.provenance.root) == ("app/poser.conf", "apps/poser")
    elsewhere = service.failed_review(error, Settings(config=tmp_path / "poser.conf", root=root))
    assert elsewhere.provenance.config == "poser.conf"
    nothing = service.failed_review(error, Settings())
    assert (nothing.provenance.config, nothing.provenance.root) == ("", "")
    assert nothing.outcome is Outcome.FAILED
    assert nothing.failure is not None
    assert (nothing.failure.message, nothing.failure.hint) == ("No PostgreSQL.", "Install one.")
