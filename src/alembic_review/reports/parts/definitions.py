"""What a change changes a column from and to, read from the operation and the SQL of the review."""

from __future__ import annotations

import ast
import re

from alembic_review.model.review import Change
from alembic_review.reports.parts.names import visible

_LONGEST = 60
_TYPE = re.compile(r"\bTYPE\s+(.+?)(?:\s+USING\b.*)?;?\s*$", flags=re.IGNORECASE)


def from_and_to(change: Change) -> str:
    """``INTEGER -> BIGINT``, ``NULL -> NOT NULL``; empty where the operation does not show it."""
    if change.kind not in ("modify_type", "modify_nullable"):
        return ""
    try:
        return _nullable(change) if change.kind == "modify_nullable" else _types(change)
    except RecursionError:  # of an expression that no revision has
        return ""


def _nullable(change: Change) -> str:
    nullable = _arguments(change.python).get("nullable")
    if not isinstance(nullable, ast.Constant) or not isinstance(nullable.value, bool):
        return ""
    return "NOT NULL -> NULL" if nullable.value else "NULL -> NOT NULL"


def _types(change: Change) -> str:
    arguments = _arguments(change.python)
    old, new = arguments.get("existing_type"), arguments.get("type_")
    if old is None or new is None:
        return ""
    return f"{_type(old)} -> {_compiled(change.sql) or _type(new)}"


def _arguments(python: str) -> dict[str, ast.expr]:
    """The keyword arguments of ``alter_column``; none where the code can't be read."""
    try:
        module = ast.parse(python.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    calls = [node for node in ast.walk(module) if isinstance(node, ast.Call) and _name(node.func) == "alter_column"]
    return {word.arg: word.value for call in calls[:1] for word in call.keywords if word.arg is not None}


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def _type(node: ast.expr) -> str:
    """``sa.String(length=30)`` as ``String(30)``, ``sa.INTEGER()`` as ``INTEGER``."""
    text = ast.unparse(node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        values = [*node.args, *(word.value for word in node.keywords)]
        text = node.func.attr + (f"({', '.join(map(ast.unparse, values))})" if values else "")
    return _short(text)


def _compiled(sql: str | None) -> str:
    """The type as the database writes it, from ``ALTER COLUMN … TYPE …``."""
    for line in (sql or "").splitlines():
        match = _TYPE.search(line)
        if match is not None and "ALTER COLUMN" in line.upper():
            return _short(match[1])
    return ""


def _short(text: str) -> str:
    shown = visible(" ".join(text.split()))
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"
