"""Whose project is this: which import packages are the application's own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePath

from alembic_review.judge.locations import Locations
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import Facts, Frame, Package
from alembic_review.model.settings import Settings


def custom_packages(facts: Facts, settings: Settings) -> tuple[str, ...]:
    """The packages whose tables are custom; empty when the settings say that nothing is.

    In this order: the settings; the packages of the root's own distribution, and modules below the root that no other
    distribution owns; without a root, those of the one distribution that is installed in editable mode. Raises
    ``UsageError`` when none is found, or several could be meant.
    """
    if settings.custom is not None:
        return _named(facts, settings.custom)
    counts = _tables_of(facts)
    if settings.root is not None:
        own = _below_root(facts, settings)
        if own:
            return own
        raise _undecided(f"No custom package was found below {settings.root}.", counts)
    own = _editable(facts, counts)
    if own:
        return own
    raise _undecided("There is no project folder to tell custom tables by.", counts)


def project_name(facts: Facts, settings: Settings) -> str:
    """What to call code of the project that lies in no package: its distribution, its folder, the Alembic folder."""
    if settings.distribution:
        return settings.distribution
    if settings.root is not None and settings.root.name:
        return settings.root.name
    return PurePath(facts.script_location).name


def _named(facts: Facts, custom: tuple[str, ...]) -> tuple[str, ...]:
    known = {package.name for package in facts.packages} | {module.partition(".")[0] for module in facts.modules}
    for name in custom:
        if name not in known:
            raise UsageError(
                f"The settings call {name} custom, but nothing of that package was loaded.",
                hint=f"Packages that take part: {', '.join(sorted(known)) or 'none'}.",
            )
    return tuple(dict.fromkeys(custom))


def _below_root(facts: Facts, settings: Settings) -> tuple[str, ...]:
    own = [package.name for package in facts.packages if _is_own(package, settings)]
    locations = Locations(settings.root, facts.packages)
    loose = any(frame.package is None and locations.in_project(frame.path) for frame in _table_frames(facts))
    script = not own and any(
        location.package is None and locations.in_project(f"{location.path}/revision.py")
        for location in facts.version_locations
    )
    if not own and (loose or script):
        return (project_name(facts, settings),)
    return tuple(own)


def _is_own(package: Package, settings: Settings) -> bool:
    root = settings.root
    assert root is not None
    if package.distribution is not None:
        same = settings.distribution is not None and _normal(package.distribution) == _normal(settings.distribution)
        return same or package.project == str(root.resolve())
    below = bool(package.paths) and all(PurePath(path).is_relative_to(root.resolve()) for path in package.paths)
    return below and not package.installed


def _editable(facts: Facts, counts: Counter[str]) -> tuple[str, ...]:
    taking_part = set(counts) | {location.package for location in facts.version_locations if location.package}
    editable = [package for package in facts.packages if package.editable and package.name in taking_part]
    others = [package for package in facts.packages if not package.editable and package.name in taking_part]
    if others and len({package.distribution for package in editable}) == 1:
        return tuple(package.name for package in editable)
    loose = [package.name for package in others if not package.installed and package.distribution is None]
    return () if editable else tuple(loose)


def _tables_of(facts: Facts) -> Counter[str]:
    """How many tables the code of each package defines, innermost."""
    return Counter(frame.package for frame in _table_frames(facts) if frame.package)


def _table_frames(facts: Facts) -> Iterator[Frame]:
    for database in facts.databases:
        for table in database.tables:
            if table.stack is None:
                continue
            frames = [facts.frames[number] for number in facts.stacks[table.stack]]
            yield next((frame for frame in frames if not frame.hook), frames[0])


def _undecided(message: str, counts: Counter[str]) -> UsageError:
    rows = [f"  {name}: {_count(number)}" for name, number in sorted(counts.items())]
    listed = "\n".join(["Packages that define tables:", *rows]) if rows else "No package defines a table."
    example = next(iter(sorted(counts)), "poser")
    return UsageError(
        f"{message}\n{listed}",
        hint=f'Say which are yours: --custom {example}, or custom = ["{example}"] under [tool.alembic-review].',
    )


def _count(number: int) -> str:
    return f"{number} table" if number == 1 else f"{number} tables"


def _normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
