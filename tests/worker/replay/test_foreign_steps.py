"""Migrations that env.py runs with a function of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from alembic_review.worker.environment.foreign_steps import foreign_calls


@pytest.mark.parametrize(("own", "script", "foreign"), [(True, 0, 0), (False, 0, 1), (False, 1, 0), (False, None, 1)])
def test_only_calls_of_this_environment_count(own: bool, script: int | None, foreign: int, tmp_path: Path) -> None:
    scripts = [ScriptDirectory(str(tmp_path)), ScriptDirectory(str(tmp_path))]
    calls = 0

    def counted(*_: Any) -> list[Any]:
        nonlocal calls
        calls += own
        return []

    original = MigrationContext.run_migrations
    with create_engine("sqlite://").connect() as connection, foreign_calls(scripts[0], lambda: calls) as found:
        options = {"fn": counted, "script": scripts[script] if script is not None else None}
        MigrationContext.configure(connection, opts=options).run_migrations()
    assert len(found) == foreign
    assert MigrationContext.run_migrations is original
