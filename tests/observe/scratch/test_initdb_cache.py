from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alembic_review.observe.scratch import initdb_cache
from alembic_review.observe.scratch.server_account import Account

OURSELVES = Account(uid=os.geteuid(), gid=os.getegid(), client="me", foreign=False)
CONTENT = {"PG_VERSION": b"15\n", "base/1/2608": b"\0a\0\0" + bytes(1 << 21), "base/1/empty": b"", "zeros": bytes(8192)}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "pg_wal" / "archive_status").mkdir(parents=True)
    (folder / "base" / "1").mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


def test_a_folder_comes_back_as_it_was(data: Path, tmp_path: Path) -> None:
    initdb_cache.pack(data, tmp_path / "packed")
    assert (tmp_path / "packed").stat().st_size < 4096
    back = tmp_path / "back"
    assert initdb_cache.unpack(tmp_path / "packed", back, OURSELVES)
    found = {str(path.relative_to(back)): path for path in back.rglob("*")}
    assert {name: path.read_bytes() for name, path in found.items() if path.is_file()} == CONTENT
    assert found["pg_wal/archive_status"].is_dir()
    assert {stat.S_IMODE(path.stat().st_mode) for path in [back, *found.values()] if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in found.values() if path.is_file()} == {0o600}


@pytest.mark.usefixtures("as_root")
def test_everything_belongs_to_the_account_of_the_server(data: Path, tmp_path: Path) -> None:
    initdb_cache.pack(data, tmp_path / "packed")
    back = tmp_path / "back"
    assert initdb_cache.unpack(tmp_path / "packed", back, Account(uid=65534, gid=65533, client="root", foreign=True))
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in [back, *back.rglob("*")]}
    assert owners == {(65534, 65533)}


@pytest.mark.parametrize("cut", [1, 100, 10_000_000])
def test_a_file_that_is_not_whole_is_not_used(data: Path, tmp_path: Path, cut: int) -> None:
    packed = tmp_path / "packed"
    initdb_cache.pack(data, packed)
    packed.write_bytes(packed.read_bytes()[:-cut])
    assert not initdb_cache.unpack(packed, tmp_path / "back", OURSELVES)
    assert not (tmp_path / "back").exists()


def test_a_file_without_its_beginning_is_not_used(data: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    initdb_cache.pack(data, packed)
    packed.write_bytes(packed.read_bytes()[1:])
    assert not initdb_cache.unpack(packed, tmp_path / "back", OURSELVES)


def test_a_file_that_others_may_have_written_is_not_used(data: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    initdb_cache.pack(data, packed)
    packed.chmod(0o666)
    assert not initdb_cache.unpack(packed, tmp_path / "back", OURSELVES)
    packed.chmod(0o600)
    (tmp_path / "link").symlink_to(packed)
    assert not initdb_cache.unpack(tmp_path / "link", tmp_path / "back", OURSELVES)
    assert initdb_cache.unpack(packed, tmp_path / "back", OURSELVES)


def test_a_link_is_not_followed_when_packing(data: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    (data / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        initdb_cache.pack(data, tmp_path / "packed")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "secret"]


def test_files_that_no_run_has_used_for_a_month_go(data: Path, tmp_path: Path) -> None:
    old, recent = initdb_cache.packed_path(tmp_path, "old"), initdb_cache.packed_path(tmp_path, "recent")
    initdb_cache.pack(data, old)
    initdb_cache.pack(data, recent)
    month_ago = time.time() - 31 * 24 * 3600
    for path in (old, recent):
        os.utime(path, (month_ago, month_ago))
    assert initdb_cache.unpack(recent, tmp_path / "back", OURSELVES)
    initdb_cache.pack(data, initdb_cache.packed_path(tmp_path, "new"))
    assert sorted(path.name for path in tmp_path.glob("*.pgdata")) == ["new.pgdata", "recent.pgdata"]


def test_the_cache_is_where_the_user_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert initdb_cache.cache_folder() == tmp_path / "cache" / "alembic-review"
    (tmp_path / "cache" / "alembic-review").chmod(0o777)
    assert initdb_cache.cache_folder() is None


def test_a_home_that_can_not_be_written_to_means_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    assert initdb_cache.cache_folder() is None


@pytest.mark.parametrize("place", [0.0, 0.3, 0.9])
def test_a_file_that_was_damaged_is_not_used(data: Path, tmp_path: Path, place: float) -> None:
    packed = tmp_path / "packed"
    initdb_cache.pack(data, packed)
    content = bytearray(packed.read_bytes())
    content[int(len(content) * place)] ^= 1
    packed.write_bytes(content)
    assert not initdb_cache.unpack(packed, tmp_path / "back", OURSELVES)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
def test_what_is_no_file_is_not_used(make: Callable[[Path], None], tmp_path: Path) -> None:
    packed = tmp_path / "x.pgdata"
    make(packed)
    assert not initdb_cache.unpack(packed, tmp_path / "back", OURSELVES)


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
@pytest.mark.parametrize("folder", [".", "home", "{project}", "{project}/home"])
def test_no_cache_is_made_in_a_project(
    variable: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    (project / "part").mkdir(parents=True)
    (project / "pyproject.toml").touch()
    monkeypatch.chdir(project / "part")
    monkeypatch.setenv("HOME", "home")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, folder.format(project=project))
    assert initdb_cache.cache_folder() is None
    assert sorted(path.name for path in project.rglob("*")) == ["part", "pyproject.toml"]


def test_a_home_elsewhere_has_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = initdb_cache.cache_folder()
    assert folder is not None
    assert folder.is_relative_to(tmp_path / "home")
