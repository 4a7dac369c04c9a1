"""What the command line loads before there is work."""

from __future__ import annotations

import subprocess
import sys

from alembic_review.cli.commands import cli
from alembic_review.cli.lazy_commands import COMMANDS

_HELP = """
import sys
from alembic_review.cli import run
run(["--help"])
print(*sys.modules, file=sys.stderr)
"""


def test_the_listed_help_is_that_of_the_commands() -> None:
    assert {name: command.get_short_help_str(limit=100) for name, command in cli.commands.items()} == COMMANDS


def test_help_loads_nothing_that_only_a_review_needs() -> None:
    done = subprocess.run([sys.executable, "-c", _HELP], capture_output=True, text=True, check=True)
    loaded = done.stderr.split()
    assert "review" in done.stdout
    assert "alembic_review.cli.lazy_commands" in loaded
    heavy = ("alembic", "jinja2", "msgspec", "pygments", "rich", "sqlalchemy", "alembic_review.reports")
    assert [name for name in heavy if name in loaded] == []
    assert "alembic_review.cli.commands" not in loaded
