"""From the line where SQLAlchemy met a class to the line a person would change: the attribute itself."""

from __future__ import annotations

import ast
import sys
from functools import cache
from typing import Any

from alembic_review.model.facts import Frame, Item, Place
from alembic_review.worker.packages import package_of, same_project

_COLUMN_CALLS = frozenset({"Column", "mapped_column"})


def item_place(frame: Frame, item: Item) -> Place:
    """The line of a declared column's attribute, of an index in ``__table_args__``, or else the frame's own line."""
    declared = _class_at(frame.path, frame.line)
    if declared is None:
        statement = _statement_at(frame.path, frame.line)
        line = _string_line(statement, item.name) if statement is not None and item.name else None
        return Place(frame.path, line or frame.line)
    line = _line_in_class(declared, item)
    if line is not None:
        return Place(frame.path, line)
    for base in _bases(frame, declared):
        file = getattr(sys.modules.get(base.__module__), "__file__", None)
        # A library's mixin is not what a person would change.
        if not file or not same_project(package_of(base.__module__, file), frame.package):
            continue
        definition = _class_named(file, base.__qualname__)
        line = _line_in_class(definition, item) if definition is not None else None
        if line is not None:
            return Place(file, line)
    return Place(frame.path, declared.lineno)


@cache
def _tree(path: str) -> ast.Module | None:
    try:
        with open(path, "rb") as stream:
            return ast.parse(stream.read(), path)
    except (OSError, SyntaxError, ValueError):
        return None


@cache
def _class_at(path: str, line: int) -> ast.ClassDef | None:
    """The innermost class statement whose first lines hold this one: its decorators, name and bases."""
    tree = _tree(path)
    found = None
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.ClassDef):
            continue
        start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        if start <= line < max(node.body[0].lineno, node.lineno + 1):
            found = node
    return found


@cache
def _statement_at(path: str, line: int) -> ast.stmt | None:
    """The innermost statement around a line, such as a ``Table(…)`` call over many lines."""
    tree = _tree(path)
    found: ast.stmt | None = None
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.stmt) or not node.lineno <= line <= (node.end_lineno or node.lineno):
            continue
        if found is None or node.lineno >= found.lineno:
            found = node
    return found


def _class_named(path: str, qualified: str) -> ast.ClassDef | None:
    tree = _tree(path)
    body: list[ast.stmt] = tree.body if tree is not None else []
    found = None
    for name in qualified.split("."):
        found = next((node for node in body if isinstance(node, ast.ClassDef) and node.name == name), None)
        if found is None:
            return None
        body = found.body
    return found


def _bases(frame: Frame, declared: ast.ClassDef) -> list[type]:
    module = sys.modules.get(frame.module or "")
    made: Any = getattr(module, declared.name, None)
    return list(made.__mro__[1:]) if isinstance(made, type) else []


def _line_in_class(declared: ast.ClassDef, item: Item) -> int | None:
    if item.kind == "column" and item.name is not None:
        return _attribute_line(declared, item.name)
    named = _string_line(declared, item.name) if item.name else None
    if named is not None:
        return named
    if len(item.columns) == 1:
        return _attribute_line(declared, item.columns[0])
    return next((node.lineno for node in declared.body if "__table_args__" in _targets(node)), None)


def _attribute_line(declared: ast.ClassDef, name: str) -> int | None:
    """An attribute of that name, or one whose call starts with the column's name as text."""
    for node in declared.body:
        if isinstance(node, (ast.FunctionDef, ast.Assign, ast.AnnAssign)):
            text = _column_name(getattr(node, "value", None))
            if text == name or (text is None and name in _targets(node)):
                return node.lineno
    return None


def _targets(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _column_name(value: ast.expr | None) -> str | None:
    """The name that ``Column("name", …)`` gives a column; other calls may start with any text."""
    if not isinstance(value, ast.Call) or not value.args or not isinstance(value.args[0], ast.Constant):
        return None
    called = value.func.id if isinstance(value.func, ast.Name) else getattr(value.func, "attr", "")
    first = value.args[0].value
    return first if called in _COLUMN_CALLS and isinstance(first, str) else None


def _string_line(declared: ast.stmt, text: str) -> int | None:
    for node in ast.walk(declared):
        if isinstance(node, ast.Constant) and node.value == text:
            return node.lineno
    return None
