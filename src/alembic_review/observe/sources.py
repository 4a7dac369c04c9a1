"""Tables that source code declares, found by reading it: nothing is imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from alembic_review.model.facts import Declared, Package

_SKIPPED = frozenset({"tests", "test", "__pycache__", "node_modules", "site-packages"})
_REVISIONS = "versions"
_QUOTED = r"""["'](?P<name>[^"'\\\n]+)["']"""
_CLASS_TABLE = re.compile(rf"^\s+__tablename__\s*(?::[^=\n]*)?=\s*{_QUOTED}\s*(?:#.*)?$", re.MULTILINE)
_CALLED_TABLE = re.compile(rf"(?<![\w\"'])Table\(\s*{_QUOTED}\s*,")


def declared_tables(packages: Iterable[Package]) -> tuple[Declared, ...]:
    """``__tablename__ = "…"`` and ``Table("…", …)`` in the modules of these packages.

    Folders of tests and revision scripts are left out. The application's Python may be newer than ours: what does not
    parse here is searched as text, which finds the same tables but no schema.
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
            if parts[-2:-1] == (_REVISIONS,) and not (path.parent / "__init__.py").exists():
                continue
            names = parts[:-1] if parts[-1] == "__init__" else parts
            yield path, ".".join((package.name, *names))


def _declared(package: str, module: str, path: Path) -> Iterator[Declared]:
    try:
        source = path.read_bytes()
    except OSError:
        return
    if b"Table" not in source and b"__tablename__" not in source:
        return
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        found = _in_text(source.decode(errors="replace"))
    else:
        found = iter(()) if _is_revision(tree) else _in_tree(tree)
    for name, schema, line in found:
        yield Declared(package, module, name, str(path), line, schema)


def _in_tree(tree: ast.Module) -> Iterator[tuple[str, str | None, int]]:
    """Name, schema and line of each table."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            name, schema = _class_table(node)
        elif isinstance(node, ast.Call):
            name, schema = _call_table(node)
        else:
            continue
        if name is not None:
            yield name, schema, node.lineno


def _in_text(text: str) -> Iterator[tuple[str, str | None, int]]:
    for pattern in (_CLASS_TABLE, _CALLED_TABLE):
        for match in pattern.finditer(text):
            yield match["name"], None, text.count("\n", 0, match.start("name")) + 1


def _is_revision(tree: ast.Module) -> bool:
    """Tell whether a module is a script of Alembic's: it names itself and what comes before it."""
    names = {_assignment(statement)[0] for statement in tree.body}
    return {"revision", "down_revision"} <= names


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
