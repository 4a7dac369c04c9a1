"""Optional observations and judgements, and those that fail."""

from __future__ import annotations

from typing import NoReturn

import pytest

from alembic_review.model.settings import Settings
from alembic_review.workflows.judgement import judged
from alembic_review.workflows.observation import Observation
from alembic_review.workflows.source import Source, read_source
from tests.judge.build import ROOT, started

SETTINGS = Settings(root=ROOT)


def fail(*_: object, **__: object) -> NoReturn:
    raise IndexError("list index out of range")


def test_suggestions_that_fail_never_cost_the_review(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("alembic_review.judge.assemble_review.suggestions", fail)
    world = started()
    world.change("add_column", "app_widget", "size")
    observed = Observation((world.facts(),), Source(()), "none")
    review = judged(observed, SETTINGS)
    assert [change.table for change in review.changes] == ["app_widget"]
    (failure,) = review.provenance.not_checked
    line = "suggested extension tables for columns of core tables"
    assert failure.startswith(f"{line} (IndexError: list index out of range at ")
    assert capsys.readouterr().err == ""
    assert judged(observed, SETTINGS, debug=True).changes == review.changes
    assert "Traceback" in capsys.readouterr().err


def test_source_that_can_not_be_read_never_costs_the_review(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("alembic_review.workflows.source.declared_tables", fail)
    world = started()
    world.change("add_column", "app_widget", "size")
    source = read_source([world.facts()], SETTINGS)
    (failure,) = source.not_checked
    assert failure.startswith(
        "tables that only the source of your packages declares (IndexError: list index out of range at "
    )
    assert capsys.readouterr().err == ""
    review = judged(Observation((world.facts(),), source, "none"), SETTINGS)
    assert review.provenance.not_checked == (failure,)
    assert [change.table for change in review.changes] == ["app_widget"]
    read_source([world.facts()], SETTINGS, debug=True)
    assert "Traceback" in capsys.readouterr().err
