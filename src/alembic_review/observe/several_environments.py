"""Several Alembic environments in one database: each is upgraded, in their order, and then each is compared.

Each has a worker process of its own, because their env.py may import different modules of the same name. All of them
get the same scratch databases, so that a revision may refer to what another environment has created.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from alembic_review.model.errors import ReviewError
from alembic_review.model.facts import Facts
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.observe.scratch.base import ScratchDatabase
from alembic_review.observe.worker_process import Conversation, Databases, RunContext, conversation, with_history

_PLACE = re.compile(r"[^:/]*://(?:[^@/]*@)?(?P<place>.*)", re.DOTALL)
BEFORE = "before"
"""The state of a database before the environment that asks for it was upgraded; ``after`` is any other but now's."""


class CopiedDatabases(Databases, Protocol):
    """Where scratch databases come from, also with the content of another one."""

    def copy(self, database: ScratchDatabase) -> ScratchDatabase:
        """Make one. Raises ``ReviewError``."""
        ...


def observe_environments(
    requests: Mapping[str, WorkerRequest], context: RunContext, databases: CopiedDatabases
) -> tuple[Facts, ...]:
    """The facts of each environment, by name, in this order. Raises as ``observe``."""
    with upgraded(requests, context, databases) as workers:
        found = {name: worker.review() for name, worker in workers.items()}
        histories = {name: worker.history() for name, worker in workers.items() if requests[name].trials}
    return tuple(with_history(facts, histories[name]) if name in histories else facts for name, facts in found.items())


@contextmanager
def upgraded(
    requests: Mapping[str, WorkerRequest], context: RunContext, databases: CopiedDatabases
) -> Iterator[dict[str, Conversation]]:
    """Workers that have upgraded their environments, one after the other, and have compared nothing yet.

    They share ``databases``, instead of those of ``context``.
    """
    shared: list[_Shared] = []
    with ExitStack() as stack:
        workers: dict[str, Conversation] = {}
        for name, request in requests.items():
            own = _Own(databases, shared, copies=request.trials)
            asked = replace(request, environment=name)
            workers[name] = stack.enter_context(conversation(asked, replace(context, databases=own)))
            workers[name].upgrade()
            own.note()
        yield workers


@dataclass
class _Shared:
    """One scratch database. ``copy`` is as the last environment that used it has left it, or why there is none."""

    database: ScratchDatabase
    place: str
    copy: ScratchDatabase | ReviewError | None = None


@dataclass
class _Used:
    """A database that one environment uses at ``place``, with copies of it from before and after the upgrade."""

    shared: _Shared
    place: str
    before: ScratchDatabase | ReviewError | None
    after: ScratchDatabase | ReviewError | None = None
    asked: int = 0


@dataclass
class _Own:
    """The databases of one environment: those of the others, as far as there are any. ``copies`` are for trials."""

    databases: CopiedDatabases
    shared: list[_Shared]
    copies: bool
    used: list[_Used] = field(default_factory=list)

    def create(self, dialect: str, target: str = "", state: str = "") -> ScratchDatabase:
        """The database for this target or, for a trial, a new one in another state of it. Raises ``ReviewError``."""
        place = _place(target)
        if state:
            return self._trial(dialect, place, state)
        for shared in self._free(dialect, place):
            self.used.append(_Used(shared, place, before=shared.copy))
            return replace(shared.database, prepared=True)
        shared = _Shared(self.databases.create(dialect, target), place)
        self.shared.append(shared)
        self.used.append(_Used(shared, place, before=None))
        return shared.database

    def copy_of(self, name: str) -> ScratchDatabase:
        """A new database with the content of this one. Raises ``ReviewError``."""
        # Other environments are connected to it: its copy is as the last of them has left it.
        copy = next((shared.copy for shared in self.shared if shared.database.database == name), None)
        if isinstance(copy, ReviewError):
            raise copy
        return self.databases.copy(copy) if copy is not None else self.databases.copy_of(name)

    def note(self) -> None:
        """The environment is upgraded, and nobody is connected: keep what its databases are now."""
        for used in self.used if self.copies else ():
            try:
                used.shared.copy = self.databases.copy(used.shared.database)
            except ReviewError as error:
                used.shared.copy = error
            used.after = used.shared.copy

    def _free(self, dialect: str, place: str) -> list[_Shared]:
        """The databases that another environment uses, and this one not yet: first those of the same URL.

        There is one database by definition, and its URL may be spelt in several ways.
        """
        taken = [id(used.shared) for used in self.used]
        free = [one for one in self.shared if one.database.dialect == dialect and id(one) not in taken]
        return sorted(free, key=lambda one: one.place != place)

    def _trial(self, dialect: str, place: str, state: str) -> ScratchDatabase:
        # Several databases may have the same URL (sqlite://): they come in the order in which they came before.
        known = [used for used in self.used if used.shared.database.dialect == dialect]
        same = [used for used in known if used.place == place]
        used = min(same, key=lambda one: one.asked)
        used.asked += 1
        copy = used.before if state == BEFORE else used.after
        if isinstance(copy, ReviewError):
            raise copy
        if copy is None:
            return self.databases.create(dialect)
        return replace(self.databases.copy(copy), prepared=True)


def _place(target: str) -> str:
    """A URL without its driver and its user."""
    found = _PLACE.match(target)
    return found["place"] if found is not None else target
