"""One review: run env.py to replay, run it again to compare, and put together what was seen."""

from __future__ import annotations

import gc
import logging
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import alembic
import sqlalchemy
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from alembic_review.model.facts import (
    DatabaseFacts,
    Facts,
    Item,
    ModelTable,
    Place,
    Revision,
    TableKey,
    VersionLocation,
)
from alembic_review.worker import limits, private
from alembic_review.worker.channel import Channel
from alembic_review.worker.compare import Comparison, compare, metadatas
from alembic_review.worker.environment import Environment
from alembic_review.worker.making import listeners
from alembic_review.worker.packages import describe_packages, may_be_custom, package_of_path
from alembic_review.worker.places import item_place
from alembic_review.worker.problems import WorkerError, mask
from alembic_review.worker.redirect import Redirect, Scratch, Target
from alembic_review.worker.replay import Replayed, replay, revision_packages
from alembic_review.worker.stacks import Stacks
from alembic_review.worker.witnesses import Witnesses

_LOGGERS = ("alembic.autogenerate", "alembic.ddl")
_APPLICATION_LOGGER = "alembic.env"


@dataclass
class _Compared:
    target: Target
    context: MigrationContext
    tables: tuple[ModelTable, ...]
    comparison: Comparison
    warnings: list[str]
    not_checked: tuple[str, ...]
    plugins: tuple[str, ...]
    compared: int


@dataclass
class Session:
    """One request of the parent."""

    channel: Channel
    request: dict[str, Any]
    stacks: Stacks = field(default_factory=Stacks)
    timings: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.witnesses = Witnesses(self.stacks)
        self.redirect = Redirect(self._database, self.stacks)
        self.replayed: list[tuple[Target, Replayed]] = []
        self.compared: list[_Compared] = []

    def run(self) -> Facts:
        """Observe everything. Raises ``WorkerError``."""
        # Nearly all that models and a comparison make lives to the end of this short process: look for garbage less
        # often, but not never, or the peak of memory grows by an eighth.
        gc.set_threshold(20_000, 20, 50)
        _quieten()
        self.witnesses.install()
        self.redirect.install()
        environment = Environment(self.request["config"], self.request["section"], self.request["x"])
        script = self._replay(environment)
        self._compare(environment, script)
        if self.redirect.refusal is not None:
            raise self.redirect.refusal
        return self._facts(script)

    def _replay(self, environment: Environment) -> ScriptDirectory:
        self.channel.send("progress", text="loading the application's models")
        config = environment.config(["upgrade", "heads"])
        with self._timed("load"):
            script = environment.script_directory(config)
        if not list(script.walk_revisions()):
            self.channel.send("progress", text="no revisions yet")

        watched = self._watched(script)

        def work(heads: Any, context: MigrationContext) -> Any:
            target = self._target(context)
            progress = lambda text: self.channel.send("progress", text=text)  # noqa: E731
            replayed, steps = replay(context, script, heads, watched, progress)
            self.replayed.append((target, replayed))
            return steps

        self._run(environment, config, script, work, "replay", destination_rev="heads")
        return script

    def _watched(self, script: ScriptDirectory) -> frozenset[str]:
        """Revisions that could be the application's own."""
        packages = revision_packages(script)
        known = {package.name: package for package in describe_packages({p for p in packages.values() if p})}
        custom, distribution = self.request["custom"], self.request["distribution"]
        return frozenset(
            revision
            for revision, package in packages.items()
            if may_be_custom(known.get(package or ""), custom, distribution)
        )

    def _compare(self, environment: Environment, script: ScriptDirectory) -> None:
        self.redirect.start_run()
        config = environment.config(["revision", "--autogenerate", "-m", "review"])

        def work(_heads: Any, context: MigrationContext) -> Any:
            self.channel.send("progress", text="comparing the models with the database")
            self.compared.append(self._one_comparison(context))
            return ()

        self._run(environment, config, script, work, "compare", dont_mutate=True)

    def _run(
        self,
        environment: Environment,
        config: Any,
        script: ScriptDirectory,
        work: Any,
        step: str,
        **options: Any,
    ) -> None:
        try:
            with self._timed(step):
                environment.run(config, script, work, **options)
        except WorkerError as error:
            unsupported = self.redirect.unsupported()
            if unsupported is not None and isinstance(error.__cause__, ImportError):
                raise unsupported from error
            # A refused connection is the reason, whatever the application made of it afterwards.
            if self.redirect.refusal is not None:
                raise self.redirect.refusal from None
            raise

    def _one_comparison(self, context: MigrationContext) -> _Compared:
        target = self._target(context)
        index = len(self.compared)
        if index >= len(self.replayed) or self.replayed[index][0].key != target.key:
            raise WorkerError(
                "env.py connected to other databases when comparing than when upgrading.",
                "The order of engines must not change from run to run.",
            )
        _configure_mappers()
        targets = metadatas(context)
        tables = self.witnesses.describe(targets)
        plugins, compares_tables = private.autogenerate_plugins(context)
        with _warnings() as warnings:
            comparison = compare(context, self.replayed[index][1].catalogue)
        hidden = {(entry.schema, entry.name) for entry in comparison.filtered if entry.kind == "table"}
        seen = [table for table in tables if not table.removed and (table.key.schema, table.key.name) not in hidden]
        compared = len(seen) if compares_tables else 0
        others = sorted(
            name for name in {*plugins, *private.comparator_modules()} if not name.startswith("alembic.autogenerate.")
        )
        not_checked = limits.not_checked(context, plugins, self.replayed[index][1].last)
        return _Compared(target, context, tables, comparison, warnings, not_checked, tuple(others), compared)

    def _target(self, context: MigrationContext) -> Target:
        if context.connection is None:
            raise WorkerError("env.py configured Alembic without a database connection (offline mode).")
        return self.redirect.target_of(context.connection.dialect)

    def _database(self, dialect: Any, target: Target) -> Scratch:
        """Ask the parent for a scratch database for this target."""
        answer = self.channel.ask("need_database", dialect=dialect.name, driver=dialect.driver, target=target.label)
        if answer["type"] != "database":
            raise WorkerError(answer.get("message", "no scratch database"), answer.get("hint", ""))
        return Scratch(
            answer["database"],
            answer["host"],
            answer["port"],
            answer["user"],
            answer["password"],
            answer["mark"],
            dict(answer["query"]),
        )

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.timings[step] = round((time.perf_counter() - start) * 1000)

    def _facts(self, script: ScriptDirectory) -> Facts:
        with self._timed("describe"):
            packages = revision_packages(script)
            heads = tuple(script.get_heads())
            databases = tuple(
                self._database_facts(compared, replayed, packages, heads)
                for compared, (_, replayed) in zip(self.compared, self.replayed, strict=True)
            )
            locations = tuple(
                VersionLocation(os.path.realpath(path), package_of_path(os.path.join(path, "revision.py")))
                for path in private.version_locations(script)
            )
            owners = {*self.stacks.packages(), *(p for p in packages.values() if p)}
            owners |= {location.package for location in locations if location.package}
            described = describe_packages(owners)
        return Facts(
            python=platform.python_version(),
            alembic=alembic.__version__,
            sqlalchemy=sqlalchemy.__version__,
            config=self.request["config"],
            script_location=os.path.realpath(script.dir),
            env_py=os.path.realpath(script.env_py_location),
            version_locations=locations,
            revisions=tuple(_revision(revision, packages) for revision in script.walk_revisions()),
            heads=heads,
            databases=databases,
            packages=described,
            frames=tuple(self.stacks.frames),
            stacks=tuple(self.stacks.stacks),
            modules=_modules({package.name for package in described}),
            listeners=listeners(),
            not_checked=self.redirect.not_checked(),
            timings_ms=self.timings,
        )

    def _database_facts(
        self,
        compared: _Compared,
        replayed: Replayed,
        packages: dict[str, str | None],
        heads: tuple[str, ...],
    ) -> DatabaseFacts:
        tables, changes = self._with_places(compared)
        version_table = private.version_tables(compared.context)
        dialect = compared.context.dialect
        return DatabaseFacts(
            target=compared.target.label,
            name=replayed.name,
            dialect=dialect.name,
            driver=dialect.driver,
            server_version=".".join(map(str, dialect.server_version_info or ())),
            heads=heads,
            applied=tuple(replayed.applied),
            origins=replayed.origins(packages),
            former=replayed.former(packages),
            alterations=tuple(replayed.alterations),
            tables=tables,
            database_tables=tuple(
                key for key, _ in replayed.last.tables.values() if (key.name, key.schema) != version_table
            ),
            changes=changes,
            compared=compared.compared,
            filters=tuple(compared.comparison.filters),
            filtered=tuple(compared.comparison.filtered),
            plugins=compared.plugins,
            not_checked=(*compared.not_checked, *compared.warnings),
        )

    def _with_places(self, compared: _Compared) -> tuple[tuple[ModelTable, ...], tuple[Any, ...]]:
        """Fill in file and line, where somebody will want to know them."""
        changed: dict[TableKey, set[int]] = {}
        for change in compared.comparison.changes:
            if change.key is not None and change.item is not None:
                changed.setdefault(change.key, set()).add(change.item)
        tables = tuple(
            self._placed(table, changed.get(table.key, set()) if not table.removed else set())
            for table in compared.tables
        )
        known = {table.key: table for table in tables if not table.removed}
        changes = []
        for change in compared.comparison.changes:
            table = known.get(change.key) if change.key is not None else None
            place = table.place if table is not None else None
            if table is not None and change.item is not None:
                place = table.items[change.item].place or place
            changes.append(replace(change, place=place))
        return tables, tuple(changes)

    def _placed(self, table: ModelTable, changed: set[int]) -> ModelTable:
        items = tuple(
            replace(item, place=self._item_place(item))
            if item.stack is not None and (number in changed or item.stack != table.stack)
            else item
            for number, item in enumerate(table.items)
        )
        frame = self._innermost(table.stack)
        place = Place(frame.path, frame.line) if frame is not None else None
        return replace(table, items=items, place=place)

    def _item_place(self, item: Item) -> Place | None:
        frame = self._innermost(item.stack)
        return item_place(frame, item) if frame is not None else None

    def _innermost(self, stack: int | None) -> Any:
        if stack is None:
            return None
        frames = [self.stacks.frames[number] for number in self.stacks.stacks[stack]]
        return next((frame for frame in frames if not frame.hook), frames[0])


def _revision(revision: Any, packages: dict[str, str | None]) -> Revision:
    return Revision(
        id=revision.revision,
        path=os.path.realpath(revision.path),
        package=packages.get(revision.revision),
        version_location=os.path.dirname(os.path.realpath(revision.path)),
        down_revisions=_ids(revision.down_revision),
        depends_on=_ids(revision.dependencies),
        branch_labels=tuple(sorted(revision.branch_labels)),
        is_head=revision.is_head,
    )


def _ids(value: Any) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def _modules(packages: set[str]) -> tuple[str, ...]:
    """Loaded modules of these packages."""
    return tuple(sorted(name for name in list(sys.modules) if any(f"{name}.".startswith(f"{p}.") for p in packages)))


def _configure_mappers() -> None:
    """Generated tables exist only after the mappers are configured; the ORM may not be in use at all."""
    orm = sys.modules.get("sqlalchemy.orm")
    if orm is not None:
        orm.configure_mappers()


def _only_warnings(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def _quieten() -> None:
    """Keep Alembic's chatter off stderr; filters stay on a logger whatever env.py configures."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("alembic.") and name != _APPLICATION_LOGGER:
            logging.getLogger(name).addFilter(_only_warnings)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect what Alembic only logs, such as "Cannot compare …, assuming equal"."""
    found: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(mask(record.getMessage()))

    handler = Collect(logging.WARNING)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.disabled = False
        logger.addHandler(handler)
    try:
        yield found
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
