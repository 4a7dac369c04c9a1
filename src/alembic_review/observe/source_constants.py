"""Strings that a module's source spells out, or puts together from constants of its own."""

from __future__ import annotations

import ast
from collections import Counter


class Constants:
    """The module-level names of one module that are bound once in its whole source, and so always mean the same."""

    def __init__(self, tree: ast.Module) -> None:
        bound = Counter(name for node in ast.walk(tree) for name in _bound(node))
        self._values: dict[str, str] = {}
        for statement in tree.body:
            if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
                self._values.clear()  # it may bind any of them anew
            name, value = assignment(statement)
            text = self.text(value) if name is not None and bound[name] == 1 else None
            if name is not None and text is not None:
                self._values[name] = text

    def text(self, value: ast.expr | None) -> str | None:
        """The string that an expression yields; ``None`` where only running it would tell."""
        if isinstance(value, ast.Constant):
            return value.value if isinstance(value.value, str) else None
        if isinstance(value, ast.Name):
            return self._values.get(value.id)
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
            return self._joined([value.left, value.right])
        if isinstance(value, ast.JoinedStr):
            return self._joined([_formatted(part) for part in value.values])
        return None

    def _joined(self, parts: list[ast.expr | None]) -> str | None:
        texts = [self.text(part) for part in parts]
        known = [text for text in texts if text is not None]
        return "".join(known) if len(known) == len(texts) else None


def assignment(statement: ast.stmt) -> tuple[str | None, ast.expr | None]:
    """Name and value of ``name = value``, with or without a type; ``None`` for anything else."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id, statement.value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.value
    return None, None


def _formatted(part: ast.expr) -> ast.expr | None:
    """What stands in the braces of an f-string, unless it is converted or formatted on the way."""
    if not isinstance(part, ast.FormattedValue):
        return part
    return part.value if part.conversion == -1 and part.format_spec is None else None


def _bound(node: ast.AST) -> list[str]:
    """The names that a node binds, rebinds or deletes in whatever scope."""
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, ast.alias):
        return [(node.asname or node.name).partition(".")[0]]
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return list(node.names)
    # Functions, classes, exceptions and patterns have a name, parameters an arg (and so have keywords, to no harm).
    names = (getattr(node, field, None) for field in ("name", "arg", "rest"))
    return [name for name in names if isinstance(name, str)]
