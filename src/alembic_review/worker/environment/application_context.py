"""What env.py runs in: the context that the settings name, else the application of the framework that env.py needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from alembic_review.worker.environment import flask_context
from alembic_review.worker.environment.named_objects import Named
from alembic_review.worker.worker_errors import WorkerError, at, describe, places

_SET_CONTEXT = (
    'Set context = "module:callable" in [tool.alembic-review] to a function that returns the context manager to enter, '
    "such as app.app_context()."
)


@dataclass
class Application:
    """One for all runs of ``env.py``."""

    named: Named = field(default_factory=Named)
    framework: flask_context.FlaskApplication | None = None
    decided: bool = False
    _imported: bool = False

    @property
    def may_need_framework(self) -> bool:
        """Whether there is a framework whose application no setting enters."""
        return self.named.context is None and flask_context.installed()

    def decide(self, framework: flask_context.FlaskApplication | None) -> None:
        """Enter this application from now on, or none."""
        self.framework, self.decided = framework, True

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Meanwhile, the application's context is entered. Raises ``WorkerError``."""
        if self.named.context is not None:
            with self.named.entered():
                yield
        elif self.framework is not None:
            with self.framework.entered():
                yield
        else:
            yield

    @contextmanager
    def ready(self) -> Iterator[None]:
        """As ``entered``, for env.py itself: with the modules of ``preload`` imported. Raises ``WorkerError``."""
        with self.entered():
            if not self._imported:
                self.named.import_modules()
                self._imported = True
            yield

    def explain(self, env_py: str, error: BaseException) -> WorkerError | None:
        """What to say where env.py failed because no application's context was entered."""
        if not flask_context.is_outside_of_context(error):
            return None
        told = self.framework.explain(env_py, error) if self.framework is not None else None
        return told or WorkerError(f"{env_py} failed: {describe(error)}{at(places(error))}", _SET_CONTEXT)
