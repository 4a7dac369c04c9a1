"""Records what plain Alembic finds in the real applications, into ``expected/*.json``.

``python -m tests.realapps.record --server postgresql://postgres@localhost [NAME]...`` needs a PostgreSQL server that
was started by hand, and the environments that ``python -m tests.realapps.environments`` builds. Every application gets
an empty database of its own, which is dropped again. The tests compare the report with these files entry by entry.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tests.realapps.applications import APPLICATIONS, Application
from tests.realapps.environments import HERE

DATABASE = "alembic_review_record"


@contextmanager
def empty_database(server: str) -> Iterator[str]:
    """The URL of an empty database of ``server``, which is dropped again."""
    name = sql.Identifier(DATABASE)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield f"{server}/{DATABASE}"
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def record(application: Application, server: str) -> None:
    """Run plain Alembic on ``application`` in an empty database of ``server`` and keep what it found."""
    with empty_database(server) as url, tempfile.TemporaryDirectory() as folder:
        conf = Path(folder) / application.conf.name
        conf.write_text(pointed_at(application, url), encoding="utf-8")
        command = [application.environment.python, HERE / "plain_alembic.py", conf, application.record]
        subprocess.run([str(part) for part in command], check=True, cwd=folder, stdout=sys.stderr)


def pointed_at(application: Application, url: str) -> str:
    """The conf file with its database URL replaced by ``url``."""
    text, count = re.subn(r"postgresql://\S+", url.replace("%", "%%"), application.conf.read_text(encoding="utf-8"))
    if count != 1:
        message = f"{application.conf} should name exactly one database, it names {count}"
        raise ValueError(message)
    return text


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
