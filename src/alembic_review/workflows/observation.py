"""Observes the application on scratch databases that are gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import TypeVar

from alembic_review.config.secrets import secrets
from alembic_review.judge.assemble_review import case_of
from alembic_review.judge.checks.run.given_server_changed import server_changed
from alembic_review.judge.combined_review import cases
from alembic_review.model.errors import ObservationError, SuperuserNeededError, UnexplainedError
from alembic_review.model.facts import Facts, Privilege, TrialFacts
from alembic_review.model.pull_request_base import BaseCommit, PullRequestBase
from alembic_review.model.review import CacheUse
from alembic_review.model.secrets.known_passwords import forget, learn
from alembic_review.model.settings import Settings
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.observe.replay_cache.kept_replay import KeptReplay
from alembic_review.observe.scratch_databases import RunDatabases, guess_dialect
from alembic_review.observe.several_environments import upgraded
from alembic_review.observe.worker_output import Shown
from alembic_review.observe.worker_process import (
    Conversation,
    Progress,
    RunContext,
    conversation,
    with_history,
    with_proofs,
)
from alembic_review.workflows.proofs import prove
from alembic_review.workflows.pull_request import observe_base, observe_models_of_base
from alembic_review.workflows.replay_cache import kept_replay
from alembic_review.workflows.source import Source, read_source
from alembic_review.workflows.worker_requests import environment_requests, run_context

T = TypeVar("T")


@dataclass(frozen=True)
class Observation:
    """The facts of each environment, in the order of the settings, and what their judgement needs besides.

    ``server`` says where the databases came from, ``cache`` whether results that earlier runs have kept were used.
    """

    facts: tuple[Facts, ...]
    source: Source
    server: str
    base: PullRequestBase | None = None
    cache: CacheUse = field(default_factory=CacheUse)


def observe_application(
    settings: Settings, request: WorkerRequest, base: BaseCommit | None, progress: Progress
) -> Observation:
    """Observe the application, and the base of a pull request if there is one.

    Raises ``UsageError`` for settings that don't fit the application, and ``ObservationError`` if it can't be
    observed.
    """
    shown = Shown()
    replay = kept_replay(settings, request)

    def attempt(request: WorkerRequest, privilege: Privilege | None) -> Observation:
        nonlocal replay
        if privilege is not None:
            replay = KeptReplay.without("a revision needs a superuser")
        elif request.digests:
            replay.not_kept("a revision changed something that event triggers do not report")
        dialect = guess_dialect(settings.config)
        databases = RunDatabases(settings.server, dialect, superuser=privilege is not None, replay=replay)
        context = run_context(settings, databases, progress, shown, replay)
        try:
            with databases:
                if settings.environments:
                    observed = _several(settings, request, databases, context)
                else:
                    observed = _one(settings, request, base, context)
                observed = replace(observed, server=databases.kinds)
        except ObservationError as error:
            if not databases.changes:
                raise
            message = f"{error.message}\n{server_changed(databases.changes)}"
            raise ObservationError(message, hint=error.hint) from error
        first, *others = with_privilege(observed.facts, privilege)
        facts = (replace(first, server_changes=databases.changes), *others)
        return replace(observed, facts=facts, cache=replay.use)

    if replay.entry is not None:
        try:
            observed = repeated(attempt, request, progress)
        except ObservationError as error:
            progress("repeating the replay, because the cached result is not valid")
            replay.refuse(error.message.partition("\n")[0])
        else:
            replay.used()
            return observed
    return repeated(attempt, request, progress)


def _one(settings: Settings, request: WorkerRequest, base: BaseCommit | None, context: RunContext) -> Observation:
    """The only environment. The base is observed before anything of the application is reverted."""
    with conversation(replace(request, trials=True), context) as worker:
        facts = worker.review()
        source = read_source([facts], settings, debug=request.debug)
        then, old_models = None, None
        if base is not None:
            then = observe_base(base, facts, settings, worker, context)
            old_models = partial(observe_models_of_base, base, then, facts, worker, context)
        case = lambda: case_of(facts, settings, source.declared, then)  # noqa: E731
        proofs = prove(worker, case, settings, old_models)
        history = observed_history(settings, then, facts, worker, context)
    return Observation((with_proofs(with_history(facts, history), proofs),), source, "", then)


def _several(settings: Settings, request: WorkerRequest, databases: RunDatabases, context: RunContext) -> Observation:
    """Several environments; proofs are made of the pending changes of each that is reviewed."""
    requests = environment_requests(settings, replace(request, trials=True))
    with upgraded(requests, context, databases) as workers:
        found = {name: worker.review() for name, worker in workers.items()}
        observed = tuple(found.values())
        source = read_source(observed, settings, debug=request.debug)
        every = cache(lambda: dict(zip(found, cases(observed, settings, source.declared), strict=True)))
        proofs = {
            one.name: prove(workers[one.name], lambda: every()[one.name], settings)  # noqa: B023 - called here
            for one in settings.environments
            if one.reviewed
        }
        revisions = None if settings.full else ()
        found = {name: with_history(found[name], worker.history(revisions)) for name, worker in workers.items()}
    facts = tuple(with_proofs(one, proofs[name]) if name in proofs else one for name, one in found.items())
    return Observation(facts, source, "")


def observed_history(
    settings: Settings, base: PullRequestBase | None, facts: Facts, worker: Conversation, context: RunContext
) -> TrialFacts | str:
    """Downgrades and the dependency order of revisions: of all, of the new ones, or what an earlier run has found."""
    kept = context.replay.history() if context.replay is not None else None
    if kept is not None:
        found = worker.history(())
        if isinstance(found, TrialFacts):
            found = replace(found, downgrades=kept.downgrades, order_trials=kept.order_trials)
        return found
    if settings.full:
        return worker.history()
    before = {revision.id for revision in (base.facts if base is not None else facts).revisions}
    return worker.history([revision.id for revision in facts.revisions if revision.id not in before])


def repeated(attempt: Callable[[WorkerRequest, Privilege | None], T], request: WorkerRequest, progress: Progress) -> T:
    """What ``attempt`` returns; it is repeated with a digest per revision, or as superuser, where that is needed.

    Its second argument is the privilege for which a revision needs a superuser.
    """
    privilege: Privilege | None = None
    while True:
        try:
            return attempt(request, privilege)
        except UnexplainedError:
            if request.digests:
                raise
            progress("repeating the replay with a digest per revision")
            request = replace(request, digests=True)
        except SuperuserNeededError as error:
            if privilege is not None:
                raise
            progress("repeating the replay as superuser")
            privilege = error.privilege


def with_privilege(observed: Sequence[Facts], privilege: Privilege | None) -> tuple[Facts, ...]:
    """The facts of a replay that was repeated as superuser: of the environment whose revision needed it."""
    if privilege is None:
        return tuple(observed)
    whose = [any(one.id == privilege.revision for one in facts.revisions) for facts in observed]
    number = whose.index(True) if True in whose else 0
    return tuple(
        replace(facts, superuser=privilege) if index == number else facts for index, facts in enumerate(observed)
    )


def learn_secrets(settings: Settings) -> None:
    """Mask the passwords in these settings, and in the files and variables that they name, from now on."""
    forget()
    learn(secrets(settings, os.environ))
