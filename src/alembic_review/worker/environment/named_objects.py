"""Objects of the application that the settings name: ``module:callable``, and modules to import."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import reduce
from typing import Any

from alembic.config import Config

from alembic_review.worker.hints import Fault, failed
from alembic_review.worker.worker_errors import WorkerError

_CONTEXT_HINT = "It must return a context manager, for example as a function decorated with contextlib.contextmanager."
_CONFIG_HINT = "It must return the alembic.config.Config that the application's own command uses."


@dataclass(frozen=True)
class Named:
    """What the settings name, and the folders in which modules are also looked for, as commands run there do."""

    config_from: str | None = None
    context: str | None = None
    preload: Sequence[str] = ()
    folders: Sequence[str] = ()

    def config(self) -> Config:
        """A new ``Config`` of ``config-from``. Raises ``WorkerError``."""
        made = self._call("config-from", self.config_from)
        if not isinstance(made, Config):
            raise WorkerError(
                f"`config-from` ({self.config_from}) returned {_article(made)}, not an Alembic Config.", _CONFIG_HINT
            )
        return made

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Meanwhile, the context of the settings is entered. Raises ``WorkerError`` when that fails."""
        made = self._call("context", self.context)
        if not (hasattr(type(made), "__enter__") and hasattr(type(made), "__exit__")):
            raise WorkerError(
                f"`context` ({self.context}) returned {_article(made)}, not a context manager.", _CONTEXT_HINT
            )
        with guarded(made, f"`context` ({self.context}) failed"):
            yield

    def import_modules(self) -> None:
        """Import the modules of ``preload``. Raises ``WorkerError``."""
        for name in self.preload:
            self._import("preload", name)

    def _call(self, setting: str, reference: str | None) -> Any:
        assert reference is not None
        call = self.function(setting, reference)
        with reported(f"`{setting}` ({reference}) failed"):
            return call()

    def function(self, setting: str, reference: str) -> Callable[..., Any]:
        """What ``reference`` names. Raises ``WorkerError``."""
        name, _, attribute = reference.partition(":")
        found: Any = self._import(setting, name)
        try:
            found = reduce(getattr, attribute.split("."), found)
        except AttributeError as error:
            raise WorkerError(
                f"`{setting}` ({reference}): module {name} has no {attribute}.", f"Correct `{setting}` in the settings."
            ) from error
        if not callable(found):
            raise WorkerError(f"`{setting}` ({reference}) is {_article(found)}, not a callable.", "Name a function.")
        function: Callable[..., Any] = found
        return function

    def _import(self, setting: str, name: str) -> Any:
        self._find(name.partition(".")[0])
        with reported(f"`{setting}`: module {name} can't be imported"):
            try:
                return importlib.import_module(name)
            except ModuleNotFoundError as error:
                if not f"{name}.".startswith(f"{error.name}."):
                    raise
                raise WorkerError(
                    f"`{setting}`: there is no module {error.name}.",
                    f"It was searched for in the environment of {sys.executable} (--python names another interpreter) "
                    f"and in {', '.join(self.folders)}.",
                ) from error

    def _find(self, package: str) -> None:
        """Put the folder that holds a package or module on ``sys.path``, unless it is found without."""
        if package in sys.modules or importlib.util.find_spec(package) is not None:
            return
        for folder in self.folders:
            path = os.path.join(folder, package)
            if os.path.isdir(path) or os.path.isfile(f"{path}.py"):
                sys.path.insert(0, folder)
                importlib.invalidate_caches()
                return


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Raise whatever the application raises as a ``WorkerError`` that says ``what`` failed, ``sys.exit`` included."""
    try:
        yield
    except WorkerError:
        raise
    except BaseException as error:
        raise failed(what, Fault(error)) from error


@contextmanager
def guarded(manager: AbstractContextManager[Any], what: str) -> Iterator[None]:
    """Enter a context manager of the application, which may neither suppress nor replace an error of the block.

    A run of ``env.py`` that stopped half-way must not pass for a complete one.
    """
    stack = ExitStack()
    with reported(what):
        stack.enter_context(manager)
    try:
        yield
    except BaseException:
        with suppress(BaseException):
            stack.__exit__(*sys.exc_info())
        raise
    with reported(what):
        stack.close()


def _article(value: Any) -> str:
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
