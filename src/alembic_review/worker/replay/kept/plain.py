"""What is noted of a replay, as data that JSON gives back unchanged, and again as what the comparison reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from alembic_review.model.facts import Alteration, Place, TableKey
from alembic_review.model.input_states import text_state
from alembic_review.worker.hints import Circumstances
from alembic_review.worker.replay.catalogue import Catalogue, Snapshot
from alembic_review.worker.replay.database_contents import Listed
from alembic_review.worker.replay.upgrade import Replayed


def as_plain(replayed: Replayed) -> dict[str, Any]:
    """Everything that later steps read, but for what every run finds out anew.

    The details of each table are only for the revisions that follow.
    """
    return {
        "watched": sorted(replayed.watched),
        "name": replayed.name,
        "applied": list(replayed.applied),
        "effective": sorted(replayed.effective),
        "alterations": [asdict(one) for one in replayed.alterations],
        "creators": [[identity, revision] for identity, revision in replayed.creators.items()],
        "last": _snapshot(replayed.last),
        "taken": [[asdict(key), revision] for key, revision in replayed.taken.items()],
        "gone": [[asdict(key), revision] for key, revision in replayed.gone.items()],
        "noted_alterations": replayed.noted_alterations,
    }


def from_plain(plain: Mapping[str, Any], catalogue: Catalogue, circumstances: Circumstances) -> Replayed:
    """The same again, for a database that contains what the one of that replay did."""
    last = plain["last"]
    tables = {identity: (TableKey(**key), digest) for identity, key, digest in last["tables"]}
    snapshot = Snapshot(tables, {one: tuple(values) for one, values in last["types"]}, last["others"])
    return Replayed(
        catalogue,
        frozenset(plain["watched"]),
        applied=list(plain["applied"]),
        effective=set(plain["effective"]),
        alterations=[_alteration(one) for one in plain["alterations"]],
        creators=dict(map(tuple, plain["creators"])),
        last=snapshot,
        taken={TableKey(**key): revision for key, revision in plain["taken"]},
        gone={TableKey(**key): revision for key, revision in plain["gone"]},
        name=plain["name"],
        circumstances=circumstances,
        noted=snapshot,
        noted_alterations=plain["noted_alterations"],
    )


def listing_state(found: Listed) -> str:
    """A digest of everything that a database contains, apart from rows."""
    lines = [f"{identity} {thing}  {thing.text} {thing.privileges}" for identity, thing in found.things.items()]
    lines += [f"{identity} {entry}" for identity, entry in found.snapshot.tables.items()]
    lines += [f"{identity} {values}" for identity, values in found.snapshot.types.items()]
    return text_state("\n".join([*sorted(lines), found.snapshot.others]))


def _snapshot(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "tables": [[identity, asdict(key), digest] for identity, (key, digest) in snapshot.tables.items()],
        "types": [[identity, list(values)] for identity, values in snapshot.types.items()],
        "others": snapshot.others,
    }


def _alteration(plain: Mapping[str, Any]) -> Alteration:
    place = plain["place"]
    return Alteration(
        **{
            **plain,
            "key": TableKey(**plain["key"]),
            "columns": tuple(plain["columns"]),
            "place": Place(**place) if place is not None else None,
        }
    )
