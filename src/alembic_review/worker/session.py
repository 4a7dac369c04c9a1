"""One review: run env.py to replay, run it again to compare, and put together what was seen."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from alembic_review.model.facts import (
    ChangeFact,
    Downgrade,
    Facts,
    Hidden,
    ModelTable,
    OrderTrial,
    OrmClass,
    TableKey,
    TrialFacts,
    Untargeted,
)
from alembic_review.model.input_states import KEPT
from alembic_review.model.optional_steps import Attempts, show
from alembic_review.model.secrets.known_passwords import learn
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.worker import assemble_facts, internals
from alembic_review.worker.assemble_facts import Compared
from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.channel import Channel
from alembic_review.worker.compare import not_compared
from alembic_review.worker.compare.comparison import Comparison, Renames, compare, metadatas
from alembic_review.worker.compare.hidden_changes import HIDDEN, Watch
from alembic_review.worker.compare.packed_schema import packed, plain_names, unpacked
from alembic_review.worker.compare.plugin_queries import noted_looks
from alembic_review.worker.compare.rendered_operations import Renderer
from alembic_review.worker.compare.untargeted_tables import untargeted
from alembic_review.worker.compare.view_names import views
from alembic_review.worker.definitions.definition_sites import Witnesses
from alembic_review.worker.definitions.orm_class_code import SUGGESTIONS, declarations
from alembic_review.worker.environment.alembic_logs import collected_warnings, quieten
from alembic_review.worker.environment.application_commands import ApplicationCommands
from alembic_review.worker.environment.application_context import Application
from alembic_review.worker.environment.env_py import Environment
from alembic_review.worker.environment.mappers import configure_mappers
from alembic_review.worker.environment.missing_version_locations import missing_locations
from alembic_review.worker.environment.named_objects import Named
from alembic_review.worker.environment.printed_output import Output
from alembic_review.worker.environment.private_version_locations import Folders
from alembic_review.worker.environment.unloaded_revision_files import not_loaded
from alembic_review.worker.hints import Circumstances, Server
from alembic_review.worker.hints.urls import without_driver
from alembic_review.worker.packages import describe_packages, may_be_custom, name_parts
from alembic_review.worker.redirect.connections import Redirect, ScratchDatabase, Target
from alembic_review.worker.redirect.server_privileges import Privileges
from alembic_review.worker.replay.catalogue import Namer, catalogue_of, version_tables
from alembic_review.worker.replay.changes_outside_revisions import OutsideChanges
from alembic_review.worker.replay.completeness import Completed, marked
from alembic_review.worker.replay.created_from_models import Creations
from alembic_review.worker.replay.downgrade_differences import contents, downgrade_steps
from alembic_review.worker.replay.kept.conditions import NotKeptError
from alembic_review.worker.replay.kept.plain import as_plain, from_plain, listing_state
from alembic_review.worker.replay.kept.recorder import CacheMissError, Recorder
from alembic_review.worker.replay.revision_failures import is_locked, wait_briefly_for_locks
from alembic_review.worker.replay.touched_objects import Doubts, UnexplainedError, observing
from alembic_review.worker.replay.upgrade import Replayed, connection_of, replay, revision_packages, running_revision
from alembic_review.worker.worker_errors import WorkerError, describe, recognise

if TYPE_CHECKING:
    from alembic_review.model.proofs import Proved
    from alembic_review.worker.environment.schema_before import Before
    from alembic_review.worker.prove.bench import Bench
    from alembic_review.worker.replay.revision_trials import RevisionTrials
    from alembic_review.worker.write.revision_files import Plan


@dataclass
class Session:
    """One request of the parent."""

    channel: Channel
    request: WorkerRequest
    stacks: Stacks = field(default_factory=Stacks)
    timings: dict[str, int] = field(default_factory=dict)
    process: int = field(default_factory=os.getpid)

    def __post_init__(self) -> None:
        self.circumstances = Circumstances(self.request.config or "", self.request.config_from or "")
        self.attempts = Attempts(show if self.request.debug else None, (BaseException,))
        self.witnesses = Witnesses(self.stacks)
        self.before = self._schema_before(self.request.before) if self.request.before else None
        self.state = ""  # what the scratch databases asked for are to hold, for trials of several environments
        self.originals: Mapping[tuple[Any, ...], str] = {}  # the databases to copy for proofs, by target
        self.bench: Bench | None = None
        self.earlier: dict[tuple[Any, ...], frozenset[Any]] = {}
        learn(self.request.secrets)
        fill = self._prepare if self.before is not None or self.request.environment else None
        self.redirect = Redirect(self._database, self.stacks, fill, self._tell_secrets)
        self.privileges = Privileges(
            self.stacks,
            self.redirect.rights,
            running_revision,
            self.redirect.refused,
            lambda: self.circumstances.server.kind == "given",
            lambda statement: self.channel.send("noted", statement=statement),
        )
        self.intruders = OutsideChanges(self.stacks, self._replayed_on, cache(self._may_be_custom))
        found = (self.witnesses.original, self._connected_to, self._replayed_on, self.witnesses.definition)
        self.creations = Creations(self.stacks, *found)
        self.completed = Completed(self._key_of)
        self.commands = ApplicationCommands(self.stacks)
        self.doubts = Doubts(lambda connection: getattr(self._replayed_on(connection), "catalogue", None))
        self.recorder = Recorder(self.request.cache, self._is_running)
        self.replayed: list[tuple[Target, Replayed]] = []
        self.compared: list[Compared] = []
        self.missing: tuple[str, ...] = ()
        self.watched: frozenset[str] = frozenset()

    def run(self) -> Facts:
        """Observe everything. Raises ``WorkerError``."""
        # Nearly all that models and a comparison make lives to the end of this short process: look for garbage less
        # often, but not never, or the peak of memory grows by an eighth.
        gc.set_threshold(20_000, 20, 50)
        quieten()
        name_parts(self.request.named_packages)
        recognise(cache(self._is_own))
        self.recorder.install(self.redirect.hear)
        self.witnesses.install()
        self.redirect.install()
        self.privileges.install()
        self.intruders.install()
        self.completed.install()
        self.creations.install()
        self.doubts.install()
        self.commands.install()
        folders = Folders(self.request.replaced_locations, self.request.added_locations)
        application = Application(self._named())
        given = (self.request.config, self.request.section, self.request.x)
        environment = Environment(*given, folders, application, self.circumstances, Output(), self.commands)
        self.environment = environment
        with self.intruders.watching():
            script = self._replay(environment)
            self._require_complete()
            self._keep(script)
            if self.request.environment:
                # Other environments are upgraded meanwhile, in the same databases.
                self.redirect.start_run()
                gc.collect()
                self.channel.ask("upgraded")
            self._compare(environment, script)
        if self.request.to_revert:
            self._take_back(environment, script)
        if self.redirect.refusal is not None:
            raise self.redirect.refusal
        self.privileges.check()
        with self._timed("describe"):
            facts = assemble_facts.facts(environment, script, self.stacks, self.compared, self.attempts)
            facts = replace(facts, untargeted=self._untargeted(script))
        self.script = script
        return replace(facts, not_checked=self._not_checked(), timings_ms=self.timings)

    def _schema_before(self, named: str) -> Before:
        from alembic_review.worker.environment.schema_before import Before  # noqa: PLC0415 - few projects need it

        return Before(named, self._named())

    def _named(self) -> Named:
        return Named(self.request.config_from, self.request.context, self.request.preload, self.request.import_from)

    def _not_checked(self) -> tuple[str, ...]:
        left_out = self.before.not_checked() if self.before is not None else ()
        return (
            *self.missing,
            *left_out,
            *self.completed.not_checked(),
            *self.commands.not_checked(),
            *self.redirect.not_checked(),
            *self.attempts.failures,
        )

    def _replay(self, environment: Environment) -> ScriptDirectory:
        self.channel.send("progress", text="loading the application's models")
        # An application that is loaded for its config, or to run env.py in, may connect to databases already.
        with self._reported():
            config = environment.config(["upgrade", "heads"])
            script = environment.script_directory(config)
        trial = frozenset(self.request.to_revert)

        def work(heads: Any, context: MigrationContext) -> Any:
            if not self.replayed:
                self._load_revisions(environment, config, script)
            target = self._target(context)
            connection = connection_of(context)
            kept = self.recorder.begin(target.key, context, script, heads, sys._getframe(1))
            catalogue = observing(connection, self.redirect.altered, digests=self.request.digests)
            if self.recorder.uses:
                return self._restored(
                    target, context, script, from_plain(kept["replayed"], catalogue, self.circumstances)
                )
            progress = lambda text: self.channel.send("progress", text=text)  # noqa: E731
            earlier = self.earlier.get(target.key, frozenset())
            replayed = Replayed(catalogue, self.watched, trial, circumstances=self.circumstances, earlier=earlier)
            replayed.around = self.recorder.revision
            self.replayed.append((target, replayed))
            self._note_heads(heads, context, script)
            run = self.completed.begin(target.key, context, heads, script, replayed)
            steps = replay(context, internals.upgrade_steps(script, heads), replayed, progress)
            return self.completed.watched(run, steps, connection)

        with self.recorder.replaying():
            self._run(environment, config, script, work, "replay", destination_rev="heads")
        self._require_explained()
        return script

    def _restored(
        self, target: Target, context: MigrationContext, script: ScriptDirectory, replayed: Replayed
    ) -> tuple[()]:
        """No steps: the database contains what an earlier replay of the same revisions did."""
        self.replayed.append((target, replayed))
        replayed.around = self.recorder.revision
        if replayed.watched != self.watched:
            raise CacheMissError("Other revisions may be the application's own.")
        if internals.upgrade_steps(script, context.get_current_heads()):
            raise CacheMissError("There are further revisions.")
        self.completed.restore(target.key, context, script, replayed)
        return ()

    def _keep(self, script: ScriptDirectory) -> None:
        """Have the parent keep the databases as they are after the replay, and what was noted of it."""
        self.recorder.waiting = False
        if self.recorder.uses:
            self.recorder.require_same()
            self.recorder.is_kept = True
        if not self.recorder.records:
            return
        if self.redirect.unwatched:
            self.recorder.refuse("the application does something that can't be monitored")
        if self.creations.any:
            self.recorder.refuse("tables are created from the models")
        if self.completed.foreign():
            self.recorder.refuse("code outside any revision changes the database")
        try:
            recorded = self.recorder.recorded(script)
        except NotKeptError as error:
            self.channel.ask("replayed", reason=str(error))
            return
        databases = [
            {
                **self.recorder.database(target.key),
                "target": target.label,
                "database": self.redirect.database_of(target),
                "replayed": as_plain(replayed),
                "contents": listing_state(self.completed.contents(target.key)),
            }
            for target, replayed in self.replayed
        ]
        # A server is stopped for a moment.
        self.redirect.start_run()
        gc.collect()
        answer = self.channel.ask("replayed", recorded={**recorded, "databases": databases})
        self.recorder.is_kept = bool(answer.get("done"))

    def _require_complete(self) -> None:
        """Nothing of the upgrade is missing in the databases, as others see them. Raises ``WorkerError``."""
        with self._reported(), self._timed("committed"):
            if not self.recorder.uses:
                self.completed.require()
            for target in {target.key: target for target, _ in self.replayed}.values():
                self._require_committed(target)

    def _require_committed(self, target: Target) -> None:
        def work(connection: Connection) -> None:
            wait_briefly_for_locks(connection)
            if not self.recorder.uses:
                self.completed.require_committed(target.key, connection)
                return
            self.completed.require_restored(target.key, connection)
            self.recorder.require_contents(target.key, listing_state(self.completed.contents(target.key)))

        try:
            self.redirect.over_own_connection(target, work)
        except DBAPIError as error:
            if not is_locked(error):
                raise
            raise WorkerError(
                f"The upgrade was not committed: after env.py, a transaction is still open ({describe(error)}).",
                "Close the connection in env.py, and commit what was done over it.",
            ) from error

    def _require_explained(self) -> None:
        if not all(replayed.explained for _, replayed in self.replayed):
            raise UnexplainedError

    def _load_revisions(self, environment: Environment, config: Config, script: ScriptDirectory) -> None:
        with self._timed("load"):
            environment.load_revisions(script)
            nothing: tuple[str, ...] = ()
            unread = lambda: not_loaded(script, environment.folders)  # noqa: E731
            left_out = self.attempts.attempt("files of revisions that are not loaded", unread, nothing)
            self.missing = (*missing_locations(script, config, environment.folders), *left_out)
            self.watched = self._watched(script, environment.folders)
        if not list(script.walk_revisions()):
            self.channel.send("progress", text="no revisions yet")

    def _note_heads(self, heads: Sequence[str], context: MigrationContext, script: ScriptDirectory) -> None:
        """Look at the revisions that a new database is at already, by `before` or by another environment."""
        known = {revision.revision for revision in script.walk_revisions()}
        unknown = sorted(set(heads) - known)
        table, _ = internals.version_tables(context)
        if unknown and self.request.environment:
            raise WorkerError(
                f"The version table {table} contains revision {unknown[0]}, which {script.dir} does not have.",
                'Each environment needs a version table of its own: context.configure(version_table="…") in env.py.',
            )
        if heads and not unknown:
            there = sum(1 for _ in script.iterate_revisions(tuple(heads), "base"))
            what = "1 revision" if there == 1 else f"{there} revisions"
            self.missing += (f"{what} in the version table before the upgrade (not run)",)

    def _watched(self, script: ScriptDirectory, folders: Folders) -> frozenset[str]:
        """Revisions that could be the application's own."""
        packages = revision_packages(script, folders)
        known = {package.name: package for package in describe_packages({p for p in packages.values() if p})}
        custom, distribution = self.request.custom, self.request.distribution
        return frozenset(
            revision
            for revision, package in packages.items()
            if may_be_custom(known.get(package or ""), custom, distribution)
        )

    def _compare(self, environment: Environment, script: ScriptDirectory) -> None:
        self.redirect.start_run()
        config = environment.config(["revision", "--autogenerate", "-m", "review"])

        def work(heads: Any, context: MigrationContext) -> Any:
            self.channel.send("progress", text="comparing the models with the database")
            self._require_unchanged(heads, context)
            with self._as_superuser():
                self.compared.append(self._one_comparison(context))
            return ()

        self._run(environment, config, script, work, "compare", dont_mutate=True)
        if len(self.compared) < len(self.replayed):
            raise WorkerError(
                f"{script.env_py_location} ran migrations {len(self.replayed)} times for `alembic upgrade`, but "
                f"{len(self.compared)} times for `alembic revision --autogenerate`.",
                "env.py must run the same migrations for both commands.",
            )

    def _require_unchanged(self, heads: Sequence[str], context: MigrationContext) -> None:
        index = len(self.compared)
        if index < len(self.replayed) and self.replayed[index][0].key == self._target(context).key:
            # In the databases of several environments, others have been upgraded meanwhile.
            alone = not self.request.environment
            self.completed.require_compared(self.replayed[index][1], context, heads, catalogue=alone)

    @contextmanager
    def _as_superuser(self) -> Iterator[None]:
        """For a comparison and no code of env.py: plugins such as alembic_utils leave out privileges of superusers."""
        if self.circumstances.server.kind not in {"system", "embedded"}:
            yield
            return
        self.channel.ask("rights", superuser=True)
        self.redirect.superuser = True
        try:
            yield
        finally:
            self.channel.ask("rights", superuser=False)
            self.redirect.superuser = False

    def schemas(self) -> list[str]:
        """After ``run``, before ``history``: the packed schema of each database, in the facts' order."""
        self.redirect.start_run()
        found: list[str] = []

        def work(_heads: Any, context: MigrationContext) -> Any:
            if len(found) >= len(self.compared) or self._target(context).key != self.compared[len(found)].target.key:
                raise WorkerError("env.py connected to different databases than in the comparison.")
            found.append(packed(context))
            return ()

        config = self.environment.config(["revision", "--autogenerate", "-m", "review"])
        self._run(self.environment, config, self.script, work, "schema", dont_mutate=True)
        if len(found) < len(self.compared):
            raise WorkerError("env.py connected to fewer databases than when comparing.")
        return found

    def prove(self, name: str, plan: dict[str, Any]) -> list[Proved]:
        """After ``run``, before ``history``: one proof of this plan, a ``ProofPlan`` as it came over the wire."""
        from alembic_review.model.proofs import Planned, ProofPlan  # noqa: PLC0415 - a run without a plan needs no proofs
        from alembic_review.worker.prove import prove  # noqa: PLC0415 - as above
        from alembic_review.worker.prove.bench import Bench  # noqa: PLC0415 - as above

        self.channel.send("progress", text=f"proof {name}")
        if self.bench is None:
            operations = tuple(Planned(**each) for each in plan["operations"])
            made = ProofPlan((), tuple(plan["originals"]), operations, tuple(plan["revisions"]))
            given = (self.environment, self.script, self.redirect, self.compared, made)
            self.bench = Bench(*given, self._copying, self._as_superuser)
        need, start = self.privileges.need, time.perf_counter()
        try:
            found = prove(name, self.bench, show if self.request.debug else None)
        finally:
            # What the plan may not do is the proof's to report, and the replay is not repeated for it.
            self.privileges.need = need
        milliseconds = round((time.perf_counter() - start) * 1000)
        return [replace(one, milliseconds=milliseconds if not number else 0) for number, one in enumerate(found)]

    def old_models(self) -> list[Proved]:
        """In place of ``run``: what the models of the base do with the schemas of today. Raises ``WorkerError``."""
        from alembic_review.worker.prove.rolling.archive import Archive  # noqa: PLC0415 - only this worker needs them
        from alembic_review.worker.prove.rolling.session import OldModels  # noqa: PLC0415 - as above

        archive = Archive(self.request.checkout, self.request.archive, self.request.distribution)
        archive.enter(self.request.import_from)
        quieten()
        name_parts(self.request.named_packages)
        recognise(cache(self._is_own))
        self.redirect.install()
        self.privileges.install()
        given = (self.request.config, self.request.section, self.request.x)
        environment = Environment(*given, Folders(), Application(self._named()), self.circumstances, Output())
        with self._reported():
            return OldModels(archive, environment, self.redirect, self._in_state).observe()

    @contextmanager
    def _in_state(self, state: str) -> Iterator[None]:
        before, self.state = self.state, state
        try:
            with self.redirect.elsewhere():
                yield
        finally:
            self.state = before

    @contextmanager
    def _copying(self, originals: Mapping[tuple[Any, ...], str]) -> Iterator[None]:
        self.originals = originals
        try:
            yield
        finally:
            self.originals = {}

    def history(self, revisions: Sequence[str] | None) -> dict[str, Any]:
        """After ``run``: what these revisions, or all, of the application do when downgraded and in another order.

        A result that may be kept comes with the files that it depends on.
        """
        before = self._not_checked()
        if not self.watched:
            return {"history": TrialFacts(not_checked=before, timings_ms=self.timings)}
        from alembic_review.worker.replay.revision_trials import RevisionTrials as Trials  # noqa: PLC0415 - many runs try nothing
        from alembic_review.worker.replay.revision_trials import to_try  # noqa: PLC0415 - as above

        chosen = to_try(self.script, self.watched, self.compared, revisions)
        if chosen:
            self.channel.send("progress", text="testing downgrades and the dependency order")
        given = (self.environment, self.script, self.redirect, self.watched, chosen, self.compared)
        trials = Trials(*given, self.recorder.begin_trial)
        with self.recorder.trying():
            found = self._tried(trials)
        kept = None
        if revisions is None and self.recorder.is_kept and not trials.reasons and found.not_checked == before:
            with suppress(NotKeptError):
                kept = self.recorder.files_of_trials(self.script)
        return {"history": found, "files": kept}

    def _tried(self, history: RevisionTrials) -> TrialFacts:
        # Of several environments, each is tried in the databases as they were before and after its own upgrade.
        several = self.request.environment
        self.state = "before" if several else ""
        with self._timed("order"):
            no_order_trials: tuple[OrderTrial, ...] = ()
            order_trials = self.attempts.attempt("revisions in another order", history.order_trials, no_order_trials)
        self.state = "after" if several else ""
        with self._timed("downgrade"), self.redirect.elsewhere() if several else nullcontext():
            no_downgrades: list[tuple[Downgrade, ...]] = []
            downgrades = tuple(self.attempts.attempt("downgrades", history.downgrades, no_downgrades))
        self._require_explained()
        self.privileges.check()
        return TrialFacts(downgrades, order_trials, self._not_checked(), self.timings)

    def _untargeted(self, script: ScriptDirectory) -> tuple[Untargeted, ...]:
        """The application's tables that no comparison looked at."""
        targets = [each for one in self.compared if not one.modelless for each in metadatas(one.context)]
        elsewhere = self.creations.elsewhere([one.target for one in self.compared])
        relations = {key for one in self.compared for key in one.views}
        found = lambda: untargeted(  # noqa: E731
            self.witnesses, targets, relations, elsewhere, internals.version_locations(script)
        )
        nothing: tuple[Untargeted, ...] = ()
        return self.attempts.attempt("tables outside target_metadata", found, nothing)

    def _take_back(self, environment: Environment, script: ScriptDirectory) -> None:
        """Downgrade what is on trial, latest first, and look at what is left."""
        self.redirect.start_run()
        databases = iter([compared.replayed for compared in self.compared])

        def work(_heads: Any, context: MigrationContext) -> Any:
            replayed = next(databases)
            self._target(context)
            version_table = internals.version_tables(context)

            def done(connection: Connection) -> None:
                replayed.after = contents(replayed.catalogue, connection, version_table)

            order = [name for name in reversed(replayed.applied) if name in replayed.trial]
            return downgrade_steps(script, order, context, done)

        self._run(environment, environment.config(["downgrade", "-1"]), script, work, "downgrade")

    def write(self, plans: list[Plan], folder: str) -> list[dict[str, str]]:
        """The files of these plans, after ``run``, made in the empty ``folder``. Raises ``WorkerError``."""
        from alembic_review.worker.write.revision_files import write  # noqa: PLC0415 - a review writes nothing

        self.redirect.start_run()
        written = write(self.environment, plans, folder, self.request.renames)
        if self.redirect.refusal is not None:
            raise self.redirect.refusal
        return written

    def run_hooks(self, paths: list[str]) -> list[str]:
        """Run the application's ``post_write_hooks`` on these files, after ``run``. Raises ``WorkerError``."""
        from alembic_review.worker.write.revision_files import run_hooks  # noqa: PLC0415 - a review writes nothing

        run_hooks(self.environment, paths)
        return paths

    def _run(
        self,
        environment: Environment,
        config: Any,
        script: ScriptDirectory,
        work: Any,
        step: str,
        **options: Any,
    ) -> None:
        with self._reported(), self._timed(step):
            environment.run(config, script, work, **options)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Raise what went wrong first, where the application made an error of its own of it."""
        try:
            yield
            self.privileges.check()
        except WorkerError as error:
            unsupported = self.redirect.unsupported()
            if unsupported is not None and error.__cause__ is not None and without_driver(error.__cause__):
                raise unsupported from error
            # A refused connection is the reason, whatever the application made of it afterwards.
            if self.redirect.refusal is not None:
                raise self.redirect.refusal from None
            self.privileges.look_at(error)
            if self.redirect.refusal is not None:
                raise self.redirect.refusal from error
            self.privileges.check()
            hint = self._created_before(error)
            if hint:
                raise WorkerError(error.message, hint) from error
            raise

    def _created_before(self, error: WorkerError) -> str:
        """What to do when a revision fails over what was created from the models before."""
        return self.creations.hint(error, self.replayed[-1][0], self._may_be_custom) if self.replayed else ""

    def _one_comparison(self, context: MigrationContext) -> Compared:
        target = self._target(context)
        index = len(self.compared)
        if index >= len(self.replayed) or self.replayed[index][0].key != target.key:
            raise WorkerError(
                "env.py connected to different databases in the comparison than in the upgrade.",
                "The order of engines must not change from run to run.",
            )
        environment = self.request.environment
        # Where another environment has models to compare, this one may have been listed for its revisions only.
        modelless = environment is not None and context.opts.get("target_metadata") is None
        targets = [] if modelless else metadatas(context)
        unconfigured = configure_mappers(targets)
        tables = self.witnesses.describe(targets, context.dialect)
        plugins, compares_tables = internals.autogenerate_plugins(context)
        noted = replayed = self.replayed[index][1]
        connection = connection_of(context)
        if environment is not None:
            replayed.look_again(connection)
        name = replayed.namer(connection, all_schemas=bool(context.opts.get("include_schemas")))
        catalogue, replayed = replayed.catalogue, replayed.named(name)
        users = lambda kind: [(name(key), column) for key, column in catalogue.type_users(connection, kind)]  # noqa: E731
        other = self._other_schema(index)
        with ExitStack() as names:
            with (
                collected_warnings() as warnings,
                noted_looks(self.stacks) as looks,
                plain_names(context) if other is not None else nullcontext(),
            ):
                watch = None if modelless or other is not None else Watch(context, self._can_be_custom)
                renames = Renames(self.request.renames, names) if other is None else None
                comparison = Comparison() if modelless else compare(context, users, other, self.attempts, renames)
            no_views: frozenset[TableKey] = frozenset()
            relations = self.attempts.attempt("views", lambda: views(connection, name), no_views)
            if watch is not None:
                no_hidden: list[Hidden] = []
                find = lambda: watch.hidden(comparison, users, relations)  # noqa: E731
                comparison.hidden = self.attempts.attempt(HIDDEN, find, no_hidden)
        if self.request.other_schemas:
            comparison.changes = self._called(comparison.changes, name)
        hidden = {(entry.schema, entry.name) for entry in comparison.filtered if entry.kind == "table"}
        seen = [table for table in tables if not table.removed and (table.key.schema, table.key.name) not in hidden]
        others = sorted(
            name for name in {*plugins, *internals.comparator_modules()} if not name.startswith("alembic.autogenerate.")
        )
        version_table, version_schema = internals.version_tables(context)
        own = name(TableKey(version_schema, version_table))
        modelled = {own, *(table.key for table in tables if not table.removed)}
        unmodelled = {one: key for one, (key, _) in replayed.last.tables.items() if key not in modelled}
        if modelless:
            untold: tuple[str, ...] = (f"the models of {environment} (its env.py gives Alembic no target_metadata)",)
            unseen = untold
        else:
            seen_by = looks if others else ()
            passed_over = lambda: [  # noqa: E731
                not_compared.not_checked(context, replayed.last, seen_by, blind_spots=proved)
                for proved in (False, True)
            ]
            nothing: list[tuple[str, ...]] = [(), ()]
            lines = self.attempts.attempt("differences that Alembic does not compare", passed_over, nothing)
            untold, unseen = ((*one, *unconfigured) for one in lines)
        creations, others_created = self.creations.of(target, noted, connection, targets, name)
        histories = lambda: version_tables(catalogue, connection, unmodelled)  # noqa: E731
        return Compared(
            target=target,
            replayed=replayed,
            context=context,
            version_table=own,
            version_tables=tuple(self.attempts.attempt("version tables of other environments", histories, [])),
            tables=tables,
            comparison=comparison,
            creations=creations,
            other_creations=others_created if environment is not None else (),
            declarations=self._declarations(context, targets, tables, comparison) if not modelless else (),
            warnings=warnings,
            not_checked=untold,
            unseen=unseen,
            plugins=tuple(others),
            compared=len(seen) if compares_tables else 0,
            modelless=modelless,
            scratch=self.redirect.database_of(target),
            views=relations,
        )

    def _declarations(
        self,
        context: MigrationContext,
        targets: list[MetaData],
        tables: tuple[ModelTable, ...],
        comparison: Comparison,
    ) -> tuple[OrmClass, ...]:
        """What suggestions are made of: the mapped classes of the tables."""

        def declared() -> tuple[OrmClass, ...]:
            frames = {
                table.key: assemble_facts.statement(table.stack, self.stacks) for table in tables if not table.removed
            }
            known = {key: frame for key, frame in frames.items() if frame is not None}
            return declarations(targets, comparison.changes, known, _hung(tables), Renderer(context))

        nothing: tuple[OrmClass, ...] = ()
        return self.attempts.attempt(SUGGESTIONS, declared, nothing)

    @staticmethod
    def _called(changes: Iterable[ChangeFact], name: Namer) -> list[ChangeFact]:
        """Every table under the name that a comparison with the models gives it."""
        return [
            replace(change, key=name(change.key), schema=name(change.key).schema)
            if change.key is not None and change.key.schema is not None
            else change
            for change in changes
        ]

    def _other_schema(self, index: int) -> MetaData | None:
        """What this database is to be compared with instead of the models."""
        others = self.request.other_schemas
        if not others:
            return None
        if index >= len(others):
            raise WorkerError("env.py connected to more databases than with the current revisions.")
        return unpacked(others[index])

    def _may_be_custom(self, package: str | None) -> bool:
        known = {one.name: one for one in describe_packages({package} if package is not None else ())}
        return may_be_custom(known.get(package or ""), self.request.custom, self.request.distribution)

    def _can_be_custom(self, table: Table) -> bool:
        """Tell whether code that may be the application's stands behind a table, or nothing is known of it."""
        stack = self.witnesses.definition(table)
        frames = [self.stacks.frames[number] for number in self.stacks.stacks[stack]] if stack is not None else []
        return self.request.custom == () or not frames or any(self._may_be_custom(one.package) for one in frames)

    def _is_own(self, package: str | None) -> bool:
        """Tell whether an installed package is the application under review."""
        known = next((one for one in describe_packages({package} if package else ()) if one.name == package), None)
        custom, distribution = self.request.custom, self.request.distribution
        return known is not None and bool(known.paths) and may_be_custom(known, custom, distribution)

    def _replayed_on(self, connection: Connection) -> Replayed | None:
        """What is noted of this connection's database."""
        target = self._connected_to(connection)
        key = target.key if target is not None else None  # its label names the driver, too
        return next((replayed for known, replayed in reversed(self.replayed) if known.key == key), None)

    def _connected_to(self, connection: Connection) -> Target | None:
        return self.redirect.targets.get(id(connection.dialect))

    def _prepare(self, engine: Engine, target: Target, empty: bool) -> None:  # noqa: FBT001 - the redirect calls it so
        """Make what the settings say exists before the first revision, and remember it for the first database."""
        if self.before is not None and empty:
            self.channel.send("progress", text="creating the tables that exist before the first revision")
            self.creations.before = True
            try:
                self.before.apply(engine)
            finally:
                self.creations.before = False
        with engine.connect() as connection:
            catalogue = catalogue_of(connection, self.redirect.altered)
            found = catalogue.snapshot(connection, digests=False)
            histories = version_tables(catalogue, connection, {one: key for one, (key, _) in found.tables.items()})
            self.completed.existed(target.key, marked(connection, histories))
        if self.before is not None and empty:
            self.earlier.setdefault(target.key, frozenset(found.tables))

    def _is_running(self) -> bool:
        return any(replayed.running for _, replayed in self.replayed)

    def _key_of(self, connection: Connection) -> tuple[Any, ...] | None:
        target = self._connected_to(connection)
        return target.key if target is not None else None

    def _target(self, context: MigrationContext) -> Target:
        if context.connection is None:
            raise WorkerError("env.py configured Alembic without a database connection (offline mode).")
        return self.redirect.target_of(context.connection.dialect)

    def _tell_secrets(self, passwords: Iterable[str]) -> None:
        """Have the parent hide these passwords as well, before the application prints anything more."""
        new = learn(passwords)
        if new and os.getpid() == self.process:  # a copy of this process has no conversation of its own
            self.channel.ask("secrets", literals=new)

    def _database(self, dialect: Any, target: Target) -> ScratchDatabase:
        """Ask the parent for a scratch database for this target."""
        original = self.originals.get(target.key)
        if original is not None:
            answer = self.channel.ask("need_copy", database=original)
        else:
            state = KEPT if self.recorder.waiting and self.recorder.uses else self.state
            answer = self.channel.ask(
                "need_database", dialect=dialect.name, driver=dialect.driver, target=target.label, state=state
            )
        if answer["type"] != "database":
            raise WorkerError(answer.get("message", "no scratch database"), answer.get("hint", ""))
        if self.recorder.waiting:
            self.recorder.asked(target.key, answer.get("kept"))
        self.circumstances.server = Server(answer["server"], answer["version"], answer["folder"])
        return ScratchDatabase(
            answer["database"],
            answer["host"],
            answer["port"],
            answer["user"],
            answer["password"],
            answer["mark"],
            dict(answer["query"]),
            answer.get("prepared", False),
            answer.get("superuser", False),
        )

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.timings[step] = round((time.perf_counter() - start) * 1000)


def _hung(tables: Iterable[ModelTable]) -> dict[TableKey, tuple[str, ...]]:
    """The columns that tables got elsewhere than they were defined."""
    found = {
        table.key: tuple(
            item.name
            for item in table.items
            if item.kind == "column" and item.name is not None and item.stack not in (None, table.stack)
        )
        for table in tables
        if not table.removed
    }
    return {key: names for key, names in found.items() if names}
