"""Revision files that Alembic does not load, and version locations that it can't read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from alembic_review.worker.environment import unloaded_revision_files
from alembic_review.worker.environment.private_version_locations import Folders
from alembic_review.worker.worker_errors import WorkerError

FIRST = 'revision = "a1"\ndown_revision = None\n'
SECOND = 'revision: str = "b2"\ndown_revision = "a1"\n'


def script(folder: Path, **options: str) -> ScriptDirectory:
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    (folder / "versions" / "a1.py").write_text(FIRST)
    config = Config()
    config.set_main_option("script_location", str(folder))
    for name, value in options.items():
        config.set_main_option(name, value)
    return ScriptDirectory.from_config(config)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("versions/b2.py.txt", SECOND, "names end in .py"),
        ("versions/late/b2.py", SECOND, "recursive_version_locations"),
        ("old/b2.py", SECOND, "no version location contains the folder"),
        ("versions/b2.py~", FIRST, ""),
        ("versions/notes.txt", "revision = a paragraph", ""),
        ("versions/b2.sql", SECOND, ""),
        ("versions/late/helper.py", "revision = None\n", ""),
        ("old/.hidden/b2.py", SECOND, ""),
    ],
)
def test_a_file_is_listed_with_the_reason_why_it_is_not_loaded(
    name: str, text: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    lines = unloaded_revision_files.not_loaded(script(tmp_path), Folders())
    assert [reason in line and path.name in line for line in lines] == ([True] if reason else [])


def test_folders_that_stand_for_those_of_the_base_are_not_searched(tmp_path: Path) -> None:
    made = script(tmp_path)
    versions = os.path.realpath(tmp_path / "versions")
    (tmp_path / "versions" / "b2.py.txt").write_text(SECOND)
    assert unloaded_revision_files.not_loaded(made, Folders(instead={versions: str(tmp_path / "base")})) == ()
    assert len(unloaded_revision_files.not_loaded(made, Folders())) == 1


def test_many_files_of_one_folder_are_one_line(tmp_path: Path) -> None:
    made = script(tmp_path)
    for number in range(5):
        (tmp_path / "versions" / f"c{number}.py.bak").write_text(SECOND.replace("b2", f"c{number}"))
    (line,) = unloaded_revision_files.not_loaded(made, Folders())
    assert "c0.py.bak, c1.py.bak, c2.py.bak and 2 more: " in line


def test_the_hint_names_the_file_of_a_missing_revision(tmp_path: Path) -> None:
    made = script(tmp_path)
    (tmp_path / "versions" / "b2.py.txt").write_text(SECOND)
    assert unloaded_revision_files.hint(made, Folders(), "b2").startswith(
        f"{tmp_path}/versions/b2.py.txt is not loaded: "
    )
    assert unloaded_revision_files.hint(made, Folders(), "zz") == ""


@pytest.mark.parametrize("recursive", ["true", "false"])
def test_a_version_location_that_can_t_be_listed_is_an_error(
    recursive: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = script(tmp_path, recursive_version_locations=recursive)
    (tmp_path / "versions" / "late").mkdir()
    unloaded_revision_files.require_readable(made)
    scan, refused = os.scandir, "late" if recursive == "true" else "versions"

    def scandir(path: str) -> os._ScandirIterator[str]:
        if Path(path).name == refused:
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(WorkerError, match=rf"can't be read: .*{refused}: Permission denied"):
        unloaded_revision_files.require_readable(made)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user, and root reads everything")
def test_an_account_that_may_not_read_the_folder(tmp_path: Path) -> None:
    script(tmp_path)
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    (tmp_path / "versions").chmod(0o700)
    code = (
        "import os, sys\nfrom alembic.script import ScriptDirectory\n"
        "from alembic_review.worker.environment import unloaded_revision_files as unread\n"
        f"made = ScriptDirectory({str(tmp_path)!r})\nos.setresuid(65534, 65534, 65534)\n"
        "print(len(list(made.walk_revisions())))\n"
        "try:\n    unread.require_readable(made)\nexcept unread.WorkerError as error:\n    print(error.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    empty, said = done.stdout.splitlines()
    assert empty == "0"
    assert said.endswith("versions: Permission denied")
