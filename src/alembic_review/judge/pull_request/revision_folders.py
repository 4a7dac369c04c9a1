"""The version locations of which Git may have an earlier state."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path, PurePosixPath

from alembic_review.judge.ownership.application_packages import normal_name
from alembic_review.model.facts import Facts
from alembic_review.model.pull_request_base import RevisionFolder


def revision_folders(facts: Facts, distribution: str | None) -> list[RevisionFolder]:
    """Every version location; ``distribution`` is that of the project."""
    own = _own_packages(facts, distribution)
    return [_folder(entry.path, facts, own) for entry in facts.version_locations]


def _folder(path: str, facts: Facts, own: Collection[str]) -> RevisionFolder:
    """A version location, and how the package that it is part of sees it, where that is a copy in an environment."""
    for package in facts.packages:
        for folder in package.paths:
            if PurePosixPath(path).is_relative_to(folder):
                inside = PurePosixPath(package.name.replace(".", "/")) / PurePosixPath(path).relative_to(folder)
                copied = package.installed and package.name in own
                return RevisionFolder(Path(path), package.installed, inside.as_posix() if copied else None)
    return RevisionFolder(Path(path))


def _own_packages(facts: Facts, distribution: str | None) -> set[str]:
    """Packages that are the project's own sources, or made from them: those of its ``distribution``."""
    name = normal_name(distribution or "")
    return {
        package.name
        for package in facts.packages
        if package.editable
        or not package.installed
        or (distribution is not None and normal_name(package.distribution or "") == name)
    }
