"""Runs the application's own ``env.py``, unmodified, around a function of ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from alembic_review.worker import private
from alembic_review.worker.folders import Folders
from alembic_review.worker.problems import WorkerError, application_frames, at, describe, hint_of, places
from alembic_review.worker.scripts import names

Work = Callable[[Any, MigrationContext], Any]


@dataclass(frozen=True)
class Environment:
    """The Alembic environment that ``-c``, ``-n`` and ``-x`` name."""

    file: str
    section: str
    x: Sequence[str]
    folders: Folders = field(default_factory=Folders)

    def config(self, command: Sequence[str]) -> Config:
        """The ``Config`` of this ``alembic`` command, with the ``cmd_opts`` that env.py may look at."""
        arguments = ["-c", self.file, "-n", self.section]
        for value in self.x:
            arguments += ["-x", value]
        # Some frameworks read the command line themselves; let them see what they would see under `alembic`.
        sys.argv[1:] = [*arguments, *command]
        return private.config_from_arguments(sys.argv[1:], self.file, self.section)

    def script_directory(self, config: Config) -> ScriptDirectory:
        """The script directory, with no revision loaded yet. Raises ``WorkerError``."""
        try:
            script = ScriptDirectory.from_config(config)
        except ImportError as error:
            raise WorkerError(
                f"The script location of {self.file} can't be imported: {describe(error)}",
                "Is the application installed in the interpreter that --python names?",
            ) from error
        except CommandError as error:
            raise WorkerError(f"{self.file}: {error}", "Check script_location in that file.") from error
        except Exception as error:
            raise _code_failed(f"Alembic could not open the script location of {self.file}", error) from error
        if not os.path.exists(script.env_py_location):
            raise WorkerError(f"There is no env.py in {script.dir}.", f"Check script_location in {self.file}.")
        private.set_version_locations(script, self.folders.locations(private.version_locations(script)))
        return script

    def load_revisions(self, script: ScriptDirectory) -> None:
        """Import the revisions, which Alembic does while env.py runs: they may import what env.py has set up.

        Raises ``WorkerError``.
        """
        try:
            list(script.walk_revisions())
        except CommandError as error:
            raise WorkerError(f"The revisions of {self.file} don't fit together: {error}") from error
        except Exception as error:
            if isinstance(error, KeyError) and (told := self._without_parent(script)) is not None:
                raise told from error
            raise _code_failed("A revision script can't be loaded", error) from error

    def _without_parent(self, script: ScriptDirectory) -> WorkerError | None:
        """What to say when a revision leans on one that is not there."""
        scripts = private.scripts(script)
        known = {one.revision for one in scripts}.union(*(names(one.branch_labels) for one in scripts))
        for one in scripts:
            for attribute, said in (("down_revision", one.down_revision), ("depends_on", one.dependencies)):
                # A dependency may be the beginning of an id.
                for name in (name for name in names(said) if not any(other.startswith(name) for other in known)):
                    return WorkerError(
                        f"The {attribute} of revision {one.revision} is {name}, and there is no such revision."
                        f"{at([one.path])}",
                        self._missing_location(script)
                        or f"Correct it, or add the folder that {name} lies in to version_locations in {self.file}.",
                    )
        return None

    def _missing_location(self, script: ScriptDirectory) -> str:
        """What to say when that revision may lie in a folder that is not there."""
        missing = [path for path in private.version_locations(script) if not os.path.isdir(path)]
        return f"The version location {missing[0]} does not exist; correct it in {self.file}." if missing else ""

    def run(self, config: Config, script: ScriptDirectory, work: Work, **options: Any) -> int:
        """Run env.py once; ``work`` gets the heads and the context of each ``run_migrations``.

        Returns how many there were. Raises ``WorkerError`` for whatever env.py raises, ``sys.exit`` included.
        """
        calls = 0
        failed: list[WorkerError] = []

        def counted(heads: Any, context: MigrationContext) -> Any:
            nonlocal calls
            calls += 1
            try:
                return work(heads, context)
            except WorkerError as error:
                failed.append(error)
                raise

        try:
            with EnvironmentContext(config, script, fn=counted, **options):
                script.run_env()
        except WorkerError:
            raise
        except SystemExit as error:
            raise _exited(script, error) from error
        except (Exception, KeyboardInterrupt) as error:
            raise _unwrapped(script, error) from error
        if failed:
            # env.py caught it.
            raise failed[0]
        if not calls:
            raise WorkerError(
                f"{script.env_py_location} did not run any migrations.",
                "It must call context.run_migrations() in online mode.",
            )
        return calls


def _exited(script: ScriptDirectory, error: SystemExit) -> WorkerError:
    frames = application_frames(error.__traceback__)
    return WorkerError(
        f"{script.env_py_location} ended the process with sys.exit({error.code!r}).{at(frames)}",
        "Let env.py run through; use -x arguments if it needs telling what to do.",
    )


def _unwrapped(script: ScriptDirectory, error: BaseException) -> WorkerError:
    """What went wrong first: an application often wraps our own error in one of its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, WorkerError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return _code_failed(f"{script.env_py_location} failed", error)


def _code_failed(what: str, error: BaseException) -> WorkerError:
    return WorkerError(
        f"{what}: {describe(error)}{at(places(error))}",
        hint_of(error, "This is the application's own code: `alembic` with the same arguments fails here too."),
    )
