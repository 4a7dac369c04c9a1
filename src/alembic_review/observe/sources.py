"""Tables that source code declares, found by reading it: nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from alembic_review.model.facts import Declared, Package

_SKIPPED = frozenset({"tests", "test", "versions", "__pycache__", "node_modules", "site-packages"})


def declared_tables(packages: Iterable[Package]) -> tuple[Declared, ...]:
    """``__tablename__ = "…"`` and ``Table("…", …)`` in the modules of these packages.

    Folders of tests and of revisions are left out. A file that does not parse declares nothing: it can't be
    imported either.
    """
    found: list[Declared] = []
    for package in packages:
        for path, module in _modules(package):
            found.extend(_declared(package.name, module, path))
    return tuple(sorted(found, key=lambda entry: (entry.module, entry.line, entry.table)))


def _modules(package: Package) -> Iterator[tuple[Path, str]]:
    for text in package.paths:
        base = Path(text)
        if base.is_file():
            yield base, package.name
            continue
        for path in sorted(base.rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            if _SKIPPED & set(parts[:-1]) or not all(part.isidentifier() for part in parts):
                continue
            names = parts[:-1] if parts[-1] == "__init__" else parts
            yield path, ".".join((package.name, *names))


def _declared(package: str, module: str, path: Path) -> Iterator[Declared]:
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text) if "Table" in text or "__tablename__" in text else None
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.ClassDef):
            name, schema = _class_table(node)
        elif isinstance(node, ast.Call):
            name, schema = _call_table(node)
        else:
            continue
        if name is not None:
            yield Declared(package, module, name, str(path), node.lineno, schema)


def _class_table(node: ast.ClassDef) -> tuple[str | None, str | None]:
    name = schema = None
    for statement in node.body:
        target, value = _assignment(statement)
        if target == "__tablename__":
            name = _text(value)
        elif target == "__table_args__":
            schema = _schema(value)
    return name, schema


def _assignment(statement: ast.stmt) -> tuple[str | None, ast.expr | None]:
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id, statement.value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id, statement.value
    return None, None


def _schema(value: ast.expr | None) -> str | None:
    """The ``schema`` of ``__table_args__``: a dictionary, or the last element of a tuple."""
    if isinstance(value, ast.Tuple) and value.elts:
        value = value.elts[-1]
    if isinstance(value, ast.Dict):
        for key, entry in zip(value.keys, value.values, strict=True):
            if _text(key) == "schema":
                return _text(entry)
    return None


def _call_table(node: ast.Call) -> tuple[str | None, str | None]:
    function = node.func
    called = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if called != "Table" or len(node.args) <= 1:
        return None, None
    schema = next((_text(keyword.value) for keyword in node.keywords if keyword.arg == "schema"), None)
    return _text(node.args[0]), schema


def _text(value: ast.expr | None) -> str | None:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
