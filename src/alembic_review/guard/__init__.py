"""For env.py: keep out of a revision of plain Alembic whatever a review does not find safe.

>>> from alembic_review.guard import process_revision_directives      # doctest: +SKIP
>>> context.configure(..., process_revision_directives=process_revision_directives)     # doctest: +SKIP

env.py imports this module for every command of Alembic, and so does a review that runs env.py. It imports the rest only
when a revision is generated.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.operations.ops import MigrationScript
    from alembic.runtime.migration import MigrationContext

__all__ = ["chain", "process_revision_directives"]

Hook = Callable[["MigrationContext", Any, "list[MigrationScript]"], Any]
"""What ``context.configure()`` takes as ``process_revision_directives``."""


def process_revision_directives(
    context: MigrationContext,
    revision: Any,  # noqa: ANN401, ARG001 - Alembic's signature
    directives: list[MigrationScript],
) -> None:
    """Remove the operations that a review of the project does not find safe, and list them on stderr.

    Does nothing unless ``alembic revision --autogenerate`` has found something to write. Raises ``CommandError`` when
    the project can't be reviewed, and when a finding blocks that is not about a pending change.
    """
    if not _generates(context):
        return
    from alembic_review.guard.unsafe_operations import remove_unsafe  # noqa: PLC0415 - see the docstring of the module

    remove_unsafe(context, directives)


def chain(hook: Hook) -> Hook:
    """A ``process_revision_directives`` that runs the guard first and then ``hook``, which may be a ``Rewriter``."""

    # It stays a function of this module, whose `__wrapped__` a review names in its report.
    @functools.wraps(hook, assigned=("__doc__",), updated=())
    def guarded(context: MigrationContext, revision: Any, directives: list[MigrationScript]) -> Any:  # noqa: ANN401 - Alembic's signature
        process_revision_directives(context, revision, directives)
        return hook(context, revision, directives)

    return guarded


def _generates(context: MigrationContext) -> bool:
    """Tell whether a revision is generated: not inside a review, and not for ``alembic check``.

    That command also generates a revision. It reports what the revision would contain, which must be everything.
    """
    from alembic import command  # noqa: PLC0415 - see the docstring of the module

    from alembic_review.processes import VARIABLE  # noqa: PLC0415

    generated = context.opts.get("revision_context")
    if os.environ.get(VARIABLE) or generated is None or not generated.command_args.get("autogenerate"):
        return False
    code = getattr(context.opts.get("fn"), "__code__", None)
    return all(code is not constant for constant in command.check.__code__.co_consts)
