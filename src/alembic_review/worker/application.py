"""What env.py runs in: the context that the settings name, else the application of the framework that env.py needs."""

from __future__ import annotations

import ast
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from alembic.config import Config

from alembic_review.worker import flask_app
from alembic_review.worker.named import Named
from alembic_review.worker.problems import WorkerError, at, describe, places

_SET_CONTEXT = (
    'Set context = "module:callable" in [tool.alembic-review] to a function that returns the context manager to enter, '
    "such as app.app_context()."
)
_SET_CONFIG_FROM = (
    'Set config-from = "module:callable" in [tool.alembic-review] to a function that returns the Config{of}.'
)


@dataclass
class Application:
    """One for all runs of ``env.py``."""

    named: Named = field(default_factory=Named)
    framework: flask_app.FlaskApplication | None = None
    decided: bool = False
    _imported: bool = False

    def needs_framework(self, env_py: str, *, of_flask_migrate: bool) -> bool:
        """Whether env.py needs an application that no setting enters."""
        return self.named.context is None and flask_app.needed(env_py, of_flask_migrate=of_flask_migrate)

    def decide(self, framework: flask_app.FlaskApplication | None) -> None:
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
        """What env.py lacked, where it failed for want of an application or of a ``Config`` made by one."""
        if flask_app.is_outside_of_context(error):
            told = self.framework.explain(env_py, error) if self.framework is not None else None
            return told or self._told(env_py, error, _SET_CONTEXT)
        if self.named.config_from is None and _wants_another_config(error):
            names = ", ".join(_frameworks(env_py))
            of = f" that the commands of {names} create" if names else " that the application's own command creates"
            return self._told(env_py, error, _SET_CONFIG_FROM.format(of=of))
        return None

    @staticmethod
    def _told(env_py: str, error: BaseException, hint: str) -> WorkerError:
        return WorkerError(f"{env_py} failed: {describe(error)}{at(places(error))}", hint)


def _wants_another_config(error: BaseException) -> bool:
    """Whether the ``Config`` lacks an attribute that Alembic itself never sets."""
    if isinstance(error, AttributeError):
        return isinstance(getattr(error, "obj", None), Config)
    line = traceback.extract_tb(error.__traceback__)[-1].line if isinstance(error, KeyError) else ""
    return ".attributes[" in (line or "")


def _frameworks(env_py: str) -> Sequence[str]:
    """The packages that env.py imports besides Alembic, SQLAlchemy and the standard library."""
    try:
        with open(env_py, "rb") as stream:
            nodes = list(ast.walk(ast.parse(stream.read())))
    except (OSError, SyntaxError, ValueError):
        return ()
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    packages = {module.partition(".")[0] for module in modules}
    return sorted(packages - sys.stdlib_module_names - {"alembic", "sqlalchemy"})
