"""Whose project is this: which import packages are the application's own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path, PurePath

from alembic_review.judge.portable_locations import Locations
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import Facts, Frame, Package
from alembic_review.model.settings import Settings

_NO_CANDIDATES = "No package defines tables or brings revisions."
_NO_FILE = "No pyproject.toml, setup.cfg or setup.py was found"


def custom_packages(facts: Facts, settings: Settings) -> tuple[str, ...]:
    """The packages whose tables are custom; empty when the settings say that nothing is.

    In this order: the settings; the packages of the root's own distribution, and modules below the root that no other
    distribution owns; without a project file, those of the one distribution that is installed in editable mode, else
    what lies below the working directory and belongs to no distribution. Raises ``UsageError`` when none is found, or
    several could be meant.
    """
    if settings.custom is not None:
        return _named(facts, settings.custom)
    if not settings.project_file or settings.root is None:
        editable = _editable(facts)
        loose = settings.root is not None and _defining(facts, _own(facts, settings))
        if len({package.distribution for package in editable}) > 1 or (editable and loose):
            raise _undecided(f"{_NO_FILE}, and several projects define tables or bring revisions.", facts)
        if editable:
            return tuple(package.name for package in editable)
        if settings.root is None:
            raise _undecided(f"{_NO_FILE} outside of the environment.", facts)
    assert settings.root is not None
    return _below_root(facts, settings, settings.root)


def own_packages(facts: Facts, settings: Settings) -> tuple[str, ...]:
    """The packages of the root's own distribution, and those below the root that no distribution owns."""
    return tuple(package.name for package in _own(facts, settings)) if settings.root is not None else ()


def _own(facts: Facts, settings: Settings) -> list[Package]:
    return [package for package in facts.packages if _is_own(package, facts, settings)]


def loose_folders(facts: Facts, settings: Settings, custom: Collection[str]) -> tuple[str, ...]:
    """The folders whose modules are the application's, imported or not: those of a project that no distribution is.

    They are on the search path, at or below the root. The folders of other distributions are left out.
    """
    if settings.root is None or settings.custom == ():
        return ()
    own, root = _own(facts, settings), settings.root.resolve()
    others = {package.name for package in facts.packages}.difference(package.name for package in own)
    if _of_distribution(own) or (custom and others.issuperset(custom)):
        return ()
    projects = [PurePath(package.project) for package in facts.packages if package.project]
    nested = [project for project in projects if project != root and project.is_relative_to(root)]
    return tuple(
        folder
        for folder in facts.search_path
        if PurePath(folder).is_relative_to(root) and not any(PurePath(folder).is_relative_to(one) for one in nested)
    )


def project_name(facts: Facts, settings: Settings, custom: Collection[str] = ()) -> str:
    """What to call code of the project that lies in no package: its distribution, its folder, the Alembic folder.

    Never the name of a package that is not custom: a folder may be called what the core is called.
    """
    name = settings.distribution
    if not name and settings.root is not None:
        name = settings.root.name
    name = name or PurePath(facts.script_location).name
    taken = {package.name for package in facts.packages}.difference(custom)
    return f"{name} (project)" if name in taken else name


def _named(facts: Facts, custom: tuple[str, ...]) -> tuple[str, ...]:
    known = {package.name for package in facts.packages}
    for name in custom:
        if name not in known:
            found = ", ".join(candidates(facts)) or "none"
            raise UsageError(
                f"`custom` names {name}, but no package of that name defines models or revisions in this project.",
                hint=f"Packages that define tables or bring revisions: {found}.",
            )
    return tuple(dict.fromkeys(custom))


def _below_root(facts: Facts, settings: Settings, root: Path) -> tuple[str, ...]:
    own = _own(facts, settings)
    others = _others_below(facts, own, root)
    # Loose files alone don't outweigh a distribution below the root that defines tables.
    if not _of_distribution(own) and (len(others) > 1 or (others and not _defining(facts, own))):
        listed = ", ".join(sorted(others))
        raise _undecided(f"Below {root}, tables are defined by distributions other than its own: {listed}.", facts)
    if own:
        return tuple(package.name for package in own)
    if _is_loose(facts, settings):
        return (project_name(facts, settings),)
    raise _undecided(f"No custom package was found below {root}.", facts)


def _of_distribution(packages: list[Package]) -> bool:
    return any(package.distribution is not None for package in packages)


def _defining(facts: Facts, packages: list[Package]) -> bool:
    counts = _tables_of(facts)
    return any(counts[package.name] for package in packages)


def _others_below(facts: Facts, own: list[Package], root: Path) -> set[str]:
    """Distributions other than the root's own whose sources lie below the root and define tables."""
    counts = _tables_of(facts)
    return {
        package.distribution
        for package in facts.packages
        if package.distribution is not None
        and package not in own
        and counts[package.name]
        and not package.installed
        and _lies_below(package, root)
    }


def _is_own(package: Package, facts: Facts, settings: Settings) -> bool:
    root = settings.root
    assert root is not None
    if package.distribution is not None:
        same = settings.distribution is not None and normal_name(package.distribution) == normal_name(
            settings.distribution
        )
        return same or package.project == str(root.resolve())
    if package.paths:
        return not package.installed and _lies_below(package, root)
    # Its revisions are there, but nobody imported it: the folders of its revisions tell.
    folders = [location.path for location in facts.version_locations if location.package == package.name]
    locations = Locations(root, facts.packages)
    return bool(folders) and all(locations.in_project(f"{folder}/revision.py") for folder in folders)


def _lies_below(package: Package, root: Path) -> bool:
    return bool(package.paths) and all(PurePath(path).is_relative_to(root.resolve()) for path in package.paths)


def _is_loose(facts: Facts, settings: Settings) -> bool:
    """Tell whether files below the root that lie in no package define tables or hold revisions."""
    locations = Locations(settings.root, facts.packages)
    if any(frame.package is None and locations.in_project(frame.path) for frame in _table_frames(facts)):
        return True
    return any(
        location.package is None and locations.in_project(f"{location.path}/revision.py")
        for location in facts.version_locations
    )


def _editable(facts: Facts) -> list[Package]:
    """The packages of editable distributions that define tables or bring revisions."""
    taking_part = candidates(facts)
    return [package for package in facts.packages if package.editable and package.name in taking_part]


def candidates(facts: Facts) -> dict[str, int]:
    """The packages that define tables or bring revisions themselves, each with its number of tables.

    A library that supplies a base class, a mixin, a type or a function for somebody else's tables is none of them.
    """
    bringing = {location.package for location in facts.version_locations}
    counts = _tables_of(facts)
    return {name: counts[name] for name in sorted({*counts, *(package for package in bringing if package is not None)})}


def _tables_of(facts: Facts) -> Counter[str]:
    """How many tables the code of each package defines."""
    return Counter(frame.package for frame in _table_frames(facts) if frame.package)


def _table_frames(facts: Facts) -> Iterator[Frame]:
    """The frame that defines each table: the innermost of a package with revisions, else of a module or class body."""
    bringing = {location.package for location in facts.version_locations} - {None}
    for database in facts.databases:
        for table in database.tables:
            stack = facts.stacks[table.stack] if table.stack is not None else ()
            frames = [frame for frame in (facts.frames[number] for number in stack) if not frame.hook]
            migrating = [frame for frame in frames if frame.package in bringing]
            yield from (migrating or [frame for frame in frames if frame.body])[:1]


def _undecided(message: str, facts: Facts) -> UsageError:
    found = candidates(facts)
    rows = [f"  {name}: {_count(number)}" for name, number in found.items()]
    listed = "\n".join(["Packages that define tables or bring revisions:", *rows]) if rows else _NO_CANDIDATES
    installed = {package.name for package in facts.packages if package.installed and not package.editable}
    # Which of several installed packages is the application, nothing tells.
    example = next((name for name in found if name not in installed), "PACKAGE")
    return UsageError(
        f"{message}\n{listed}",
        hint=f'Name yours: --custom {example}, or custom = ["{example}"] under [tool.alembic-review].',
    )


def _count(number: int) -> str:
    return f"{number} table" if number == 1 else f"{number} tables"


def normal_name(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
