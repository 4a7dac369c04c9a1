"""What revision scripts say of themselves."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from alembic.script import ScriptDirectory

Parents = Mapping[str, Collection[str]]
"""The revisions that must come before each, by ``down_revision`` and ``depends_on``."""


def names(value: Any) -> tuple[str, ...]:
    """The names in what a revision script assigned: none, one or several. Alembic takes an empty string for none."""
    return tuple(filter(None, (value,) if isinstance(value, str) else value or ()))


def parents(script: ScriptDirectory) -> Parents:
    """Of every revision, those that it stands on."""
    found: dict[str, set[str]] = {}
    for revision in script.walk_revisions():
        said = (*names(revision.down_revision), *names(revision.dependencies))
        found[revision.revision] = {one.revision for name in said for one in script.get_revisions(name)}
    return found


def folder_of(script: ScriptDirectory, name: str) -> str:
    """The folder that holds a revision."""
    revision: Any = script.get_revision(name)
    return str(os.path.dirname(os.path.realpath(revision.path)))
