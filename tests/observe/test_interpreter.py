"""Which Python runs the application, rule by rule."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from alembic_review.model.settings import Settings
from alembic_review.observe import interpreter
from alembic_review.observe.interpreter import interpreter_of, with_interpreter
from tests.apps.environments import make_environment

OURS = (sys.executable, "tool")


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def with_alembic(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return make_environment(folder).folder


def without_alembic(folder: Path) -> Path:
    (with_alembic(folder) / "lib").rename(folder / "gone")
    return folder


def broken(folder: Path) -> Path:
    """As an environment is left when the Python that it was made from is removed."""
    python = with_alembic(folder) / "bin" / "python"
    python.unlink()
    python.symlink_to(folder / "removed" / "python3")
    return folder


def failing(folder: Path) -> Path:
    """As an environment that was made on another system."""
    python = write(folder / "bin" / "python", "#!/bin/sh\nexit 127\n")
    python.chmod(0o755)
    return folder


def unreadable(folder: Path) -> Path:
    write(folder / "bin" / "python", "no program").chmod(0o755)
    return folder


def missing(folder: Path) -> Path:
    return folder


def chosen(settings: Settings, active: Path | str = "") -> tuple[str, str]:
    found = interpreter_of(settings, {"VIRTUAL_ENV": str(active), "PATH": "/usr/bin:/bin"})
    return found.path, found.source


def python_of(environment: Path) -> str:
    return str(environment / "bin" / "python")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the working directory; what its env.py imports is not installed beside the tool."""
    write(tmp_path / "project" / "alembic.ini", "[alembic]\nscript_location = migrations\nprepend_sys_path = .\n")
    write(tmp_path / "project" / "migrations" / "env.py", "import no_such_framework\n")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def settings_of(project: Path, **others: str) -> Settings:
    return Settings(config=project / "alembic.ini", root=project, **others)  # type: ignore[arg-type]


# The one that is named


def test_the_named_interpreter_stays(project: Path) -> None:
    settings = settings_of(project, python="/opt/python")
    with_alembic(project / ".venv")
    assert chosen(settings, with_alembic(project / "active")) == ("/opt/python", "--python")


def test_it_is_chosen_once(project: Path) -> None:
    settings = with_interpreter(settings_of(project), {})
    with_alembic(project / ".venv")
    assert with_interpreter(settings, {}) is not None
    assert (interpreter_of(settings, {}).path, interpreter_of(settings, {}).source) == OURS


# $VIRTUAL_ENV


def test_the_active_environment_with_alembic_runs_the_application(project: Path) -> None:
    active = with_alembic(project / "env")
    with_alembic(project / ".venv")
    assert chosen(settings_of(project), active) == (python_of(active), "VIRTUAL_ENV")
    assert chosen(settings_of(project), "env") == (python_of(active), "VIRTUAL_ENV")


def test_it_does_even_where_the_application_is_installed_beside_the_tool(project: Path) -> None:
    active = with_alembic(project / "env")
    assert chosen(settings_of(project, distribution="pytest"), active) == (python_of(active), "VIRTUAL_ENV")


@pytest.mark.parametrize("make", [missing, broken, failing, unreadable, without_alembic])
def test_an_active_environment_that_can_not_is_passed_over(project: Path, make: object) -> None:
    assert callable(make)
    active = make(project / "env")
    assert chosen(settings_of(project), active) == OURS
    local = with_alembic(project / ".venv")
    assert chosen(settings_of(project), active) == (python_of(local), ".venv")


def test_the_tools_own_environment_is_no_other(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = with_alembic(project / "own")
    monkeypatch.setattr(sys, "prefix", str(own))
    (project / "link").symlink_to(own)
    assert chosen(settings_of(project), own) == OURS
    assert chosen(settings_of(project), project / "link") == OURS
    local = with_alembic(project / ".venv")
    assert chosen(settings_of(project), own) == (python_of(local), ".venv"), "as in a hook of pre-commit"
    monkeypatch.setattr(sys, "prefix", str(local))
    assert chosen(settings_of(project)) == OURS


def test_a_folder_called_alembic_is_not_alembic(project: Path) -> None:
    write(project / "alembic" / "__init__.py")
    assert chosen(settings_of(project), without_alembic(project / "env")) == OURS


def test_the_tokens_of_the_job_are_kept_from_it(project: Path) -> None:
    python = write(project / "env" / "bin" / "python", '#!/bin/sh\nenv > "$(dirname "$0")/seen"\nexit 0\n')
    python.chmod(0o755)
    environ = {"VIRTUAL_ENV": str(project / "env"), "PATH": "/usr/bin:/bin", "GITHUB_TOKEN": "s3cret", "KEPT": "yes"}
    assert interpreter_of(settings_of(project), environ).path == str(python)
    seen = (python.parent / "seen").read_text()
    assert "KEPT=yes" in seen
    assert "s3cret" not in seen


# .venv at the root


def test_without_an_active_environment_the_tool_runs_it(project: Path) -> None:
    assert chosen(settings_of(project)) == OURS


@pytest.mark.parametrize("make", [missing, broken, failing, without_alembic])
def test_a_venv_that_can_not_is_passed_over(project: Path, make: object) -> None:
    assert callable(make)
    make(project / ".venv")
    assert chosen(settings_of(project)) == OURS


def test_a_tool_alone_takes_the_venv_at_the_root(project: Path) -> None:
    local = with_alembic(project / ".venv")
    assert chosen(settings_of(project)) == (python_of(local), ".venv")
    assert chosen(settings_of(project, distribution="no-such-distribution")) == (python_of(local), ".venv")
    assert chosen(settings_of(project, distribution="pytest")) == OURS


def test_without_a_root_it_is_the_working_directory(project: Path) -> None:
    local = with_alembic(project / ".venv")
    assert chosen(Settings(config=project / "alembic.ini")) == (python_of(local), ".venv")


ALONE = True


@pytest.mark.parametrize(
    ("sources", "alone"),
    [
        # Everybody has these: the standard library, and what the tool itself requires.
        ({"migrations/env.py": "import os, logging.config\nfrom alembic import context\nimport sqlalchemy.orm"}, ALONE),
        ({"migrations/env.py": "import click\nimport typing_extensions\nfrom rich import print"}, ALONE),
        ({"migrations/env.py": "import pytest"}, not ALONE),
        ({"migrations/env.py": "from pytest import fixture as context"}, not ALONE),
        ({"migrations/env.py": "import pytest\nimport no_such_framework"}, ALONE),
        # What only may be imported says nothing.
        ({"migrations/env.py": "import pytest\ntry:\n    import no_such\nexcept ImportError:\n    pass"}, not ALONE),
        ({"migrations/env.py": "import pytest\nif True:\n    import no_such\ndef f():\n    import no_such"}, not ALONE),
        # The project's own modules say nothing, but what they import does.
        ({"migrations/env.py": "import models", "models.py": "import sqlalchemy"}, ALONE),
        ({"migrations/env.py": "import models", "models.py": "import pytest"}, not ALONE),
        ({"migrations/env.py": "import models", "models.py": "import models, pytest, no_such"}, ALONE),
        (
            {"migrations/env.py": "from app.db import Base", "app/__init__.py": "", "app/db.py": "import pytest"},
            not ALONE,
        ),
        ({"migrations/env.py": "from app.db import Base", "app/__init__.py": "import pytest"}, not ALONE),
        (
            {
                "migrations/env.py": "from app import db",
                "app/__init__.py": "",
                "app/db/__init__.py": "from . import base\nfrom ..settings import URL",
                "app/db/base.py": "import pytest",
                "app/settings.py": "import hypothesis",
            },
            not ALONE,
        ),
        ({"migrations/env.py": "import app.db", "app/db.py": "import pytest"}, not ALONE),
        ({"migrations/env.py": "import app", "src/app/__init__.py": "import pytest"}, not ALONE),
        ({"migrations/env.py": "import beside", "migrations/beside.py": "import pytest"}, not ALONE),
        # Not understood is not found.
        ({"migrations/env.py": "import pytest\nthis is no Python"}, ALONE),
        ({"migrations/env.py": "from . import x\nfrom .. import y"}, ALONE),
        # Where env.py lies.
        ({"alembic.ini": "[alembic]\nscript_location = %(here)s/db/m\n", "db/m/env.py": "import pytest"}, not ALONE),
        ({"alembic.ini": "[alembic]\n", "env.py": "import pytest"}, not ALONE),
        ({"alembic.ini": "[alembic]\nscript_location = pytest:migrations\n"}, not ALONE),
        ({"alembic.ini": "[alembic]\nscript_location = no_such.db:migrations\n"}, ALONE),
        (
            {
                "alembic.ini": "[alembic]\nscript_location = app.db:alembic\n",
                "app/__init__.py": "",
                "app/db/alembic/env.py": "import pytest",
            },
            not ALONE,
        ),
        (
            {
                "alembic.ini": "[alembic]\nscript_location = m\nprepend_sys_path = lib:.\n",
                "m/env.py": "import inner",
                "lib/inner.py": "import pytest",
            },
            not ALONE,
        ),
        (
            {
                "alembic.ini": "[alembic]\n",
                "pyproject.toml": '[tool.alembic]\nscript_location = "%(here)s/m"\nprepend_sys_path = ["lib"]\n',
                "m/env.py": "import inner",
                "lib/inner.py": "import pytest",
            },
            not ALONE,
        ),
        ({"alembic.ini": "[alembic]\nscript_location = nowhere\n"}, ALONE),
        ({"alembic.ini": "no ini at all\n"}, ALONE),
    ],
)
def test_whether_the_tool_is_alone(project: Path, sources: dict[str, str], alone: bool) -> None:
    for name, text in sources.items():
        write(project / name, text)
    assert interpreter._is_alone(settings_of(project), project) is alone


# How reports name it


def test_the_path_is_shown_from_the_root_or_without_the_user(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    for path, shown in (
        (str(project / ".venv" / "bin" / "python"), ".venv/bin/python"),
        ("/home/ada/envs/poser/bin/python", "~/envs/poser/bin/python"),
        ("/usr/bin/python3", "/usr/bin/python3"),
    ):
        assert interpreter_of(settings_of(project, python=path)).shown == shown
