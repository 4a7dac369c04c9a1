from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from alembic_review.worker.problems import application_frames, describe, mask


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://poser:s3cr3t@db/poser",
        "could not connect to postgresql+psycopg2://poser:s3cr3t@db:5432/poser?x=1 at all",
        "connection to postgresql://:s3cr3t@db/poser",
        "dbname=x user=y password=s3cr3t host=z",
        "password='s3cr3t' host=z",
        'psycopg.connect(password="s3cr3t")',
        "postgresql://poser:s3cr3t/with:odd@db/poser",
        "{'user': 'x', 'password': 's3cr3t'}",
        "PGPASSWORD=s3cr3t psql",
        "db_password: s3cr3t",
    ],
)
def test_passwords_are_masked(text: str) -> None:
    assert "s3cr3t" not in mask(text)
    assert "***" in mask(text)


@given(st.text(alphabet=st.characters(categories=["L", "N"], include_characters="!$%&*+,-.:;=?^_~/"), min_size=4))
def test_no_password_of_a_url_survives(password: str) -> None:
    masked = mask(f"env.py said postgresql://user:{password}@host/db")
    assert masked == "env.py said postgresql://user:***@host/db"


def test_a_database_error_is_told_with_its_statement_and_without_links() -> None:
    error = OperationalError("ALTER  TABLE\n x", {}, ValueError("no such table: x"))
    assert describe(error) == "ValueError: no such table: x\n  statement: ALTER TABLE x"


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
