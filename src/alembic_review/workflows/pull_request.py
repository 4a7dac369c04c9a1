"""The base of a pull request: its revisions, applied and compared with the current schema, and what was edited."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from alembic_review.config.earlier_settings import table_in_text
from alembic_review.judge.pull_request.branch_revisions import BranchFolder, branch_revisions
from alembic_review.judge.pull_request.revision_folders import revision_folders
from alembic_review.model.errors import ObservationError, SuperuserNeededError, UnexplainedError
from alembic_review.model.facts import Facts, Place
from alembic_review.model.proofs import Proved
from alembic_review.model.pull_request_base import BaseCommit, ChangedSettings, PullRequestBase
from alembic_review.model.settings import Settings
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.observe.base_revisions import (
    BaseFolder,
    content_at_base,
    is_known,
    write_base_files,
    write_base_folders,
)
from alembic_review.observe.edited_revisions import edited_revisions, locations_without_base, removed_revisions
from alembic_review.observe.files_of_revisions import files_that_differ
from alembic_review.observe.old_models import archive_of, observe_old_models
from alembic_review.observe.scratch.run_folder import run_folder
from alembic_review.observe.worker_process import Conversation, RunContext, observe
from alembic_review.workflows.accepting import accepted_at_base, baseline_at_base


def observe_base(
    base: BaseCommit, facts: Facts, settings: Settings, worker: Conversation, context: RunContext
) -> PullRequestBase:
    """Observe the revisions of the base with the current env.py and models.

    ``worker`` has observed ``facts``, and returns the schemas of its databases for the comparison. Raises
    ``ObservationError`` if the revisions of the base can't be observed.
    """
    with run_folder() as target:
        locations = revision_folders(facts, settings.distribution)
        folders = write_base_folders(base, checkout_folder(settings), locations, target.resolve())
        if all(folder.unchanged for folder in folders):
            then = replace(facts, databases=tuple(replace(database, changes=()) for database in facts.databases))
        else:
            replaced = {os.path.realpath(folder.path): str(folder.folder) for folder in folders}
            asked = replace(
                worker.request, trials=False, replaced_locations=replaced, other_schemas=worker.schemas(), renames=()
            )
            then = _observed(base, folders, asked, context)
        places = [BranchFolder(str(folder.path), folder.inside) for folder in folders]
        branch = branch_revisions(then.revisions, places, base.ahead) if base.ahead else None
        unread = branch.unread if branch is not None else ()
        return PullRequestBase(
            commit=base.commit,
            facts=then,
            ref=base.ref,
            edited=tuple(edited_revisions(facts, then, folders)),
            removed=tuple(removed_revisions(facts, then, folders)),
            settings=tuple(changed_settings(base, settings)),
            not_checked=(
                *locations_without_base(facts, folders),
                *files_that_differ(facts, then, folders, base),
                *(f"whether new revisions follow the head of {base.ref} ({why})" for why in unread),
            ),
            accepted=accepted_at_base(base, facts, settings),
            branch=branch.revisions if branch is not None else None,
        )


def checkout_folder(settings: Settings) -> Path:
    """A folder in the checkout of the project."""
    return settings.root or Path(settings.config or ".").parent


def _observed(base: BaseCommit, folders: Sequence[BaseFolder], request: WorkerRequest, context: RunContext) -> Facts:
    try:
        return observe(request, context)
    except (SuperuserNeededError, UnexplainedError):
        raise
    except ObservationError as error:
        message = error.message
        for folder in folders:
            message = message.replace(str(folder.folder), str(folder.path))
        raise ObservationError(
            f"The revisions of the base, {base.commit[:12]}, can't be reviewed with the current code. {message}",
            hint=f"Keep the code and files that merged revisions use. {error.hint}".rstrip(),
        ) from error


def observe_models_of_base(
    base: BaseCommit, then: PullRequestBase, facts: Facts, worker: Conversation, context: RunContext
) -> tuple[Proved, ...]:
    """Run the models of the base on the schemas after the new revisions. Raises ``ReviewError``."""
    with run_folder() as target:
        write_base_files(base, target / "base")
        archive = archive_of(base.top, target / "base")
        states = (then.facts.databases, facts.databases)
        return observe_old_models(worker.request, archive, states, context)


_TABLE = "alembic-review"
# Of Alembic's own settings (https://alembic.sqlalchemy.org/en/latest/tutorial.html#editing-the-ini-file).
_FINDING = frozenset(
    {"script_location", "version_locations", "version_path_separator", "path_separator", "recursive_version_locations"}
)
# New entries are listed first in every report, and no other change of them accepts anything.
_LISTED = frozenset({"accept"})


def changed_settings(base: BaseCommit, settings: Settings) -> Iterator[ChangedSettings]:
    """The files whose settings differ from those at the base."""
    files = [settings.root / "pyproject.toml"] if settings.root is not None else []
    if settings.config is not None:
        files.append(settings.config)
    for file in dict.fromkeys(path.resolve() for path in files):
        if not is_known(base, file):
            continue
        then, now = content_at_base(base, file), file.read_bytes() if file.is_file() else None
        for table in (_TABLE, "alembic" if file.suffix == ".toml" else settings.section):
            old, new = table_in_text(file, then, table), table_in_text(file, now, table)
            differing = {key for key in {*old, *new} if old.get(key) != new.get(key)}
            keys = tuple(sorted(differing - _LISTED if table == _TABLE else differing & _FINDING))
            if keys:
                yield ChangedSettings(Place(str(file), _line(file, table)), keys, alembic=table != _TABLE)
    # What exists before the first revision is the same for the base and now: a change there is in no comparison.
    before = Path(settings.before) if settings.before is not None else None
    known_before = before is not None and before.is_absolute() and is_known(base, before)
    if before is not None and known_before and content_at_base(base, before) != before.read_bytes():
        yield ChangedSettings(Place(str(before), 1), ("before",))
    baseline, known = settings.baseline, baseline_at_base(base, settings)
    added = baseline is not None and known is not None and any(one.fingerprint not in known for one in baseline.entries)
    if baseline is not None and added and not baseline.updated:
        yield ChangedSettings(Place(baseline.path, 1), ("baseline",))


def _line(file: Path, table: str) -> int:
    """The line at which the settings begin."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 1
    return next((number for number, line in enumerate(lines, 1) if line.startswith("[") and table in line), 1)
