"""``alembic-review revision``: write what is safe, or move what is new."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from alembic_review.cli import outputs, screen
from alembic_review.cli.options import DEBUG, RENAME, VERBOSE, WHAT, What, options
from alembic_review.cli.rebase import rebase_command
from alembic_review.config import CommandLine, load
from alembic_review.model.errors import ReviewError, UsageError
from alembic_review.model.revision_plan import Wish
from alembic_review.model.secrets.known_passwords import hide
from alembic_review.model.settings import Settings

if TYPE_CHECKING:
    from alembic_review.workflows.revisions.trial import Result

REFUSED = 1


@click.command("revision", short_help="Write the safe changes as a revision, or move new revisions.")
@options(
    click.option("-m", "--message", metavar="TEXT", help="The revision message; required without --rebase."),
    click.option(
        "--rebase",
        is_flag=False,
        flag_value="",
        metavar="[PARENT]",
        help="Move the new revisions of a pull request instead, behind PARENT.  [default: the head of --since]",
    ),
    click.option(
        "--since",
        metavar="REF",
        help="With --rebase: the branch to merge into.  [default: the remote's default branch]",
    ),
    click.option("--package", metavar="NAME", help="The custom package to write for.  [default: every one]"),
    click.option("--version-path", metavar="DIR", help="The folder of the new file.  [default: detected]"),
    click.option("--rev-id", metavar="ID", help="An id for the revision.  [default: a random one]"),
    click.option("--leave-out-blocked", is_flag=True, help="Write the safe changes even if others are blocked."),
    click.option("--with-blind-spots", is_flag=True, help="Also write differences that Alembic does not compare."),
    click.option("--dry-run", is_flag=True, help="Print the file, or the difference, instead of writing it."),
    RENAME,
    *WHAT,
    VERBOSE,
    DEBUG,
)
def revision_command(  # noqa: PLR0913 - one parameter per option
    *,
    message: str | None,
    rebase: str | None,
    since: str | None,
    package: str | None,
    version_path: str | None,
    rev_id: str | None,
    leave_out_blocked: bool,
    with_blind_spots: bool,
    dry_run: bool,
    rename: tuple[str, ...],
    verbose: bool,
    debug: bool,
    **what: Unpack[What],
) -> int:
    """Write the safe changes as a new revision, after testing its upgrade and downgrade.

    The revision follows the head of your branch, is written to your version location, and contains no changes to core
    tables. If a change is blocked, or if the test fails, nothing is written and the exit status is 1.

    With --rebase, the new revisions of a pull request are moved behind the head of the branch to merge into:
    down_revision and "Revises:" in the file of the first one are replaced, after all revisions were tested in the new
    order.
    """
    if rebase is not None:
        unused = {"-m": message, "--package": package, "--version-path": version_path, "--rev-id": rev_id}
        flags = {"--leave-out-blocked": leave_out_blocked, "--with-blind-spots": with_blind_spots, "--rename": rename}
        _refuse([name for name, value in (unused | flags).items() if value], "has no effect with --rebase")
        settings = load(CommandLine(since=since, **what))
        return rebase_command(settings, rebase, dry_run=dry_run, verbose=verbose, debug=debug)
    _refuse(["--since"] if since is not None else [], "is of no use without --rebase")
    if message is None:
        raise UsageError("The revision has no message.", hint='Give it one: -m "add widgets"')
    settings = load(CommandLine(rename=rename, **what))
    folder = str(Path(version_path).resolve()) if version_path is not None else None
    wish = Wish(
        message,
        package,
        folder,
        rev_id,
        leave_out_blocked=leave_out_blocked,
        with_blind_spots=with_blind_spots,
        dry_run=dry_run,
    )
    result = _run(settings, wish, verbose=verbose, debug=debug)
    if result.blocked:
        outputs.write(result.review, outputs.parse([outputs.TERMINAL]), outputs.Shown(verbose=verbose))
    for file in result.files:
        if dry_run:
            outputs.to_stdout(file.text)
            screen.say(file.summary.rstrip("\n"))
        else:
            outputs.to_stdout(screen.logged(hide(file.summary)), encoding=sys.stdout.encoding)
    if result.refusal:
        screen.say(result.refusal)
        if result.hint:
            screen.say(f"Hint: {result.hint}")
        return REFUSED
    if result.nothing:
        screen.say(result.nothing.rstrip("\n"))
    return 0


def _refuse(options: list[str], why: str) -> None:
    if options:
        raise UsageError(f"{options[0]} {why}.", hint="Leave it out.")


def _run(settings: Settings, wish: Wish, *, verbose: bool, debug: bool) -> Result:
    """Revise, and turn an unexpected exception into a ``ReviewError``."""
    try:
        from alembic_review.workflows.revisions.write import revise  # noqa: PLC0415 - not needed for --help

        with screen.progress(verbose=verbose) as progress:
            return revise(settings, wish, progress=progress, debug=debug)
    except ReviewError:
        raise
    except Exception as error:
        raise screen.internal_error(error) from error
