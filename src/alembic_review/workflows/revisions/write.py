"""``alembic-review revision``: review, plan, write privately, try, and only then put the files into the project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from alembic_review.judge.judged_facts import Case
from alembic_review.judge.proofs.accepted_renames import require_matched
from alembic_review.judge.proofs.requests import plan as proof_plan
from alembic_review.judge.proofs.written import code as blind_spot_code
from alembic_review.judge.revision_plan import left_out, plan
from alembic_review.model.errors import ObservationError, UsageError
from alembic_review.model.facts import Facts, Privilege
from alembic_review.model.proofs import BLIND_SPOTS, ProofPlan
from alembic_review.model.review import Review
from alembic_review.model.revision_plan import Code, Wish
from alembic_review.model.secrets.redacted_review import redacted
from alembic_review.model.settings import Settings
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.observe.interpreter import with_interpreter
from alembic_review.observe.scratch_databases import RunDatabases, guess_dialect
from alembic_review.observe.several_environments import upgraded
from alembic_review.observe.worker_output import Shown
from alembic_review.observe.worker_process import Conversation, Progress, RunContext, conversation
from alembic_review.reports import revision_file as texts
from alembic_review.reports.parts.labels import count
from alembic_review.workflows.judgement import case_of_one, judged
from alembic_review.workflows.observation import Observation, learn_secrets, repeated, with_privilege
from alembic_review.workflows.revisions.trial import Result, Trial, reviewed_environment, shown_path, write_if_it_works
from alembic_review.workflows.source import read_source
from alembic_review.workflows.worker_requests import environment_requests, run_context, worker_request

_LEAVE_OUT = "--leave-out-blocked writes the other changes, and lists the omitted ones in the file."


def ignore(_text: str) -> None:
    """Progress that nobody wants to see."""


def revise(settings: Settings, wish: Wish, *, progress: Progress = ignore, debug: bool = False) -> Result:
    """Write the safe changes as a revision for each custom package that has any.

    Every file is tried on scratch databases of its own, up and down, before it reaches the project. Raises as
    ``review`` does, and ``ObservationError`` when a file can't be put into the project.
    """
    learn_secrets(settings)
    _require_one(settings)
    settings = with_interpreter(settings)
    shown = Shown()

    def attempt(request: WorkerRequest, privilege: Privilege | None) -> Result:
        databases = RunDatabases(settings.server, guess_dialect(settings.config), superuser=privilege is not None)
        with databases:
            context = run_context(settings, databases, progress, shown)
            return _revise(settings, request, wish, databases, context, privilege)

    return repeated(attempt, worker_request(settings, debug=debug), progress)


def _revise(  # noqa: PLR0913, PLR0917 - one attempt, with all that it shares with the next
    settings: Settings,
    request: WorkerRequest,
    wish: Wish,
    databases: RunDatabases,
    context: RunContext,
    privilege: Privilege | None,
) -> Result:
    with _observed(settings, request, databases, context) as (worker, seen):
        facts = with_privilege(seen, privilege)
        source = read_source(facts, settings, debug=request.debug)
        observed = Observation(facts, source, databases.kinds)
        require_matched(facts, settings)
        context.progress("judging")
        review = judged(observed, settings)
        if _counts_as_blocked(review) and not wish.leave_out_blocked:
            return Result(redacted(review), refusal=_blocked(review), hint=_LEAVE_OUT, blocked=True)
        case = case_of_one(observed, settings)
        code = _code(settings, case, worker, context.progress) if wish.with_blind_spots else {}
        plans = plan(case, review, wish, code)
        if not plans:
            return Result(review, nothing=texts.nothing(left_out(case, review, wish.package), review.summary.upstream))
        context.progress("writing the revision")
        files = worker.write(plans)
        if not files:
            return Result(
                review, nothing="Nothing to write: process_revision_directives in env.py removed the revision.\n"
            )
        trial = Trial(settings, request, databases, context, observed, review, plans)
        return write_if_it_works(trial, files, worker, dry_run=wish.dry_run)


def _code(settings: Settings, case: Case, worker: Conversation, progress: Progress) -> Mapping[str, tuple[Code, ...]]:
    """What the comparison does not see, as code for each package. Raises ``ObservationError`` where it is unknown."""
    if settings.environments:
        raise UsageError("--with-blind-spots is not supported for several environments.")
    progress("looking for blind spots")
    made = proof_plan(case, (BLIND_SPOTS,))
    proved = worker.prove(made) if isinstance(made, ProofPlan) else ()
    reason = next((one.reason for one in proved if one.reason), "" if proved else "no database to test it on")
    if reason:
        raise ObservationError(f"The blind spots could not be found: {reason}.", hint="Omit --with-blind-spots.")
    return blind_spot_code(case, proved)


def _require_one(settings: Settings) -> None:
    """Raise ``UsageError`` where it can't be told for which of several environments a revision is."""
    if settings.environments and sum(environment.reviewed for environment in settings.environments) > 1:
        names = [
            f"-c {shown_path(one.config) if one.config is not None else one.config_from}"
            + (f" -n {one.section}" if one.section != Settings.section else "")
            for one in settings.environments
        ]
        raise UsageError(
            "The settings list several `environments`, and a revision is written for one of them.",
            hint=f"Name it: {' or '.join(names)}.",
        )


@contextmanager
def _observed(
    settings: Settings, request: WorkerRequest, databases: RunDatabases, context: RunContext
) -> Iterator[tuple[Conversation, tuple[Facts, ...]]]:
    """The worker to write with, and the facts of every environment."""
    if not settings.environments:
        with conversation(request, context) as worker:
            yield worker, (worker.review(),)
        return
    with upgraded(environment_requests(settings, request), context, databases) as workers:
        facts = tuple(worker.review() for worker in workers.values())
        yield next(worker for name, worker in workers.items() if name == reviewed_environment(settings)), facts


def _counts_as_blocked(review: Review) -> int:
    """How many blocked changes and blocking findings there are that nobody has accepted."""
    return review.summary.blocked + _damage(review)


def _damage(review: Review) -> int:
    return sum(finding.blocks and finding.change is None and finding.accepted is None for finding in review.findings)


def _blocked(review: Review) -> str:
    kinds = ((review.summary.blocked, "blocked change"), (_damage(review), "blocking finding"))
    return f"Nothing was written: {' and '.join(count(number, noun) for number, noun in kinds if number)}."
