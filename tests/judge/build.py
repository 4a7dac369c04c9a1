"""Literal facts: a core called ``core`` in site-packages and an application called ``app`` below ``/project``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic_review.judge import judge
from alembic_review.model.facts import (
    Alteration,
    ChangeFact,
    DatabaseFacts,
    DeclaredTable,
    Edit,
    Facts,
    Filter,
    Filtered,
    Frame,
    Item,
    ModelTable,
    Origin,
    Package,
    Place,
    Revision,
    TableKey,
    TypeUse,
    VersionLocation,
)
from alembic_review.model.review import Change, Review
from alembic_review.model.settings import Settings

ROOT = Path("/project")
SITE = "/env/lib/python3.11/site-packages"


def key(name: str) -> TableKey:
    return TableKey(None, name)


@dataclass
class World:
    """Puts facts together step by step; ``review`` judges them."""

    core: str = "core"
    app: str = "app"
    frames: list[Frame] = field(default_factory=list)
    stacks: list[tuple[int, ...]] = field(default_factory=list)
    tables: list[ModelTable] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    former: list[Origin] = field(default_factory=list)
    changes: list[ChangeFact] = field(default_factory=list)
    alterations: list[Alteration] = field(default_factory=list)
    filtered: list[Filtered] = field(default_factory=list)
    declared: list[DeclaredTable] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)

    def frame(self, package: str, line: int = 1, *, hook: bool = False) -> int:
        """``package()`` is a function of it."""
        function, package = package.endswith("()"), package.removesuffix("()")
        path = f"/project/{package}/model.py" if package == self.app else f"{SITE}/{package}/model.py"
        body = not (function or hook)
        name = "<module>" if body else "make"
        frame = Frame(path, line, name, package, f"{package}.model", hook, body)
        if frame not in self.frames:
            self.frames.append(frame)
        return self.frames.index(frame)

    def stack(self, *steps: tuple[str, int] | str, hook: str | None = None) -> int:
        """Innermost first; a step is a package, or a package and a line."""
        numbers = [self.frame(*(step if isinstance(step, tuple) else (step, 1))) for step in steps]
        if hook is not None:
            numbers.insert(0, self.frame(hook, 99, hook=True))
        self.stacks.append(tuple(numbers))
        return len(self.stacks) - 1

    def table(self, name: str, *steps: tuple[str, int] | str, hook: str | None = None, **more: Any) -> ModelTable:
        """A model table, defined by the code in these steps, with a column ``id`` and what ``items`` adds."""
        stack = self.stack(*steps, hook=hook) if steps else None
        items = (Item("column", "id", ("id",), stack), *more.pop("items", ()))
        table = ModelTable(key(name), stack, items, **more)
        self.tables.append(table)
        return table

    def created(self, name: str, package: str) -> None:
        self.origins.append(Origin(key(name), f"{package}1", package))

    def change(self, kind: str, table: str | None, name: str | None = None, **more: Any) -> None:
        """A pending change; the model's item is found by its name."""
        table_key = key(table) if table is not None else None
        model = next((entry for entry in self.tables if entry.key == table_key and not entry.removed), None)
        item = None
        if model is not None and name is not None and "item" not in more:
            item = next((number for number, entry in enumerate(model.items) if entry.name == name), None)
        values = {"item": item, "operation": len(self.changes), "python": "op.x()", "sql": None, **more}
        self.changes.append(ChangeFact(kind=kind, key=table_key, schema=None, name=name, **values))

    def facts(self) -> Facts:
        locations = (
            VersionLocation(f"/project/{self.app}/versions", self.app),
            VersionLocation(f"{SITE}/{self.core}/versions", self.core),
        )
        database = DatabaseFacts(
            target="postgresql://db/x",
            name=None,
            dialect="postgresql",
            driver="psycopg",
            server_version="18.6",
            origins=tuple(self.origins),
            former=tuple(self.former),
            alterations=tuple(self.alterations),
            tables=tuple(self.tables),
            database_tables=tuple(origin.key for origin in self.origins),
            changes=tuple(self.changes),
            compared=len(self.tables),
            filters=(Filter("include_object", Place("/project/env.py", 3)),) if self.filtered else (),
            filtered=tuple(self.filtered),
        )
        names = {frame.package for frame in self.frames if frame.package} | {self.app, self.core}
        return Facts(
            python="3.11",
            alembic="1.20.1",
            sqlalchemy="2.1.9",
            config="/project/alembic.ini",
            script_location=f"{SITE}/{self.core}/alembic",
            env_py=f"{SITE}/{self.core}/alembic/env.py",
            version_locations=locations,
            revisions=tuple(
                Revision(f"{entry.package}{number}", f"{entry.path}/{number}.py", entry.package, entry.path)
                for entry in locations
                for number in (1, 2)
            ),
            heads=(f"{self.app}2", f"{self.core}2"),
            databases=(database,),
            packages=tuple(self._package(name) for name in sorted(names)),
            frames=tuple(self.frames),
            stacks=tuple(self.stacks),
            modules=(*self.modules, f"{self.app}.model"),
        )

    def _package(self, name: str) -> Package:
        if name == self.app:
            return Package(name, (f"/project/{name}",))
        return Package(name, (f"{SITE}/{name}",), distribution=name, installed=True)

    def review(self, **settings: Any) -> Review:
        """Judge what was put together."""
        chosen = Settings(**{"root": ROOT, **settings})
        return judge(self.facts(), chosen, tuple(self.declared), tool="test", server="none", root=".")

    def only(self, **settings: Any) -> Change:
        """The one change of a review."""
        (change,) = self.review(**settings).changes
        return change


def started(core: str = "core") -> World:
    """A core table and an application's table, both in models and database, and nothing pending."""
    world = World(core=core)
    world.table("product", (core, 1))
    world.table("app_widget", ("app", 1))
    world.created("product", core)
    world.created("app_widget", "app")
    return world


__all__ = [
    "ROOT",
    "Alteration",
    "DeclaredTable",
    "Edit",
    "Filtered",
    "Item",
    "Origin",
    "TypeUse",
    "World",
    "key",
    "started",
]
