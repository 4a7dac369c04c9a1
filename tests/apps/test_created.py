"""Tables that are created from the models: by a revision, by env.py, or where the application is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from .edits import Append, Edit, Replace
from .harness import make_project, run_tool
from .scenario import check_every_run, review_of
from .test_bad_input import failed
from .test_environments import ENV, PENDING, VERSION, on_sqlite, rows

CREATED = """    op.create_table(
        "book",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
"""
EMPTY = Replace(VERSION, CREATED, "    pass\n")
RUN = "        with context.begin_transaction():\n            context.run_migrations()\n"


def on_import(url: str) -> tuple[Edit, ...]:
    """The module of the models creates its tables, as the tutorials of web frameworks do it."""
    return (
        Append("models.py", f"\n\nBase.metadata.create_all(sa.create_engine({url!r}))  # HERE\n"),
        Replace("alembic.ini", "sqlite:///%(here)s/library.db", "sqlite:///library.db"),
    )


@pytest.mark.both_stacks
def test_a_revision_creates_them(tmp_path: Path) -> None:
    bind = "    import models\n\n    models.Base.metadata.create_all(op.get_bind())\n"
    application = on_sqlite(tmp_path, Replace(VERSION, CREATED, bind))
    run = run_tool(application, conf="alembic.ini")
    check_every_run(run, application)
    assert run.status == 1, run.explain()
    assert rows(run) == []
    (finding,) = [finding for finding in review_of(run)["findings"] if finding["code"] == "AR602"]
    assert (finding["severity"], finding["revision"]) == ("error", "3f2a90c7d1e8")
    assert finding["message"].startswith(
        "Revision 3f2a90c7d1e8 created 2 tables (author, book) from the current models"
    )
    lines = (application.project / finding["location"]["path"]).read_text().splitlines()
    assert "create_all" in lines[finding["location"]["line"] - 1]


@pytest.mark.one_stack
def test_an_import_creates_them_before_an_empty_revision(tmp_path: Path) -> None:
    application = on_sqlite(tmp_path, *on_import("sqlite:///library.db"), EMPTY)
    failed(run_tool(application, conf="alembic.ini"), application, "Nothing was compared", "created every table")


@pytest.mark.one_stack
def test_an_import_creates_them_before_the_revision_that_does(tmp_path: Path) -> None:
    application = on_sqlite(tmp_path, *on_import("sqlite:///library.db"))
    said = ("table book already exists", r"metadata\.create_all\(\) at .* had already created the table book")
    failed(run_tool(application, conf="alembic.ini"), application, *said)


@pytest.mark.one_stack
def test_an_import_creates_them_in_another_database(tmp_path: Path) -> None:
    application = on_sqlite(tmp_path, *on_import("sqlite:///dev.db"))
    run = run_tool(application, conf="alembic.ini")
    check_every_run(run, application)
    assert rows(run) == PENDING
    assert "AR602" not in {finding["code"] for finding in review_of(run)["findings"]}


@pytest.mark.both_stacks
def test_env_py_creates_what_no_revision_does_and_awaits_it(tmp_path: Path) -> None:
    awaits = "        await connection.run_sync(do_run_migrations)\n"
    creates = f"{awaits}        await connection.run_sync(target_metadata.create_all)  # HERE\n"
    creates += "        await connection.commit()\n"
    application = make_project(tmp_path, "env_async", (Replace(ENV, awaits, creates),))
    run = run_tool(application, conf="alembic.ini")
    check_every_run(run, application)
    assert rows(run) == ["safe add_column book.isbn"]
    (finding,) = [finding for finding in review_of(run)["findings"] if finding["code"] == "AR602"]
    assert finding["message"].startswith("Code outside any revision created the table author from the current models")
    assert finding["location"]["path"] == ENV
    lines = (application.project / ENV).read_text().splitlines()
    assert lines[finding["location"]["line"] - 1].endswith("# HERE")
