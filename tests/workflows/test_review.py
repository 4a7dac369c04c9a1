"""The review of a run that failed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from alembic_review.model.errors import ObservationError
from alembic_review.model.review import Outcome
from alembic_review.model.settings import Settings
from alembic_review.workflows.review import failed_review


def test_a_failed_review_names_the_interpreter(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, python=str(tmp_path / "env" / "bin" / "python"))
    run = failed_review(ObservationError("No PostgreSQL."), settings).provenance
    assert (run.interpreter, run.interpreter_source) == ("env/bin/python", "--python")


def test_a_failed_review_has_the_places_of_the_checkout_and_no_absolute_path(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    root = tmp_path / "apps" / "poser"
    root.mkdir(parents=True)
    error = ObservationError("No PostgreSQL.", hint="Install one.")
    below = failed_review(error, Settings(config=root / "app" / "poser.conf", root=root))
    assert (below.provenance.config, below.provenance.root) == ("app/poser.conf", "apps/poser")
    elsewhere = failed_review(error, Settings(config=tmp_path / "poser.conf", root=root))
    assert elsewhere.provenance.config == "poser.conf"
    nothing = failed_review(error, Settings())
    assert (nothing.provenance.config, nothing.provenance.root) == ("", "")
    assert nothing.outcome is Outcome.FAILED
    assert nothing.failure is not None
    assert (nothing.failure.message, nothing.failure.hint) == ("No PostgreSQL.", "Install one.")
