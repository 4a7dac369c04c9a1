"""Wires the rooms for ``revision``: review, plan, write privately, try, and only then put files into the project."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from alembic_review.judge.judged_facts import Case
from alembic_review.judge.proofs.accepted_renames import require_matched
from alembic_review.judge.proofs.requests import plan as proof_plan
from alembic_review.judge.proofs.written import code as blind_spot_code
from alembic_review.judge.revision_plan import left_out, plan
from alembic_review.model.errors import ObservationError, SuperuserNeededError, UnexplainedError, UsageError
from alembic_review.model.facts import Facts, Privilege
from alembic_review.model.proofs import BLIND_SPOTS, ProofPlan
from alembic_review.model.review import Review, Verdict
from alembic_review.model.revision_plan import Code, RevisionFile, RevisionPlan, Wish
from alembic_review.model.secrets.redacted_review import redacted
from alembic_review.model.settings import Settings
from alembic_review.observe.interpreter import with_interpreter
from alembic_review.observe.scratch.run_folder import run_folder
from alembic_review.observe.scratch_databases import RunDatabases, guess_dialect
from alembic_review.observe.several_environments import observe_environments, upgraded
from alembic_review.observe.worker_process import Conversation, Request, conversation, observe
from alembic_review.reports import revision_file as texts
from alembic_review.reports.parts.labels import count, table_label, target_label
from alembic_review.workflows import review as service


@dataclass(frozen=True)
class Written:
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
    files: tuple[Written, ...] = ()
    refusal: str = ""
    hint: str = ""
    nothing: str = ""
    blocked: bool = False


def revise(
    settings: Settings, wish: Wish, *, progress: service.Progress = service.ignore, debug: bool = False
) -> Result:
    """Write the safe changes as a revision for each custom package that has any.

    Every file is tried on scratch databases of its own, up and down, before it reaches the project. Raises as
    ``service.review`` does, and ``ObservationError`` when a file can't be put into the project.
    """
    service.learn_secrets(settings)
    _require_one(settings)
    settings = with_interpreter(settings)
    request = service.request(settings, debug=debug)
    try:
        return _revise(settings, request, wish, progress)
    except UnexplainedError:
        progress("repeating the replay with a digest per revision")
        return _revise(settings, replace(request, digests=True), wish, progress)
    except SuperuserNeededError as error:
        progress("repeating the replay as superuser")
        return _revise(settings, request, wish, progress, error.privilege)


def _revise(
    settings: Settings,
    request: Request,
    wish: Wish,
    progress: service.Progress,
    privilege: Privilege | None = None,
) -> Result:
    """As ``revise``; with ``privilege``, as a superuser of the scratch server."""
    scratch = RunDatabases(settings.server, guess_dialect(request.config), superuser=privilege is not None)
    with (
        scratch as databases,
        _observed(settings, request, databases, progress) as (worker, seen),
    ):
        observed = service.with_privilege(seen, privilege) if privilege is not None else seen
        require_matched(observed, settings)
        progress("judging")
        review = service.judged_together(observed, settings, databases.kinds)
        if _counts_as_blocked(review) and not wish.leave_out_blocked:
            return Result(redacted(review), refusal=_blocked(review), hint=_LEAVE_OUT, blocked=True)
        case = service.case_of_one(observed, settings)
        code = _code(settings, case, worker, progress) if wish.with_blind_spots else {}
        plans = plan(case, review, wish, code)
        if not plans:
            return Result(review, nothing=texts.nothing(left_out(case, review, wish.package), review.summary.upstream))
        progress("writing the revision")
        files = worker.write(plans)
        if not files:
            return Result(review, nothing="Nothing to write: env.py's process_revision_directives left no revision.\n")
        return _tried(
            _Attempt(settings, request, databases, progress, review, plans), files, worker, dry_run=wish.dry_run
        )


def _code(
    settings: Settings, case: Case, worker: Conversation, progress: service.Progress
) -> Mapping[str, tuple[Code, ...]]:
    """What the comparison does not see, as code for each package. Raises ``ObservationError`` where it is unknown."""
    if settings.environments:
        raise UsageError("--with-blind-spots is not supported for several environments.")
    progress("looking for blind spots")
    made = proof_plan(case, (BLIND_SPOTS,))
    proved = worker.prove(made) if isinstance(made, ProofPlan) else ()
    reason = next((one.reason for one in proved if one.reason), "" if proved else "no database to try it on")
    if reason:
        raise ObservationError(f"The blind spots could not be found: {reason}.", hint="Leave --with-blind-spots out.")
    return blind_spot_code(case, proved)


def _require_one(settings: Settings) -> None:
    """Raise ``UsageError`` where it can't be told for which of several environments a revision is."""
    if settings.environments and sum(environment.reviewed for environment in settings.environments) > 1:
        names = [
            f"-c {_shown(one.config) if one.config is not None else one.config_from}"
            + (f" -n {one.section}" if one.section != Settings.section else "")
            for one in settings.environments
        ]
        raise UsageError(
            "The settings list several `environments`, and a revision is for one of them.",
            hint=f"Name it: {' or '.join(names)}.",
        )


@contextmanager
def _observed(
    settings: Settings, request: Request, databases: RunDatabases, progress: service.Progress
) -> Iterator[tuple[Conversation, tuple[Facts, ...]]]:
    """The worker to write with, and the facts of every environment."""
    if not settings.environments:
        with conversation(request, databases, progress) as worker:
            yield worker, (worker.review(),)
        return
    with upgraded(service.environment_requests(settings, request), databases, progress) as workers:
        facts = tuple(worker.review() for worker in workers.values())
        yield next(worker for name, worker in workers.items() if name == _reviewed(settings)), facts


def _reviewed(settings: Settings) -> str | None:
    """The name of the environment that is reviewed; ``None`` where there is only one."""
    return next((environment.name for environment in settings.environments if environment.reviewed), None)


# A plan's heads that are no revision.
_NOTHING_BEFORE = ("base", "head")
_DRY_RUN = "Nothing was written; --dry-run prints the file."
_LEAVE_OUT = "--leave-out-blocked writes the rest, and says in the file what was left out."


@dataclass(frozen=True)
class _Attempt:
    settings: Settings
    request: Request
    databases: RunDatabases
    progress: service.Progress
    review: Review
    plans: tuple[RevisionPlan, ...]

    def plan_of(self, file: RevisionFile) -> RevisionPlan:
        """The plan of a file, with the id that env.py may have given it."""
        found = next(plan for plan in self.plans if plan.package == file.package)
        return replace(found, revision=file.revision)


def _tried(attempt: _Attempt, files: Sequence[RevisionFile], worker: Conversation, *, dry_run: bool) -> Result:
    described = [replace(file, text=texts.described(file.text, attempt.plan_of(file))) for file in files]
    attempt.progress("trying the revision")
    try:
        observed = _try(attempt, described)
    except ObservationError as error:
        shown = _results(attempt, described, (), written=False) if dry_run else ()
        return Result(attempt.review, shown, f"The revision does not work. {error.message}", _DRY_RUN)
    facts = next(one for one in observed if one.environment == _reviewed(attempt.settings))
    refusal = (
        _not_found(described, facts, attempt.settings.config_from)
        or _moved(attempt, described, facts)
        or _objection(attempt, facts, observed)
    )
    types = tuple(values for database in facts.databases for values in database.types_left)
    results = _results(attempt, described, types, written=not dry_run)
    if refusal:
        return Result(attempt.review, results if dry_run else (), refusal, _DRY_RUN)
    if not dry_run:
        _put(described)
        worker.run_hooks([result.path for result in results])
    return Result(attempt.review, results)


def _results(
    attempt: _Attempt, files: Sequence[RevisionFile], types: Sequence[str], *, written: bool
) -> tuple[Written, ...]:
    found = []
    for file in files:
        path = Path(file.version_path) / file.name
        told = texts.summary(attempt.plan_of(file), _shown(path), types_left=types, written=written)
        found.append(Written(path, file.text, told))
    return tuple(found)


def _try(attempt: _Attempt, files: Sequence[RevisionFile]) -> tuple[Facts, ...]:
    """Apply the files on top of all other revisions of new scratch databases, compare, and take them back."""
    with run_folder() as top:
        folders: dict[str, str] = {}
        for number, file in enumerate(files):
            real = os.path.realpath(file.version_path)
            folder = Path(folders.setdefault(real, str(top.resolve() / str(number))))
            path = folder / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_encoded(file))
        request = replace(attempt.request, beside=folders, trial=tuple(file.revision for file in files), renames=())
        try:
            if not attempt.settings.environments:
                return (observe(request, attempt.databases, attempt.progress),)
            requests = service.environment_requests(attempt.settings, replace(attempt.request, renames=()))
            own = _reviewed(attempt.settings) or ""
            requests[own] = replace(requests[own], beside=request.beside, trial=request.trial)
            return observe_environments(requests, attempt.databases, attempt.progress)
        except ObservationError as error:
            # Nobody can look into a folder that is gone: name the place where the file was to stand.
            message = error.message
            for named, private in folders.items():
                message = message.replace(private, named)
            raise ObservationError(message, hint=error.hint) from error


def _encoded(file: RevisionFile) -> bytes:
    """In the application's ``output_encoding``; what that lacks becomes an escape that strings of Python understand."""
    return file.text.encode(file.encoding, "backslashreplace")


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


def _moved(attempt: _Attempt, files: Sequence[RevisionFile], facts: Facts) -> str:
    """What to say when env.py has put a file after another revision than planned; empty otherwise."""
    behind = {revision.id: revision.down_revisions for revision in facts.revisions}
    for file in files:
        head = attempt.plan_of(file).head
        planned = () if head in _NOTHING_BEFORE else (head,)
        others = {(other.revision,) for other in files if other is not file}
        if behind[file.revision] not in {planned, *others}:
            found = ", ".join(behind[file.revision]) or "nothing"
            return (
                f"env.py's process_revision_directives puts the revision after {found}; "
                f"it belongs after {', '.join(planned) or 'nothing'}."
            )
    return ""


def _objection(attempt: _Attempt, facts: Facts, observed: Sequence[Facts]) -> str:
    """Why the files must not be written; empty when nothing speaks against them."""
    left = [words for database in facts.databases for words in database.not_undone]
    if left:
        return f"The downgrade of the revision does not bring the schema back: {'; '.join(left)}."
    after = service.judged_together(observed, attempt.settings, attempt.databases.kinds)
    written = {change.fingerprint for plan in attempt.plans for change in plan.written}
    expected = {change.fingerprint for change in attempt.review.changes} - written
    safe = [change for change in after.changes if change.verdict is Verdict.SAFE]
    again = [change for change in safe if change.fingerprint not in expected]
    if again:
        names = ", ".join(f"{change.kind} {target_label(change)}" for change in again)
        return f"The revision does not do what it should: after it there would still be {names}."
    known = {finding.fingerprint for finding in attempt.review.findings}
    for finding in after.findings:
        if finding.blocks and finding.fingerprint not in known:
            where = (
                table_label(finding.schema, finding.table, finding.database) + ": " if finding.table is not None else ""
            )
            return f"The revision would be refused: {where}{finding.message}"
    return ""


def _put(files: Sequence[RevisionFile]) -> None:
    """Put all files into the project, or none. Raises ``ObservationError``."""
    done: list[Path] = []
    try:
        for file in files:
            path = Path(file.version_path) / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as stream:
                done.append(path)
                stream.write(_encoded(file))
    except OSError as error:
        for path in done:
            with suppress(OSError):
                path.unlink()
        raise ObservationError(
            f"{error.filename or path} can't be written: {error.strerror}.", hint="Nothing was written."
        ) from error


def _counts_as_blocked(review: Review) -> int:
    """How many blocked changes and blocking findings there are that nobody has accepted."""
    return review.summary.blocked + _damage(review)


def _damage(review: Review) -> int:
    return sum(finding.blocks and finding.change is None and finding.accepted is None for finding in review.findings)


def _blocked(review: Review) -> str:
    kinds = ((review.summary.blocked, "blocked change"), (_damage(review), "blocking finding"))
    return f"Nothing was written: {' and '.join(count(number, noun) for number, noun in kinds if number)}."


def _shown(path: Path) -> str:
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
