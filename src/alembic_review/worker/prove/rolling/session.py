"""The base's env.py, on copies of the databases as the base and as the new revisions leave them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection

from alembic_review.model.proofs import ROLLING, BlindSpots, Proved, Rolling
from alembic_review.worker.compare.comparison import metadatas
from alembic_review.worker.environment.env_py import Environment
from alembic_review.worker.environment.mappers import configure_mappers
from alembic_review.worker.prove.blind.building import declared
from alembic_review.worker.prove.blind.comparing import compare_models, undone
from alembic_review.worker.prove.rolling.archive import Archive
from alembic_review.worker.prove.rolling.statements import readers
from alembic_review.worker.prove.rolling.trial import Trial
from alembic_review.worker.redirect.connections import Redirect
from alembic_review.worker.replay.revision_failures import wait_briefly_for_locks
from alembic_review.worker.replay.upgrade import connection_of
from alembic_review.worker.worker_errors import WorkerError

BASE, TODAY = "base", "today"
"""The states of the databases that the parent is asked for."""


@dataclass
class OldModels:
    """The whole proof. Inside ``state``, every connection leads to a copy in this state."""

    archive: Archive
    environment: Environment
    redirect: Redirect
    state: Callable[[str], AbstractContextManager[None]]
    trials: list[Trial] = field(default_factory=list)
    found: list[Rolling] = field(default_factory=list)
    spots: dict[int, BlindSpots] = field(default_factory=dict)

    def observe(self) -> list[Proved]:
        """What old models do on the schema of today, for each database. Raises ``WorkerError``."""
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._run_all()
        milliseconds = round((time.perf_counter() - start) * 1000)
        return [
            Proved(
                ROLLING,
                number,
                not_checked=tuple(dict.fromkeys(trial.not_checked)),
                milliseconds=milliseconds if not number else 0,
                rolling=rolling,
                blind_spots=self.spots.get(number),
            )
            for number, (trial, rolling) in enumerate(zip(self.trials, self.found, strict=True))
        ]

    def _run_all(self) -> None:
        config = self.environment.config(["revision", "--autogenerate", "-m", "review"])
        script = self.environment.script_directory(config)

        def run(work: Callable[[int, Connection, MigrationContext], None]) -> None:
            numbers = count()

            def each(_heads: Any, context: MigrationContext) -> tuple[()]:
                connection = connection_of(context)
                wait_briefly_for_locks(connection)
                work(next(numbers), connection, context)
                return ()

            self.redirect.start_run()
            self.environment.run(config, script, each, dont_mutate=True)

        # Models that are reflected from the database are those of the base, too.
        with self.state(BASE):
            run(self._load)
            self.archive.require(script.env_py_location)
            with self.state(TODAY):
                run(lambda number, connection, _: self._trial(number).look(connection))
            run(lambda number, connection, _: self._trial(number).base(connection))
        with self.state(TODAY):
            run(lambda number, connection, _: self.found.append(self._trial(number).today(connection)))
        if len(self.found) != len(self.trials):
            raise WorkerError("env.py of the base connected to different databases in different runs")
        # Without it, every blind spot counts as one of the pull request.
        with suppress(Exception), self.state(BASE):
            run(self._blind_spots)

    def _blind_spots(self, number: int, connection: Connection, context: MigrationContext) -> None:
        """What the base has already that its comparison does not see."""
        models = metadatas(context)
        with undone(connection):
            came = compare_models(connection, models, declared(models))
        self.spots[number] = BlindSpots(came.compared, came.spots)

    def _load(self, _number: int, _connection: Connection, context: MigrationContext) -> None:
        targets = metadatas(context)
        configure_mappers(targets)
        self.trials.append(Trial(readers(targets)))

    def _trial(self, number: int) -> Trial:
        if number >= len(self.trials):
            raise WorkerError("env.py of the base connected to different databases in different runs")
        return self.trials[number]
