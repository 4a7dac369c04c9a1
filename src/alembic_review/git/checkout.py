"""Where a folder is in its Git checkout, and which commit is checked out there."""

from __future__ import annotations

import os
from pathlib import Path

from alembic_review.git import commands
from alembic_review.model.errors import ObservationError


def path_in_checkout(root: Path | None) -> str:
    """The path of the root in its Git checkout, ``.`` for the top of the checkout; empty outside of a checkout."""
    found = _output(root, "rev-parse", "--show-prefix")
    return found.rstrip("/") or "." if found is not None else ""


def current_commit(root: Path | None) -> str:
    """The full hash of the commit that is checked out at the root; empty outside of a Git checkout."""
    return _output(root, "rev-parse", "--verify", "--quiet", "HEAD") or ""


def _output(root: Path | None, *arguments: str) -> str | None:
    if root is None:
        return None
    try:
        done = commands.run(root, *arguments)
    except ObservationError:
        return None
    return os.fsdecode(done.stdout).strip() if done.returncode == 0 else None
