"""The commands of ``alembic-review``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from alembic_review.cli import outputs, screen
from alembic_review.cli.accept import accept_command
from alembic_review.cli.lazy_commands import DEFAULT, cli
from alembic_review.cli.options import DEBUG, FULL, NO_CACHE, PROVE, RENAME, SINCE, VERBOSE, WHAT, What, options
from alembic_review.cli.revision import revision_command
from alembic_review.config import CommandLine, load
from alembic_review.model.errors import ReviewError
from alembic_review.model.review import Outcome, Review
from alembic_review.model.settings import FailOn, Settings
from alembic_review.reports import REPORTS

if TYPE_CHECKING:
    from alembic_review.forge import Posted

__all__ = ["DEFAULT", "cli"]

_FORMATS = ", ".join(report.name for report in REPORTS)


class WhereToPublish(TypedDict):
    """Where to publish, as far as the options of ``_WHERE`` name it."""

    forge: str
    api_url: str
    repository: str
    pull_request: int | None
    token_env: str
    author: str
    key: str
    report_url: str


_OUTPUT = (
    click.option(
        "-o", "output", metavar="FORMAT[=FILE]", multiple=True, help=f"Write a report: {_FORMATS}.  [default: terminal]"
    ),
    click.option("--sql", is_flag=True, help="Show the SQL of every change."),
)
_GATE = click.option(
    "--fail-on",
    metavar="KIND",
    multiple=True,
    type=click.Choice([kind.value for kind in FailOn]),
    help="Also fail the check on pending, upstream or warning; `never` only reports.  [always: blocked, error]",
)
_BASELINE = (
    click.option("--baseline", metavar="FILE", help="A file of known findings, which do not fail the check."),
    click.option(
        "--update-baseline", is_flag=True, help="Write the findings of this run that do not block to the baseline FILE."
    ),
)
_WHERE = (
    click.option("--forge", default="", metavar="NAME", help="github, forgejo (also for Gitea) or gitlab."),
    click.option(
        "--api-url", default="", metavar="URL", help="The URL of the Git host's API, such as https://HOST/api/v1."
    ),
    click.option(
        "--repository", default="", metavar="OWNER/NAME", help="The repository; on GitLab, its ID is accepted as well."
    ),
    click.option("--pull-request", metavar="N", type=click.IntRange(min=1), help="The number of the pull request."),
    click.option("--token-env", default="", metavar="NAME", help="The environment variable that holds the token."),
    click.option("--author", default="", metavar="LOGIN", help="The token's user, if the Git host does not report it."),
    click.option("--key", default="", metavar="KEY", help="Distinguishes several reviews on one pull request."),
    click.option("--report-url", default="", metavar="URL", help="The URL of the full report, linked in the comment."),
    click.option(
        "--label",
        is_flag=True,
        help="Also set the label `alembic-review: passed`, `failed` or `not reviewed` on the pull request.",
    ),
    click.option("--strict", is_flag=True, help="Exit with 3 if the comment or the label can't be set."),
)


@cli.command("review", context_settings={"allow_extra_args": True})
@options(*WHAT, SINCE, FULL, PROVE, NO_CACHE, RENAME, *_OUTPUT, _GATE, *_BASELINE, VERBOSE, DEBUG)
@click.pass_context
def review_command(  # noqa: PLR0913 - one parameter per option
    ctx: click.Context,
    /,
    *,
    since: str | None,
    full: bool,
    prove: bool | None,
    rename: tuple[str, ...],
    no_cache: bool,
    output: tuple[str, ...],
    sql: bool,
    fail_on: tuple[str, ...],
    baseline: str | None,
    update_baseline: bool,
    verbose: bool,
    debug: bool,
    **what: Unpack[What],
) -> int:
    """Review the migrations; exit with 1 if the check fails."""
    _refuse_arguments(ctx)
    named = outputs.parse(output)
    settings = load(
        CommandLine(
            fail_on=tuple(map(FailOn, fail_on)),
            since=since,
            full=full,
            prove=prove,
            rename=rename,
            cache=False if no_cache else None,
            baseline=baseline,
            update_baseline=update_baseline,
            **what,
        )
    )
    outputs.check(named)
    shown = outputs.Shown(sql=sql, verbose=verbose)
    try:
        review = _run(settings, named, verbose=verbose, debug=debug)
        if update_baseline:
            _update_baseline(settings, review)
    except ReviewError as error:
        if error.exit_code == ReviewError.exit_code:
            _write_failure(error, settings, named, shown)
        raise
    outputs.write(review, named or outputs.parse([outputs.TERMINAL]), shown)
    return _status(review, told=not named or any(report.file is None and report.report.for_people for report in named))


@cli.command("owners")
@options(*WHAT, NO_CACHE, RENAME, VERBOSE, DEBUG)
def owners_command(*, no_cache: bool, rename: tuple[str, ...], verbose: bool, debug: bool, **what: Unpack[What]) -> int:
    """List every table, its owner, its role and the evidence."""
    named = outputs.parse(["owners"])
    line = CommandLine(cache=False if no_cache else None, rename=rename, **what)
    review = _run(load(line), named, verbose=verbose, debug=debug)
    outputs.write(review, named, outputs.Shown(verbose=verbose))
    return ReviewError.exit_code if review.outcome is Outcome.FAILED else 0


@cli.command("explain")
@click.argument("code", required=False)
@options(DEBUG)
def explain_command(*, code: str | None, debug: bool) -> int:  # noqa: ARG001 - kept by its callback
    """Describe the check CODE and how to fix its findings.

    Without CODE, all checks are listed. On a terminal the page is formatted; otherwise it is printed as Markdown.
    """
    from alembic_review.workflows.explain import explain, rules  # noqa: PLC0415 - not needed for --help

    if code is None:
        outputs.to_stdout("".join(f"{rule.code}  {rule.title}\n" for rule in rules()))
        return 0
    page = explain(code)
    if not page.endswith("\n"):
        page += "\n"
    outputs.to_stdout(screen.rendered_page(page) if screen.colourful(sys.stdout) else page)
    return 0


@cli.command("cache", short_help="List or clear the cache.")
@click.argument("action", type=click.Choice(["show", "clear"]), default="show")
@options(DEBUG)
def cache_command(*, action: str, debug: bool) -> int:  # noqa: ARG001 - kept by its callback
    """List the cached results of earlier reviews, or remove them with `cache clear`."""
    from alembic_review.workflows import replay_cache  # noqa: PLC0415 - not needed for --help

    outputs.to_stdout(replay_cache.cleared() if action == "clear" else replay_cache.shown())
    return 0


@cli.command("render", short_help="Show a saved JSON report in another format.")
@click.argument("file")
@options(*_OUTPUT, VERBOSE, DEBUG)
def render_command(*, file: str, output: tuple[str, ...], sql: bool, verbose: bool, debug: bool) -> int:  # noqa: ARG001
    """Show the saved JSON report FILE in another format; `-` is standard input."""
    from alembic_review.workflows.render import saved_review  # noqa: PLC0415 - not needed for --help

    named = outputs.parse(output or [outputs.TERMINAL])
    outputs.check(named)
    review = saved_review(file)
    outputs.write(review, named, outputs.Shown(sql=sql, verbose=verbose))
    return 0


@cli.command("publish", short_help="Post a saved JSON report on a pull request.")
@click.argument("file")
@options(*_WHERE, DEBUG)
def publish_command(*, file: str, label: bool, strict: bool, debug: bool, **where: Unpack[WhereToPublish]) -> int:
    """Post the saved JSON report FILE as a comment on a pull request, or update that comment.

    Values that no option sets are read from the environment of the CI job. If the comment or the label can't be set, a
    message goes to standard error and the exit status is 0, unless --strict is used.
    """
    from alembic_review.workflows.render import saved_review  # noqa: PLC0415 - not needed for --help

    review = saved_review(file)
    try:
        posted = _publish(review, where, label=label)
    except ReviewError as error:
        if strict or error.exit_code != ReviewError.exit_code:
            raise
        screen.show_error(error, debug=debug)
        return 0
    screen.say(f"Comment {posted.action} on pull request {posted.number}. {posted.url}".rstrip())
    if posted.label:
        screen.say(f"Label set: {posted.label}")
    if posted.label_error is not None:
        if strict:
            raise posted.label_error
        screen.show_error(posted.label_error, debug=debug)
    return 0


def _publish(review: Review, where: WhereToPublish, *, label: bool) -> Posted:
    """Publish, and turn an unexpected exception into an error that may be let pass."""
    try:
        from alembic_review.forge import Where  # noqa: PLC0415 - not needed for --help
        from alembic_review.workflows.publish import publish  # noqa: PLC0415

        return publish(review, Where(**where), os.environ, label=label)
    except ReviewError:
        raise
    except Exception as error:
        raise screen.internal_error(error) from error


def _run(settings: Settings, named: tuple[outputs.Output, ...], *, verbose: bool, debug: bool) -> Review:
    """Review, for the reports ``named``, and turn an unexpected exception into an error that they can show."""
    try:
        from alembic_review.workflows.review import review  # noqa: PLC0415 - not needed for --help

        with screen.progress(verbose=verbose) as progress:
            return review(settings, progress=outputs.preparing(named, progress), debug=debug)
    except ReviewError:
        raise
    except Exception as error:
        raise screen.internal_error(error) from error


def _update_baseline(settings: Settings, review: Review) -> None:
    from alembic_review.workflows.accepting import write_baseline  # noqa: PLC0415 - not needed for --help

    write_baseline(settings, review)


def _write_failure(
    error: ReviewError, settings: Settings, named: tuple[outputs.Output, ...], shown: outputs.Shown
) -> None:
    from alembic_review.workflows.review import failed_review  # noqa: PLC0415 - not needed for --help

    try:
        outputs.write(failed_review(error, settings), named, shown)
    except ReviewError as second:
        screen.show_error(second, debug=False)


def _status(review: Review, *, told: bool) -> int:
    if review.outcome is Outcome.FAILED:
        return ReviewError.exit_code
    if review.gate.refused and not told:
        screen.say(f"Check failed: {'; '.join(review.gate.reasons)}")
    return 1 if review.gate.refused else 0


def _refuse_arguments(ctx: click.Context) -> None:
    if not ctx.args:
        return
    word = ctx.args[0]
    if word in cli.commands:
        raise click.UsageError(f"the command comes first: {ctx.find_root().info_name} {word} [OPTIONS]", ctx)
    raise click.UsageError(f"unexpected argument: {word}", ctx)


cli.add_command(accept_command)
cli.add_command(revision_command)
