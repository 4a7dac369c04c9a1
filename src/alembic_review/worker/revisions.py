"""The revision scripts and their folders, as facts.

For a review of what a pull request changes, folders stand in for those that the application names. ``original`` leads
from a path in the one to that in the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from alembic.script import ScriptDirectory

from alembic_review.model.facts import Revision, VersionLocation
from alembic_review.worker import private
from alembic_review.worker.packages import package_of_path

Original = Callable[[str], str]


def revision_packages(script: ScriptDirectory, original: Original) -> dict[str, str | None]:
    """The package that owns each revision's file."""
    return {revision.revision: package_of_path(original(revision.path)) for revision in script.walk_revisions()}


def describe_revisions(
    script: ScriptDirectory, packages: dict[str, str | None], original: Original
) -> tuple[Revision, ...]:
    """Every revision, newest first."""
    return tuple(_revision(revision, packages, original(revision.path)) for revision in script.walk_revisions())


def describe_locations(script: ScriptDirectory, original: Original) -> tuple[VersionLocation, ...]:
    """The folders of revisions, in the order in which they are named."""
    paths = (original(path) for path in private.version_locations(script))
    return tuple(VersionLocation(path, package_of_path(os.path.join(path, "revision.py"))) for path in paths)


def _revision(revision: Any, packages: dict[str, str | None], path: str) -> Revision:
    return Revision(
        id=revision.revision,
        path=path,
        package=packages.get(revision.revision),
        version_location=os.path.dirname(path),
        down_revisions=_ids(revision.down_revision),
        depends_on=_ids(revision.dependencies),
        branch_labels=tuple(sorted(revision.branch_labels)),
        is_head=revision.is_head,
    )


def _ids(value: Any) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)
