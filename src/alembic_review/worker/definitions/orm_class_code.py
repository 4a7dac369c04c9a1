"""Columns as they are written in an ORM class, and the class that a table is mapped to."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from alembic.operations import ops
from sqlalchemy import Column, MetaData, Table

from alembic_review.model.facts import ChangeFact, ColumnCode, Frame, OrmClass, TableKey
from alembic_review.worker.compare.rendered_operations import Renderer

SUGGESTIONS = "suggested extension tables for columns of core tables"
"""What is not offered where this module fails, in words."""


def column_code(column: Column[Any], renderer: Renderer) -> ColumnCode | None:
    """The column as an attribute's value; ``None`` where Alembic's rendering of it is not read with certainty."""
    python, imports = renderer.with_imports(ops.AddColumnOp("t", column))
    try:
        call = ast.parse(python, mode="eval").body
    except SyntaxError:
        return None
    if not (isinstance(call, ast.Call) and len(call.args) > 1 and isinstance(call.args[1], ast.Call)):
        return None
    inner = call.args[1]
    if len(inner.args) < 2 or not isinstance(inner.args[0], ast.Constant) or inner.args[0].value != column.name:  # noqa: PLR2004 - name and type
        return None
    texts = [ast.get_source_segment(python, part) or "" for part in (*inner.args[1:], *inner.keywords)]
    names = _Names(bound_by(imports))
    try:
        type_, *rest = map(names.plain, texts)
    except LookupError:
        return None
    keys = [_foreign_key(key) for key in column.foreign_keys]
    # Alembic renders these two as an index or a constraint of the table.
    rest += [f"{name}=True" for name in ("index", "unique") if getattr(column, name, None)]
    return ColumnCode(column.name, type_, tuple(sorted(keys)), tuple(rest), tuple(sorted(imports | names.imports)))


def bound_by(imports: Iterable[str]) -> set[str]:
    """The names that these import statements bind."""
    found = {"sa"}
    for line in imports:
        for statement in ast.parse(line).body:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                found |= {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    return found


class _Names(ast.NodeTransformer):
    """Makes ``package.module.Type()`` a ``Type()`` with an import of its own.

    While a package is being imported, its modules can't be reached through it.
    """

    def __init__(self, bound: Collection[str]) -> None:
        self._bound = bound
        self.imports: set[str] = set()

    def plain(self, text: str) -> str:
        """The text with such names alone. Raises ``LookupError`` for a name that nothing defines."""
        name, is_option, value = text.partition("=")
        if not (is_option and name.isidentifier()):
            name, is_option, value = "", "", text
        before = len(self.imports)
        tree = self.visit(ast.parse(value, mode="eval"))
        return name + is_option + (ast.unparse(tree) if len(self.imports) > before else value)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        dotted = ast.unparse(node).split(".")
        if dotted[0] in self._bound or not all(part.isidentifier() for part in dotted):
            self.generic_visit(node)
            return node
        for length in range(len(dotted) - 1, 0, -1):
            module, name = ".".join(dotted[:length]), dotted[length]
            if hasattr(sys.modules.get(module), name):
                self.imports.add(f"from {module} import {name}")
                return ast.parse(".".join(dotted[length:]), mode="eval").body
        raise LookupError(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self._bound and not hasattr(builtins, node.id):
            raise LookupError(node.id)
        return node


def declarations(
    targets: Iterable[MetaData],
    changes: Iterable[ChangeFact],
    frames: Mapping[TableKey, Frame],
    hung: Mapping[TableKey, Collection[str]],
    renderer: Renderer,
) -> tuple[OrmClass, ...]:
    """The classes of the tables that columns would be added to, and of those with columns that were ``hung`` on later.

    ``frames`` are the places where tables are defined.
    """
    wanted = {change.key for change in changes if change.kind == "add_column"} | hung.keys()
    tables = [table for metadata in targets for table in metadata.tables.values()]
    keys = {TableKey(table.schema, table.name): table for table in tables}
    found = []
    for key, table in keys.items():
        declared = _declaration(table, frames.get(key), renderer) if key in wanted else None
        if declared is not None:
            codes = (column_code(table.columns[name], renderer) for name in hung.get(key, ()) if name in table.columns)
            found.append(replace(declared, columns=tuple(code for code in codes if code is not None)))
    return tuple(found)


def _declaration(table: Table, frame: Frame | None, renderer: Renderer) -> OrmClass | None:
    """The mapped class of a table, found in the module of the frame that defined it; ``None`` where there is no one."""
    module = sys.modules.get(frame.module or "") if frame is not None else None
    if module is None:
        return None
    mapped = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and getattr(value, "__table__", None) is table
    ]
    # Classes that inherit the table are in it too.
    classes = {value for value in mapped if not any(other in mapped for other in value.__mro__[1:])}
    if len(classes) != 1:
        return None
    (mapped_class,) = classes
    base = next((one for one in mapped_class.__mro__ if _is_base(one)), None)
    keys = [column_code(column, renderer) for column in table.primary_key.columns]
    names = [_importable(one, module.__name__) for one in (mapped_class, base)]
    if base is None or not keys or None in keys or None in names:
        return None
    return OrmClass(
        key=TableKey(table.schema, table.name),
        mapped_class=str(names[0]),
        base=str(names[1]),
        primary_key=tuple(key for key in keys if key is not None),
    )


def _is_base(one: type) -> bool:
    return "registry" in vars(one) or "_decl_class_registry" in vars(one)


def _importable(one: type | None, module: str) -> str | None:
    """``module:Name`` by which others import a class: the shortest of its package that is not private."""
    top = module.partition(".")[0]
    for name in sorted(sys.modules, key=lambda name: (name.count("."), len(name), name)):
        if name != top and not name.startswith(f"{top}."):
            continue
        for attribute, value in list(vars(sys.modules[name]).items()):
            if value is one and one is not None and not attribute.startswith("_"):
                return f"{name}:{attribute}"
    return None


def _foreign_key(key: Any) -> str:
    options = [f", {name}={getattr(key, name)!r}" for name in ("onupdate", "ondelete") if getattr(key, name)]
    return f"sa.ForeignKey({key.target_fullname!r}{''.join(options)})"
