"""Whose project is this: the root folder and the name of its distribution."""

from __future__ import annotations

import ast
import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from alembic_review.config.settings_files import read_toml, table_of
from alembic_review.model.system_prefixes import SHARED_PREFIXES

MARKERS = ("pyproject.toml", "setup.cfg", "setup.py")


def find_root(start: Path) -> Path | None:
    """The nearest folder at or above ``start`` that has a project file and is not in an environment.

    ``None`` if there is none.
    """
    for folder in (start, *start.parents):
        if any(os.path.isfile(folder / marker) for marker in MARKERS) and not in_environment(folder):  # noqa: PTH113 - says False where stat is forbidden
            return folder
    return None


def working_root(cwd: Path, conf: Path) -> Path | None:
    """The root where no project file was found: the working directory; ``None`` inside an environment.

    With a conf file that is not below the working directory, it is the conf file's folder.
    """
    beside = Path(os.path.normpath(conf.parent))
    folder = cwd if beside.is_relative_to(cwd) else beside
    return None if in_environment(folder) else folder


def in_environment(folder: Path) -> bool:
    """Whether ``folder`` is in a ``sys.prefix``, a virtual environment or a site-packages folder."""
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix} - SHARED_PREFIXES
    return any(
        part.name in ("site-packages", "dist-packages")
        or str(part) in prefixes
        or os.path.exists(part / "pyvenv.cfg")  # noqa: PTH110 - says False where stat is forbidden
        or os.path.exists(part / "conda-meta")  # noqa: PTH110
        for part in (folder, *folder.parents)
    )


def distribution_name(root: Path) -> str | None:
    """The name of the distribution of the project at ``root``; ``None`` if no file has it.

    Nothing is executed: ``setup.py`` is parsed, and only a literal name is read.
    """
    return _pyproject_name(root) or _setup_cfg_name(root) or _setup_py_name(root)


def _pyproject_name(root: Path) -> str | None:
    path = root / "pyproject.toml"
    if not path.is_file():
        return None
    data = read_toml(path)
    for section in (("project",), ("tool", "poetry")):
        name = table_of(data, *section).get("name")
        if isinstance(name, str) and name:
            return name
    return None


def _setup_cfg_name(root: Path) -> str | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(root / "setup.cfg", encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError):
        return None
    name = parser.get("metadata", "name", fallback="").strip()
    return name or None


def _setup_py_name(root: Path) -> str | None:
    try:
        tree = ast.parse((root / "setup.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and _called(call) == "setup":
            for keyword in call.keywords:
                if keyword.arg == "name":
                    return _literal(keyword.value, constants)
    return None


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _literal(node: ast.expr, constants: Mapping[str, object]) -> str | None:
    value: object = None
    if isinstance(node, ast.Constant):
        value = node.value
    elif isinstance(node, ast.Name):
        value = constants.get(node.id)
    return value if isinstance(value, str) and value else None
