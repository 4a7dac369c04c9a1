"""Literal facts for the judge, written down the way one thinks of an application.

A frame is ``"package:line"`` for the body of a module, innermost first; ``"package():line"`` is a function,
``"!package:line"`` a class-creation hook, ``"./tool.py:3"`` a loose file of the project, ``"/etc/tool.py:3"`` a loose
file elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alembic_review.judge import judge
from alembic_review.model.accepting import NO_COMMENTS, Comments
from alembic_review.model.facts import (
    Alteration,
    ChangeFact,
    Creation,
    DatabaseFacts,
    DeclaredTable,
    Downgrade,
    Edit,
    Facts,
    Filter,
    Filtered,
    Frame,
    Hidden,
    Item,
    Listener,
    ModelTable,
    OrderTrial,
    Origin,
    OrmClass,
    Package,
    Privilege,
    Revision,
    ServerChange,
    TableKey,
    TypeUse,
    Untargeted,
    VersionLocation,
)
from alembic_review.model.proofs import Proofs, ProvedFacts
from alembic_review.model.pull_request_base import PullRequestBase
from alembic_review.model.review import Change, Finding, Review, Table
from alembic_review.model.settings import Settings

APP, CORE, ANNEX, SCRIBE, HELPER = "poser", "basis", "annex", "scribe", "helper"
"""The application, the core, a second core package, a generator of tables, and a package that owns nothing."""

ROOT = Path("/project")
SETTINGS = Settings(root=ROOT, distribution=APP)
CORE_REVISION, APP_REVISION, ANNEX_REVISION = "c1", "a1", "x1"


def key(table: str) -> TableKey:
    """``schema.table`` or ``table``."""
    schema, _, name = table.rpartition(".")
    return TableKey(schema or None, name)


def folder(package: str) -> str:
    return f"{ROOT}/{package}" if package == APP else f"/site/{package}"


def package(name: str, **fields: Any) -> Package:
    """A package below the root without a distribution for the application, an installed one for all others."""
    if name == APP:
        made = Package(name, (folder(name),))
    else:
        made = Package(name, (folder(name),), distribution=name, installed=True)
    return replace(made, **fields)


def frame(text: str) -> Frame:
    path, _, line = text.partition(":")
    number = int(line or 1)
    if "/" in path:
        return Frame(path.replace("./", f"{ROOT}/", 1) if path.startswith(".") else path, number, "<module>", body=True)
    name = path.removeprefix("!").removesuffix("()")
    hook = path.startswith("!")
    function = "__init_subclass__" if hook else "make" if path.endswith("()") else "<module>"
    body = function == "<module>"
    return Frame(f"{folder(name)}/model.py", number, function, name, f"{name}.model", hook, body)


@dataclass
class World:
    """Facts under construction. What is added first gets the lower numbers, as with a real worker."""

    settings: Settings = SETTINGS
    packages: list[Package] = field(default_factory=lambda: [package(name) for name in (APP, CORE, ANNEX, SCRIBE)])
    locations: list[VersionLocation] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)
    declared: list[DeclaredTable] = field(default_factory=list)
    modules: list[str] = field(default_factory=lambda: [f"{name}.model" for name in (APP, CORE, ANNEX, SCRIBE)])
    listeners: list[Listener] = field(default_factory=list)
    order_trials: list[OrderTrial] = field(default_factory=list)
    history: PullRequestBase | None = None
    comments: Comments = NO_COMMENTS
    superuser: Privilege | None = None
    server_changes: list[ServerChange] = field(default_factory=list)
    untargeted: list[Untargeted] = field(default_factory=list)
    proofs: Proofs = field(default_factory=Proofs)
    frames: list[Frame] = field(default_factory=list)
    stacks: list[tuple[int, ...]] = field(default_factory=list)
    databases: list[Database] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, revision in ((APP, APP_REVISION), (CORE, CORE_REVISION), (ANNEX, ANNEX_REVISION)):
            self.revision(revision, name, f"{folder(name)}/versions")
        self.database()

    def revision(
        self, name: str, package: str | None, location: str, down: str | None = None, labels: tuple[str, ...] = ()
    ) -> None:
        self.revisions.append(Revision(name, f"{location}/{name}.py", package, location, branch_labels=labels))
        if down is not None:
            self.follow(name, down)
        if location not in {entry.path for entry in self.locations}:
            self.locations.append(VersionLocation(location, package))

    def follow(self, name: str, *down: str) -> None:
        """Have a revision follow others."""
        self.revisions = [
            replace(revision, down_revisions=down) if revision.id == name else revision for revision in self.revisions
        ]

    def database(self, name: str | None = None) -> Database:
        made = Database(self, name)
        self.databases.append(made)
        return made

    def stack(self, at: Sequence[str] | None) -> int | None:
        """The number of a stack of these frames."""
        if at is None:
            return None
        numbers = []
        for made in map(frame, at):
            if made not in self.frames:
                self.frames.append(made)
            numbers.append(self.frames.index(made))
        if tuple(numbers) not in self.stacks:
            self.stacks.append(tuple(numbers))
        return self.stacks.index(tuple(numbers))

    def facts(self) -> Facts:
        return ProvedFacts(
            python="3.11.0",
            alembic="1.20.0",
            sqlalchemy="2.1.0",
            config="/project/alembic.ini",
            script_location="/site/basis/alembic",
            env_py="/site/basis/alembic/env.py",
            version_locations=tuple(self.locations),
            revisions=self._linked(),
            heads=tuple(revision.id for revision in self.revisions),
            databases=tuple(database.facts() for database in self.databases),
            packages=tuple(self.packages),
            frames=tuple(self.frames),
            stacks=tuple(self.stacks),
            modules=tuple(self.modules),
            listeners=tuple(self.listeners),
            order_trials=tuple(self.order_trials),
            superuser=self.superuser,
            server_changes=tuple(self.server_changes),
            untargeted=tuple(self.untargeted),
            proofs=self.proofs,
        )

    def _linked(self) -> tuple[Revision, ...]:
        followed = {name for revision in self.revisions for name in revision.down_revisions}
        return tuple(replace(revision, is_head=revision.id not in followed) for revision in self.revisions)

    def review(self) -> Review:
        facts, declared = self.facts(), tuple(self.declared)
        return judge(
            facts,
            self.settings,
            declared,
            tool="t",
            server="s",
            root=".",
            history=self.history,
            comments=self.comments,
        )

    # The first database is what nearly every test is about.

    def table(self, name: str, at: Sequence[str] | None, **fields: Any) -> None:
        self.databases[0].table(name, at, **fields)

    def item(self, kind: str, name: str | None, at: Sequence[str] | None, **fields: Any) -> Item:
        return Item(kind, name, stack=self.stack(at), **_columns(kind, name, fields))

    def edit(self, kind: str, name: str | None, attribute: str, at: Sequence[str] | None = None, **fields: Any) -> Edit:
        return Edit(kind, name, attribute, self.stack(at), **fields)

    def change(self, kind: str, table: str | None, name: str | None = None, **fields: Any) -> None:
        self.databases[0].change(kind, table, name, **fields)

    def alter(self, revision: str, table: str, kind: str, action: str, name: str | None = None, **fields: Any) -> None:
        """``before`` and ``after`` are filled in unless given."""
        made: dict[str, Any] = {"before": "was" if action != "added" else None}
        made["after"] = "is" if action != "removed" else None
        made["columns"] = (name,) if kind == "column" and name else ()
        made.update(fields)
        alteration = Alteration(revision, key(table), kind, action, name, **made)
        self.databases[0].alterations.append(alteration)

    def outside(self, table: str, at: Sequence[str] | None, metadata: int = 0, **fields: Any) -> None:
        """A table that is in no target metadata."""
        self.untargeted.append(Untargeted(key(table), self.stack(at), metadata, **fields))

    def declare(self, table: str | None, module: str, schema: str | None = None) -> None:
        path = f"{ROOT}/{module.replace('.', '/')}.py"
        self.declared.append(DeclaredTable(module.partition(".")[0], module, table, path, 5, schema))


@dataclass
class Database:
    """One database under construction."""

    world: World
    name: str | None = None
    tables: list[ModelTable] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    former: list[Origin] = field(default_factory=list)
    present: list[TableKey] = field(default_factory=list)
    version_tables: list[TableKey] = field(default_factory=list)
    creations: list[Creation] = field(default_factory=list)
    before: list[TableKey] = field(default_factory=list)
    alterations: list[Alteration] = field(default_factory=list)
    changes: list[ChangeFact] = field(default_factory=list)
    declarations: list[OrmClass] = field(default_factory=list)
    downgrades: list[Downgrade] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    filtered: list[Filtered] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    compared: int | None = None

    def table(
        self,
        name: str,
        at: Sequence[str] | None,
        *,
        by: str | None = None,
        columns: Sequence[str] = ("uuid",),
        items: Sequence[Item] = (),
        **fields: Any,
    ) -> None:
        """A model made at ``at``, in the database when the revision ``by`` created it. ``columns`` are its own."""
        stack = self.world.stack(at)
        own = tuple(Item("column", column, (column,), stack) for column in columns)
        if "sources" in fields:
            fields["sources"] = tuple(key(source) for source in fields["sources"])
        if "removal" in fields:
            fields["removal"] = self.world.stack(fields["removal"])
        if "edits" in fields:
            fields["edits"] = tuple(fields["edits"])
        self.tables.append(ModelTable(key(name), stack, (*own, *items), **fields))
        if by is not None:
            self.created(name, by)

    def created(self, name: str, by: str) -> None:
        """A table in the database, and the revision that created it; it needs no model."""
        revision = next(entry for entry in self.world.revisions if entry.id == by)
        self.origins.append(Origin(key(name), by, revision.package))
        self.present.append(key(name))

    def create(self, *names: str, by: str = "", at: Sequence[str] | None = None) -> None:
        """Tables that were created from the models: by a revision, or by code outside of all at ``at``."""
        stack = self.world.stack(at)
        self.creations += [Creation(key(name), "metadata.create_all()", stack, by) for name in names]

    def stray(self, name: str) -> None:
        """A table in the database that no known revision created."""
        self.present.append(key(name))

    def existed(self, name: str) -> None:
        """A table that the settings made before the first revision."""
        self.stray(name)
        self.before.append(key(name))

    def change(self, kind: str, table: str | None, name: str | None = None, **fields: Any) -> None:
        """``item`` is found by kind and name, or by its columns, unless given."""
        made: dict[str, Any] = {"python": f"op.{kind}()", "sql": None, "operation": len(self.changes)}
        made["columns"] = (name,) if name and "column" in kind else ()
        made.update(fields)
        where = key(table) if table is not None else None
        if where is not None and "item" not in made and not kind.endswith("_table"):
            made["item"] = self._item(where, name, made["columns"])
        schema = where.schema if where is not None else None
        self.changes.append(ChangeFact(kind, where, schema, name, **made))

    def _item(self, where: TableKey, name: str | None, columns: Any) -> int | None:
        for model in self.tables:
            if model.key == where and not model.removed:
                for number, item in enumerate(model.items):
                    if item.name == name if name is not None else item.columns == columns:
                        return number
        return None

    def facts(self) -> DatabaseFacts:
        live = [model for model in self.tables if not model.removed]
        return DatabaseFacts(
            target=f"postgresql://db.invalid/{self.name or 'main'}",
            name=self.name,
            dialect="postgresql",
            driver="psycopg",
            server_version="18.6",
            origins=tuple(self.origins),
            former=tuple(self.former),
            creations=tuple(self.creations),
            before=tuple(self.before),
            alterations=tuple(self.alterations),
            tables=tuple(self.tables),
            database_tables=tuple(self.present),
            version_tables=tuple(self.version_tables),
            changes=tuple(self.changes),
            declarations=tuple(self.declarations),
            downgrades=tuple(self.downgrades),
            compared=len(live) if self.compared is None else self.compared,
            filters=tuple(self.filters),
            filtered=tuple(self.filtered),
            hidden=tuple(self.hidden),
            not_checked=tuple(self.not_checked),
            unseen=tuple(self.unseen),
        )


def _columns(kind: str, name: str | None, fields: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"columns": (name,) if kind == "column" and name else ()}
    made.update(fields)
    return made


def use(table: str, column: str, where: str = "models", values: tuple[str, ...] = ("a", "b")) -> TypeUse:
    return TypeUse(key(table), column, where, values if where == "models" else ())


def basics() -> World:
    """A core table ``product`` and a custom table ``poser_widget``, both with a model and in the database."""
    world = World()
    world.table("product", ["basis:10"], by=CORE_REVISION, columns=("uuid", "name"))
    world.table("poser_widget", ["poser:10"], by=APP_REVISION, columns=("uuid", "size"))
    return world


def only(review: Review) -> Change:
    """The one change of a review."""
    (change,) = review.changes
    return change


def verdicts(review: Review) -> list[str]:
    """``"blocked add_column product.label"`` for each change."""
    return [
        " ".join([change.verdict.value, change.kind, ".".join(filter(None, (change.table, change.name)))])
        for change in review.changes
    ]


def found(review: Review, code: str) -> list[Finding]:
    """The findings of one check."""
    return [finding for finding in review.findings if finding.code == code]


def table(review: Review, name: str) -> Table:
    return next(entry for entry in review.tables if entry.name == name)
