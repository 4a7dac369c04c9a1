"""Tables that source code declares, found by reading it: nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from alembic_review.model.facts import Declared, Package
from alembic_review.observe.constants import assignment
from alembic_review.observe.declarations import in_text, in_tree

_SKIPPED = frozenset({"tests", "test", "__pycache__", "node_modules", "site-packages"})
_REVISIONS = "versions"
_WORDS = (b"Table", b"__tablename__", b"Column", b"mapped_column", b"Mapped", b"table=")


def declared_tables(packages: Iterable[Package]) -> tuple[Declared, ...]:
    """The tables that classes and calls of ``Table`` declare in the modules of these packages.

    A name is read where the module spells it out or puts it together from constants of its own, else it is ``None``.
    Folders of tests and revision scripts are left out. The application's Python may be newer than ours: what does not
    parse here is searched as text, which finds the same tables but no schema.
    """
    found: list[Declared] = []
    for package in packages:
        for path, module in _modules(package):
            found.extend(_declared(package.name, module, path))
    return tuple(sorted(found, key=lambda entry: (entry.module, entry.line, entry.table or "")))


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
    if not any(word in source for word in _WORDS):
        return
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        found = in_text(source.decode(errors="replace"))
    else:
        found = iter(()) if _is_revision(tree) else in_tree(tree, package)
    for one in found:
        yield Declared(package, module, one.table, str(path), one.line, one.schema)


def _is_revision(tree: ast.Module) -> bool:
    """Tell whether a module is a script of Alembic's: it names itself and what comes before it."""
    names = {assignment(statement)[0] for statement in tree.body}
    return {"revision", "down_revision"} <= names
