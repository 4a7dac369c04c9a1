"""Tries new revisions on scratch databases, up and down, before they are put into the project."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import Facts
from alembic_review.model.review import Review, Verdict
from alembic_review.model.revision_plan import RevisionFile, RevisionPlan
from alembic_review.model.settings import Settings
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.observe.scratch.run_folder import run_folder
from alembic_review.observe.scratch_databases import RunDatabases
from alembic_review.observe.several_environments import observe_environments
from alembic_review.observe.worker_process import Conversation, RunContext, observe
from alembic_review.reports import revision_file as texts
from alembic_review.reports.parts.labels import table_label, target_label
from alembic_review.workflows.judgement import judged
from alembic_review.workflows.observation import Observation
from alembic_review.workflows.worker_requests import environment_requests

# A plan's heads that are no revision.
_NOTHING_BEFORE = ("base", "head")
_DRY_RUN = "Nothing was written; --dry-run prints the file."


def reviewed_environment(settings: Settings) -> str | None:
    """The name of the environment that is reviewed; ``None`` where there is only one."""
    return next((environment.name for environment in settings.environments if environment.reviewed), None)


@dataclass(frozen=True)
class Trial:
    """What the files are tried with: the review that they were planned from, and how to observe once more."""

    settings: Settings
    request: WorkerRequest
    databases: RunDatabases
    context: RunContext
    observed: Observation
    review: Review
    plans: tuple[RevisionPlan, ...]

    def plan_of(self, file: RevisionFile) -> RevisionPlan:
        """The plan of a file, with the id that env.py may have given it."""
        found = next(plan for plan in self.plans if plan.package == file.package)
        return replace(found, revision=file.revision)


def write_if_it_works(trial: Trial, files: Sequence[RevisionFile], worker: Conversation, *, dry_run: bool) -> Result:
    """Put the files into the project if they work; ``worker``, which made them, then runs the hooks for them.

    Raises ``ObservationError`` when a file can't be put there.
    """
    described = [replace(file, text=texts.described(file.text, trial.plan_of(file))) for file in files]
    trial.context.progress("testing the revision")
    try:
        observed = _try(trial, described)
    except ObservationError as error:
        shown = _results(trial, described, (), written=False) if dry_run else ()
        return Result(trial.review, shown, f"The revision does not work. {error.message}", _DRY_RUN)
    facts = next(one for one in observed if one.environment == reviewed_environment(trial.settings))
    refusal = (
        _not_found(described, facts, trial.settings.config_from)
        or _moved(trial, described, facts)
        or _objection(trial, facts, observed)
    )
    types = tuple(values for database in facts.databases for values in database.types_left)
    results = _results(trial, described, types, written=not dry_run)
    if refusal:
        return Result(trial.review, results if dry_run else (), refusal, _DRY_RUN)
    if not dry_run:
        put(described)
        worker.run_hooks([result.path for result in results])
    return Result(trial.review, results)


def _results(
    trial: Trial, files: Sequence[RevisionFile], types: Sequence[str], *, written: bool
) -> tuple[WrittenFile, ...]:
    found = []
    for file in files:
        path = Path(file.version_path) / file.name
        told = texts.summary(trial.plan_of(file), shown_path(path), types_left=types, written=written)
        found.append(WrittenFile(path, file.text, told))
    return tuple(found)


def _try(trial: Trial, files: Sequence[RevisionFile]) -> tuple[Facts, ...]:
    """Apply the files on top of all other revisions of new scratch databases, compare, and downgrade."""
    with run_folder() as top:
        folders: dict[str, str] = {}
        for number, file in enumerate(files):
            real = os.path.realpath(file.version_path)
            folder = Path(folders.setdefault(real, str(top.resolve() / str(number))))
            path = folder / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(file))
        request = replace(
            trial.request, added_locations=folders, to_revert=tuple(file.revision for file in files), renames=()
        )
        try:
            if not trial.settings.environments:
                return (observe(request, trial.context),)
            requests = environment_requests(trial.settings, replace(trial.request, renames=()))
            own = reviewed_environment(trial.settings) or ""
            requests[own] = replace(requests[own], added_locations=request.added_locations, to_revert=request.to_revert)
            return observe_environments(requests, trial.context, trial.databases)
        except ObservationError as error:
            # Nobody can look into a folder that is gone: name the place where the file was to stand.
            message = error.message
            for named, private in folders.items():
                message = message.replace(private, named)
            raise ObservationError(message, hint=error.hint) from error


def _not_found(files: Sequence[RevisionFile], facts: Facts, config_from: str | None) -> str:
    """What to say when Alembic would write a file where it does not look for it; empty otherwise."""
    known = {revision.id for revision in facts.revisions}
    for file in files:
        if file.revision not in known:
            return (
                f"Alembic would not find the revision: file_template makes {file.name}, and "
                f"{facts.config or config_from} does not set recursive_version_locations."
            )
    return ""


def _moved(trial: Trial, files: Sequence[RevisionFile], facts: Facts) -> str:
    """What to say when env.py has put a file after another revision than planned; empty otherwise."""
    behind = {revision.id: revision.down_revisions for revision in facts.revisions}
    for file in files:
        head = trial.plan_of(file).head
        planned = () if head in _NOTHING_BEFORE else (head,)
        others = {(other.revision,) for other in files if other is not file}
        if behind[file.revision] not in {planned, *others}:
            found = ", ".join(behind[file.revision]) or "nothing"
            return (
                f"env.py's process_revision_directives puts the revision after {found}; "
                f"it belongs after {', '.join(planned) or 'nothing'}."
            )
    return ""


def _objection(trial: Trial, facts: Facts, observed: Sequence[Facts]) -> str:
    """Why the files must not be written; empty when nothing speaks against them."""
    left = [words for database in facts.databases for words in database.not_undone]
    if left:
        return f"The downgrade of the revision does not restore the schema: {'; '.join(left)}."
    after = judged(replace(trial.observed, facts=tuple(observed)), trial.settings)
    written = {change.fingerprint for plan in trial.plans for change in plan.written}
    expected = {change.fingerprint for change in trial.review.changes} - written
    safe = [change for change in after.changes if change.verdict is Verdict.SAFE]
    again = [change for change in safe if change.fingerprint not in expected]
    if again:
        names = ", ".join(f"{change.kind} {target_label(change)}" for change in again)
        return f"The revision is incomplete: after it, these changes would still be pending: {names}."
    known = {finding.fingerprint for finding in trial.review.findings}
    for finding in after.findings:
        if finding.blocks and finding.fingerprint not in known:
            where = (
                table_label(finding.schema, finding.table, finding.database) + ": " if finding.table is not None else ""
            )
            return f"A review would block the revision: {where}{finding.message}"
    return ""


@dataclass(frozen=True)
class WrittenFile:
    """One file: ``path`` is where it stands, or would stand; ``summary`` says what is in it."""

    path: Path
    text: str
    summary: str


@dataclass(frozen=True)
class Result:
    """What came of it. ``refusal`` says why nothing was written, ``nothing`` that there was nothing to write.

    ``blocked`` is true when the review itself is the reason.
    """

    review: Review
    files: tuple[WrittenFile, ...] = ()
    refusal: str = ""
    hint: str = ""
    nothing: str = ""
    blocked: bool = False


def put(files: Sequence[RevisionFile]) -> None:
    """Put all files into the project, or none. Raises ``ObservationError``."""
    done: list[Path] = []
    try:
        for file in files:
            path = Path(file.version_path) / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as stream:
                done.append(path)
                stream.write(encoded(file))
    except OSError as error:
        for path in done:
            with suppress(OSError):
                path.unlink()
        raise ObservationError(
            f"{error.filename or path} can't be written: {error.strerror}.", hint="Nothing was written."
        ) from error


def encoded(file: RevisionFile) -> bytes:
    """In the application's ``output_encoding``; what that lacks becomes an escape that strings of Python understand."""
    return file.text.encode(file.encoding, "backslashreplace")


def shown_path(path: Path) -> str:
    """The path relative to the working directory, where it is below it."""
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
