"""Applications that run their migrations through a command of their own: Flask-Migrate, and what the settings name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .edits import Append, Delete, Edit, Replace, Write
from .harness import Run, make_project, run_tool
from .scenario import check_every_run, review_of, row, tree
from .test_environments import PENDING
from .test_revision import new_files, revise


def rows(run: Run) -> list[str]:
    """The changes of a run that did review, whichever database they are in."""
    return sorted(row(change | {"database": None}) for change in review_of(run)["changes"])


@pytest.mark.both_stacks
@pytest.mark.parametrize(
    ("fixture", "pending", "databases"),
    [
        ("env_flask", ["safe add_column customer.nickname", "safe add_table tag"], {None}),
        ("env_flask_multidb", ["safe add_column page.title", "safe add_column visit.agent"], {"default", "stats"}),
    ],
)
def test_flask_migrate(fixture: str, pending: list[str], databases: set[str | None], tmp_path: Path) -> None:
    application = make_project(tmp_path, fixture)
    before = tree(application.project)
    run = run_tool(application, conf="migrations/alembic.ini", variables={"FLASK_DEBUG": "1"})
    check_every_run(run, application)
    assert rows(run) == pending
    assert run.status == 0
    changes = review_of(run)["changes"]
    assert {change["database"] for change in changes} == databases
    assert {change["location"]["path"] for change in changes} <= {"shop/models.py", "app.py"}
    assert tree(application.project) == before


@pytest.mark.one_stack
def test_a_revision_of_flask_migrate(tmp_path: Path) -> None:
    """Its template for several databases takes the application's binds from ``current_app``."""
    application = make_project(tmp_path, "env_flask_multidb")
    before = tree(application.project)
    run = revise(application, conf="migrations/alembic.ini")
    assert run.status == 0, run.explain()
    (path,) = new_files(application, before, "migrations/versions")
    functions = re.findall(r"def (upgrade_\w*)\(\):\n(.*?)\n\n", path.read_text(), re.DOTALL)
    assert ["'title'" in body for _, body in functions] == [True, False]
    assert ["'agent'" in body for _, body in functions] == [False, True]
    assert [name for name, _ in functions] == ["upgrade_", "upgrade_stats"]


@pytest.mark.one_stack
def test_an_application_that_connects_past_the_redirect_as_it_is_created(tmp_path: Path) -> None:
    connect = "__import__('psycopg2').connect('postgresql://me@nowhere/x')"
    edit = Replace("shop/__init__.py", '_URI"] = url', f'_URI"] = {connect}')
    application = make_project(tmp_path, "env_flask", (edit,))
    run = run_tool(application, conf="migrations/alembic.ini")
    check_every_run(run, application)
    assert run.status == 3
    assert "Error: A direct psycopg2 connection was refused" in run.stderr
    assert "Hint: Use Alembic's connection" in run.stderr


@pytest.mark.one_stack
@pytest.mark.parametrize("command", ["upgrade()", "stamp()"])
def test_an_application_that_upgrades_its_database_as_it_is_created(command: str, tmp_path: Path) -> None:
    lines = f"\n    import flask_migrate\n    with app.app_context():\n        flask_migrate.{command}\n    return app"
    application = make_project(tmp_path, "env_flask", (Replace("shop/__init__.py", "\n    return app", lines),))
    run = run_tool(application, conf="migrations/alembic.ini")
    check_every_run(run, application)
    assert rows(run) == ["safe add_column customer.nickname", "safe add_table tag"]
    (line,) = [one for one in review_of(run)["provenance"]["not_checked"] if "Alembic command" in one]
    assert "shop/__init__.py:" in line


COMMANDS = '''
    """How this application runs its migrations."""

    import os
    import sys
    from contextlib import contextmanager

    import sqlalchemy as sa
    from alembic.config import Config

    steps = []


    @contextmanager
    def context():
        steps.append("in")
        yield
        steps.append("out")


    def alembic_config():
        assert steps[-1] == "in"
        config = Config(INI)
        config.set_main_option("script_location", os.path.join(os.path.dirname(__file__), "migrations"))
        config.attributes["engine"] = sa.create_engine(os.environ["LIBRARY_URL"])
        return config
'''
URL = "sqlite:///library.db"
PREPARED: tuple[Edit, ...] = (
    Write("early.py", "from commands import steps\nsteps.append('early')\n"),
    Replace(
        "migrations/env.py",
        "import models\n",
        "import commands\nimport models\nassert commands.steps[2:4] == ['in', 'early'], commands.steps\n"
        "assert commands.steps[-1] != 'out'\n",
    ),
    Replace(
        "migrations/env.py",
        "engine_from_config(\n        config.get_section(config.config_ini_section, {}),\n"
        '        prefix="sqlalchemy.",\n        poolclass=pool.NullPool,\n    )',
        'config.attributes["engine"]',
    ),
)


IN_PYPROJECT = (
    Delete("alembic.ini"),
    Write("commands.py", COMMANDS.replace("INI", "")),
    Write("ci.env", f"LIBRARY_URL={URL}"),
    Append(
        "pyproject.toml",
        """
        [tool.alembic-review]
        config-from = "commands:alembic_config"
        context = "commands:context"
        preload = ["early"]
        env-file = "ci.env"
        """,
    ),
)
IN_THE_INI = (
    Write("commands.py", COMMANDS.replace("INI", "'alembic.ini'")),
    Replace("alembic.ini", "script_location = %(here)s/migrations\n", ""),
    Append(
        "alembic.ini",
        f"""
        [alembic-review]
        config-from = commands:alembic_config
        context = commands:context
        preload = early
        env =
            OTHER = a
            LIBRARY_URL = {URL}
        """,
    ),
)


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("edits", "config"), [(IN_PYPROJECT, "pyproject.toml"), (IN_THE_INI, "alembic.ini")], ids=["no-ini", "ini"]
)
def test_a_config_that_a_command_makes(edits: tuple[Edit, ...], config: str, tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic", (*PREPARED, *edits))
    before = tree(application.project)
    run = run_tool(application, conf=None)
    check_every_run(run, application)
    assert rows(run) == PENDING
    assert run.status == 0
    assert review_of(run)["provenance"]["config"] == config
    assert tree(application.project) == before
