"""Environment variables that the application's source reads and that are not set."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from alembic_review.worker.worker_errors import is_application

_MOST_FILES = 300


class Reading(NamedTuple):
    """One read of a variable: ``os.environ["X"]``, ``os.environ.get("X")`` or ``os.getenv("X")``."""

    variable: str
    path: str
    line: int


def unset_in(paths: Iterable[str]) -> list[Reading]:
    """Reads without a default, in these files, of variables that are not set; each variable once."""
    found: dict[str, Reading] = {}
    for path in dict.fromkeys(paths):
        for reading in _readings(path):
            if reading.variable not in os.environ:
                found.setdefault(reading.variable, reading)
    return list(found.values())


def loaded_files() -> list[str]:
    """The files of the application's modules that are in memory."""
    files = (getattr(module, "__dict__", {}).get("__file__") for module in list(sys.modules.values()))
    return list(islice((file for file in files if isinstance(file, str) and is_application(file)), _MOST_FILES))


def _readings(path: str) -> Iterator[Reading]:
    try:
        with open(path, "rb") as stream:
            tree = ast.parse(stream.read(), path)
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        name = _read_by(node)
        if name:
            yield Reading(name, path, getattr(node, "lineno", 1))


def _read_by(node: ast.AST) -> str:
    """The variable that this expression reads, if any; a read with a default other than None or "" does not count."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _name(node.value) == "environ":
        return _text(node.slice)
    if not isinstance(node, ast.Call) or not node.args:
        return ""
    called = node.func
    getter = _name(called) == "getenv" or (
        isinstance(called, ast.Attribute) and called.attr == "get" and _name(called.value) == "environ"
    )
    default = node.args[1] if len(node.args) > 1 else None
    if not getter or node.keywords or (default is not None and not _is_empty(default)):
        return ""
    return _text(node.args[0])


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_empty(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (None, "")
