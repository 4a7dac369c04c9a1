"""Which Python runs the application where nobody names one."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from alembic_review import processes
from alembic_review.model.settings import Interpreter, Settings
from alembic_review.observe.env_py_imports import imported
from alembic_review.observe.worker_process import environment

ENVIRONMENT = ".venv"
OPTION, ACTIVE, ROOT, TOOL = "--python", "VIRTUAL_ENV", ENVIRONMENT, "tool"

_TOOL = "alembic-review"
_SECONDS = 20.0  # for a start of Python on a cold or a remote disk
# The working directory is no place for Alembic to be imported from: a folder of migrations is often called alembic.
_PROBE = """
import importlib.util, sys
sys.path[:] = [entry for entry in sys.path if entry]
spec = importlib.util.find_spec("alembic")
sys.exit(spec is None or spec.origin is None)
"""


def with_interpreter(settings: Settings, environ: Mapping[str, str] = os.environ) -> Settings:
    """``settings`` with the interpreter that runs the application."""
    return replace(settings, interpreter=interpreter_of(settings, environ))


def interpreter_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> Interpreter:
    """The interpreter that runs the application; where one was chosen already, that one.

    In this order: the one that is named; that of ``$VIRTUAL_ENV``, where this is another environment than ours and has
    Alembic; that of ``.venv`` at the root, where it has Alembic and ours holds nothing of the application; ours.
    """
    if settings.interpreter is not None:
        return settings.interpreter
    root = settings.root if settings.root is not None else _working_directory()
    path, source = _chosen(settings, root, environ)
    return Interpreter(path, source, _shown(path, root))


def _chosen(settings: Settings, root: Path | None, environ: Mapping[str, str]) -> tuple[str, str]:
    if settings.python is not None:
        return settings.python, OPTION
    if environ.get("VIRTUAL_ENV"):
        python = _other_with_alembic(Path(environ["VIRTUAL_ENV"]).absolute(), environ)
        if python is not None:
            return python, ACTIVE
    # Whether we are alone takes longer to find out, and most often there is no such folder, or it is our own.
    if root is not None and _is_other(root / ENVIRONMENT) and _is_alone(settings, root):
        python = _other_with_alembic(root / ENVIRONMENT, environ)
        if python is not None:
            return python, ROOT
    return sys.executable, TOOL


def _working_directory() -> Path | None:
    with suppress(OSError):  # it is gone
        return Path.cwd()
    return None


def _is_other(folder: Path) -> bool:
    return os.access(folder / "bin" / "python", os.X_OK) and not any(
        os.path.realpath(folder) == os.path.realpath(prefix) for prefix in (sys.prefix, sys.exec_prefix)
    )


def _other_with_alembic(folder: Path, environ: Mapping[str, str]) -> str | None:
    """The interpreter of an environment other than ours that can import Alembic; ``None`` without one that runs."""
    python = str(folder / "bin" / "python")
    return python if _is_other(folder) and _has_alembic(python, tuple(environment(environ).items())) else None


@cache
def _has_alembic(python: str, environ: tuple[tuple[str, str], ...]) -> bool:
    try:
        done = processes.run([python, "-B", "-c", _PROBE], env=dict(environ), timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _is_alone(settings: Settings, root: Path) -> bool:
    """Whether our environment lacks the application: its distribution, and the modules that env.py imports.

    What the tool itself depends on says nothing: env.py always imports Alembic.
    """
    if settings.distribution is not None and _installed(settings.distribution):
        return False
    if settings.config is None:
        return True
    cwd = _working_directory() or root
    names = imported(settings.config, settings.section, cwd, root) - _brought(_TOOL)
    return not names or not all(map(_is_found, names))


def _installed(distribution: str) -> bool:
    with suppress(importlib.metadata.PackageNotFoundError, ValueError):
        return importlib.metadata.distribution(distribution) is not None
    return False


def _is_found(name: str) -> bool:
    with suppress(ImportError, ValueError, AttributeError):
        return importlib.util.find_spec(name) is not None
    return False


def _brought(distribution: str) -> set[str]:
    """Top-level modules of a distribution and of everything it requires without any extra."""
    names = _required(distribution)
    modules = importlib.metadata.packages_distributions()
    return {module for module, owners in modules.items() if {_normal(owner) for owner in owners} <= names}


def _required(distribution: str) -> set[str]:
    found: set[str] = set()
    waiting = [distribution]
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        found.add(name)
        with suppress(importlib.metadata.PackageNotFoundError):
            requirements = importlib.metadata.requires(name) or []
            plain = [text for text in requirements if not re.search(r"\bextra\b", text)]
            waiting += [match[0] for text in plain if (match := re.match(r"[\w.-]+", text))]
    return found


def _normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _shown(python: str, root: Path | None) -> str:
    """The path as reports show it: seen from the root, else without the name of the user."""
    path = Path(python)
    if root is not None and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    with suppress(RuntimeError):  # no home folder is known
        if path.is_relative_to(Path.home()):
            return f"~/{path.relative_to(Path.home()).as_posix()}"
    return python
