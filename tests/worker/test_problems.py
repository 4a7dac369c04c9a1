from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from alembic_review.worker.problems import WorkerError, application_frames, describe, hint_of


def test_a_database_error_is_told_with_its_statement_and_without_links() -> None:
    error = OperationalError("ALTER  TABLE\n x", {}, ValueError("no such table: x"))
    assert describe(error) == "ValueError: no such table: x\n  statement: ALTER TABLE x"


@pytest.mark.parametrize(
    ("error", "batch"),
    [
        (NotImplementedError("No support for ALTER of constraints in SQLite dialect."), True),
        (OperationalError("ALTER", {}, sqlite3.OperationalError('near "ALTER": syntax error')), True),
        (OperationalError("ALTER", {}, sqlite3.OperationalError("no such table: x")), False),
        (NotImplementedError("not yet"), False),
    ],
)
def test_who_alters_a_table_of_sqlite_is_told_of_batches(error: Exception, batch: bool) -> None:
    hint = hint_of(error, "else")
    assert ("render_as_batch=True" in hint) is batch
    assert (hint == "else") is not batch


def test_a_long_statement_is_cut() -> None:
    error = OperationalError("SELECT " + "1, " * 1000, {}, ValueError("no"))
    assert len(describe(error)) < 600
    assert describe(error).endswith("…")


def test_only_the_applications_own_frames_are_shown(tmp_path: Path) -> None:
    driver = tmp_path / "site-packages" / "psycopg" / "cursor.py"
    own = tmp_path / "app.py"
    for path, text in ((driver, "def execute():\n    raise ValueError\n"), (own, "def go(execute):\n    execute()\n")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found: dict[str, Any] = {}
    for path in (driver, own):
        exec(compile(path.read_text(), str(path), "exec"), found)
    with pytest.raises(ValueError) as caught:
        found["go"](found["execute"])
    frames = application_frames(caught.value.__traceback__)
    assert frames[-1] == f"{own}:2 in go"


def test_an_error_of_the_worker_never_holds_a_password() -> None:
    error = WorkerError("can't reach postgresql://poser:s3cret@db/x", "try password=s3cret again")
    assert "s3cret" not in f"{error} {error.message} {error.hint}"
