"""The one place that wires the rooms: observe, judge, Review."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_review.config.secrets import secrets
from alembic_review.git.base_commit import commit_of, prefix
from alembic_review.judge import judge
from alembic_review.judge.assemble_review import case_of
from alembic_review.judge.checks import CHECKS
from alembic_review.judge.checks.run.given_server_changed import server_changed
from alembic_review.judge.combined_review import case_of_reviewed, cases, judge_together
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.application_packages import custom_packages, loose_folders, own_packages
from alembic_review.judge.proofs.accepted_renames import require_matched
from alembic_review.judge.proofs.requests import plan
from alembic_review.judge.several_environments import united
from alembic_review.judge.severities import require_known_codes
from alembic_review.model.errors import (
    ObservationError,
    ReviewError,
    SuperuserNeededError,
    UnexplainedError,
    UsageError,
)
from alembic_review.model.facts import Declared, Facts, Privilege
from alembic_review.model.optional_steps import Attempts, show
from alembic_review.model.proofs import JUDGED, ON_REQUEST, PLAIN, ROLLING, SINCE, ProofPlan, Proofs, Proved
from alembic_review.model.pull_request_base import History
from alembic_review.model.review import Failure, Gate, Outcome, Provenance, Review, Summary
from alembic_review.model.secrets.known_passwords import forget, learn
from alembic_review.model.secrets.redacted_review import redacted
from alembic_review.model.settings import Settings
from alembic_review.observe.interpreter import interpreter_of, with_interpreter
from alembic_review.observe.replay_cache.kept_replay import KeptReplay
from alembic_review.observe.scratch_databases import RunDatabases, guess_dialect
from alembic_review.observe.several_environments import Prove as ProveEach
from alembic_review.observe.several_environments import observe_environments
from alembic_review.observe.source_scan import declared_tables, loose_packages
from alembic_review.observe.worker_process import Conversation, Request, observe
from alembic_review.reports import Options, Rule
from alembic_review.reports.base import Links
from alembic_review.reports.formats import markdown
from alembic_review.reports.parts.headline import Result, result
from alembic_review.workflows.accepting import comments_now
from alembic_review.workflows.pull_request import OldModels, Prove, observed_since
from alembic_review.workflows.replay_cache import kept_replay

if TYPE_CHECKING:
    from alembic_review.forge import Pages, Posted, Where

Progress = Callable[[str], None]


def ignore(_text: str) -> None:
    """Progress that nobody wants to see."""


def review(settings: Settings, *, progress: Progress = ignore, debug: bool = False) -> Review:
    """Review the application that ``settings`` name, on scratch databases that are gone afterwards.

    Raises ``UsageError`` for settings that don't fit the application and ``ObservationError`` when it can't be
    observed.
    """
    start = time.perf_counter()
    learn_secrets(settings)
    settings = with_interpreter(settings)
    asked = request(settings, debug=debug)
    replay = kept_replay(settings, asked)
    try:
        observed, past, server = _observed_kept(settings, replace(asked, replay=replay), progress)
    except SuperuserNeededError as error:
        progress("repeating the replay as superuser")
        replay = KeptReplay.without("a revision needs a superuser")
        observed, past, server = _observed(settings, asked, progress, superuser=True)
        observed = with_privilege(observed, error.privilege)
    require_matched(observed, settings)
    progress("judging")
    observed[0].timings_ms["total"] = round((time.perf_counter() - start) * 1000)
    if settings.environments:
        found = judged_together(observed, settings, server, debug=debug)
    else:
        found = judged(observed[0], settings, server, past, debug=debug)
    return redacted(dated(replace(found, provenance=replace(found.provenance, cache=replay.use)), settings))


def dated(review: Review, settings: Settings) -> Review:
    """The review with the name of the project, its commit and the time, for the header of reports."""
    root = settings.root
    provenance = replace(
        review.provenance,
        project=settings.distribution or (root.name if root is not None else ""),
        commit=commit_of(root),
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return replace(review, provenance=provenance)


def learn_secrets(settings: Settings) -> None:
    """From now on, the passwords that these settings lead to are masked wherever they occur."""
    forget()
    learn(secrets(settings, os.environ))


def _observed_kept(
    settings: Settings, asked: Request, progress: Progress
) -> tuple[tuple[Facts, ...], History | None, str]:
    """The same with what earlier reviews have kept; whatever fails with that is repeated without it."""
    replay = asked.replay
    if replay is not None and replay.entry is not None:
        try:
            found = _observed(settings, asked, progress)
        except ObservationError as error:
            progress("repeating the replay, because what was kept does not hold")
            replay.refuse(error.message.partition("\n")[0])
        else:
            replay.used()
            return found
    return _observed(settings, asked, progress)


def _observed(
    settings: Settings, asked: Request, progress: Progress, *, superuser: bool = False
) -> tuple[tuple[Facts, ...], History | None, str]:
    """The facts of every environment, the base of a pull request, and how the databases were had."""
    try:
        return _observed_once(settings, asked, progress, superuser=superuser)
    except UnexplainedError:
        progress("repeating the replay with a digest per revision")
        if asked.replay is not None:
            asked.replay.not_kept("a revision changed something that event triggers do not report")
        return _observed_once(settings, replace(asked, digests=True), progress, superuser=superuser)


def _observed_once(
    settings: Settings, asked: Request, progress: Progress, *, superuser: bool
) -> tuple[tuple[Facts, ...], History | None, str]:
    past = None
    prove = _prover(settings, debug=asked.debug)
    databases = RunDatabases(settings.server, guess_dialect(asked.config), superuser=superuser, replay=asked.replay)
    try:
        with databases:
            if settings.environments:
                requests = environment_requests(settings, replace(asked, history=True))
                each = _prover_of_each(settings, debug=asked.debug)
                observed = observe_environments(requests, databases, progress, each)
            elif settings.since is not None:
                facts, past = observed_since(settings, settings.since, asked, databases, progress, prove)
                observed = (facts,)
            else:
                alone = lambda worker, facts: prove(worker, facts, None, None)  # noqa: E731
                observed = (observe(replace(asked, history=True), databases, progress, alone),)
            server = databases.kinds
    except ObservationError as error:
        if not databases.changes:
            raise
        message = f"{error.message}\n{server_changed(databases.changes)}"
        raise ObservationError(message, hint=error.hint) from error
    return (replace(observed[0], server_changes=databases.changes), *observed[1:]), past, server


def proof_names(settings: Settings) -> tuple[str, ...]:
    """The proofs that these settings ask for; those of ``--prove`` too where there are to be none."""
    if settings.prove is None:
        return PLAIN
    return (*PLAIN, *ON_REQUEST, *(SINCE if settings.since is not None else ()))


def _prover(settings: Settings, *, debug: bool) -> Prove:
    """What asks a worker for the proofs of a run, once it is decided which of its changes are safe."""

    def prove(worker: Conversation, facts: Facts, past: History | None, old_models: OldModels | None) -> Proofs:
        case = lambda: case_of(facts, settings, declared(facts, settings, Attempts()), past)  # noqa: E731
        return _proved(settings, worker, case, old_models, debug=debug)

    return prove


def _prover_of_each(settings: Settings, *, debug: bool) -> ProveEach:
    """The same for the workers of several environments, each with the pending changes of its own."""

    def prove(workers: Mapping[str, Conversation], found: Mapping[str, Facts]) -> Mapping[str, Proofs]:
        observed = tuple(found.values())

        @cache
        def every() -> Mapping[str, Case]:
            made = cases(observed, settings, declared(united(observed), settings, Attempts()))
            return dict(zip(found, made, strict=True))

        reviewed = [one.name for one in settings.environments if one.reviewed]
        return {
            name: _proved(settings, workers[name], lambda: every()[name], None, debug=debug)  # noqa: B023 - called here
            for name in reviewed
        }

    return prove


def _proved(
    settings: Settings, worker: Conversation, case: Callable[[], Case], old_models: OldModels | None, *, debug: bool
) -> Proofs:
    """What a worker observes of the plan of a case."""
    names = proof_names(settings)
    if settings.prove is False:
        return Proofs(names=names, reason="--no-prove")
    attempts = Attempts(show if debug else None)
    asked = [name for name in names if name not in SINCE]
    nothing: ProofPlan | Proofs = Proofs(names=names)
    made = attempts.attempt("proofs", lambda: plan(case(), asked), nothing)
    if attempts.failures:
        return Proofs(names=names, reason=attempts.failures[0].removeprefix("proofs (").removesuffix(")"))
    if isinstance(made, Proofs):
        return replace(made, names=names)
    proved = worker.prove(made)
    if ROLLING in names and old_models is not None:
        proved += _rolling(made, old_models, attempts, proved)
    idle = tuple(name for name in names if name not in {*made.proofs, *JUDGED, ROLLING})
    return Proofs(proved, names=names, idle=idle)


def _rolling(
    plan: ProofPlan, old_models: OldModels, attempts: Attempts, proved: Sequence[Proved]
) -> tuple[Proved, ...]:
    """The old models on the new schema, which is the old one where no revision is new.

    They also show which blind spots are older than the pull request.
    """
    start = time.perf_counter()
    spots = any(one.blind_spots is not None and one.blind_spots.spots for one in proved)
    nothing: tuple[Proved, ...] = ()
    found = attempts.attempt(ROLLING, old_models, nothing) if plan.revisions or spots else nothing
    reason = attempts.failures[-1].removeprefix(f"{ROLLING} (").removesuffix(")") if attempts.failures else ""
    if not plan.revisions:
        reason, found = "", tuple(replace(one, not_checked=(), rolling=None) for one in found)
    found = found or tuple(Proved(ROLLING, number, reason=reason) for number in range(len(plan.originals)))
    return (replace(found[0], milliseconds=round((time.perf_counter() - start) * 1000)), *found[1:])


def with_privilege(observed: Sequence[Facts], privilege: Privilege) -> tuple[Facts, ...]:
    """The facts of a replay that was repeated as superuser: of the environment whose revision needed it."""
    whose = [any(one.id == privilege.revision for one in facts.revisions) for facts in observed]
    number = whose.index(True) if True in whose else 0
    return tuple(
        replace(facts, superuser=privilege) if index == number else facts for index, facts in enumerate(observed)
    )


def judged(
    facts: Facts, settings: Settings, server: str, past: History | None = None, *, debug: bool = False
) -> Review:
    """The review of these facts; ``server`` says how the databases were had. Raises as ``review``."""
    root = root_in_checkout(settings.root)
    attempts = Attempts(show if debug else None)
    found = declared(facts, settings, attempts)
    comments = comments_now(facts, settings, attempts)
    return judge(
        facts,
        settings,
        found,
        tool=tool(),
        server=server,
        root=root,
        history=past,
        attempts=attempts,
        comments=comments,
    )


def judged_together(observed: Sequence[Facts], settings: Settings, server: str, *, debug: bool = False) -> Review:
    """The review of all environments, in the order of the settings. Raises as ``review``."""
    if not settings.environments:
        return judged(observed[0], settings, server, debug=debug)
    attempts = Attempts(show if debug else None)
    found = declared(united(observed), settings, attempts)
    revisions = tuple(revision for facts in observed for revision in facts.revisions)
    comments = comments_now(replace(united(observed), revisions=revisions), settings, attempts)
    observed = [replace(facts, not_checked=(*facts.not_checked, *attempts.failures)) for facts in observed]
    root = root_in_checkout(settings.root)
    return judge_together(observed, settings, found, tool=tool(), server=server, root=root, comments=comments)


def case_of_one(observed: Sequence[Facts], settings: Settings) -> Case:
    """Ownership and verdicts of the one environment that is reviewed. Raises as ``review``."""
    if not settings.environments:
        return case_of(observed[0], settings, declared(observed[0], settings, Attempts()))
    return case_of_reviewed(observed, settings, declared(united(observed), settings, Attempts()))


def environment_requests(settings: Settings, asked: Request) -> dict[str, Request]:
    """What the worker of each environment is asked, by name and in order; ``asked`` is what they have in common."""
    return {
        one.name: replace(asked, config=one.config, config_from=one.config_from, section=one.section, x=one.x)
        for one in settings.environments
    }


def declared(facts: Facts, settings: Settings, attempts: Attempts) -> tuple[Declared, ...] | None:
    """The tables that the source of the application declares: its packages, and the loose modules of a flat project.

    ``None`` where that can't be read, which ``attempts`` has the reason of.
    """
    # Without any model, nothing tells which packages are custom.
    modelled = any(not table.removed for database in facts.databases for table in database.tables)
    custom = custom_packages(facts, settings) if modelled else own_packages(facts, settings)
    own = [package for package in facts.packages if package.name in custom]
    others = [package for package in facts.packages if package.name not in custom]
    folders = loose_folders(facts, settings, custom)

    def read() -> tuple[Declared, ...]:
        return declared_tables([*own, *loose_packages(folders, others, facts.modules)], attempts)

    return attempts.attempt("tables that only the source of your packages declares", read, None)


def failed_review(error: ReviewError, settings: Settings) -> Review:
    """What the reports say when a run could not review: outcome ``failed``, and why."""
    interpreter = interpreter_of(settings)
    review = Review(
        outcome=Outcome.FAILED,
        gate=Gate(refused=True, reasons=("the review could not be made",)),
        summary=Summary(),
        changes=(),
        findings=(),
        tables=(),
        provenance=Provenance(
            tool=tool(),
            interpreter=interpreter.shown,
            interpreter_source=interpreter.source,
            config=_conf(settings),
            root=root_in_checkout(settings.root),
        ),
        failure=Failure(error.message, error.hint),
    )
    return redacted(dated(review, settings))


def explain(code: str) -> str:
    """The page of a check, as Markdown. Raises ``UsageError`` for a code that no check has."""
    for check in CHECKS:
        if check.code == code.upper():
            return check.page
    known = ", ".join(check.code for check in CHECKS)
    raise UsageError(f"There is no check {code}.", hint=f"The codes are: {known}.")


def rules() -> tuple[Rule, ...]:
    """The checks, for the reports that describe them."""
    return tuple(Rule(check.code, check.title, check.severity, check.page) for check in CHECKS)


def publish(review: Review, where: Where, environ: Mapping[str, str], *, label: bool = False) -> Posted:
    """Create or update the one comment of a pull request that shows ``review``; with ``label``, set its label too.

    What ``where`` leaves open is read from ``environ``, the environment of the CI job. Raises ``UsageError`` for wrong
    options and ``ForgeError`` when the comment could not be posted.
    """
    from alembic_review import forge  # noqa: PLC0415 - loads HTTP and TLS

    # Where nothing fails the check (`never`), blocked changes and errors still are no pass.
    states = {Result.PASSED: forge.State.PASSED, Result.NONE: forge.State.NOT_REVIEWED}

    def bodies(pages: Pages) -> tuple[str, str]:
        options = Options(links=Links(pages.commit, pages.source, pages.job, pages.report))
        return markdown.render(review, options), markdown.short(review, options)

    state = states.get(result(review), forge.State.FAILED) if label else None
    return forge.publish(bodies, where, environ, state=state)


def tool() -> str:
    return f"alembic-review {version('alembic-review')}"


def root_in_checkout(root: Path | None) -> str:
    """The root as a path inside its Git checkout (``.`` for the checkout's own top); empty outside of one."""
    return prefix(root)


def request(settings: Settings, *, debug: bool) -> Request:
    """What the worker is asked to review. Raises ``UsageError`` without a configuration, and for unknown codes."""
    require_known_codes(settings)
    if settings.config is None and settings.config_from is None:
        raise UsageError("No Alembic configuration was named.", hint="Name one with -c, or in the settings as config.")
    return Request(
        python=interpreter_of(settings).path,
        config=settings.config,
        section=settings.section,
        x=settings.x,
        timeout=settings.timeout,
        custom=(*(settings.custom or ()), *settings.owners.values()),
        parts=(*(settings.custom or ()), *(settings.core or ()), *settings.owners.values()),
        distribution=settings.distribution,
        debug=debug,
        config_from=settings.config_from,
        context=settings.context,
        preload=settings.preload,
        import_from=_import_from(settings),
        env=settings.env,
        before=settings.before,
        renames=settings.renames,
    )


def _import_from(settings: Settings) -> tuple[str, ...]:
    """Folders of modules that the settings name and that are not installed, as commands that run there find them."""
    root = settings.root
    folders = [Path.cwd(), *((root, root / "src") if root is not None else ())]
    return tuple(dict.fromkeys(str(folder) for folder in folders))


def _conf(settings: Settings) -> str:
    """The conf file, else the file that names ``config-from``, as seen from the root; elsewhere only its name."""
    file = settings.config or settings.source
    if file is None:
        return ""
    config, root = file.resolve(), settings.root.resolve() if settings.root is not None else None
    return config.relative_to(root).as_posix() if root is not None and config.is_relative_to(root) else config.name
