"""The tables that one module's source declares."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alembic_review.observe.source_constants import Constants, assignment

_NAME = "__tablename__"
_QUOTED = r"""["'](?P<name>[^"'\\\n]+)["']"""
_NAMED_CLASS = re.compile(
    rf"^[ \t]+(?:{_NAME}[ \t]*(?::[^=\n]*)?=[ \t]*(?:{_QUOTED}[ \t]*(?:\#.*)?$)?|def[ \t]+{_NAME}\b)", re.MULTILINE
)
_CALLED_TABLE = re.compile(rf"(?<!class )(?<![\w\"'])Table\(\s*(?:{_QUOTED}\s*,|[^\"'\s)][^,)\n]*,)")
_REFLECTED = frozenset({"autoload", "autoload_with"})
_BASES = frozenset({"DeclarativeBase", "DeclarativeBaseNoMeta"})
_MAPPING = frozenset({"mapped", "mapped_as_dataclass"})
_LIBRARIES = ("sqlalchemy", "sqlmodel")


@dataclass(frozen=True)
class TableInSource:
    """A table by name, schema and line; the name is ``None`` where only running the module would tell it."""

    table: str | None
    schema: str | None
    line: int


def in_text(text: str) -> Iterator[TableInSource]:
    """The declarations in source that this Python can't parse; no schema is found there."""
    for pattern in (_NAMED_CLASS, _CALLED_TABLE):
        for match in pattern.finditer(text):
            start = match.start("name") if match["name"] else match.end() - 1
            yield TableInSource(match["name"], None, text.count("\n", 0, start) + 1)


def in_tree(tree: ast.Module, package: str) -> Iterator[TableInSource]:
    """The declarations in a module of this package: classes, and calls of ``Table``."""
    constants, imports = Constants(tree), _imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found = _class(node, constants, imports, package)
        elif isinstance(node, ast.Call):
            found = _call(node, constants, imports, package)
        else:
            continue
        if found is not None:
            yield found


def _class(node: ast.ClassDef, constants: Constants, imports: dict[str, str], package: str) -> TableInSource | None:
    values = dict(assignment(statement) for statement in node.body)
    schema = _schema(values.get("__table_args__"), constants)
    if _NAME in values:
        value = values[_NAME]
    elif function := next((entry for entry in node.body if _is_function(entry, _NAME)), None):
        if not _is_mapped(node):
            return None  # a mixin: its subclasses have the tables
        value = _returned(function)
    elif any(_NAME in _names(statement) for statement in node.body):
        value = None
    elif _is_mapped(node) and "__table__" not in values and not _is_abstract(values):
        # A base may give the name; without columns of its own the class may as well be anything.
        if not _has_columns(node, imports, package):
            return None
        value = None
    else:
        return None
    if isinstance(value, ast.Constant) and value.value is None:
        return None  # the way to say that a subclass shares its parent's table
    return TableInSource(constants.text(value), schema, node.lineno)


def _call(node: ast.Call, constants: Constants, imports: dict[str, str], package: str) -> TableInSource | None:
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    if _called(node, imports) != "Table" or not (node.args or "name" in keywords):
        return None
    if len(node.args) <= 1 and "metadata" not in keywords and not any(isinstance(a, ast.Starred) for a in node.args):
        return None
    name = constants.text(node.args[0] if node.args else keywords["name"])
    if name is None and (_REFLECTED & keywords.keys() or _is_foreign(node.func, imports, package)):
        return None
    return TableInSource(name, constants.text(keywords.get("schema")), node.lineno)


def _is_mapped(node: ast.ClassDef) -> bool:
    """Tell whether a class may be mapped: it has a base and is none itself, or a decorator maps it."""
    bases = {_last(base) for base in node.bases} - {"object"}
    return bool(bases and not bases & _BASES) or any(_last(entry) in _MAPPING for entry in node.decorator_list)


def _is_abstract(values: dict[str | None, ast.expr | None]) -> bool:
    value = values.get("__abstract__")
    return isinstance(value, ast.Constant) and value.value is True


def _has_columns(node: ast.ClassDef, imports: dict[str, str], package: str) -> bool:
    if any(keyword.arg == "table" for keyword in node.keywords):
        return True  # SQLModel
    return any(_is_column(statement, imports, package) for statement in node.body)


def _is_column(statement: ast.stmt, imports: dict[str, str], package: str) -> bool:
    annotation = statement.annotation if isinstance(statement, ast.AnnAssign) else None
    if isinstance(annotation, ast.Subscript) and _last(annotation.value) == "Mapped":
        return True
    _, value = assignment(statement)
    if not isinstance(value, ast.Call):
        return False
    called = _called(value, imports)
    return called == "mapped_column" or (called == "Column" and not _is_foreign(value.func, imports, package))


def _is_function(statement: ast.stmt, name: str) -> bool:
    return isinstance(statement, ast.FunctionDef) and statement.name == name


def _returned(function: ast.stmt) -> ast.expr | None:
    """What a function returns, when returning it is all that it does."""
    body = function.body if isinstance(function, ast.FunctionDef) else []
    code = [entry for entry in body if not (isinstance(entry, ast.Expr) and isinstance(entry.value, ast.Constant))]
    return code[0].value if len(code) == 1 and isinstance(code[0], ast.Return) else None


def _names(statement: ast.stmt) -> Iterable[str]:
    """The names that a statement of a class body binds, below ``if``, ``try`` and the like too."""
    if isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return ()
    return (
        name
        for node in ast.walk(statement)
        for name in (
            (node.id,)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            else (node.name,)
            if isinstance(node, ast.FunctionDef)
            else ()
        )
    )


def _schema(value: ast.expr | None, constants: Constants) -> str | None:
    """The ``schema`` of ``__table_args__``: a dictionary, or the last element of a tuple."""
    if isinstance(value, ast.Tuple) and value.elts:
        value = value.elts[-1]
    if isinstance(value, ast.Dict):
        for key, entry in zip(value.keys, value.values, strict=True):
            if constants.text(key) == "schema":
                return constants.text(entry)
    return None


def _imports(tree: ast.Module) -> dict[str, str]:
    """Which module each imported name comes from; a leading dot for a relative one."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update({(name.asname or name.name).partition(".")[0]: name.name for name in node.names})
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            found.update({name.asname or name.name: f"{source}.{name.name}" for name in node.names})
    return found


def _is_foreign(function: ast.expr, imports: dict[str, str], package: str) -> bool:
    """Tell whether a name comes from a package that is neither SQLAlchemy's kin nor this one."""
    while isinstance(function, ast.Attribute):
        function = function.value
    source = imports.get(function.id, "") if isinstance(function, ast.Name) else ""
    if not source or source.startswith((".", f"{package}.")) or source == package:
        return False
    return not any(library in source for library in _LIBRARIES)


def _called(call: ast.Call, imports: dict[str, str]) -> str:
    """``Table`` of ``sa.Table()``, and of ``T()`` after ``from sqlalchemy import Table as T``."""
    name = _last(call)
    return imports.get(name, name).rpartition(".")[2] if isinstance(call.func, ast.Name) else name


def _last(expression: ast.expr) -> str:
    """``Column`` of ``sa.Column``, ``mapped`` of ``registry.mapped()``."""
    expression = expression.func if isinstance(expression, ast.Call) else expression
    return expression.id if isinstance(expression, ast.Name) else getattr(expression, "attr", "")
