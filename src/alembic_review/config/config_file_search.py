"""Alembic config files below a folder. They are only named in a hint: none of them is used by itself."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alembic_review.config.settings_files import read_ini, read_toml, table_of
from alembic_review.model.errors import UsageError

PYPROJECT = "pyproject.toml"
INI = "alembic.ini"

_MOST_FOLDERS = 5_000  # a home folder can be the top: what is not found within a second is not worth waiting for
_MOST_FILES = 20
_LARGEST = 1 << 20  # bytes of a config file
_SUFFIXES = (".ini", ".cfg", ".conf")
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "dist-packages"})
_ENVIRONMENT = frozenset({"pyvenv.cfg", "conda-meta"})
_PATHS = ("script_location", "prepend_sys_path", "version_locations")


def commands(top: Path, cwd: Path, section: str) -> list[str]:
    """A command for each config file below ``top``, nearest first, as it is typed in ``cwd``.

    Alembic starts relative paths of a config file at the working directory: where a file has any, the command for its
    own folder stands below.
    """
    lines = []
    for path in config_files(top, section):
        shown = os.path.relpath(path, cwd)
        lines.append(f"alembic-review -c {shlex.quote(shown)}")
        folder, name = os.path.split(shown)
        if folder and _has_relative_paths(path, section):
            option = "" if name in (INI, PYPROJECT) else f" -c {shlex.quote(name)}"
            own = f"cd {shlex.quote(folder)} && alembic-review{option}"
            lines.append(f"  or, if its relative paths start at its own folder: {own}")
    return lines


def config_files(top: Path, section: str) -> list[Path]:
    """Files below ``top`` with the section that Alembic reads, those of outer folders first.

    Hidden folders, environments and installed packages are left out, and symbolic links are not followed.
    """
    found = []
    for path in _candidates(top):
        if _counts(path, section):
            found.append(path)
        if len(found) == _MOST_FILES:
            break
    return found


def has_alembic_table(path: Path) -> bool:
    """Whether ``path`` is a TOML file with settings for Alembic; ``UsageError`` where it can't be read."""
    return path.is_file() and bool(table_of(read_toml(path), "tool", "alembic"))


def _has_relative_paths(path: Path, section: str) -> bool:
    """Whether Alembic would look for anything of this file's relative to the working directory."""
    table: Mapping[str, Any]
    try:
        if path.name == PYPROJECT:
            table = table_of(read_toml(path), "tool", "alembic")
        else:
            parser = read_ini(path)
            table = {name: parser.get(section, name, raw=True, fallback=None) for name in _PATHS}
    except UsageError:  # deleted since it was found
        return False
    return any(_is_relative(part) for name in _PATHS for part in _parts(table.get(name)))


def _parts(value: object) -> list[str]:
    """The paths of a setting: a list, or text with any of the separators that Alembic knows; no package:folder."""
    if isinstance(value, list):
        return [part for entry in value for part in _parts(entry)]
    return [part for part in re.split(r"[\s,;:]+", value) if part] if isinstance(value, str) else []


def _is_relative(path: str) -> bool:
    return not path.startswith(("/", "%("))


def _candidates(top: Path) -> Iterator[Path]:
    level, left = [top], _MOST_FOLDERS
    while level:
        below: list[Path] = []
        for folder in level[:left]:
            folders, files = _listed(folder)
            yield from files
            below += folders
        left -= len(level)
        level = below if left > 0 else []


def _listed(folder: Path) -> tuple[list[Path], list[Path]]:
    """Folders to look into, and files that may be config files; neither in an environment."""
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return [], []
    if any(entry.name in _ENVIRONMENT for entry in ordered):
        return [], []
    folders, files = [], []
    for entry in ordered:
        if entry.name.startswith(".") or entry.name in _SKIPPED:
            continue
        if entry.is_dir(follow_symlinks=False):
            folders.append(Path(entry.path))
        elif (entry.name == PYPROJECT or entry.name.endswith(_SUFFIXES)) and entry.is_file():
            files.append(Path(entry.path))
    return folders, files


def _counts(path: Path, section: str) -> bool:
    try:
        if path.stat().st_size > _LARGEST:
            return False
        return has_alembic_table(path) if path.name == PYPROJECT else read_ini(path).has_section(section)
    except (OSError, UsageError):
        return False
