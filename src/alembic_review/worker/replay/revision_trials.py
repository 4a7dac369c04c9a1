"""What revisions do beyond one upgrade: taken back after the comparison, and tried in another order.

Only revisions that could be the application's own are looked at; the rest is somebody else's history.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from types import FrameType
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from alembic_review.model.facts import NOT_ASKED, Downgrade, OrderTrial
from alembic_review.worker.assemble_facts import Compared
from alembic_review.worker.environment.env_py import Environment
from alembic_review.worker.environment.revision_scripts import Parents, folder_of, parents
from alembic_review.worker.redirect.connections import Redirect
from alembic_review.worker.replay import dependency_order, downgrade_trials
from alembic_review.worker.replay.upgrade import revision_packages
from alembic_review.worker.worker_errors import StoppedError, WorkerError


def to_try(
    script: ScriptDirectory, watched: frozenset[str], compared: Sequence[Compared], revisions: Collection[str] | None
) -> frozenset[str]:
    """Which of the ``watched`` revisions to try: all, or these with all that stand on them and have to go first."""
    if revisions is None:
        return watched
    known, found = parents(script), set(revisions)
    for each in compared:
        found.update(name for name in each.replayed.applied if found.intersection(known.get(name, ())))
    return watched & found


@dataclass(frozen=True)
class RevisionTrials:
    """Runs ``env.py`` again for what was compared; ``watched`` are the revisions to look at, ``chosen`` those to try.

    ``begin`` is called before the first step on each database. ``reasons`` says why a run did not get to its end.
    """

    environment: Environment
    script: ScriptDirectory
    redirect: Redirect
    watched: frozenset[str]
    chosen: frozenset[str]
    compared: Sequence[Compared]
    begin: Callable[[Any, MigrationContext, ScriptDirectory, FrameType], None]
    reasons: list[str] = field(default_factory=list)

    def downgrades(self) -> list[tuple[Downgrade, ...]]:
        """Take revisions back, latest first, on the scratch databases themselves: these are not needed any more."""
        known = parents(self.script)
        given = (known, self.watched, self.chosen)
        plans = [downgrade_trials.plan(*given, each.replayed.applied) for each in self.compared]
        found: list[list[Downgrade]] = [[] for _ in plans]
        numbers = count()

        def work(_heads: Any, context: MigrationContext) -> Any:
            number = next(numbers)
            self._require(number, context)
            self.begin(self.compared[number].target.key, context, self.script, sys._getframe(1))
            notes = downgrade_trials.Notes(self.compared[number].replayed, context, self._refusal, found[number].append)
            return downgrade_trials.steps(self.script, plans[number].order, notes)

        reason = self._run(["downgrade", "-1"], work) if any(plan.order for plan in plans) else ""
        return [
            (*tried, *downgrade_trials.not_tried(plan, tried, reason)) for plan, tried in zip(plans, found, strict=True)
        ]

    def order_trials(self) -> tuple[OrderTrial, ...]:
        """Replay the revisions of one owner after the other as early as they may come, on further scratch databases."""
        known = parents(self.script)
        tried = (self._tried_early(package, group, known) for package, group in self._groups())
        return tuple(each for each in tried if each is not None)

    def _groups(self) -> Iterator[tuple[str | None, frozenset[str]]]:
        """The revisions of each owner, those to try apart from the others."""
        groups: dict[tuple[str | None, str], set[str]] = {}
        for name, package in revision_packages(self.script, self.environment.folders).items():
            if name in self.watched:
                folder = "" if package is not None else folder_of(self.script, name)
                groups.setdefault((package, folder), set()).add(name)
        for (package, _), names in groups.items():
            for part in (names & self.chosen, names - self.chosen):
                if part:
                    yield package, frozenset(part)

    def _tried_early(self, package: str | None, group: frozenset[str], known: Parents) -> OrderTrial | None:
        orders = [dependency_order.early(known, group, each.replayed.applied) for each in self.compared]
        if not any(order.moved for order in orders):
            return None
        found = OrderTrial(package, tuple(name for name in self.compared[0].replayed.applied if name in group))
        if not group <= self.chosen:
            return replace(found, skipped=NOT_ASKED)
        numbers = count()
        failed: list[OrderTrial] = []

        def work(_heads: Any, context: MigrationContext) -> Any:
            number = next(numbers)
            self._require(number, context)
            if not self.redirect.proves(context.connection):
                raise WorkerError("env.py reuses a connection of an earlier run")
            self.begin(self.compared[number].target.key, context, self.script, sys._getframe(1))
            around = self.compared[number].replayed.around
            return dependency_order.steps(self.script, orders[number], group, found, failed.append, around)

        with self.redirect.elsewhere():
            reason = self._run(["upgrade", "heads"], work, destination_rev="heads")
        return failed[0] if failed else replace(found, skipped=reason)

    def _require(self, number: int, context: MigrationContext) -> None:
        """The databases must come in the order in which they were compared."""
        connection = context.connection
        if connection is None or number >= len(self.compared):
            raise WorkerError("env.py connected to different databases than in the comparison")
        if self.redirect.target_of(connection.dialect).key != self.compared[number].target.key:
            raise WorkerError("env.py connected to different databases than in the comparison")

    def _run(self, command: Sequence[str], work: Callable[[Any, MigrationContext], Any], **options: Any) -> str:
        """Why it did not get to the end; empty when it did, or when what was to be found out is known."""
        self.redirect.start_run()
        reason = ""
        try:
            self.environment.run(self.environment.config(list(command)), self.script, work, **options)
        except StoppedError:
            pass
        except WorkerError as error:
            reason = " ".join(error.message.split("\n", 1)[0].split())
        refusal = self._refusal()
        reason = reason or (refusal.message if refusal is not None else "")
        if reason:
            self.reasons.append(reason)
        return reason

    def _refusal(self) -> WorkerError | None:
        """A connection that was refused since the last time: it speaks against this step only."""
        refusal, self.redirect.refusal = self.redirect.refusal, None
        return refusal
