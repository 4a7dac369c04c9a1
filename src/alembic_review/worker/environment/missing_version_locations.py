"""Version locations that do not exist: Git keeps no empty folders, so a project without revisions may well lack one.

Alembic passes over them in silence. That is right for a folder that is yet to be made, and hides every revision behind
a mistyped one. So a folder may be missing only where the project's own first revision would create it, and only while
no revision script lies around that nobody loads.
"""

from __future__ import annotations

import os

from alembic.config import Config
from alembic.script import ScriptDirectory

from alembic_review.worker import internals
from alembic_review.worker.environment.private_version_locations import Folders
from alembic_review.worker.environment.unloaded_revision_files import PROJECT_FILES, python_files, revision_id
from alembic_review.worker.packages import is_installed, package_of_path
from alembic_review.worker.replay.upgrade import revision_packages
from alembic_review.worker.worker_errors import WorkerError


def missing_locations(script: ScriptDirectory, config: Config, folders: Folders) -> tuple[str, ...]:
    """One line for each version location that is yet to be made. Raises ``WorkerError`` for any other missing one."""
    missing = [
        path
        for path in internals.version_locations(script)
        if not os.path.isdir(path) and os.path.realpath(path) not in folders.beside
    ]
    for path in missing:
        if not _is_yet_to_be_made(path, script, config, folders):
            raise WorkerError(
                f"The version location {path} does not exist.",
                f"Create the folder, or correct it in {config.config_file_name or 'the configuration'}.",
            )
        hidden = _revisions_nobody_loads(_around(path, config.config_file_name), script, folders)
        if hidden is not None:
            raise WorkerError(
                f"The version location {path} does not exist, but {hidden} is a revision outside of every version "
                "location.",
                "Correct the location; if it is right, create the folder.",
            )
    return tuple(f"revisions in {path} (the folder does not exist yet)" for path in missing)


def _is_yet_to_be_made(path: str, script: ScriptDirectory, config: Config, folders: Folders) -> bool:
    """True below a script location that names no others, and in a package of a project that has no revision yet."""
    if is_installed(path):
        return False
    if not config.get_version_locations_list():
        return True
    package = package_of_path(os.path.join(path, "revision.py"))
    return package is not None and package not in revision_packages(script, folders).values()


def _around(path: str, conf: str | None) -> str:
    """The project's folder, else that of the conf file where it lies above, else the nearest one there is."""
    nearest = os.path.dirname(os.path.realpath(path))
    while not os.path.isdir(nearest):
        nearest = os.path.dirname(nearest)
    above = [nearest]
    while above[-1] != os.path.dirname(above[-1]):
        above.append(os.path.dirname(above[-1]))
    for folder in above:
        if any(os.path.exists(os.path.join(folder, name)) for name in PROJECT_FILES):
            return folder
    beside = os.path.dirname(os.path.realpath(conf)) if conf else nearest
    return beside if beside in above else nearest


def _revisions_nobody_loads(folder: str, script: ScriptDirectory, folders: Folders) -> str | None:
    loaded = {folders.original(os.path.realpath(revision.path)) for revision in script.walk_revisions()}
    return next((path for path in python_files(folder) if path not in loaded and revision_id(path) is not None), None)
