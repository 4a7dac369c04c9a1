"""``alembic-review revision --rebase``: the new revisions of a pull request behind the head of the branch."""

from __future__ import annotations

import difflib
import io
import os
import shutil
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from alembic_review.git.base_commit import read_base
from alembic_review.git.default_branch import default_branch
from alembic_review.judge.pull_request.branch_revisions import (
    BranchFolder,
    branch_revisions,
    merge_base_revisions,
    place_in,
)
from alembic_review.judge.pull_request.moving import Histories, Move, move
from alembic_review.judge.pull_request.revision_folders import revision_folders
from alembic_review.judge.pull_request.revision_source import UnreadableSourceError, moved
from alembic_review.model.errors import ObservationError, SuperuserNeededError, UnexplainedError, UsageError
from alembic_review.model.facts import Facts, Privilege
from alembic_review.model.pull_request_base import BaseCommit
from alembic_review.model.settings import Settings
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.observe.base_revisions import inside_checkout, write_base_folders
from alembic_review.observe.interpreter import with_interpreter
from alembic_review.observe.scratch.run_folder import run_folder
from alembic_review.observe.scratch_databases import RunDatabases, guess_dialect
from alembic_review.observe.worker_output import Shown
from alembic_review.observe.worker_process import Progress, RunContext, observe
from alembic_review.workflows.observation import learn_secrets, repeated
from alembic_review.workflows.pull_request import checkout_folder
from alembic_review.workflows.revisions.trial import shown_path
from alembic_review.workflows.revisions.write import ignore
from alembic_review.workflows.worker_requests import run_context, worker_request

_EDIT = "Edit the revision, or its down_revision, yourself."


@dataclass(frozen=True)
class Rebased:
    """What came of it: the difference that was made to a file, or would be, and a ``summary``.

    ``refusal`` says why nothing was written and ``hint`` what to do then, ``nothing`` that there was nothing to move.
    """

    diff: str = ""
    summary: str = ""
    refusal: str = ""
    hint: str = ""
    nothing: str = ""


def rebase(
    settings: Settings, parent: str | None, *, dry_run: bool, progress: Progress = ignore, debug: bool = False
) -> Rebased:
    """Let the new revisions follow ``parent``, else the head of the branch that the pull request is merged into.

    All revisions are applied in the new order before the file is replaced. Raises as ``review`` does, and
    ``ObservationError`` when the file can't be written.
    """
    learn_secrets(settings)
    if settings.environments:
        raise UsageError(
            "--rebase is not supported for several `environments`.", hint="Edit down_revision of the revision yourself."
        )
    settings = with_interpreter(settings)
    checkout = checkout_folder(settings)
    progress("looking for the head to follow")
    base = read_base(checkout, settings.since or default_branch(checkout))
    shown = Shown()

    def attempt(request: WorkerRequest, privilege: Privilege | None) -> Rebased:
        databases = RunDatabases(settings.server, guess_dialect(settings.config), superuser=privilege is not None)
        with databases:
            context = run_context(settings, databases, progress, shown)
            return _Attempt(settings, base, request, context).rebased(parent, dry_run=dry_run)

    return repeated(attempt, replace(worker_request(settings, debug=debug), renames=()), progress)


@dataclass(frozen=True)
class _Attempt:
    settings: Settings
    base: BaseCommit
    request: WorkerRequest
    context: RunContext

    def rebased(self, parent: str | None, *, dry_run: bool) -> Rebased:
        facts = observe(self.request, self.context)
        with run_folder() as private:
            target = private.resolve()
            folders = self._folders(facts, target / "base")
            found = move(self._histories(facts, folders), parent)
            if isinstance(found, str):
                return Rebased(nothing=found)
            file, before = _source(found, self.base)
            after = _moved(found, file, before)
            files = {**_ahead(self.base, folders, facts), str(file): after}
            self.context.progress("applying the revisions in the new order")
            refusal = self._refusal(found, list(_copies(files, folders, target / "copies")))
        diff = "".join(_diff(before, after, shown_path(file)))
        if refusal:
            here = any(revision.id == found.parent for revision in facts.revisions)
            hint = _EDIT if here else f"Merge {self.base.ref} into this branch and repeat the command."
            return Rebased(diff if dry_run else "", refusal=refusal, hint=f"Nothing was written. {hint}")
        if not dry_run:
            _replace(file, after)
        verb = "Would move" if dry_run else "Moved"
        lines = [f"{verb} revision {found.revision.id} behind {found.label}: {shown_path(file)}", *found.notes]
        return Rebased(diff, "\n  ".join(lines) + "\n")

    def _folders(self, facts: Facts, target: Path) -> list[BranchFolder]:
        locations = revision_folders(facts, self.settings.distribution)
        found = write_base_folders(self.base, checkout_folder(self.settings), locations, target)
        return [BranchFolder(str(one.path), one.inside) for one in found]

    def _histories(self, facts: Facts, folders: Sequence[BranchFolder]) -> Histories:
        """Raises ``ObservationError`` where a merged revision could be taken for a new one."""
        then = merge_base_revisions(facts.revisions, folders, self.base)
        branch = branch_revisions(then.revisions, folders, self.base.ahead)
        unread = (*then.unread, *branch.unread)
        if unread:
            raise ObservationError(
                f"A revision of {self.base.ref} can't be read: {unread[0]}.",
                hint="Edit down_revision of the new revision yourself.",
            )
        return Histories(facts.revisions, then.revisions, branch.revisions, self.base.ref)

    def _refusal(self, found: Move, copies: Sequence[tuple[str, Path]]) -> str:
        """Why the revision can't be moved, from an upgrade with the copies; empty where it can."""
        replaced = {os.path.realpath(path): str(copy) for path, copy in copies}
        try:
            facts = observe(replace(self.request, replaced_locations=replaced), self.context)
        except (SuperuserNeededError, UnexplainedError):
            raise
        except ObservationError as error:
            message = error.message
            for path, copy in copies:
                message = message.replace(str(copy), path)
            return f"The revisions do not work in the new order. {message}"
        parents = next((one.down_revisions for one in facts.revisions if one.id == found.revision.id), ())
        return "" if parents == (found.parent,) else f"Alembic does not read {found.parent} from the edited file."


def _source(found: Move, base: BaseCommit) -> tuple[Path, bytes]:
    """The file to edit, which has to be one of the project's. Raises ``UsageError``."""
    file = Path(found.revision.path)
    if inside_checkout(base, file) not in base.tracked | base.untracked:
        raise UsageError(
            f"Revision {found.revision.id} is in {file}, which is not a file of the checkout.",
            hint="Install the package that it is part of in editable mode: pip install --editable .",
        )
    return file, file.read_bytes()


def _moved(found: Move, file: Path, content: bytes) -> bytes:
    try:
        return moved(content, found.parent)
    except UnreadableSourceError as error:
        raise UsageError(
            f"{shown_path(file)} can't be edited: {error}.", hint=f"Set down_revision to {found.parent!r} yourself."
        ) from error


def _ahead(base: BaseCommit, folders: Sequence[BranchFolder], facts: Facts) -> Mapping[str, bytes | None]:
    """The revision files that the checkout gets from the branch when that is merged, by their paths."""
    edited = base.changed.keys() | ((base.tracked | base.untracked) - base.files)
    found = {path: place_in(path, folders, facts.revisions) for path in base.ahead if path not in edited}
    return {place: base.ahead[path] for path, place in found.items() if place is not None}


def _copies(
    files: Mapping[str, bytes | None], folders: Sequence[BranchFolder], target: Path
) -> Iterator[tuple[str, Path]]:
    """Each version location that these files change, and a copy of it with them."""
    for number, path in enumerate(sorted({folder.path for folder in folders})):
        own = {Path(name): content for name, content in files.items() if Path(name).is_relative_to(path)}
        if not own:
            continue
        folder, copy = Path(path), target / str(number) / Path(path).name
        copy.parent.mkdir(parents=True)
        for beside in folder.parent.iterdir():  # revisions may read files of the script folder
            if beside != folder:
                (copy.parent / beside.name).symlink_to(beside)
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__"), ignore_dangling_symlinks=True)
        for name, content in own.items():
            place = copy / name.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            if content is not None:
                place.write_bytes(content)
        yield path, copy


def _diff(before: bytes, after: bytes, path: str) -> Iterator[str]:
    """The difference as ``git apply`` takes it."""
    old, new = _lines(before), _lines(after)
    for line in difflib.unified_diff(old, new, f"a/{path}", f"b/{path}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(content: bytes) -> list[str]:
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    return io.StringIO(content.decode(encoding), newline="\n").readlines()


def _replace(file: Path, content: bytes) -> None:
    """Replace a file by one step, with the permissions that it has. Raises ``ObservationError``."""
    new = file.with_name(f".#{file.name}.{os.getpid()}")  # which Alembic takes for no revision
    try:
        new.write_bytes(content)
        shutil.copymode(file, new)
        new.replace(file)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ObservationError(f"{file} can't be written: {error.strerror}.", hint="Nothing was written.") from error
