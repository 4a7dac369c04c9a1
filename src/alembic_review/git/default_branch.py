"""The branch that pull requests are merged into, where nobody names it."""

from __future__ import annotations

import os
from pathlib import Path

from alembic_review.git.commands import run

_USUAL = ("origin/main", "origin/master", "main", "master")


def default_branch(root: Path) -> str:
    """The remote's default branch, else a branch with a usual name; ``origin/main`` where there is none of them."""
    named = run(root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    if named.returncode == 0:
        return os.fsdecode(named.stdout).strip()
    return next((ref for ref in _USUAL if _is_commit(root, ref)), _USUAL[0])


def _is_commit(root: Path, ref: str) -> bool:
    return run(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").returncode == 0
