"""Another order of the same revisions, that ``down_revision`` and ``depends_on`` allow as well."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from alembic.runtime.migration import MigrationStep
from alembic.script import ScriptDirectory

from alembic_review.model.facts import OrderTrial
from alembic_review.worker.driver_errors import sqlstate
from alembic_review.worker.environment.revision_scripts import Parents
from alembic_review.worker.replay.revision_failures import failure_of
from alembic_review.worker.worker_errors import StoppedError

_DUPLICATE_OBJECT = "42710"  # https://www.postgresql.org/docs/current/errcodes-appendix.html


@dataclass(frozen=True)
class Order:
    """``names`` are the revisions to apply; ``moved`` says of each which had come before it and now do not."""

    names: tuple[str, ...]
    moved: Mapping[str, tuple[str, ...]]


def early(parents: Parents, group: Collection[str], applied: Sequence[str]) -> Order:
    """The revisions of ``group``, in the order in which they were applied, each as early as it may come."""
    order: list[str] = []
    moved: dict[str, tuple[str, ...]] = {}
    for number, name in enumerate(applied):
        if name not in group:
            continue
        needed = _ancestors(parents, name)
        order += [other for other in applied if other in needed and other not in order]
        missing = tuple(other for other in applied[:number] if other not in order)
        if missing:
            moved[name] = missing
    return Order(tuple(order), moved)


def steps(  # noqa: PLR0913, PLR0917 - what is tried, and what becomes of it
    script: ScriptDirectory,
    order: Order,
    group: Collection[str],
    plan: OrderTrial,
    failed: Callable[[OrderTrial], None],
    around: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Iterator[Any]:
    """Steps for ``run_migrations`` in this order; ``failed`` hears of the first that does not apply, and they end.

    Each revision runs inside of ``around()``.
    """

    def noted(function: Any, revision: Any) -> Callable[..., None]:
        def upgrade(**arguments: Any) -> None:
            try:
                with around():
                    function(**arguments)
            except BaseException as error:
                failed(_failed(error, revision, order, group, plan))
                raise StoppedError(f"Revision {revision.revision} does not apply in another order.") from error

        return upgrade

    for name in order.names:
        revision = script.get_revision(name)
        step: Any = MigrationStep.upgrade_from_script(script.revision_map, revision)
        step.migration_fn = noted(step.migration_fn, revision)
        yield step


def _failed(error: BaseException, revision: Any, order: Order, group: Collection[str], plan: OrderTrial) -> OrderTrial:
    failure = failure_of(error, revision.path)
    name = revision.revision
    if sqlstate(error) == _DUPLICATE_OBJECT:
        # Roles and the like belong to the whole server, where the first replay has made them already.
        return replace(plan, skipped=f"revision {name} can't be applied twice on one server: {failure.error}")
    if name not in group:
        return replace(plan, skipped=f"revision {name} itself does not apply in another order: {failure.error}")
    return replace(plan, failed=name, before=order.moved.get(name, ()), failure=failure)


def _ancestors(parents: Parents, name: str) -> set[str]:
    """This revision and all that it stands on."""
    found: set[str] = set()
    queue = [name]
    while queue:
        current = queue.pop()
        if current not in found:
            found.add(current)
            queue += parents.get(current, ())
    return found
