from __future__ import annotations

import threading
from pathlib import Path

import pytest

from alembic_review.model.errors import ObservationError
from alembic_review.observe import scratch_databases
from alembic_review.observe.scratch.base import Kept, Scratch, ScratchDatabase
from alembic_review.observe.scratch_databases import RunDatabases, guess_dialect


class Recorded(Scratch):
    """A scratch that notes what is asked of it."""

    kind = "recorded"

    def __init__(self, dialect: str, *, fails: bool = False) -> None:
        super().__init__()
        self.dialect = dialect
        self.calls: list[str] = []
        self.fails = fails

    def _start(self) -> None:
        self.calls.append("start")
        if self.fails:
            raise ObservationError("no server to be had")

    def _create(self) -> ScratchDatabase:
        self.calls.append("create")
        return ScratchDatabase(self.dialect, "name")

    def _copy(self, database: ScratchDatabase) -> ScratchDatabase:
        self.calls.append("copy")
        return ScratchDatabase(self.dialect, f"copy of {database.database}")

    def _close(self) -> None:
        self.calls.append("close")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Recorded]:
    made: dict[str, Recorded] = {}

    def open_recorded(dialect: str, server: str | None, *, superuser: bool, kept: Kept | None) -> Scratch:
        made[dialect] = Recorded(dialect, fails=server == "broken" and dialect == "postgresql")
        return made[dialect]

    monkeypatch.setattr(scratch_databases, "open_scratch", open_recorded)
    return made


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("sqlalchemy.url = sqlite:///x.db", "sqlite"),
        ("default.url = sqlite+aiosqlite:///x.db", "sqlite"),
        ('url = "sqlite:///x.db"', "sqlite"),
        ("sqlalchemy.url = postgresql+asyncpg://me@host/x", "postgresql"),
        ("a.url = sqlite:///x.db\nb.url = postgresql://me@host/x", "postgresql"),
        ("script_location = migrations", "postgresql"),
    ],
)
def test_the_guess_is_the_dialect_that_the_conf_names(tmp_path: Path, text: str, dialect: str) -> None:
    conf = tmp_path / "alembic.ini"
    conf.write_text(f"[alembic]\n{text}\n")
    assert guess_dialect(conf) == dialect
    assert guess_dialect(tmp_path / "missing.ini") == "postgresql"


def test_the_guessed_server_starts_early_and_everything_is_closed(opened: dict[str, Recorded]) -> None:
    with RunDatabases(None, "postgresql") as run:
        run.create("postgresql")
        run.create("sqlite")
        assert run.kinds == "recorded"
    assert opened["postgresql"].calls == ["start", "create", "close"]
    assert opened["sqlite"].calls == ["start", "create", "close"]


def test_a_guess_that_fails_matters_only_when_it_is_asked_for(opened: dict[str, Recorded]) -> None:
    with RunDatabases("broken", "postgresql") as run:
        run.create("sqlite")
        with pytest.raises(ObservationError, match="no server to be had"):
            run.create("postgresql")


def test_leaving_early_interrupts_a_start_under_way(
    opened: dict[str, Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    starting = threading.Event()

    def start(self: Recorded) -> None:
        starting.set()
        assert self._closing.wait(20)
        self.calls.append("interrupted")

    monkeypatch.setattr(Recorded, "_start", start)
    with RunDatabases(None, "postgresql"):
        assert starting.wait(20)
    assert opened["postgresql"].calls == ["interrupted", "close"]
