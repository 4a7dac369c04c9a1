from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from alembic_review.worker.call_stacks import Stacks
from alembic_review.worker.worker_errors import WorkerError, application_frames, describe, recognise, wrapped


def test_a_database_error_is_told_with_its_statement_and_without_links() -> None:
    error = OperationalError("ALTER  TABLE\n x", {}, ValueError("no such table: x"))
    assert describe(error) == "ValueError: no such table: x\n  statement: ALTER TABLE x"


def test_a_long_statement_is_cut() -> None:
    error = OperationalError("SELECT " + "1, " * 1000, {}, ValueError("no"))
    assert len(describe(error)) < 600
    assert describe(error).endswith("…")


def test_a_long_text_is_cut_after_its_passwords_are_hidden() -> None:
    told = describe(ValueError("postgresql://me:" + "s3cr3t" * 300 + "@db/app " + "x" * 100_000))
    assert told.startswith("ValueError: postgresql://me:***@db/app xxx")
    assert told.endswith("x …")
    assert len(told) < 1100
    error = WorkerError("x" * 100_000, "y" * 100_000)
    assert len(error.message) < 2100
    assert len(error.hint) < 4100
    assert str(error) == error.message


def test_causes_in_a_circle() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert wrapped(one) is None


def raised_in(*paths: Path) -> list[str]:
    """The frames of an error that the last of these files raises, each being called by the one before it."""
    found: dict[str, Any] = {"_next": None}
    for path in reversed(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("def go(further=go):\n    further() if further else int('x')\n")
        found["go"] = found.get("go")
        exec(compile(path.read_text(), str(path), "exec"), found)
    with pytest.raises(ValueError) as caught:
        found["go"]()
    trace = caught.value.__traceback__
    assert trace is not None
    return application_frames(trace.tb_next)  # the first is this function's


def test_only_the_applications_own_frames_are_shown(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    own = tmp_path / "app.py"
    for library in ("psycopg/cursor.py", "flask_migrate/__init__.py", "pydantic.py"):
        assert raised_in(own, site / library) == [f"{own}:2 in go"]


def test_the_frames_of_libraries_are_shown_where_there_are_no_others(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    framework, driver = site / "acme" / "env.py", site / "psycopg" / "cursor.py"
    assert raised_in(framework, driver) == [f"{framework}:2 in go"]


def test_an_application_that_is_installed_has_frames_of_its_own(tmp_path: Path) -> None:
    framework, own = tmp_path / "site-packages" / "acme" / "db.py", tmp_path / "site-packages" / "poser" / "models.py"
    for path in (framework, own):
        path.parent.mkdir(parents=True)
        (path.parent / "__init__.py").write_text("")
    recognise(lambda package: package == "poser")
    try:
        assert raised_in(own, framework) == [f"{own}:2 in go"]
    finally:
        recognise(lambda _package: False)


def test_who_asks_for_a_connection_is_the_application_and_not_a_library(tmp_path: Path) -> None:
    def asked_from(*paths: Path) -> str:
        function: Any = lambda: Stacks().place(sys._getframe(1))  # noqa: E731 - called like the others
        for path in reversed(paths):
            found: dict[str, Any] = {"further": function}
            exec(compile("def go():\n    return further()\n", str(path), "exec"), found)
            function = found["go"]
        return str(function().path)

    own, library, other = (
        tmp_path / "app.py",
        tmp_path / "site-packages" / "redis.py",
        tmp_path / "site-packages" / "x.py",
    )
    assert asked_from(own, library, other) == str(own)


def test_errors_of_drivers_are_told_alike() -> None:
    class AdaptedError(Exception):
        """As SQLAlchemy raises it for asyncpg."""

    AdaptedError.__module__ = "sqlalchemy.dialects.postgresql.asyncpg"
    asyncpg = AdaptedError("<class 'asyncpg.exceptions.UndefinedTableError'>: relation \"x\" does not exist")
    assert describe(asyncpg) == 'UndefinedTableError: relation "x" does not exist'

    class DatabaseError(Exception):
        """As pg8000 raises it."""

    DatabaseError.__module__ = "pg8000.exceptions"
    pg8000 = DatabaseError({"S": "ERROR", "C": "0A000", "M": "not available", "D": "No file.", "F": "extension.c"})
    assert describe(pg8000) == "DatabaseError: not available\nDETAIL:  No file."


def test_the_input_of_pydantic_is_not_told() -> None:
    kind = type("ValidationError", (ValueError,), {"__module__": "pydantic_core._pydantic_core"})
    text = "1 validation error for S\nurl\n  Field required"
    entered = " [type=missing, input_value={'key': 's[3]cret'}, input_type=dict]"
    error = kind(f"{text}{entered}\n    For further information visit https://errors.pydantic.dev/2.14/v/missing")
    assert describe(error) == f"ValidationError: {text}"


def test_an_error_of_the_worker_never_holds_a_password() -> None:
    error = WorkerError("can't reach postgresql://poser:s3cret@db/x", "try password=s3cret again")
    assert "s3cret" not in f"{error} {error.message} {error.hint}"
