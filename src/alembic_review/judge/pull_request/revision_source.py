"""The source of a revision file: what it assigns to Alembic's names, and the same file behind another revision."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

_REVISES = re.compile(r"^([ \t]*Revises[ \t]*:)([^\r\n]*)", re.MULTILINE)
_LINE = re.compile(r"\r\n|\r|\n")


class UnreadableSourceError(Exception):
    """Only running the file would tell what it assigns; the message says what can't be read."""


@dataclass(frozen=True)
class RevisionSource:
    """What a revision file assigns."""

    id: str
    down_revisions: tuple[str, ...]
    depends_on: tuple[str, ...] = ()
    branch_labels: tuple[str, ...] = ()


def read_source(content: bytes) -> RevisionSource:
    """What a revision file assigns, without running it. Raises ``UnreadableSourceError``."""
    _, _, module = _parsed(content)
    names = _names(module, "revision")
    if len(names) != 1:
        raise UnreadableSourceError("it assigns no `revision`")
    others = (_names(module, name) for name in ("down_revision", "depends_on", "branch_labels"))
    return RevisionSource(names[0], *others)


def moved(content: bytes, parent: str) -> bytes:
    """The same file with ``parent`` as its only parent, in ``down_revision`` and in the docstring.

    Whatever else there is stays as it is, comments and line ends too. Raises ``UnreadableSourceError``.
    """
    encoding, text, module = _parsed(content)
    value = _value(module, "down_revision")
    if value is None:
        raise UnreadableSourceError("it assigns no `down_revision`")
    before = _names(module, "down_revision")
    starts = [0, *(match.end() for match in _LINE.finditer(text))]
    edits = [_literal(text, starts, value, parent)]
    docstring = _docstring(module)
    if docstring is not None:
        edits += _header(text, _span(text, starts, docstring), before, parent)
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    made = text.encode(encoding)
    if read_source(made) != RevisionSource(**{**vars(read_source(content)), "down_revisions": (parent,)}):
        raise UnreadableSourceError("its `down_revision` can't be replaced")
    return made


def _parsed(content: bytes) -> tuple[str, str, ast.Module]:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
        with warnings.catch_warnings():
            # Of escapes in strings, which its author gets to see anyway.
            warnings.simplefilter("ignore")
            return encoding, text, ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnreadableSourceError("it is not valid Python") from error


def _value(module: ast.Module, name: str) -> ast.expr | None:
    """What the module assigns to a name last; ``None`` where it does not. Raises ``UnreadableSourceError``."""
    found: ast.expr | None = None
    for statement in module.body:
        if _assigns(statement, name):
            found = statement.value
        elif any(_is_name(node, name) and isinstance(node.ctx, ast.Store) for node in _of_module(statement)):
            raise UnreadableSourceError(f"its `{name}` is not assigned by a statement of its own")
    return found


def _assigns(statement: ast.stmt, name: str) -> TypeGuard[ast.Assign | ast.AnnAssign]:
    if isinstance(statement, ast.AnnAssign):
        return _is_name(statement.target, name)
    return isinstance(statement, ast.Assign) and len(statement.targets) == 1 and _is_name(statement.targets[0], name)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _of_module(statement: ast.stmt) -> list[ast.Name]:
    """The names in a statement, apart from those in functions and classes."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return []
    return [node for node in ast.walk(statement) if isinstance(node, ast.Name)]


def _names(module: ast.Module, name: str) -> tuple[str, ...]:
    """The identifiers in a value, as Alembic takes them: none, one or several. Raises ``UnreadableSourceError``."""
    value = _value(module, name)
    if isinstance(value, ast.Name):  # a constant of the same file
        value = _value(module, value.id)
    try:
        found = ast.literal_eval(value) if value is not None else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise UnreadableSourceError(f"its `{name}` is not a literal") from error
    values = (found,) if isinstance(found, str) else tuple(found or ()) if _is_list(found) else None
    if values is None or not all(isinstance(one, str) for one in values):
        raise UnreadableSourceError(f"its `{name}` is not a literal")
    return tuple(filter(None, values))


def _is_list(value: object) -> bool:
    return value is None or isinstance(value, tuple | list | set | frozenset)


def _docstring(module: ast.Module) -> ast.Constant | None:
    first = module.body[0] if module.body else None
    value = first.value if isinstance(first, ast.Expr) else None
    return value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _span(text: str, starts: Sequence[int], node: ast.expr) -> tuple[int, int]:
    """Where an expression starts and ends in a text; the columns of ``ast`` count the bytes of UTF-8."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    places = []
    for line, column in ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)):
        start = starts[line - 1]
        places.append(start + len(text[start : start + column].encode()[:column].decode()))
    return places[0], places[1]


def _literal(text: str, starts: Sequence[int], value: ast.expr, parent: str) -> tuple[int, int, str]:
    """``parent`` for a value, in a list of one where it is one, and with the quotes of the file."""
    if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == 1:
        value = value.elts[0]
    start, end = _span(text, starts, value)
    quoted = repr(parent)
    if text[start:end].startswith('"') or (text[start] != "'" and text.count('"') > text.count("'")):
        quoted = '"' + quoted[1:-1].replace('"', '\\"') + '"'
    return start, end, quoted


def _header(text: str, span: tuple[int, int], before: Sequence[str], parent: str) -> list[tuple[int, int, str]]:
    """The line ``Revises:`` of a docstring, with what follows the identifier there."""
    start, end = span
    match = _REVISES.search(text[:end], start)
    if match is None:
        return []
    value, (first, last) = match[2], match.span(2)
    known = re.search(rf"(?<!\w){re.escape(before[0])}(?!\w)", value) if len(before) == 1 else None
    if known is not None:
        return [(first + known.start(), first + known.end(), parent)]
    return [(first, last, f" {parent}")]
