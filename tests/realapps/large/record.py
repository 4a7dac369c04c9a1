"""Records what plain Alembic finds in the larger applications, into ``expected/*.json``.

``python -m tests.realapps.large.record --server postgresql://postgres@localhost [NAME]...`` needs a PostgreSQL server
that was started by hand, and the environments that ``nox -s realapps-large`` builds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from contextlib import nullcontext

from tests.realapps.large.applications import APPLICATIONS, HERE, Application
from tests.realapps.record import empty_database


def record(application: Application, server: str) -> None:
    """Run plain Alembic on ``application`` in an empty database and keep what it found."""
    with tempfile.TemporaryDirectory() as folder:
        on_disk = nullcontext(f"sqlite:///{folder}/recorded.db")
        with empty_database(server) if application.dialect == "postgresql" else on_disk as url:
            command = [application.environment.python, HERE / "by_hand.py", application.reached, url]
            subprocess.run(
                [*map(str, command), str(application.record)],
                check=True,
                cwd=folder,
                env={"HOME": folder, "PATH": "/usr/bin:/bin"},
                stdout=sys.stderr,
            )


def main() -> None:
    """Record the named applications, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="URL without a database, of a role that may create databases")
    parser.add_argument("names", nargs="*", choices=[[], *APPLICATIONS], help="which applications (default: all)")
    options = parser.parse_args()
    for name in options.names or APPLICATIONS:
        record(APPLICATIONS[name], options.server.rstrip("/"))


if __name__ == "__main__":
    main()
