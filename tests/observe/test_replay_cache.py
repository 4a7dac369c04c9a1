"""The folder of kept replays: what is damaged, too much or left over, and who may read it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from alembic_review.observe.replay_cache import entries
from alembic_review.observe.replay_cache.kept_replay import KeptReplay

SLOT = "a" * 32
RECORDED: dict[str, Any] = {
    "files": {},
    "variables": [],
    "every variable": False,
    "databases": [{"database": "x", "target": "postgresql://h/x"}],
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = entries.folder(make=True)
    assert folder is not None
    return folder


def _keep(content: bytes = b"databases", slot: str = SLOT, **changed: object) -> KeptReplay:
    kept = KeptReplay(slot, "project", {"HOME": "/home"})

    def pack(names: object, path: Path) -> str:
        assert names == ["x"]
        path.write_bytes(content)
        return "sqlite"

    kept.packing = pack
    kept.keep({**RECORDED, **{name.replace("_", " "): value for name, value in changed.items()}})
    return kept


def _find(slot: str = SLOT, **environ: str) -> KeptReplay:
    return KeptReplay.find(slot, {"HOME": "/home", **environ}, "project")


def test_what_was_kept_is_found_again(place: Path) -> None:
    assert _find().mode == "record"
    _keep()
    found = _find()
    assert (found.mode, found.use.replay) == ("use", "hit")
    assert found.kept is not None
    assert found.kept.data.read_bytes() == b"databases"
    assert (found.kept.kind, list(found.kept.databases)) == ("sqlite", RECORDED["databases"])
    assert _find("b" * 32).mode == "record"
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} <= {0o600, 0o644}


def test_files_and_variables_are_compared(tmp_path: Path, place: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("one")
    states = {str(file): "content 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"}
    _keep(files=states, variables=["COLUMN", "UNSET"])
    assert _find().mode == "use"
    assert _find(COLUMN="x").use.reason == "the environment variable COLUMN has another value"
    file.write_text("two")
    assert _find().use.reason == "names.txt has changed"
    file.unlink()
    assert _find().use.reason == "names.txt has changed"
    assert entries.clear() == 1
    _keep(every_variable=True)
    assert _find().mode == "use"
    assert "every environment variable" in _find(OTHER="x").use.reason
    assert list(place.glob("*.json"))


def test_damaged_descriptions_and_those_of_others_do_not_count(place: Path) -> None:
    _keep()
    (description,) = place.glob("*.json")
    whole = description.read_bytes()
    for damaged in (b"", whole[:-1], whole.replace(b"sqlite", b"SQLITE"), b"nothing\n{}", b"0\n[]"):
        description.write_bytes(damaged)
        assert _find().mode == "record"
    description.write_bytes(whole)
    assert _find().mode == "use"
    description.chmod(0o666)
    assert _find().mode == "record"
    description.chmod(0o600)
    description.rename(place / "elsewhere")
    description.symlink_to(place / "elsewhere")
    assert _find().mode == "record"


def test_a_folder_that_others_may_read_is_not_used(place: Path) -> None:
    place.chmod(0o755)
    assert _find().use.replay == "off"
    assert entries.clear() == 0


def test_what_was_not_used_for_the_longest_time_goes(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        _keep(bytes(10_000), slot=str(number) * 32)
        for path in place.glob(f"{number}*"):
            os.utime(path, (number, number))
    entries.touch(next(iter(entries.entries("0" * 32))))
    monkeypatch.setattr(entries, "LARGEST", 35_000)
    _keep(bytes(10_000), slot="3" * 32)
    assert {path.name[0] for path in place.iterdir()} == {"0", "2", "3"}


def test_one_slot_does_not_push_out_the_others(place: Path) -> None:
    _keep(slot="b" * 32)
    for _ in range(12):
        _keep()
    assert len(list(entries.entries(SLOT))) == 8
    assert len(list(entries.entries())) == 9
    assert len(list(place.iterdir())) == 18


def test_what_a_killed_run_left_goes_after_a_while(place: Path) -> None:
    for name in ("new-unfinished", f"{SLOT}-0.databases"):
        (place / name).write_bytes(b"x")
        old = time.time() - 7200
        os.utime(place / name, (old, old))
    (place / "new-under-way").write_bytes(b"x")
    _keep()
    assert {path.suffix or path.name for path in place.iterdir()} == {".json", ".databases", "new-under-way"}


def test_databases_that_can_not_be_copied_are_not_kept(place: Path) -> None:
    kept = KeptReplay(SLOT, "project", {})

    def pack(_names: object, path: Path) -> str:
        path.write_bytes(b"half")
        raise OSError

    kept.packing = pack
    kept.keep(RECORDED)
    assert kept.use.reason == "not cached: the databases could not be copied"
    assert list(place.iterdir()) == []


def test_what_does_not_hold_is_removed_and_after_the_second_time_nothing_is_tried() -> None:
    for _ in range(2):
        found = _find() if _find().entry is not None else _keep_and_find()
        found.refuse("There is another value now.")
        assert found.mode == "record"
        found.packing = lambda _names, path: "sqlite" if path.write_bytes(b"x") else ""
        found.keep(RECORDED)
    assert _find().use.replay == "off"
    assert _find().use.reason == "what env.py sets up differs from run to run: There is another value now."


def _keep_and_find() -> KeptReplay:
    _keep()
    return _find()


@pytest.fixture(autouse=True)
def _own_place(place: Path) -> None:
    """No test looks into the cache of the person who runs it."""


def test_parallel_runs_do_not_get_in_each_others_way(place: Path) -> None:
    threads = [threading.Thread(target=_keep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(list(entries.entries(SLOT))) <= 8
    assert _find().mode == "use"
    assert list(place.glob("new-*")) == []
