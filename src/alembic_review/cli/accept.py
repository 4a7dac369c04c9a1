"""``alembic-review accept``: accept a finding or a blocked change, with a reason."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from alembic_review.cli import outputs, screen
from alembic_review.cli.options import DEBUG, PROVE, RENAME, SINCE, VERBOSE, WHAT, What, options
from alembic_review.config import CommandLine, load
from alembic_review.model.accepting import Accept
from alembic_review.model.errors import ReviewError, UsageError
from alembic_review.model.review import Review
from alembic_review.model.settings import Settings
from alembic_review.reports.parts.names import visible

if TYPE_CHECKING:
    from alembic_review.workflows.accept import WrittenEntry

_CODE = re.compile(r"AR[0-9]{3}")
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


class Selectors(TypedDict):
    """What the options of ``_SELECTORS`` name."""

    table: str | None
    column: str | None
    name: str | None
    revision: str | None
    fingerprint: str | None


_SELECTORS = (
    click.option("--table", metavar="NAME", help="With CODE: the table, or SCHEMA.TABLE."),
    click.option("--column", metavar="NAME", help="With CODE: the column."),
    click.option("--name", metavar="NAME", help="With CODE: the constraint, index, type or sequence."),
    click.option("--revision", metavar="ID", help="With CODE: the revision."),
    click.option("--fingerprint", metavar="TEXT", help="With CODE: the fingerprint of the finding or change."),
)


@click.command("accept", short_help="Accept a finding or a blocked change, with a reason.")
@click.argument("what", metavar="FINGERPRINT|CODE")
@options(
    click.option("--reason", required=True, metavar="TEXT", help="Why it is accepted; every report shows it."),
    click.option(
        "--until",
        metavar="DATE",
        type=click.DateTime(["%Y-%m-%d"]),
        help="The last day on which the entry counts, such as 2030-12-31.",
    ),
    *_SELECTORS,
    click.option("--report", metavar="FILE", help="Find FINGERPRINT in a saved JSON report instead of a new review."),
    *WHAT,
    SINCE,
    PROVE,
    RENAME,
    VERBOSE,
    DEBUG,
)
def accept_command(  # noqa: PLR0913 - one parameter per option
    *,
    what: str,
    reason: str,
    until: datetime | None,
    table: str | None,
    column: str | None,
    name: str | None,
    revision: str | None,
    fingerprint: str | None,
    report: str | None,
    since: str | None,
    prove: bool | None,
    rename: tuple[str, ...],
    verbose: bool,
    debug: bool,
    **where: Unpack[What],
) -> int:
    """Accept a finding or a blocked change: add an entry to `accept` in pyproject.toml.

    For a FINGERPRINT, a review finds the code and the names; pass the same options as for the review that reported it.
    For a CODE, the options select the findings. The rest of the file is not changed.
    """
    selectors = Selectors(table=table, column=column, name=name, revision=revision, fingerprint=fingerprint)
    by_code = _CODE.fullmatch(what) is not None
    _check(what, selectors, report, by_code=by_code)
    words = " ".join(reason.split())
    if not words:
        raise UsageError("--reason is empty.", hint="Give the reason for accepting the finding; every report shows it.")
    day = until.date() if until is not None else None
    entry = Accept(what, words, **selectors, until=day) if by_code else Accept("", words, fingerprint=what, until=day)
    settings = load(CommandLine(since=since, full=True, prove=prove, rename=rename, **where))
    from alembic_review.workflows.render import saved_review  # noqa: PLC0415 - not needed for --help

    saved = saved_review(report) if report is not None else None
    written = _run(settings, entry, saved, verbose=verbose, debug=debug)
    outputs.to_stdout(screen.logged(visible(written.text, lines=True)))
    screen.say(f"Added to {_shown(written.path)}:{written.line}")
    return 0


def _check(what: str, selectors: Selectors, report: str | None, *, by_code: bool) -> None:
    if by_code:
        if report is not None:
            raise UsageError("--report is for a FINGERPRINT.", hint="Name the fingerprint, or leave --report out.")
        return
    if _FINGERPRINT.fullmatch(what) is None:
        raise UsageError(
            f"{what!r} is neither a fingerprint nor the code of a check.",
            hint="A fingerprint has 16 characters, such as 0123456789abcdef; a code is like AR512.",
        )
    given = [f"--{key}" for key, value in selectors.items() if value is not None]
    if given:
        raise UsageError(f"{', '.join(given)}: only with a CODE. A FINGERPRINT selects one finding.")


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _run(settings: Settings, entry: Accept, saved: Review | None, *, verbose: bool, debug: bool) -> WrittenEntry:
    """Accept, and turn what nobody foresaw into an error like any other."""
    try:
        from alembic_review.workflows.accept import accept  # noqa: PLC0415 - not needed for --help

        with screen.progress(verbose=verbose) as progress:
            return accept(settings, entry, saved=saved, progress=progress, debug=debug)
    except ReviewError:
        raise
    except Exception as error:
        raise screen.internal_error(error) from error
