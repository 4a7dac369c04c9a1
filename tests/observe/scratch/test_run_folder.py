from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from alembic_review.observe.scratch.run_folder import PREFIX, RunFolder
from alembic_review.observe.scratch.server_account import Account

KILLED_RUN = """
import os, signal
from alembic_review.observe.scratch.run_folder import RunFolder
folder = RunFolder.create()
(folder.path / "sub").mkdir()
(folder.path / "sub" / "file").write_text("x")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_folder_is_private_and_goes_completely(base: Path) -> None:
    folder = RunFolder.create()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    (folder.path / "deep" / "er").mkdir(parents=True)
    folder.remove()
    folder.remove()
    assert list(base.iterdir()) == []


def test_what_a_killed_run_left_goes_at_the_next_start(base: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED_RUN], check=False)
    (left,) = base.iterdir()
    folder = RunFolder.create()
    assert not left.exists()
    assert list(base.iterdir()) == [folder.path]
    folder.remove()


def test_the_folder_of_a_run_that_lives_stays(base: Path) -> None:
    first, second = RunFolder.create(), RunFolder.create()
    assert sorted(base.iterdir()) == sorted([first.path, second.path])
    first.remove()
    second.remove()


def test_what_a_run_left_that_was_killed_before_its_lock_goes_at_the_next_start(base: Path) -> None:
    (base / f"{PREFIX}empty").mkdir()
    RunFolder.create().remove()
    assert list(base.iterdir()) == []


def test_a_folder_with_files_and_no_lock_stays_until_it_is_old(base: Path) -> None:
    young, old = base / f"{PREFIX}young", base / f"{PREFIX}old"
    for folder in (young, old):
        folder.mkdir()
        (folder / "file").touch()
    os.utime(old, (0, time.time() - 2 * 3600))
    RunFolder.create().remove()
    assert list(base.iterdir()) == [young]


def test_a_run_whose_empty_folder_another_swept_makes_another(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = tempfile.mkdtemp
    swept: list[str] = []

    def made(**arguments: Any) -> str:
        path = str(make(**arguments))
        if not swept:
            swept.append(path)
            Path(path).rmdir()
        return path

    monkeypatch.setattr(tempfile, "mkdtemp", made)
    folder = RunFolder.create()
    assert [str(folder.path)] != swept
    assert list(base.iterdir()) == [folder.path]
    folder.remove()


def test_other_folders_and_links_stay(base: Path, tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    (base / f"{PREFIX}link").symlink_to(tmp_path)
    (base / "other").mkdir()
    (base / "other" / "lock").touch()
    RunFolder.create().remove()
    assert (tmp_path / "lock").exists()
    assert (base / "other" / "lock").exists()


@pytest.mark.usefixtures("as_root")
def test_a_folder_of_another_user_stays(base: Path) -> None:
    foreign = base / f"{PREFIX}foreign"
    foreign.mkdir()
    (foreign / "lock").touch()
    os.chown(foreign, 65534, 65534)
    RunFolder.create().remove()
    assert foreign.exists()


@pytest.mark.usefixtures("as_root")
def test_only_the_group_of_the_server_may_pass(base: Path) -> None:
    account = Account(uid=65534, gid=65533, client="root", foreign=True)
    folder = RunFolder.create(account)
    status = folder.path.stat()
    assert folder.path.parent == base
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (0, 65533, 0o710)
    folder.remove()


@pytest.mark.usefixtures("as_root")
def test_a_temporary_folder_that_the_server_can_not_enter_is_not_used(base: Path) -> None:
    base.chmod(0o700)
    folder = RunFolder.create(Account(uid=65534, gid=65534, client="root", foreign=True))
    assert folder.path.parent == Path("/tmp")
    folder.remove()


def test_a_path_too_long_for_a_socket_is_not_used(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = base / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    folder = RunFolder.create()
    assert folder.path.parent == Path("/tmp")
    folder.remove()


@pytest.mark.parametrize("name", ["a,b", "a\\b", "a\nb", "a'b", 'a"b'])
def test_a_temporary_folder_whose_name_nothing_can_quote_is_not_used(
    base: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (base / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(base / name))
    folder = RunFolder.create()
    assert folder.path.parent == Path("/tmp")
    folder.remove()


def test_a_relative_temporary_folder(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(base)
    monkeypatch.setattr(tempfile, "tempdir", ".")
    folder = RunFolder.create()
    assert folder.path.parent == base
    folder.remove()
