"""Calls of ``run_migrations`` that apply steps of env.py's own, and not those of the review."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from alembic_review.worker.same_signature import with_signature_of


@contextmanager
def foreign_calls(script: ScriptDirectory, count: Callable[[], int]) -> Iterator[list[MigrationContext]]:
    """Meanwhile, collect the contexts that ran migrations without an increase of ``count``.

    ``context.configure(fn=…)`` replaces the function that Alembic's command, and the review, give to the environment. A
    command of Alembic that env.py calls for another script directory is not one of its own calls.
    """
    original = MigrationContext.run_migrations
    found: list[MigrationContext] = []

    def run_migrations(context: MigrationContext, **arguments: Any) -> None:
        before = count()
        original(context, **arguments)
        if count() == before and context.script in (None, script):
            found.append(context)

    MigrationContext.run_migrations = with_signature_of(original, run_migrations)  # type: ignore[method-assign]
    try:
        yield found
    finally:
        MigrationContext.run_migrations = original  # type: ignore[method-assign]
