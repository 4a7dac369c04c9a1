"""Taking revisions back one by one, and what each of them does about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic.migration import MigrationContext
from alembic.runtime.migration import MigrationStep
from alembic.script import ScriptDirectory

from alembic_review.model.facts import NOT_ASKED, Downgrade, RevisionFailure
from alembic_review.worker.environment.revision_scripts import Parents
from alembic_review.worker.replay.catalogue import Snapshot
from alembic_review.worker.replay.revision_failures import failure_of, is_locked, wait_briefly_for_locks
from alembic_review.worker.replay.upgrade import Replayed, connection_of
from alembic_review.worker.worker_errors import StoppedError, WorkerError


@dataclass(frozen=True)
class DowngradeOrder:
    """``order`` are revisions to take back, the latest first; ``held`` says why others must stay."""

    order: tuple[str, ...]
    held: dict[str, str] = field(default_factory=dict)


def plan(parents: Parents, watched: Collection[str], chosen: Collection[str], applied: Sequence[str]) -> DowngradeOrder:
    """What of ``applied`` can go: ``chosen`` revisions that no other one stands on; what else is watched is held."""
    order: list[str] = []
    held: dict[str, str] = {}
    kept: set[str] = set()
    for name in reversed(applied):
        above = sorted(other for other in kept if name in parents.get(other, ()))
        if name in chosen and not above:
            order.append(name)
            continue
        kept.add(name)
        if name in watched:
            held[name] = held.get(above[0], f"revision {above[0]} depends on it") if above else NOT_ASKED
    return DowngradeOrder(tuple(order), held)


def not_tried(plan: DowngradeOrder, tried: Iterable[Downgrade], reason: str) -> Iterator[Downgrade]:
    """The rest of a plan, with the reason why the run ended before it."""
    known = {each.revision: each for each in tried}
    failed = next((each.revision for each in known.values() if each.failure is not None), None)
    why = f"that of {failed} failed" if failed is not None else reason or "env.py did not run it"
    for name in plan.order:
        if name not in known:
            yield Downgrade(name, skipped=why)
    for name, above in plan.held.items():
        yield Downgrade(name, skipped=above)


@dataclass(frozen=True)
class Notes:
    """Where the steps of one database write down what they did; ``refusal`` tells of a refused connection, once."""

    replayed: Replayed
    context: MigrationContext
    refusal: Callable[[], WorkerError | None]
    add: Callable[[Downgrade], None]

    def snapshot(self) -> Snapshot:
        """The current catalogue of the database, with digests."""
        return self.replayed.catalogue.snapshot(connection_of(self.context), digests=True)

    def done(self, revision: str, before: Snapshot) -> None:
        """One revision was taken back."""
        after = self.snapshot()
        left = tuple(
            self.replayed.last.tables[identity][0]
            for identity, creator in self.replayed.creators.items()
            if creator == revision and identity in self.replayed.last.tables and identity in after.tables
        )
        needed = revision in self.replayed.effective
        self.add(Downgrade(revision, needed=needed, changed=after != before, left=left))

    def failed(self, revision: str, failure: RevisionFailure) -> StoppedError:
        """Record that the downgrade of a revision failed; returns the exception that ends the trial."""
        self.add(Downgrade(revision, failure=failure))
        return StoppedError(f"The downgrade of revision {revision} failed: {failure.error}")


def steps(script: ScriptDirectory, order: Sequence[str], notes: Notes) -> Iterator[Any]:
    """Steps for ``run_migrations`` that take these revisions back. They end at the first that fails."""
    wait_briefly_for_locks(connection_of(notes.context))
    for name in order:
        revision: Any = script.get_revision(name)
        if not callable(getattr(revision.module, "downgrade", None)):
            raise notes.failed(
                name,
                RevisionFailure("there is no downgrade function", place=failure_of(Exception(), revision.path).place),
            )
        step: Any = MigrationStep.downgrade_from_script(script.revision_map, revision)
        step.migration_fn = _noted(step.migration_fn, revision, notes)
        yield step
    if not notes.replayed.catalogue.explained(connection_of(notes.context)):
        notes.replayed.explained = False


def _noted(function: Any, revision: Any, notes: Notes) -> Callable[..., None]:
    def downgrade(**arguments: Any) -> None:
        before = notes.snapshot()
        try:
            with notes.replayed.around():
                function(**arguments)
        except BaseException as error:
            if is_locked(error):
                raise WorkerError("a connection that the application left open holds a lock") from error
            raise notes.failed(revision.revision, failure_of(error, revision.path)) from error
        refusal = notes.refusal()
        if refusal is not None:
            raise notes.failed(revision.revision, failure_of(refusal, revision.path))
        notes.done(revision.revision, before)

    return downgrade
