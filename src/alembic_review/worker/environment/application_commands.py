"""Alembic commands that the application runs itself, for example ``flask_migrate.upgrade()`` while it is created."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from alembic.script import ScriptDirectory

from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.same_signature import with_signature_of


class ApplicationCommands:
    """Skips them for the environment under review, whose revisions the review applies itself.

    Executed, they would fill the scratch database before the review looks at it, and one inside of env.py would end the
    context of the review's own run.
    """

    def __init__(self, stacks: Stacks | None = None) -> None:
        self._stacks = stacks or Stacks()
        self._env_py: str | None = None
        self._own: ScriptDirectory | None = None
        self._skipped: dict[str, None] = {}

    def install(self) -> None:
        """From now on, no run of the reviewed env.py starts outside ``own``."""
        original = ScriptDirectory.run_env

        def run_env(script: ScriptDirectory) -> None:
            if script is self._own or not self._is_reviewed(script):
                original(script)
                return
            place = self._stacks.place(sys._getframe())
            self._skipped.setdefault(f"{place.path}:{place.line}" if place is not None else "an unknown line")

        ScriptDirectory.run_env = with_signature_of(original, run_env)  # type: ignore[method-assign]

    def review(self, env_py: str) -> None:
        """This is the env.py under review."""
        self._env_py = os.path.realpath(env_py)

    @contextmanager
    def own(self, script: ScriptDirectory) -> Iterator[None]:
        """Meanwhile, this script directory runs its env.py for the review."""
        self.review(script.env_py_location)
        before, self._own = self._own, script
        try:
            yield
        finally:
            self._own = before

    def not_checked(self) -> tuple[str, ...]:
        """One line for each location of such a command."""
        return tuple(
            f"an Alembic command that the application runs at {where} (skipped: the review applies the revisions)"
            for where in self._skipped
        )

    def _is_reviewed(self, script: ScriptDirectory) -> bool:
        return self._env_py is not None and os.path.realpath(script.env_py_location) == self._env_py
