"""Two revision files of one id: Alembic keeps the one that it reads last."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from alembic_review.worker import internals

REVISION = 'revision = "{}"\ndown_revision = None\ndef upgrade(): pass\n'


def scripts(tmp_path: Path, **files: str) -> ScriptDirectory:
    (tmp_path / "versions").mkdir()
    for name, revision in files.items():
        (tmp_path / "versions" / f"{name}.py").write_text(REVISION.format(revision))
    return ScriptDirectory(str(tmp_path))


@pytest.mark.filterwarnings("ignore:Revision a1 is present more than once")
def test_two_files_of_one_id(tmp_path: Path) -> None:
    script = scripts(tmp_path, one="a1", two="a1", three="b1")
    ((dropped, kept),) = internals.overridden(script, script.walk_revisions())
    assert (Path(dropped.path).name, Path(kept.path).name) == ("one.py", "two.py")


def test_files_that_are_no_revisions_are_left_alone(tmp_path: Path) -> None:
    script = scripts(tmp_path, one="a1", two="b1")
    (tmp_path / "versions" / "__init__.py").touch()
    (tmp_path / "versions" / "notes.txt").touch()
    (tmp_path / "versions" / "__pycache__").mkdir()
    (tmp_path / "versions" / "__pycache__" / "three.py").touch()
    assert internals.overridden(script, script.walk_revisions()) == []
