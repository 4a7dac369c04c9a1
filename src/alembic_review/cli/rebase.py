"""``alembic-review revision --rebase``: move new revisions instead of writing one."""

from __future__ import annotations

import sys

from alembic_review.cli import outputs, screen
from alembic_review.model.errors import ReviewError
from alembic_review.model.secrets.known_passwords import hide
from alembic_review.model.settings import Settings

REFUSED = 1


def rebase_command(settings: Settings, parent: str, *, dry_run: bool, verbose: bool, debug: bool) -> int:
    """Move the new revisions behind ``parent``; empty for the head of the branch that they are merged into."""
    try:
        from alembic_review.workflows.revisions.rebase import rebase  # noqa: PLC0415 - not needed for --help

        with screen.progress(verbose=verbose) as progress:
            result = rebase(settings, parent or None, dry_run=dry_run, progress=progress, debug=debug)
    except ReviewError:
        raise
    except Exception as error:
        raise screen.internal_error(error) from error
    if dry_run and result.diff:
        outputs.to_stdout(hide(result.diff))
    if dry_run and result.summary:
        screen.say(result.summary.rstrip("\n"))
    elif result.summary:
        outputs.to_stdout(screen.logged(hide(result.summary)), encoding=sys.stdout.encoding)
    if result.refusal:
        screen.say(f"{result.refusal}\nHint: {result.hint}")
        return REFUSED
    if result.nothing:
        screen.say(result.nothing)
    return 0
