"""Where a folder is in its Git checkout, and which commit is checked out there."""

from __future__ import annotations

import os
from pathlib import Path

from alembic_review.git import commands
from alembic_review.model.errors import ObservationError


def path_in_checkout(root: Path | None) -> str:
    """The root as a path inside its Git checkout (``.`` for the checkout's own top); empty outside of one."""
    found = _output(root, "rev-parse", "--show-prefix")
    return found.rstrip("/") or "." if found is not None else ""


def current_commit(root: Path | None) -> str:
    """The full name of the commit that is checked out at the root; empty outside of a Git checkout."""
    return _output(root, "rev-parse", "--verify", "--quiet", "HEAD") or ""


def _output(root: Path | None, *arguments: str) -> str | None:
    if root is None:
        return None
    try:
        done = commands.run(root, *arguments)
    except ObservationError:
        return None
    return os.fsdecode(done.stdout).strip() if done.returncode == 0 else None
