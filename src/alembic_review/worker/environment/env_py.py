"""Runs the application's own ``env.py``, unmodified, around a function of ours."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from alembic_review.worker import internals
from alembic_review.worker.environment import flask_context, unloaded_revision_files
from alembic_review.worker.environment.application_commands import ApplicationCommands
from alembic_review.worker.environment.application_context import Application
from alembic_review.worker.environment.foreign_steps import foreign_calls
from alembic_review.worker.environment.printed_output import Output
from alembic_review.worker.environment.private_version_locations import Folders
from alembic_review.worker.environment.revision_scripts import names
from alembic_review.worker.hints import Circumstances, Fault, failed
from alembic_review.worker.replay.first_failure import noted, remembered
from alembic_review.worker.worker_errors import WorkerError, application_frames, at, describe, places, wrapped

Work = Callable[[Any, MigrationContext], Any]
_SECTION = "alembic"
_SCRIPT_LOCATION = (
    "Check script_location in that file; if a command of the application sets it, set config-from in "
    "[tool.alembic-review] to a function that returns the Config of that command."
)


@dataclass(frozen=True)
class Environment:
    """The Alembic environment that ``-c``, ``-n`` and ``-x`` name; ``file`` may be missing beside a ``config-from``."""

    file: str | None
    section: str
    x: Sequence[str]
    folders: Folders = field(default_factory=Folders)
    application: Application = field(default_factory=Application)
    circumstances: Circumstances = field(default_factory=Circumstances)
    output: Output | None = None
    commands: ApplicationCommands = field(default_factory=ApplicationCommands)
    started: str = field(default_factory=os.getcwd)

    @property
    def name(self) -> str:
        """What the configuration is called in messages."""
        return self.file or f"`config-from` ({self.application.named.config_from})"

    def config(self, command: Sequence[str]) -> Config:
        """The ``Config`` of this ``alembic`` command, with the ``cmd_opts`` that env.py may look at."""
        file = ["-c", self.file] if self.file is not None else []
        options = [part for value in self.x for part in ("-x", value)]
        arguments = [*file, "-n", self.section, *options, *command]
        # Some frameworks read the command line themselves; let them see what they would see under `alembic`.
        sys.argv[:] = [os.path.join(os.path.dirname(sys.executable), "alembic"), *arguments]
        if self.application.named.config_from is not None:
            config = self._named_config()
        else:
            config = internals.config_from_arguments(arguments, self.file, self.section)
        of_flask_migrate = _use_folder_of_ini(config)
        if not self.application.decided:
            env_py = _env_py(config)
            if env_py is not None:
                self.commands.review(env_py)
            self.application.decide(self._framework(config, env_py, of_flask_migrate=of_flask_migrate))
        framework = self.application.framework
        if framework is None:
            return config
        sys.argv[:] = framework.arguments(command)
        with self.application.entered():
            made = framework.config(command) if self.application.named.config_from is None else None
        return made or config

    def _named_config(self) -> Config:
        with self.application.entered():
            config = self.application.named.config()
        if self.x:
            config.cmd_opts = config.cmd_opts or Namespace()
            config.cmd_opts.x = list(self.x)
        if self.section != _SECTION:
            config.config_ini_section = self.section
        return config

    def _framework(
        self, config: Config, env_py: str | None, *, of_flask_migrate: bool
    ) -> flask_context.FlaskApplication | None:
        """The application that this env.py needs besides what the settings name."""
        if env_py is None or not self.application.may_need_framework:
            return None
        if not flask_context.needed(env_py, of_flask_migrate=of_flask_migrate):
            return None
        ini = config.config_file_name
        beside = ini is not None and os.path.realpath(os.path.dirname(ini)) == os.path.realpath(os.path.dirname(env_py))
        return flask_context.FlaskApplication(ini if beside else None, self.x)

    def script_directory(self, config: Config) -> ScriptDirectory:
        """The script directory, with no revision loaded yet. Raises ``WorkerError``."""
        try:
            script = ScriptDirectory.from_config(config)
        except ImportError as error:
            raise WorkerError(
                f"The script location of {self.name} can't be imported: {describe(error)}",
                f"Install the application in {sys.executable}, or name its interpreter with --python.",
            ) from error
        except CommandError as error:
            raise WorkerError(f"{self.name}: {error}", _SCRIPT_LOCATION) from error
        except BaseException as error:
            what = f"Alembic could not open the script location of {self.name}"
            raise failed(what, Fault(error, self.circumstances)) from error
        if not os.path.exists(script.env_py_location):
            raise WorkerError(f"There is no env.py in {script.dir}.", f"Check script_location in {self.name}.")
        self._use_folders(script)
        return script

    def _use_folders(self, script: ScriptDirectory) -> None:
        internals.set_version_locations(script, self.folders.locations(internals.version_locations(script)))

    def load_revisions(self, script: ScriptDirectory) -> None:
        """Import the revisions, which Alembic does while env.py runs: they may import what env.py has set up.

        Raises ``WorkerError``.
        """
        self._use_folders(script)
        unloaded_revision_files.require_readable(script)
        try:
            loaded = list(script.walk_revisions())
        except CommandError as error:
            raise WorkerError(f"The revisions of {self.name} are inconsistent: {error}") from error
        except BaseException as error:
            if isinstance(error, KeyError) and (told := self._without_parent(script)) is not None:
                raise told from error
            what = "A revision script can't be loaded"
            # Python names no file for some errors: a null character, too deep an expression.
            if not places(error) and (path := internals.loading(error)):
                what = f"The revision script {path} can't be loaded"
            raise failed(what, Fault(error, self.circumstances)) from error
        for one, kept in internals.overridden(script, loaded):
            where = at([str(one.path), str(kept.path)])
            raise WorkerError(
                f"The revision id {one.revision} is in two files, and Alembic runs only the second.{where}",
                "Change the id of one of them, or remove the file.",
            )

    def _without_parent(self, script: ScriptDirectory) -> WorkerError | None:
        """What to say when a revision leans on one that is not there."""
        scripts = internals.scripts(script)
        known = {one.revision for one in scripts}.union(*(names(one.branch_labels) for one in scripts))
        for one in scripts:
            for attribute, said in (("down_revision", one.down_revision), ("depends_on", one.dependencies)):
                # A dependency may be the beginning of an id.
                for name in (name for name in names(said) if not any(other.startswith(name) for other in known)):
                    return WorkerError(
                        f"The {attribute} of revision {one.revision} is {name}, but there is no such "
                        f"revision.{at([one.path])}",
                        self._missing_location(script)
                        or unloaded_revision_files.hint(script, self.folders, name)
                        or f"Correct it, or add the folder that contains {name} to version_locations in {self.name}.",
                    )
        return None

    def _missing_location(self, script: ScriptDirectory) -> str:
        """What to say when that revision may lie in a folder that is not there."""
        missing = [path for path in internals.version_locations(script) if not os.path.isdir(path)]
        return f"The version location {missing[0]} does not exist; correct it in {self.name}." if missing else ""

    def run(self, config: Config, script: ScriptDirectory, work: Work, **options: Any) -> int:
        """Run env.py once; ``work`` gets the heads and the context of each ``run_migrations``.

        Returns how many there were. Raises ``WorkerError`` for whatever env.py raises, ``sys.exit`` included.
        """
        if self.output is not None:
            self.output.next_run()
        calls = 0
        failed: list[WorkerError] = []

        def counted(heads: Any, context: MigrationContext) -> Any:
            nonlocal calls
            calls += 1
            with noted(failed):
                steps = work(heads, context)
            return remembered(steps, failed, lambda error: self._explained(script, error))

        if not os.path.exists(os.path.join(script.dir, "env.py")):
            # The application has changed the working directory, to which the script location is relative.
            script.dir = os.path.join(self.started, script.dir)
        internals.forget_comparators()
        with self.application.ready(), foreign_calls(script, lambda: calls) as foreign:
            try:
                with self.commands.own(script), EnvironmentContext(config, script, fn=counted, **options):
                    script.run_env()
            except BaseException as error:  # GeneratorExit and CancelledError are no Exceptions either
                if failed and error is not failed[0]:
                    # env.py made an error of its own of it.
                    raise failed[0] from error
                if isinstance(error, WorkerError):
                    raise
                raise self._explained(script, error) from error
        if failed:
            # env.py caught it.
            raise failed[0]
        if foreign:
            raise WorkerError(
                f"{script.env_py_location} ran migrations with a function of its own, which was not reviewed.",
                "Remove fn from context.configure(): Alembic's commands pass theirs to run_migrations().",
            )
        if not calls:
            raise WorkerError(
                f"{script.env_py_location} did not run any migrations.",
                "It must call context.run_migrations() in online mode.",
            )
        return calls

    def _explained(self, script: ScriptDirectory, error: BaseException) -> WorkerError:
        if isinstance(error, SystemExit):
            return _exited(script, error)
        return self._unwrapped(script.env_py_location, error)

    def _unwrapped(self, env_py: str, error: BaseException) -> WorkerError:
        """What went wrong first: an application often wraps our own error in one of its own."""
        told = wrapped(error) or self.application.explain(env_py, error)
        return told or failed(f"{env_py} failed", Fault(error, self.circumstances, env_py=env_py))


def _env_py(config: Config) -> str | None:
    """Where this configuration has its env.py, unless that can't be found out yet."""
    try:
        return ScriptDirectory.from_config(config).env_py_location
    except Exception:  # noqa: BLE001 - script_directory() will report it
        return None


def _exited(script: ScriptDirectory, error: SystemExit) -> WorkerError:
    frames = application_frames(error.__traceback__)
    return WorkerError(
        f"sys.exit({error.code!r}) was called while {script.env_py_location} ran.{at(frames)}",
        "env.py, the models and the revisions must not end the process; pass arguments for env.py with -x.",
    )


def _use_folder_of_ini(config: Config) -> bool:
    """Have an ini use its own folder where env.py lies there, as Flask-Migrate does; tell whether only that could.

    It does so for an ini without a script location, and for one whose location is only right in that folder: ``.``.
    """
    ini = config.config_file_name
    if ini is None or not os.path.isfile(ini):
        return False
    folder = os.path.dirname(os.path.abspath(ini))
    named = config.get_alembic_option("script_location")
    if not os.path.isfile(os.path.join(folder, "env.py")):
        return False
    if named is not None and (os.path.normpath(named) != os.curdir or os.path.isfile("env.py")):
        return False
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return named is None
