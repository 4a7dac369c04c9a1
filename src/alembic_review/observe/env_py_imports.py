"""The distributions' modules that env.py imports, read from its source and from the project's modules it imports."""

from __future__ import annotations

import ast
import configparser
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MOST_FILES = 200


@dataclass(frozen=True)
class Scripts:
    """Where env.py lies: a folder, or ``folder`` inside the package ``package``; ``path`` are entries of sys.path."""

    folder: str
    package: str | None
    path: tuple[Path, ...]


def imported(config: Path, section: str, cwd: Path, root: Path) -> set[str]:
    """Top-level names that env.py needs and the project does not have, those of the standard library left out.

    Only statements that always run count: no function bodies, no ``try``, no ``if``. Empty where env.py is not found.
    """
    scripts = _scripts(config, section, cwd)
    folders = [*scripts.path, cwd, root, root / "src", config.parent]
    if scripts.package is None:
        env_py = cwd / scripts.folder / "env.py"
    else:
        top, *inner = scripts.package.split(".")
        found = _local(top, folders)
        if found is None:
            return {top}
        env_py = found.joinpath(*inner, scripts.folder, "env.py")
    # env.py often extends sys.path itself, by its own folder or by those above.
    return _needed(env_py, [*folders, env_py.parent, env_py.parent.parent])


def _needed(start: Path, folders: Sequence[Path]) -> set[str]:
    needed: set[str] = set()
    waiting, seen = [(start, "")], {start}
    while waiting and len(seen) < _MOST_FILES:
        file, package = waiting.pop(0)
        for name in _names(file, package):
            top = name.partition(".")[0]
            if top in sys.stdlib_module_names:
                continue
            found = _local(top, folders)
            if found is None:
                needed.add(top)
                continue
            for module, inside in _modules(found, name):
                if module not in seen:
                    seen.add(module)
                    waiting.append((module, inside))
    return needed


def _names(file: Path, package: str) -> Iterator[str]:
    """Dotted names that the module in ``file`` imports as it is loaded; ``package`` is the one it lies in."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if node.level and package else []
            parts = parts[: len(parts) - node.level + 1] + (node.module.split(".") if node.module else [])
            # What is imported from a package may be a module of it.
            yield from (".".join([*parts, alias.name]) for alias in node.names if parts)


def _local(top: str, folders: Sequence[Path]) -> Path | None:
    """The project's own module or package ``top``; a folder without __init__.py counts when it holds modules."""
    for folder in folders:
        with suppress(OSError):
            if (folder / f"{top}.py").is_file():
                return folder / f"{top}.py"
            if (folder / top / "__init__.py").is_file() or next((folder / top).glob("*.py"), None):
                return folder / top
    return None


def _modules(found: Path, name: str) -> Iterator[tuple[Path, str]]:
    """The files of ``name`` and of the packages around it, each with the package that its relative imports start at."""
    if found.suffix == ".py":
        yield found, ""
        return
    package, *inner = name.split(".")
    folder = found
    for part in [*inner, ""]:
        if (folder / "__init__.py").is_file():
            yield folder / "__init__.py", package
        if (folder / f"{part}.py").is_file():
            yield folder / f"{part}.py", package
        folder, package = folder / part, f"{package}.{part}"


def _scripts(config: Path, section: str, cwd: Path) -> Scripts:
    """Alembic's `script_location` and `prepend_sys_path`; without the former, env.py is beside the config file."""
    table = {**_table(cwd / "pyproject.toml", section), **_table(config, section)}
    location = str(table.get("script_location") or config.parent)
    path = tuple(cwd / entry for entry in _split(table.get("prepend_sys_path")))
    package, colon, folder = location.partition(":")
    if colon and not location.startswith("/"):
        return Scripts(folder, package, path)
    return Scripts(location, None, path)


def _table(file: Path, section: str) -> dict[str, object]:
    here = str(file.absolute().parent)
    values: dict[str, object] = {}
    if file.name == "pyproject.toml":
        with suppress(OSError, ValueError, AttributeError):
            values = dict(tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("alembic", {}))
    else:
        parser = configparser.RawConfigParser(strict=False)
        with suppress(OSError, ValueError, configparser.Error):
            parser.read_string(file.read_text(encoding="utf-8"))
            values = dict(parser.items(section))
    return {name: _resolved(value, here) for name, value in values.items()}


def _resolved(value: object, here: str) -> object:
    if isinstance(value, list):
        return [_resolved(entry, here) for entry in value]
    return value.replace("%(here)s", here) if isinstance(value, str) else value


def _split(value: object) -> list[str]:
    if isinstance(value, list):
        return [entry for entry in value if isinstance(entry, str)]
    return [entry for entry in re.split(r"[\s,;:]+", value) if entry] if isinstance(value, str) else []
