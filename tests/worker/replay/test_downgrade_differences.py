"""What is in a database, read once as long as it does not change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy.engine import Connection

from alembic_review.model.keys import TableKey
from alembic_review.worker.replay.catalogue import Catalogue, Details, Snapshot
from alembic_review.worker.replay.downgrade_differences import contents

NONE = cast("Connection", None)


@dataclass
class Tables:
    """A catalogue of tables by identity, each with its digest; ``asked`` are those whose details were read."""

    digests: dict[int, str]
    asked: list[int] = field(default_factory=list)

    def snapshot(self, _connection: Connection, *, digests: bool) -> Snapshot:
        assert digests
        return Snapshot({one: (TableKey(None, f"t{one}"), digest) for one, digest in self.digests.items()}, {})

    def details(self, _connection: Connection, identities: Iterable[Any]) -> dict[Any, Details]:
        self.asked += identities
        return {one: cast("Details", {("column", self.digests[one]): None}) for one in identities}


def test_the_details_of_a_table_are_read_again_when_it_changes() -> None:
    tables = Tables({1: "a", 2: "b"})
    known: dict[tuple[Any, str], Details] = {}

    def read() -> list[str]:
        found = contents(cast("Catalogue", tables), NONE, ("alembic_version", None), known)
        return [str(name) for details in found.tables.values() for _, name in details]

    assert (read(), tables.asked) == (["a", "b"], [1, 2])
    tables.digests[2] = "c"
    assert (read(), tables.asked) == (["a", "c"], [1, 2, 2])
    tables.digests[2] = "b"
    assert (read(), tables.asked) == (["a", "b"], [1, 2, 2])
