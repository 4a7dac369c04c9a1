"""What one session observed, put together as facts."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

import alembic
import sqlalchemy
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from alembic_review.model.facts import (
    Creation,
    DatabaseFacts,
    Facts,
    Frame,
    Item,
    ModelTable,
    OrmClass,
    Place,
    Revision,
    TableKey,
    VersionLocation,
)
from alembic_review.model.optional_steps import Attempts
from alembic_review.worker import internals
from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.compare.comparison import Comparison
from alembic_review.worker.definitions.attribute_lines import item_place
from alembic_review.worker.definitions.column_creation import listeners
from alembic_review.worker.definitions.compile_rules import compile_rules
from alembic_review.worker.environment.env_py import Environment
from alembic_review.worker.environment.revision_scripts import names
from alembic_review.worker.packages import STDLIB, describe_packages, is_installed, package_of_path, search_path
from alembic_review.worker.redirect.connections import Target
from alembic_review.worker.replay.downgrade_differences import not_undone, types_left
from alembic_review.worker.replay.upgrade import Replayed, revision_packages


@dataclass
class Compared:
    """One target after the comparison. ``compared`` counts the tables of the models that were looked at."""

    target: Target
    replayed: Replayed
    context: MigrationContext
    version_table: TableKey
    version_tables: tuple[TableKey, ...]
    tables: tuple[ModelTable, ...]
    comparison: Comparison
    creations: tuple[Creation, ...]
    other_creations: tuple[Creation, ...]
    declarations: tuple[OrmClass, ...]
    warnings: list[str]
    not_checked: tuple[str, ...]
    unseen: tuple[str, ...]
    plugins: tuple[str, ...]
    compared: int
    modelless: bool = False
    scratch: str = ""
    views: frozenset[TableKey] = frozenset()


def facts(
    environment: Environment,
    script: ScriptDirectory,
    stacks: Stacks,
    databases: list[Compared],
    attempts: Attempts,
) -> Facts:
    """Everything that was seen of the application."""
    original = environment.folders.original
    packages = revision_packages(script, environment.folders)
    heads = tuple(script.get_heads())
    paths = dict.fromkeys(original(os.path.realpath(path)) for path in internals.version_locations(script))
    locations = tuple(VersionLocation(path, package_of_path(os.path.join(path, "revision.py"))) for path in paths)
    described = tuple(_database(compared, stacks, packages, heads, attempts) for compared in databases)
    owners = {*stacks.packages(), *(p for p in packages.values() if p)}
    owners |= {location.package for location in locations if location.package}
    owning = describe_packages(owners)
    return Facts(
        python=platform.python_version(),
        alembic=alembic.__version__,
        sqlalchemy=sqlalchemy.__version__,
        config=environment.file,
        script_location=os.path.realpath(script.dir),
        env_py=os.path.realpath(script.env_py_location),
        version_locations=locations,
        revisions=tuple(_revision(revision, packages, original) for revision in script.walk_revisions()),
        heads=heads,
        databases=described,
        packages=owning,
        frames=tuple(stacks.frames),
        stacks=tuple(stacks.stacks),
        modules=_modules({package.name for package in owning}),
        search_path=search_path(),
        listeners=attempts.attempt("functions that listen to every table", listeners, ()),
        compile_rules=compile_rules({database.dialect for database in described}),
    )


def _database(
    compared: Compared, stacks: Stacks, packages: dict[str, str | None], heads: tuple[str, ...], attempts: Attempts
) -> DatabaseFacts:
    replayed, dialect = compared.replayed, compared.context.dialect
    trial = (replayed.before, replayed.after) if replayed.before is not None and replayed.after is not None else None
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
        creations=compared.creations,
        other_creations=compared.other_creations,
        before=tuple(key for key in replayed.existed_before() if key != compared.version_table),
        alterations=tuple(replayed.alterations),
        tables=_with_places(compared, stacks, attempts),
        database_tables=tuple(key for key, _ in replayed.last.tables.values() if key != compared.version_table),
        version_tables=compared.version_tables,
        changes=tuple(compared.comparison.changes),
        declarations=compared.declarations,
        compared=compared.compared,
        filters=tuple(compared.comparison.filters),
        filtered=tuple(compared.comparison.filtered),
        hidden=tuple(compared.comparison.hidden),
        plugins=compared.plugins,
        not_checked=(*compared.not_checked, *sorted(compared.warnings)),
        unseen=(*compared.unseen, *sorted(compared.warnings)),
        not_undone=tuple(not_undone(*trial)) if trial else (),
        types_left=tuple(types_left(*trial)) if trial else (),
        version_table=compared.version_table,
        default_schema=dialect.default_schema_name,
        modelless=compared.modelless,
        scratch=compared.scratch,
    )


def _with_places(compared: Compared, stacks: Stacks, attempts: Attempts) -> tuple[ModelTable, ...]:
    """Fill in file and line, where somebody will want to know them."""
    changed: dict[TableKey, set[int]] = {}
    for change in chain.from_iterable((each, *each.replaces) for each in compared.comparison.changes):
        if change.key is not None and change.item is not None:
            changed.setdefault(change.key, set()).add(change.item)
    found = []
    for table in compared.tables:
        numbers = changed.get(table.key, set()) if not table.removed else set()
        placed = partial(_placed, table, numbers, stacks)
        what = f"locations of columns, indexes and constraints of the table {table.key.name}"
        found.append(attempts.attempt(what, placed, table))
    return tuple(found)


def _placed(table: ModelTable, changed: set[int], stacks: Stacks) -> ModelTable:
    items = tuple(
        replace(item, places=_item_places(item, stacks))
        if item.stack is not None and (number in changed or item.stack != table.stack)
        else item
        for number, item in enumerate(table.items)
    )
    return replace(table, items=items)


def _item_places(item: Item, stacks: Stacks) -> tuple[Place, ...]:
    numbers = stacks.stacks[item.stack] if item.stack is not None else ()
    return tuple(item_place(stacks.frames[number], item) for number in numbers)


def statement(stack: int | None, stacks: Stacks) -> Frame | None:
    """The frame with the statement that defines something; without any, the innermost function."""
    if stack is None:
        return None
    frames = [stacks.frames[number] for number in stacks.stacks[stack]]
    plain = [frame for frame in frames if not frame.hook] or frames
    return next((frame for frame in plain if frame.body), plain[0])


def _revision(revision: Any, packages: dict[str, str | None], original: Callable[[str], str]) -> Revision:
    path = original(os.path.realpath(revision.path))
    return Revision(
        id=revision.revision,
        path=path,
        package=packages.get(revision.revision),
        version_location=os.path.dirname(path),
        down_revisions=names(revision.down_revision),
        depends_on=names(revision.dependencies),
        branch_labels=tuple(sorted(revision.branch_labels)),
        is_head=revision.is_head,
        message=(revision.doc or "").strip().split("\n", 1)[0],
    )


def _modules(packages: set[str]) -> tuple[str, ...]:
    """Loaded modules of these packages, and those that are not installed."""
    found = set()
    heads = tuple(f"{package}." for package in packages)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        below = f"{name}.".startswith(heads)
        # Most modules are installed, and to look at each of their files takes time.
        loose = isinstance(file, str) and f"{os.sep}site-packages{os.sep}" not in file and not file.startswith(STDLIB)
        if below or (loose and not is_installed(file)):
            found.add(name)
    return tuple(sorted(found))
