"""Tables that source code declares, found by reading it: nothing is imported."""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from alembic_review.model.facts import DeclaredTable, Package
from alembic_review.model.optional_steps import Attempts
from alembic_review.observe.declared_tables import TableInSource, in_text, in_tree
from alembic_review.observe.source_constants import assignment

_SKIPPED = frozenset({"tests", "test", "__pycache__", "node_modules", "site-packages"})
_TEST = re.compile(r"test_.*|.*_test|conftest")
_MARKERS = ("pyvenv.cfg", "conda-meta")
_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_REVISIONS = "versions"
_WORDS = (b"Table", b"__tablename__", b"Column", b"mapped_column", b"Mapped", b"table=")


def declared_tables(
    packages: Iterable[Package], attempts: Attempts, loaded: Collection[str] = ()
) -> tuple[DeclaredTable, ...]:
    """The tables that classes and calls of ``Table`` declare in the modules of these packages.

    A name is read where the module spells it out or puts it together from constants of its own, else it is ``None``.
    Modules that are ``loaded`` are left out, as are folders of tests and revision scripts. The application's Python may
    be newer than ours: what does not parse here, or makes one of the ``attempts`` fail, is searched as text, which
    finds the same tables but no schema.
    """
    found: list[DeclaredTable] = []
    seen: set[Path] = set()
    for package in packages:
        for path, module in _modules(package):
            if path not in seen and module not in loaded:
                found.extend(_declared(package.name, module, path, attempts))
            seen.add(path)
    return tuple(sorted(found, key=lambda entry: (entry.module, entry.line, entry.table or "")))


def _modules(package: Package) -> Iterator[tuple[Path, str]]:
    for text in package.paths:
        base = Path(text)
        if base.is_file():
            yield base, package.name
            continue
        for path in _python_files(base):
            parts = path.relative_to(base).with_suffix("").parts
            if not all(part.isidentifier() for part in parts):
                continue
            if parts[-2:-1] == (_REVISIONS,) and not (path.parent / "__init__.py").exists():
                continue
            names = parts[:-1] if parts[-1] == "__init__" else parts
            yield path, ".".join((package.name, *names))


def _python_files(base: Path) -> Iterator[Path]:
    """Those of a package, without tests, hidden folders, environments, and projects that lie below it."""
    for parent, folders, files in os.walk(base):
        here = Path(parent)
        if here != base and (_is_environment(here) or _is_project(here)):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        yield from (here / name for name in sorted(files) if name.endswith(".py"))


def _is_environment(folder: Path) -> bool:
    return any((folder / marker).exists() for marker in _MARKERS)


def _is_project(folder: Path) -> bool:
    """Tell whether a folder is a project of its own and not a package of the one around it."""
    return not (folder / "__init__.py").exists() and any((folder / name).exists() for name in _PROJECT_FILES)


def loose_packages(folders: Iterable[str], others: Iterable[Package], modules: Collection[str]) -> Iterator[Package]:
    """The packages and lone modules in these folders of the search path, imported or not, but for ``others``.

    A folder without ``__init__.py`` is one only when one of the loaded ``modules`` was imported from there.
    """
    known = {path for package in others for path in package.paths}
    for folder in folders:
        for path in _listed(Path(folder)):
            name = path.stem if path.suffix == ".py" else path.name
            if str(path) not in known and name.isidentifier() and _is_importable(path, name, modules):
                yield Package(name, (str(path),))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_importable(path: Path, name: str, modules: Collection[str]) -> bool:
    if path.suffix == ".py":
        return path.is_file() and not _TEST.fullmatch(name)
    if not path.is_dir() or name in _SKIPPED or _is_environment(path):
        return False
    return (path / "__init__.py").exists() or any(module.startswith(f"{name}.") for module in modules)


def _declared(package: str, module: str, path: Path, attempts: Attempts) -> Iterator[DeclaredTable]:
    try:
        source = path.read_bytes()
    except OSError:
        return
    if not any(word in source for word in _WORDS):
        return
    what = f"the source of {module} but as text"
    found = attempts.attempt(what, lambda: _in_source(source, package), None)
    for one in found if found is not None else in_text(source.decode(errors="replace")):
        yield DeclaredTable(package, module, one.table, str(path), one.line, one.schema)


def _in_source(source: bytes, package: str) -> list[TableInSource] | None:
    """The declarations in a module; ``None`` where this Python can't parse it."""
    try:
        with warnings.catch_warnings():
            # Of escapes in strings, which its author gets to see anyway.
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    return [] if _is_revision(tree) else list(in_tree(tree, package))


def _is_revision(tree: ast.Module) -> bool:
    """Tell whether a module is a script of Alembic's: it names itself and what comes before it."""
    names = {assignment(statement)[0] for statement in tree.body}
    return {"revision", "down_revision"} <= names
