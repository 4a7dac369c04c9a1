"""Which database each of several environments gets, for itself and for its trials."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from alembic_review.model.errors import ObservationError
from alembic_review.observe.scratch.base import ScratchDatabase
from alembic_review.observe.several_environments import _Own, _Shared


@dataclass
class Recorded:
    """Numbers what is made; a copy is named after its original."""

    made: list[str] = field(default_factory=list)
    fails: bool = False

    def create(self, dialect: str, target: str = "", state: str = "") -> ScratchDatabase:
        assert not state
        self.made.append(target)
        return ScratchDatabase(dialect, f"db{len(self.made)}")

    def copy(self, database: ScratchDatabase) -> ScratchDatabase:
        if self.fails:
            raise ObservationError("somebody is connected")
        self.made.append(database.database)
        return ScratchDatabase(database.dialect, f"{database.database}-copy{len(self.made)}")

    def copy_of(self, name: str) -> ScratchDatabase:
        return self.copy(ScratchDatabase("postgresql", name))


def own(databases: Recorded, shared: list[_Shared], *, copies: bool = False) -> _Own:
    return _Own(databases, shared, copies)


def given(database: ScratchDatabase) -> tuple[str, bool]:
    return database.database, database.prepared


@pytest.mark.parametrize("other", ["postgresql+asyncpg://you:***@host/a", "postgresql://elsewhere:5432/b"])
def test_environments_share_a_database_however_its_url_is_spelt(other: str) -> None:
    databases, shared = Recorded(), list[_Shared]()
    assert given(own(databases, shared).create("postgresql", "postgresql://me:***@host/a")) == ("db1", False)
    assert given(own(databases, shared).create("postgresql", other)) == ("db1", True)


def test_several_databases_are_told_apart_by_their_urls() -> None:
    databases, shared = Recorded(), list[_Shared]()
    first, second = own(databases, shared), own(databases, shared)
    for name in ("a", "b"):
        first.create("postgresql", f"postgresql://host/{name}")
    assert [given(second.create("postgresql", f"postgresql://host/{name}")) for name in ("b", "a", "c")] == [
        *(("db2", True), ("db1", True), ("db3", False)),
    ]
    assert given(own(databases, shared).create("sqlite", "sqlite:///a")) == ("db4", False)


def test_engines_of_one_environment_never_share() -> None:
    databases, shared = Recorded(), list[_Shared]()
    first, second = own(databases, shared), own(databases, shared)
    for one in (first, second):
        assert [one.create("sqlite", "sqlite://").database for _ in range(2)] == ["db1", "db2"]


def test_trials_get_copies_from_before_and_after_the_upgrade() -> None:
    databases, shared = Recorded(), list[_Shared]()
    first, second = own(databases, shared, copies=True), own(databases, shared, copies=True)
    first.create("sqlite", "sqlite:///a")
    first.note()
    second.create("sqlite", "sqlite:///a")
    second.note()
    assert given(first.create("sqlite", "sqlite:///a", "before")) == ("db4", False)
    assert given(first.create("sqlite", "sqlite:///a", "after")) == ("db1-copy2-copy5", True)
    assert given(second.create("sqlite", "sqlite:///a", "before")) == ("db1-copy2-copy6", True)
    assert given(second.create("sqlite", "sqlite:///a", "after")) == ("db1-copy3-copy7", True)


def test_trials_of_several_databases_of_one_url_take_turns() -> None:
    databases, shared = Recorded(), list[_Shared]()
    one = own(databases, shared, copies=True)
    for _ in range(2):
        one.create("sqlite", "sqlite://")
    one.note()
    after = [one.create("sqlite", "sqlite://", "after").database.partition("-")[0] for _ in range(4)]
    assert after == ["db1", "db2", "db1", "db2"]


def test_a_copy_that_can_not_be_made_costs_only_the_trials() -> None:
    databases, shared = Recorded(fails=True), list[_Shared]()
    one = own(databases, shared, copies=True)
    one.create("sqlite", "sqlite:///a")
    one.note()
    with pytest.raises(ObservationError, match="somebody is connected"):
        one.create("sqlite", "sqlite:///a", "after")
    assert given(own(databases, shared).create("sqlite", "sqlite:///a")) == ("db1", True)
