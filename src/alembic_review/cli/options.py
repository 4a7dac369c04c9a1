"""Options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

import click


class What(TypedDict):
    """What the options of ``WHAT`` name."""

    config: str | None
    section: str | None
    x: tuple[str, ...]
    root: str | None
    custom: tuple[str, ...]
    server: str | None
    python: str | None
    timeout: float | None


@dataclass
class State:
    """What the outermost function must know of the options."""

    debug: bool = False


def _debug(ctx: click.Context, _parameter: click.Parameter, value: bool) -> bool:  # noqa: FBT001 - click's signature
    ctx.ensure_object(State).debug = value
    return value


WHAT = (
    click.option("-c", "config", metavar="FILE", help="The Alembic config file, as for `alembic -c`."),
    click.option(
        "-n", "section", metavar="SECTION", help="The section of that file, as for `alembic -n`.  [default: alembic]"
    ),
    click.option("-x", "x", metavar="ARG", multiple=True, help="An argument for env.py, as for `alembic -x`."),
    click.option("--root", metavar="DIR", help="The project's root.  [default: found from the working directory]"),
    click.option(
        "--custom", metavar="PACKAGE", multiple=True, help="A package whose tables are yours; `none` if no package is."
    ),
    click.option("--server", metavar="URL", help="A database server for the scratch databases, as a URL or env:NAME."),
    click.option("--python", metavar="PATH", help="The application's interpreter.  [default: detected]"),
    click.option("--timeout", metavar="SECONDS", type=float, help="The time limit of the run.  [default: 600]"),
)
SINCE = click.option(
    "--since", metavar="REF", help="Also report the changes of new revisions since REF, such as origin/main."
)
FULL = click.option(
    "--full",
    is_flag=True,
    help="Also try downgrades and the dependency order of merged revisions, as in CI.",
)
PROVE = click.option(
    "--prove/--no-prove",
    default=None,
    help="Run all proofs, or none.  [default: only proofs of the plan]",
)
RENAME = click.option(
    "--rename",
    metavar="TABLE.OLD=NEW",
    multiple=True,
    help="Treat a drop and an addition as a rename of a column, or with OLD=NEW of a table.",
)
NO_CACHE = click.option(
    "--no-cache",
    is_flag=True,
    envvar="ALEMBIC_REVIEW_NO_CACHE",
    help="Apply every revision; neither read nor write the cache.",
)
VERBOSE = click.option("--verbose", is_flag=True, help="List every entry of a group; show progress on stderr.")
DEBUG = click.option("--debug", is_flag=True, callback=_debug, help="Show tracebacks.")

Command = Callable[..., int]


def options(*several: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Decorate a command with these options, shown in this order."""

    def decorate(function: Command) -> Command:
        for option in reversed(several):
            function = option(function)
        return function

    return decorate
