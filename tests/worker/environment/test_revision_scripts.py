"""Where revisions are read from, and what they may say of their parents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alembic_review.worker import internals
from alembic_review.worker.environment.env_py import Environment
from alembic_review.worker.environment.private_version_locations import Folders
from alembic_review.worker.environment.revision_scripts import names, parents

# As prefect's env.py does, which has a folder of revisions for each dialect.
ENV = """\
import os

import sqlalchemy as sa
from alembic import context

context.script.version_locations = [os.path.join(os.path.dirname(__file__), "sqlite")]
with sa.create_engine("sqlite://").connect() as connection:
    context.configure(connection=connection)
    context.run_migrations()
"""
CHILD = 'revision = "b2"\ndown_revision = "a1"\ndepends_on = ""\n\n\ndef upgrade():\n    pass\n'


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    migrations = tmp_path / "migrations"
    (migrations / "versions").mkdir(parents=True)
    (migrations / "sqlite").mkdir()
    (migrations / "env.py").write_text(ENV)
    (migrations / "sqlite" / "a1_first.py").write_text('revision = "a1"\ndown_revision = None\n')
    (tmp_path / "b2_second.py").write_text(CHILD)
    file = tmp_path / "alembic.ini"
    file.write_text("[alembic]\nscript_location = %(here)s/migrations\npath_separator = os\n")
    return file


@pytest.mark.parametrize("private_folder", [False, True])
def test_the_locations_that_env_py_names_are_read(ini: Path, private_folder: bool) -> None:
    named = str((ini.parent / "migrations" / "sqlite").resolve())
    folders = Folders(beside={named: str(ini.parent)} if private_folder else {})
    environment = Environment(str(ini), "alembic", (), folders)
    config = environment.config(["upgrade", "heads"])
    script = environment.script_directory(config)

    def work(_heads: Any, _context: Any) -> Any:
        environment.load_revisions(script)
        return ()

    for _ in range(2):
        environment.run(config, script, work)
        expected = [named, str(ini.parent)] if private_folder else [named]
        assert internals.version_locations(script) == expected
        assert script.get_heads() == (["b2"] if private_folder else ["a1"])
    if private_folder:
        assert parents(script) == {"a1": set(), "b2": {"a1"}}


@pytest.mark.parametrize(
    ("said", "expected"), [(None, ()), ("", ()), (("", "a1"), ("a1",)), ("a1", ("a1",)), (["a1", "b2"], ("a1", "b2"))]
)
def test_an_empty_name_is_no_revision(said: Any, expected: tuple[str, ...]) -> None:
    assert names(said) == expected
