"""A script that runs behind the redirect, in a process of its own: it can't be taken off again."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

HEADER = """
import json, sqlite3, sys
folder = sys.argv[1]

def make(name, mark):
    connection = sqlite3.connect(f"{folder}/{name}")
    connection.execute(f"PRAGMA application_id = {mark}")
    connection.execute(f"CREATE TABLE {name} (id INTEGER)")
    connection.commit()
    connection.close()
    return f"{folder}/{name}"

for number in range(5):
    make(f"scratch{number}", 7 + number)
decoy = make("decoy", 9)

from alembic_review.worker.redirect.connections import Redirect, ScratchDatabase
from alembic_review.worker.call_stacks import Stacks

asked = []
def ask(dialect, target):
    number = len(asked)
    asked.append(target.label)
    return ScratchDatabase(f"{folder}/scratch{number}", None, None, None, None, str(7 + number), {})

redirect = Redirect(ask, Stacks())
redirect.install()

import sqlalchemy as sa
from sqlalchemy import pool, text

def where(engine):
    with engine.connect() as connection:
        return [row[0] for row in connection.execute(text("SELECT name FROM sqlite_master"))]

def attempt(function):
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
"""


def run(tmp_path: Path, body: str) -> dict[str, object]:
    """Run ``body`` after the header; it leaves its findings in ``result``."""
    script = textwrap.dedent(HEADER) + textwrap.dedent(body)
    script += "\nresult['asked'] = asked\nresult['refusal'] = redirect.refusal and redirect.refusal.message"
    script += "\nprint(json.dumps(result))\n"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found
