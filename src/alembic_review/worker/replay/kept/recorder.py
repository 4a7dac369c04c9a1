"""One replay that is to be kept, or one whose results were kept: what it depends on, and whether that is the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from alembic_review.model.input_states import content_state, text_state
from alembic_review.worker import internals
from alembic_review.worker.packages import is_installed, is_of_stdlib
from alembic_review.worker.redirect.drivers import DRIVERS
from alembic_review.worker.replay.kept.conditions import NotKeptError, conditions, differing, parameters
from alembic_review.worker.replay.kept.environ import ReadVariables
from alembic_review.worker.replay.kept.executed import ExecutedFiles
from alembic_review.worker.replay.kept.files import ReadFiles
from alembic_review.worker.replay.kept.imports import Closure, file_of
from alembic_review.worker.replay.kept.statements import leaves_all, own_of_alembic
from alembic_review.worker.worker_errors import WorkerError

_WORKER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_PACKAGE = os.path.dirname(os.path.dirname(_WORKER)) + os.sep
_KNOWN = frozenset({"alembic", "sqlalchemy", "alembic_review", "greenlet", *DRIVERS, *sys.stdlib_module_names})
# What the C library, libpq and Python itself read, and no event tells.
_ALWAYS = ("PG", "LC_", "LANG", "TZ", "PYTHON", "SQLALCHEMY_")


class CacheMissError(WorkerError):
    """The results of an earlier replay don't hold for this run, which has to replay after all."""


class Recorder:
    """Watches the replay of one session; ``mode`` is ``off``, ``record`` or ``use``.

    ``running`` is true while a revision runs. It is ``waiting`` until the replay is over.
    """

    def __init__(self, mode: str, running: Callable[[], bool]) -> None:
        self.mode = mode
        self.waiting = mode != "off"
        self.files = ReadFiles()
        self._running = running
        self._variables = ReadVariables()
        self._executed = ExecutedFiles()
        self._modules: set[str] = set()
        self._watches_loading = False
        self._statements: list[str] = []
        self._listening = False
        self._asked: set[Any] = set()
        self._begun: dict[Any, dict[str, Any]] = {}
        self._closure: dict[str, str] = {}
        self._at_begin: dict[str, str] = {}
        self._targets: list[tuple[Any, int]] = []
        self._kept: dict[Any, Mapping[str, Any]] = {}
        self.is_kept = False
        """True when the results of the replay are kept, now or before."""
        self._trying = False
        self._of_replay: tuple[set[str], set[str], bool] = set(), set(), False

    @property
    def records(self) -> bool:
        """True when the results are to be kept."""
        return self.mode == "record"

    @property
    def uses(self) -> bool:
        """True when the databases contain what kept revisions did."""
        return self.mode == "use"

    def install(self, hear: Callable[[Mapping[str, Callable[..., None]]], None]) -> None:
        """Begin, before anything of the application is imported; ``hear`` adds handlers of audit events."""
        if self.mode == "off":
            return
        self._variables.install()
        hear(self.files.handlers())
        event.listen(Engine, "before_cursor_execute", self._executing)

    def asked(self, key: Any, kept: Mapping[str, Any] | None) -> None:
        """The application connects to this target for the first time; what the parent has kept of its database."""
        self._asked.add(key)
        if self.uses and kept is None:
            raise CacheMissError("env.py connects to a different database than before.")
        if kept is not None:
            self._kept[key] = kept

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """Meanwhile, env.py runs for the replay."""
        if self.mode == "off":
            yield
            return
        with ExitStack() as stack:
            self._watches_loading = stack.enter_context(internals.around_revision_files(self.files.revisions))
            self._listening = True
            try:
                yield
            finally:
                self._listening = False

    @contextmanager
    def revision(self) -> Iterator[None]:
        """Meanwhile, a revision runs."""
        if not self.records and not self._trying:
            yield
            return
        if len(self._modules) != len(sys.modules):
            self._modules = set(sys.modules)
        with self.files.revisions(), self._executed.watching():
            yield
        if len(self._modules) != len(sys.modules):
            for name in sys.modules.keys() - self._modules:
                if name.partition(".")[0] not in _KNOWN:
                    self.files.refuse(f"a revision imports {name} while it runs")
            self._modules = set(sys.modules)

    def begin(
        self, key: Any, context: MigrationContext, script: ScriptDirectory, heads: Sequence[str], frame: FrameType
    ) -> Mapping[str, Any]:
        """Before the first step on one database, when the revisions are loaded; what was kept of it, where it is used.

        Raises ``CacheMissError`` where something else has been set up than when it was kept.
        """
        if self.mode == "off":
            return {}
        try:
            now = self._conditions(context, script, frame)
        except NotKeptError as error:
            if self.uses:
                raise CacheMissError(f"{error}.") from error
            self.refuse(str(error))
            now = {}
        if key in self._begun:
            self.refuse("env.py migrates one database several times")
        self._begun[key] = now
        self._at_begin = dict(os.environ)
        if self.uses:
            return self._same(key, now)
        if heads:
            self.refuse("revisions had been applied before the replay")
        target = context.opts.get("target_metadata")
        self._targets.append((target, _tables(target)))
        return {}

    def _conditions(self, context: MigrationContext, script: ScriptDirectory, frame: FrameType) -> dict[str, Any]:
        """What env.py has set up. Raises ``NotKeptError``."""
        self._listening = False
        try:
            return {**conditions(context, internals.arguments_of_run(frame)), "files of revisions": _paths(script)}
        except NotKeptError:
            raise
        except Exception as error:  # no review fails for the sake of the next one
            message = f"what env.py sets up can't be recorded ({type(error).__name__})"
            raise NotKeptError(message) from error
        finally:
            self._listening = True

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Meanwhile, env.py runs for the trials of revisions."""
        if not self.is_kept:
            yield
            return
        names = {name for kept in self._kept.values() for name in kept["variables"]} or self._variables.names
        self._of_replay = set(self._statements), set(names), self._variables.everything and self.records
        self._statements, self._variables.names, self._variables.everything = [], set(), False
        self._trying = self._listening = True
        try:
            yield
        finally:
            self._trying = self._listening = False

    def begin_trial(self, key: Any, context: MigrationContext, script: ScriptDirectory, frame: FrameType) -> None:
        """Before the first step of a trial on one database: env.py must have set up what it did for the replay."""
        if not self._trying:
            return
        try:
            changed = differing(self._begun[key], self._conditions(context, script, frame))
        except NotKeptError as error:
            changed = str(error)
        if changed:
            self.refuse(f"for a trial, env.py sets up something else: {changed}")

    def files_of_trials(self, script: ScriptDirectory) -> dict[str, str]:
        """The files that trials depend on as well as the replay. Raises ``NotKeptError``."""
        statements, names, everything = self._of_replay
        if self._executed.blind:
            self.refuse("another tracer is active")
        if not statements.issuperset(self._statements):
            self.refuse("for a trial, env.py executes other statements")
        if not names.issuperset(self._variables.names) or (self._variables.everything and not everything):
            self.refuse("a trial reads other environment variables")
        modules = next((kept["modules"] for kept in self._kept.values()), self._closure)
        files = self._files(script)
        if not self._closure.items() <= modules.items():
            self.refuse("a trial runs other modules")
        if self.files.refused:
            raise NotKeptError(self.files.refused)
        return files

    def _same(self, key: Any, now: Mapping[str, Any]) -> Mapping[str, Any]:
        kept = self._kept.get(key)
        if kept is None:
            raise CacheMissError("env.py migrates a different database than before.")
        changed = differing(kept["conditions"], now)
        if changed:
            raise CacheMissError(f"A value has changed: {changed}.")
        for name, file in kept["modules"].items():
            if file_of(name) != file:
                raise CacheMissError(f"The module {name} has changed.")
        for name, state in kept["variables"].items():
            if _state_of(self._at_begin.get(name)) != state:
                raise CacheMissError(f"The environment variable {name} has another value.")
        return kept

    def require_contents(self, key: Any, contents: str) -> None:
        """The database contains what it did when it was kept. Raises ``CacheMissError``."""
        if self._kept[key]["contents"] != contents:
            raise CacheMissError("env.py changes the database after the revisions.")

    def require_same(self) -> None:
        """After env.py, where kept results are used: it did nothing else. Raises ``CacheMissError``."""
        if self._begun.keys() != self._kept.keys() or any(
            one["databases"] != len(self._begun) for one in self._kept.values()
        ):
            raise CacheMissError("env.py migrates different databases than before.")
        if any(one["statements"] != self._statements for one in self._kept.values()):
            raise CacheMissError("env.py executes different statements outside of revisions than before.")
        if self.files.refused:
            raise CacheMissError(f"{self.files.refused}.")

    def refuse(self, reason: str) -> None:
        """The results of this replay can't be kept."""
        self.files.refuse(reason)

    def recorded(self, script: ScriptDirectory) -> dict[str, Any]:
        """What the replay depends on. Raises ``NotKeptError``."""
        try:
            return self._recorded(script)
        except NotKeptError:
            raise
        except Exception as error:  # no review fails for the sake of the next one
            message = f"what it depends on can't be recorded ({type(error).__name__})"
            raise NotKeptError(message) from error

    def _recorded(self, script: ScriptDirectory) -> dict[str, Any]:
        if not self._watches_loading:
            self.refuse("this version of Alembic loads revisions in a way that can't be monitored")
        if self._executed.blind:
            self.refuse("another tracer is active")
        if any(_tables(target) != before for target, before in self._targets):
            self.refuse("a revision adds tables to the models")
        files = self._files(script)
        if self.files.refused:
            raise NotKeptError(self.files.refused)
        if self._asked != self._begun.keys():
            raise NotKeptError("env.py connects to a database that it does not migrate")
        return {
            "files": files,
            "variables": sorted(
                {*self._variables.names, *(name for name in self._at_begin if name.startswith(_ALWAYS))}
            ),
            "every variable": self._variables.everything,
        }

    def database(self, key: Any) -> dict[str, Any]:
        """What ``begin`` compares in the next run."""
        return {
            "conditions": self._begun[key],
            "variables": {name: _state_of(self._at_begin.get(name)) for name in sorted(self._variables.names)},
            "statements": self._statements,
            "databases": len(self._begun),
            "modules": self._closure,
        }

    def _files(self, script: ScriptDirectory) -> dict[str, str]:
        """Files and folders by path, each with its state."""
        scripts = list(_paths(script).values())
        closure = Closure(_is_application)
        executed = [os.path.abspath(name) for name in self._executed.names if not name.startswith("<")]
        own = [path for path in executed if _is_application(path)]
        for path in (*scripts, *own):
            closure.add(path)
        if closure.refused:
            self.refuse(closure.refused)
        self._closure = closure.modules
        env_py = os.path.abspath(script.env_py_location)
        content = {env_py: None, **closure.files, **self.files.of_revisions}
        if closure.unclear or closure.files.keys() - set(scripts):
            content.update(self.files.every)
        if closure.unclear:
            loaded = [getattr(one, "__dict__", {}).get("__file__") for one in list(sys.modules.values())]
            content.update(dict.fromkeys(one for one in loaded if isinstance(one, str) and _is_application(one)))
        folders = [*internals.version_locations(script), *_site_folders()]
        content.update(dict.fromkeys(os.path.abspath(folder) for folder in folders))
        paths = {*content, *closure.installed, *executed}
        return {path: content_state(path) for path in sorted(paths) if not _is_known(path)}

    def _executing(
        self, connection: Connection, _cursor: Any, statement: str, given: Any, _context: Any, _many: Any
    ) -> None:
        if not self._listening or self._running() or self.files.busy or own_of_alembic(sys._getframe(1), _WORKER):
            return
        self._statements.append(text_state(f"{connection.dialect.name} {statement} {parameters(given)}"))
        if not leaves_all(statement):
            self.refuse("env.py changes the database outside of revisions")


def _paths(script: ScriptDirectory) -> dict[str, str]:
    return {str(one.revision): os.path.abspath(str(one.path)) for one in script.walk_revisions()}


def _is_known(path: str) -> bool:
    """A file of Python or of ours: their versions are part of every key."""
    return path.startswith(_PACKAGE) or is_of_stdlib(path)


def _is_application(path: str) -> bool:
    """A file that somebody may edit: of the application, and not of an installed package."""
    return not _is_known(path) and not is_installed(path)


def _site_folders() -> Iterator[str]:
    """Folders with distributions, whose names have their versions."""
    for folder in sys.path:
        if os.path.isdir(folder) and any(name.endswith((".dist-info", ".egg-info")) for name in os.listdir(folder)):
            yield folder


def _state_of(value: str | None) -> str | None:
    return text_state(value) if value is not None else None


def _tables(target: Any) -> int:
    targets = list(target) if isinstance(target, (list, tuple)) else [target]
    return sum(len(getattr(one, "tables", ())) for one in targets)
