"""A catalogue that reads again only what the statements of a session touched, told by the server's event triggers.

The parent installs the triggers in databases of a server of its own. Whatever they can't explain makes the next
snapshot a complete one, and ``explained`` compares everything in the end.
"""

# ruff: noqa: S608 - constants put together
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from alembic_review.model.event_log import EVERYTHING, LOG, ON_DROP, ON_END, OTHERS, TYPES
from alembic_review.model.facts import TableKey
from alembic_review.worker.redirect.sqlite_authorizer import AlteredTables
from alembic_review.worker.replay.catalogue import Catalogue, Details, PostgresCatalogue, Snapshot, catalogue_of
from alembic_review.worker.replay.catalogue_digests import names, referring
from alembic_review.worker.worker_errors import WorkerError

_NUMBERS = count(1)

# The log, a new one in its place, and whether every trigger still fires.
_READ = f"""
SELECT current_setting('{LOG}', true), set_config('{LOG}', '{{token}}', false),
  coalesce(current_setting('event_triggers', true), 'on') = 'on' AND 2 = (
    SELECT count(*) FROM pg_catalog.pg_event_trigger
    WHERE evtname IN ('{ON_END}', '{ON_DROP}') AND evtenabled = 'A')
"""

# What writes to the catalogues without an event, or may have events left out.
# https://www.postgresql.org/docs/current/event-trigger-matrix.html
_WITHOUT_EVENT = re.compile(
    r"\b(?:CLUSTER|REINDEX|REASSIGN|VACUUM|event_triggers|session_replication_role|EVENT\s+TRIGGER"
    r"|(?:UPDATE|INTO|FROM)\s+(?:ONLY\s+)?\"?(?:pg_catalog\"?\.\"?)?pg_(?!temp)\w+)\b",
    re.IGNORECASE,
)
_READS = re.compile(r"\s*(?:SELECT|SHOW|VALUES|TABLE)\b", re.IGNORECASE)
_CHANGES = re.compile(
    r"\b(?:CREATE|ALTER|DROP|COMMENT|GRANT|REVOKE|RENAME|REFRESH|IMPORT|SECURITY|CALL|DO)\b", re.IGNORECASE
)


class EventCatalogue(PostgresCatalogue):
    """Of one database whose event triggers note what is touched; ``doubt`` is for what they don't see."""

    def __init__(self) -> None:
        self._reader = f"reader{next(_NUMBERS)}"
        self._turn = 0
        self._session: int | None = None
        self._rows: dict[Any, tuple[TableKey, str]] = {}
        self._indexes: dict[str, Any] = {}
        self._details: dict[Any, Details] = {}
        self._unsettled: set[Any] = set()  # touched tables, whose names foreign keys of others may show
        self._types: Mapping[str, tuple[str, ...]] = {}
        self._others = ""
        self._whole = True  # every digest has to be read
        self._stale: set[Any] = set()
        self._stale_types = True
        self._stale_others = True
        self._in_doubt = True
        self.incremental = False  # some snapshot relied on the events

    def doubt(self) -> None:
        """Something may have changed that no event of the session tells."""
        self._in_doubt = True

    def hear(self, connection: Connection, statement: str) -> None:
        """Doubt what a statement does that writes without an event, or in a session that is not the one watched."""
        if _READS.match(statement):
            return
        elsewhere = self._session is not None and _session(connection) != self._session
        if _WITHOUT_EVENT.search(statement) or (elsewhere and _CHANGES.search(statement)):
            self._in_doubt = True

    def snapshot(self, connection: Connection, *, digests: bool) -> Snapshot:
        """Every table; where the events explain what happened since the last one, only touched tables are read."""
        touched = self._touched(connection)
        if touched is None:
            self._whole = self._stale_types = self._stale_others = True
            self._details.clear()
            if not digests:
                self._rows = dict(super().snapshot(connection, digests=False).tables)
        elif touched:
            self._stale |= touched
            self._unsettled |= touched
            for identity in touched:
                self._details.pop(identity, None)
            if not digests:
                rows = connection.exec_driver_sql(names(touched)).fetchall()
                self._replace(touched, {oid: (TableKey(schema, name), "") for oid, schema, name in rows})
        if digests:
            self._digest(connection)
        if touched is not None:
            self.incremental = True
        return Snapshot(dict(self._rows), self._types, self._others)

    def details(self, connection: Connection, identities: Iterable[Any]) -> Mapping[Any, Details]:
        """Definitions of everything on these tables; what the last snapshot found untouched is known already."""
        wanted = list(identities)
        if self._session != _session(connection) or self._in_doubt:
            return super().details(connection, wanted)
        if self._unsettled and any(identity in self._details for identity in wanted):
            for (identity,) in connection.exec_driver_sql(referring(self._unsettled)).fetchall():
                self._details.pop(identity, None)
            self._unsettled = set()
        missing = [identity for identity in wanted if identity not in self._details]
        self._details.update(super().details(connection, missing))
        return {identity: self._details[identity] for identity in wanted if identity in self._details}

    def explained(self, connection: Connection) -> bool:
        """Compare everything with what the events tell; false when something changed that they did not tell."""
        if not self.incremental:
            return True
        known = self.snapshot(connection, digests=not self._whole)
        actual = super().snapshot(connection, digests=not self._whole)
        if self._whole:
            return {one: key for one, (key, _) in known.tables.items()} == {
                one: key for one, (key, _) in actual.tables.items()
            }
        return known == actual

    def _touched(self, connection: Connection) -> set[Any] | None:
        """The tables that may have changed since the last time; ``None`` where that can't be told."""
        expected = f"{self._reader}.{self._turn}"
        self._turn += 1
        query = _READ.format(token=f"{self._reader}.{self._turn}")
        log, _, fires = connection.exec_driver_sql(query).one()
        word, *words = (log or "").split() or [""]
        doubtful, self._in_doubt = self._in_doubt, False
        self._session = _session(connection)
        # Another word: another session, a parameter that was reset, or a transaction that was rolled back after the
        # last look and took with it what was noted before.
        if word != expected or doubtful or not fires or EVERYTHING in words:
            return None
        found: set[Any] = set()
        for one in words:
            if one in (TYPES, OTHERS):
                self._stale_types |= one == TYPES
                self._stale_others = True
                self._details.clear()  # definitions show names of types, functions and sequences
            elif one.startswith("i"):
                if self._whole:
                    return None
                # An index that no digest has seen was created on a table that is stale since.
                known = self._indexes.get(one[1:])
                found |= self._stale if known is None else {known}
            else:
                found.add(int(one))
        return found

    def _digest(self, connection: Connection) -> None:
        """Bring every digest up to date."""
        if self._whole or self._stale:
            rows = self.read(connection, None if self._whole else self._stale)
            found = {oid: (TableKey(schema, name), digest) for oid, schema, name, digest, _ in rows}
            if self._whole:
                self._rows, self._indexes = found, {}
            else:
                self._replace(self._stale, found)
            for oid, _, _, _, indexes in rows:
                self._indexes.update(dict.fromkeys((indexes or "").split(), oid))
            self._whole, self._stale = False, set()
        if self._stale_types:
            self._types = self.types(connection)
            self._stale_types = False
        if self._stale_others:
            self._others = self.others(connection)
            self._stale_others = False

    def _replace(self, touched: Iterable[Any], found: Mapping[Any, tuple[TableKey, str]]) -> None:
        """Put what was read of the touched tables in its place; the order is the database's."""
        moved = False
        for identity in touched:
            before, now = self._rows.get(identity), found.get(identity)
            if now is None:
                self._rows.pop(identity, None)
            else:
                moved |= before is None or before[0] != now[0]
                self._rows[identity] = now
        if moved:
            self._rows = dict(sorted(self._rows.items(), key=_order))


def _order(row: tuple[Any, tuple[TableKey, str]]) -> tuple[str, str]:
    _, (key, _) = row
    return key.schema or "", key.name


def _session(connection: Connection) -> int:
    return id(getattr(connection.connection, "dbapi_connection", None))


class UnexplainedError(WorkerError):
    """The replay has to be repeated with a digest per revision."""

    def __init__(self) -> None:
        super().__init__("Revisions changed something that the scratch server's event triggers did not report.")


@dataclass(frozen=True)
class Doubts:
    """Lets the catalogue of a connection's database hear of its statements; ``catalogue`` finds it, if any."""

    catalogue: Callable[[Connection], object]

    def install(self) -> None:
        """Listen to every engine."""
        event.listen(Engine, "before_cursor_execute", self._before)

    def _before(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        known = self.catalogue(connection)
        if isinstance(known, EventCatalogue):
            known.hear(connection, statement)


def observing(connection: Connection, altered: AlteredTables, *, digests: bool) -> Catalogue:
    """The reader for a replay on this connection: by events where there are any, unless ``digests`` are asked for."""
    if connection.dialect.name == "postgresql" and not digests and has_events(connection):
        return EventCatalogue()
    return catalogue_of(connection, altered)


def has_events(connection: Connection) -> bool:
    """True for a database in which the parent installed the triggers."""
    query = f"SELECT count(*) FROM pg_catalog.pg_event_trigger WHERE evtname IN ('{ON_END}', '{ON_DROP}')"
    return bool(connection.exec_driver_sql(query).scalar() == 2)  # noqa: PLR2004 - both of them
