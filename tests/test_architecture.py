"""The rooms of the house lean one way, and the contracts that say so really bite."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY / "src" / "alembic_review"
CONTRACTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

# A line that must not be written, the file it is added to, and a word of the contract that forbids it.
FORBIDDEN = {
    "model leans on a room": ("model/facts.py", "from alembic_review import config", "Rooms"),
    "judge observes": ("judge/__init__.py", "from alembic_review.observe import worker_process", "Rooms"),
    "a report judges": ("reports/__init__.py", "import alembic_review.judge", "Rooms"),
    "a forge knows reports": ("forge/sticky_comment.py", "import alembic_review.reports", "Rooms"),
    "a room calls a workflow": ("observe/__init__.py", "import alembic_review.workflows.review", "Rooms"),
    "worker uses settings": ("worker/replay/upgrade.py", "import alembic_review.config", "Rooms"),
    "a workflow calls the command line": ("workflows/review.py", "import alembic_review.cli", "Rooms"),
    "worker loaded into the tool": (
        "observe/worker_process.py",
        "import alembic_review.worker.replay.upgrade",
        "process of its own",
    ),
    "the command line guards": ("cli/__init__.py", "import alembic_review.guard", "Rooms"),
    "inside import by the front door": ("workflows/review.py", "from alembic_review import Review", "public names"),
    "judge uses Alembic": ("judge/__init__.py", "import alembic.operations", "import Alembic"),
    "report uses SQLAlchemy": ("reports/__init__.py", "from sqlalchemy import schema", "import SQLAlchemy"),
    "launcher uses SQLAlchemy": ("observe/scratch/embedded_server.py", "import sqlalchemy", "import SQLAlchemy"),
    "worker uses a framework": ("worker/environment/env_py.py", "import flask", "imports a framework"),
    "a workflow makes databases": ("workflows/review.py", "import sqlalchemy_utils", "SQLAlchemy-Utils"),
    "a room nobody put into the plan": ("attic/__init__.py", "", "exhaustive"),
}


def lint_imports(source: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of pyproject.toml on the package below ``source``."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", REPOSITORY / "pyproject.toml"],
        cwd=source,
        env=os.environ | {"PYTHONPATH": str(source), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package's source in a folder where it may be spoiled."""
    shutil.copytree(SOURCE, tmp_path / "alembic_review", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_source_keeps_every_contract(copy: Path) -> None:
    result = lint_imports(copy)

    assert result.returncode == 0, result.stdout
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in result.stdout


@pytest.mark.parametrize(("file", "line", "contract"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_forbidden_import_breaks_its_contract(copy: Path, file: str, line: str, contract: str) -> None:
    path = copy / "alembic_review" / file
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as stream:
        stream.write(f"\n{line}\n")

    result = lint_imports(copy)

    assert result.returncode == 1, result.stdout
    assert contract in result.stdout.partition("Broken contracts")[2] + result.stderr, result.stdout


# Application contexts: the framework that each may import inside its functions, once an env.py needs that framework.
CONTEXTS = {"worker/environment/flask_context.py": "flask"}


def imported(path: Path, nodes: Iterable[ast.AST] | None = None) -> set[str]:
    """The top-level packages that a file imports, anywhere in it or among ``nodes`` of it."""
    names = set()
    for node in nodes if nodes is not None else ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize(
    ("room", "allowed"),
    [("model", {"alembic_review"}), ("worker", {"alembic_review", "alembic", "sqlalchemy"})],
)
def test_what_runs_in_the_application_needs_nothing_the_application_lacks(room: str, allowed: set[str]) -> None:
    files = sorted((SOURCE / room).rglob("*.py"))
    files = [path for path in files if path.relative_to(SOURCE).as_posix() not in CONTEXTS]

    foreign = {str(path): imported(path) - sys.stdlib_module_names - allowed for path in files}

    assert files
    assert {path: names for path, names in foreign.items() if names} == {}


@pytest.mark.parametrize(("file", "framework"), CONTEXTS.items())
def test_an_application_context_imports_its_framework_only_when_asked(file: str, framework: str) -> None:
    path = SOURCE / file
    known = sys.stdlib_module_names | {"alembic_review", "alembic", "sqlalchemy"}

    assert imported(path) - known == {framework}
    assert imported(path, ast.parse(path.read_text()).body) <= known


def test_the_guard_loads_nothing_for_a_command_that_generates_no_revision() -> None:
    path = SOURCE / "guard" / "__init__.py"

    assert imported(path, ast.parse(path.read_text()).body) <= sys.stdlib_module_names


def test_the_judge_knows_no_framework_by_name() -> None:
    """Ownership comes from witnesses; a framework's name in the rules would be a special case."""
    names = re.compile(
        r"rattail|wutta|tailbone|sideshow|corepos|continuum|flask|django|pyramid|acme|chronicle", re.IGNORECASE
    )
    files = sorted(path for path in (SOURCE / "judge").rglob("*") if path.suffix in {".py", ".md"})

    named = [f"{path}: {line}" for path in files for line in path.read_text().splitlines() if names.search(line)]

    assert files
    assert named == []


def test_no_folder_holds_more_than_sixteen_files() -> None:
    folders = [folder for folder in (SOURCE, *SOURCE.rglob("*")) if folder.is_dir() and folder.name != "__pycache__"]
    crowded = {
        str(folder.relative_to(SOURCE)): number
        for folder in folders
        if (number := sum(path.is_file() for path in folder.iterdir())) > 16
    }
    assert folders
    assert crowded == {}
