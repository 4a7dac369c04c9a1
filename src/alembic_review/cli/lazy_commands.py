"""The outermost command; the module with the others is imported only when one of them runs or shows its own help."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType

import click

_INTERRUPTED = 130
DEFAULT = "review"
_HOME = "alembic_review.cli.commands"
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

COMMANDS = {
    "accept": "Accept a finding or a blocked change, with a reason.",
    "cache": "List or clear the cache.",
    "explain": "Describe the check CODE and how to fix its findings.",
    "owners": "List every table, its owner, its role and the evidence.",
    "publish": "Post a saved JSON report on a pull request.",
    "render": "Show a saved JSON report in another format.",
    "review": "Review the migrations; exit with 1 if the check fails.",
    "revision": "Write the safe changes as a revision, or move new revisions.",
}
"""The short help of every command, which ``--help`` lists."""


@contextmanager
def _leaving_at_once() -> Iterator[None]:
    """Meanwhile, an interrupt ends the process: an exception in the middle of an import may get lost."""
    known = signal.getsignal(signal.SIGINT)
    if not callable(known) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, known)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"Interrupted.\n")
    os._exit(_INTERRUPTED)


class DefaultGroup(click.Group):
    """A group whose command may be left out: options alone mean ``review``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command in front of options that come without one."""
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help", "--version")):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the commands, which add themselves to this group."""
        with _leaving_at_once():
            import_module(_HOME)
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all commands."""
        return sorted(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands as click does, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=DefaultGroup, context_settings=_CONTEXT)
@click.version_option(package_name="alembic-review", message="%(prog)s %(version)s")
def cli() -> None:
    """Review Alembic migrations: pending changes, data loss, failing upgrades and downgrades.

    Without a command, `review` is meant: `alembic-review -c app/rattail.conf`.
    """
