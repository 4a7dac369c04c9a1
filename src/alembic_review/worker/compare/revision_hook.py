"""The ``process_revision_directives`` of env.py, which a review does not run."""

from __future__ import annotations

from typing import Any

from alembic.migration import MigrationContext

OPTION = "process_revision_directives"
_GUARD = "alembic_review.guard"


def revision_hook(context: MigrationContext) -> Any:
    """The function of the application; ``None`` where there is none besides our own, which removes what is blocked."""
    function = context.opts.get(OPTION)
    chained = getattr(function, "__wrapped__", None)
    return chained if getattr(function, "__module__", None) == _GUARD else function
