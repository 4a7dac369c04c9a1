"""What revisions do beyond one upgrade: taken back after the comparison, and tried in another order.

Only revisions that could be the application's own are looked at; the rest is somebody else's history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from alembic_review.model.facts import Downgrade, Rehearsal
from alembic_review.worker.assemble_facts import Compared
from alembic_review.worker.environment.env_py import Environment
from alembic_review.worker.environment.revision_scripts import Parents, folder_of, parents
from alembic_review.worker.redirect.connections import Redirect
from alembic_review.worker.replay import dependency_order, downgrade_trials
from alembic_review.worker.replay.upgrade import revision_packages
from alembic_review.worker.worker_errors import StoppedError, WorkerError


@dataclass(frozen=True)
class History:
    """Runs ``env.py`` again for what was compared; ``watched`` are the revisions to look at."""

    environment: Environment
    script: ScriptDirectory
    redirect: Redirect
    watched: frozenset[str]
    compared: Sequence[Compared]

    def downgrades(self) -> list[tuple[Downgrade, ...]]:
        """Take revisions back, latest first, on the scratch databases themselves: these are not needed any more."""
        known = parents(self.script)
        plans = [downgrade_trials.plan(known, self.watched, each.replayed.applied) for each in self.compared]
        found: list[list[Downgrade]] = [[] for _ in plans]
        numbers = count()

        def work(_heads: Any, context: MigrationContext) -> Any:
            number = next(numbers)
            self._require(number, context)
            notes = downgrade_trials.Notes(self.compared[number].replayed, context, self._refusal, found[number].append)
            return downgrade_trials.steps(self.script, plans[number].order, notes)

        reason = self._run(["downgrade", "-1"], work) if any(plan.order for plan in plans) else ""
        return [
            (*tried, *downgrade_trials.not_tried(plan, tried, reason)) for plan, tried in zip(plans, found, strict=True)
        ]

    def rehearsals(self) -> tuple[Rehearsal, ...]:
        """Replay the revisions of one owner after the other as early as they may come, on further scratch databases."""
        known = parents(self.script)
        tried = (self._rehearse(package, group, known) for package, group in self._groups())
        return tuple(each for each in tried if each is not None)

    def _groups(self) -> Iterable[tuple[str | None, frozenset[str]]]:
        groups: dict[tuple[str | None, str], set[str]] = {}
        for name, package in revision_packages(self.script, self.environment.folders).items():
            if name in self.watched:
                folder = "" if package is not None else folder_of(self.script, name)
                groups.setdefault((package, folder), set()).add(name)
        return [(package, frozenset(names)) for (package, _), names in groups.items()]

    def _rehearse(self, package: str | None, group: frozenset[str], known: Parents) -> Rehearsal | None:
        orders = [dependency_order.early(known, group, each.replayed.applied) for each in self.compared]
        if not any(order.moved for order in orders):
            return None
        found = Rehearsal(package, tuple(name for name in self.compared[0].replayed.applied if name in group))
        numbers = count()
        failed: list[Rehearsal] = []

        def work(_heads: Any, context: MigrationContext) -> Any:
            number = next(numbers)
            self._require(number, context)
            if not self.redirect.proves(context.connection):
                raise WorkerError("env.py keeps a connection from one run to the next")
            return dependency_order.steps(self.script, orders[number], group, found, failed.append)

        with self.redirect.elsewhere():
            reason = self._run(["upgrade", "heads"], work, destination_rev="heads")
        return failed[0] if failed else replace(found, skipped=reason)

    def _require(self, number: int, context: MigrationContext) -> None:
        """The databases must come in the order in which they were compared."""
        connection = context.connection
        if connection is None or number >= len(self.compared):
            raise WorkerError("env.py connected to other databases than when comparing")
        if self.redirect.target_of(connection.dialect).key != self.compared[number].target.key:
            raise WorkerError("env.py connected to other databases than when comparing")

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
        return reason or (refusal.message if refusal is not None else "")

    def _refusal(self) -> WorkerError | None:
        """A connection that was refused since the last time: it speaks against this step only."""
        refusal, self.redirect.refusal = self.redirect.refusal, None
        return refusal
