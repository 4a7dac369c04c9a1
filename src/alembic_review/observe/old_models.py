"""The models of the base commit on the schemas that the new revisions leave: a worker that runs the base's code."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import DatabaseFacts
from alembic_review.model.proofs import Proved
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.observe.scratch.base import ScratchDatabase
from alembic_review.observe.worker_process import Databases, RunContext, conversation

BASE = "base"
"""The state of the databases without the new revisions; any other is that of today."""


@dataclass(frozen=True)
class Archive:
    """The files of another commit of the checkout at ``top``, below ``folder``; ``directory`` is the one to work in."""

    top: Path
    folder: Path
    directory: Path


def observe_old_models(
    request: WorkerRequest,
    archive: Archive,
    states: tuple[Sequence[DatabaseFacts], Sequence[DatabaseFacts]],
    context: RunContext,
) -> tuple[Proved, ...]:
    """What the models in the archive do with the databases of the base, and of today: ``states``, in this order.

    Raises ``ObservationError``.
    """
    asked = replace(
        request,
        checkout=str(archive.top),
        archive=str(archive.folder),
        config=_config(request.config, archive),
        import_from=tuple(str(_then(Path(folder), archive)) for folder in request.import_from),
        before=None,
        trials=False,
        replaced_locations={},
        added_locations={},
        to_revert=(),
        other_schemas=(),
    )
    copies = _Copies(context.databases, archive, *states)
    try:
        with conversation(asked, replace(context, databases=copies, directory=archive.directory)) as worker:
            found = worker.old_models()
    except ObservationError as error:
        raise ObservationError(_shown(error.message, archive), hint=_shown(error.hint, archive)) from error
    if len(found) != len(copies.today):
        raise ObservationError("env.py of the base connected to different databases.")
    return found


def archive_of(top: Path, folder: Path) -> Archive:
    """The archive of the checkout at ``top`` that is in ``folder``, with the present directory in it."""
    top, folder = top.resolve(), folder.resolve()
    here = _then(Path.cwd(), Archive(top, folder, folder))
    if here.is_relative_to(folder):
        here.mkdir(parents=True, exist_ok=True)
    return Archive(top, folder, here)


def _then(path: Path, archive: Archive) -> Path:
    """A path of the checkout in the archive; others as they are."""
    real = path.resolve()
    return archive.folder / real.relative_to(archive.top) if real.is_relative_to(archive.top) else path


def _config(config: str | None, archive: Archive) -> str | None:
    """The config file of the base, or today's in its place where Git does not have it."""
    if config is None:
        return None
    then = _then(Path(config), archive)
    if not then.exists():
        then.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(config, then)
    return str(then)


def _shown(text: str, archive: Archive) -> str:
    return text.replace(f"{archive.folder}{os.sep}", "")


@dataclass
class _Copies:
    """Copies of the databases of one run, by the targets that they stand for."""

    databases: Databases
    archive: Archive
    base: Sequence[DatabaseFacts]
    today: Sequence[DatabaseFacts]
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)

    def create(self, dialect: str, target: str = "", state: str = "") -> ScratchDatabase:
        """A copy of the database for this target, in this state. Raises ``ReviewError``."""
        known = [one for one in (self.base if state == BASE else self.today) if one.dialect == dialect]
        # A file beside the config file is elsewhere in the archive.
        original = target.replace(str(self.archive.folder), str(self.archive.top))
        same = [one for one in known if one.target in (target, original)] or known
        if not same:
            raise ObservationError("env.py of the base connected to different databases.")
        # Several databases may have the same URL (sqlite://): they come in the order in which they came before.
        number = self.asked[state, original]
        self.asked[state, original] += 1
        return self.copy_of(same[number % len(same)].scratch)

    def copy_of(self, name: str) -> ScratchDatabase:
        """A new database with the content of this one. Raises ``ReviewError``."""
        return replace(self.databases.copy_of(name), prepared=True)
