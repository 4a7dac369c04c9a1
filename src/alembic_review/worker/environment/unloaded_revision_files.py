"""Revisions that exist as files and that Alembic silently does not load: unreadable, compiled, renamed, moved."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from alembic.script import ScriptDirectory

from alembic_review.worker import internals
from alembic_review.worker.environment.private_version_locations import Folders
from alembic_review.worker.packages import is_installed
from alembic_review.worker.worker_errors import WorkerError

PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_REVISION = re.compile(rb"^revision\b[^=\n]*=[ \t]*(?:[\"']([^\"'\n]*)[\"'])?", re.MULTILINE)
_PARENT = re.compile(rb"^down_revision\b[^=\n]*=", re.MULTILINE)
_COMPILED = (".pyc", ".pyo")
_LARGEST = 1_000_000  # bytes of a file that may be a revision
_SHOWN = 3


@dataclass(frozen=True)
class Unread:
    """A file that looks like a revision; ``id`` is empty where its text does not show it."""

    path: str
    id: str
    reason: str


def require_readable(script: ScriptDirectory) -> None:
    """Raise ``WorkerError`` for a version location that exists and can't be listed: to Alembic, it is empty."""
    for path in internals.version_locations(script):
        if not os.path.lexists(path):
            continue
        try:
            _listed(path, recursive=script.recursive_version_locations)
        except OSError as error:
            where = str(error.filename or path)
            raise WorkerError(
                f"The version location {path} can't be read: {where}: {error.strerror}",
                "Alembic treats such a folder as empty. Correct its permissions, or version_locations.",
            ) from error


def _listed(path: str, *, recursive: bool) -> None:
    with os.scandir(path) as entries:
        folders = [entry.path for entry in entries if recursive and entry.is_dir(follow_symlinks=False)]
    for folder in folders:
        _listed(folder, recursive=True)


def not_loaded(script: ScriptDirectory, folders: Folders) -> tuple[str, ...]:
    """One line for each folder with revisions that Alembic does not load, for each reason, after it loaded the rest."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in unread(script, folders, list(script.walk_revisions())):
        groups.setdefault((os.path.dirname(one.path), one.reason), []).append(os.path.basename(one.path))
    return tuple(f"revisions in {folder} ({_some(names)}: {reason})" for (folder, reason), names in groups.items())


def hint(script: ScriptDirectory, folders: Folders, name: str) -> str:
    """Where the missing revision of this name may be; empty when no such file is found."""
    files = unread(script, folders, internals.scripts(script))
    found = next((one for one in files if _may_be(one, name)), None)
    return f"{found.path} is not loaded: {found.reason}." if found is not None else ""


def _may_be(one: Unread, name: str) -> bool:
    return one.id.startswith(name) if one.id else name in os.path.basename(one.path)


def unread(script: ScriptDirectory, folders: Folders, scripts: Collection[Any]) -> Iterator[Unread]:
    """Every such file in and below the version locations and the script directory of the project.

    ``scripts`` are the revisions that Alembic loads.
    """
    known = {one.revision for one in scripts}
    loaded = {os.path.realpath(one.path) for one in scripts}
    seen: set[str] = set()
    for one in _every(script, _locations(script, folders), {os.path.dirname(path) for path in loaded}):
        if one.path not in loaded and one.path not in seen and (not one.id or one.id not in known):
            seen.add(one.path)
            yield one


def _locations(script: ScriptDirectory, folders: Folders) -> list[str]:
    """The project's own version locations."""
    others = {*folders.instead, *folders.instead.values(), *folders.beside.values()}
    paths = dict.fromkeys(map(os.path.realpath, internals.version_locations(script)))
    return [path for path in paths if os.path.isdir(path) and path not in others and not is_installed(path)]


def _every(script: ScriptDirectory, locations: Collection[str], used: Collection[str]) -> Iterator[Unread]:
    """``used`` are the folders of revisions that are loaded."""
    for path in locations:
        yield from _in_location(path, sourceless=script.sourceless, empty=path not in used)
        yield from _below(path)
    home = os.path.realpath(script.dir)
    # A script directory that is the project itself holds more than migrations.
    if not is_installed(home) and not any(os.path.exists(os.path.join(home, name)) for name in PROJECT_FILES):
        yield from _elsewhere(home, locations)


def _in_location(path: str, *, sourceless: bool, empty: bool) -> Iterator[Unread]:
    """What lies beside the revisions; ``empty`` when there are none."""
    names = _files(path)
    for name in names:
        file, extension = os.path.join(path, name), os.path.splitext(name)[1]
        if extension == ".sql" and empty:
            yield Unread(file, "", "Alembic runs revisions in Python")
        # Alembic leaves out __init__.py and the lock files of Emacs.
        elif extension not in (".sql", *_COMPILED) and (extension != ".py" or name.startswith(("__init__", ".#"))):
            found = revision_id(file)
            if found is not None:
                yield Unread(file, found, "Alembic loads only files whose names end in .py, except __init__.py")
    if not sourceless:
        compiled = [os.path.join(path, name) for name in names if name.endswith(_COMPILED)]
        if empty:
            cache = os.path.join(path, "__pycache__")
            compiled += [os.path.join(cache, name) for name in _files(cache)]
        yield from _compiled(compiled, names)


def _compiled(files: Iterable[str], names: Collection[str]) -> Iterator[Unread]:
    """The compiled revisions among ``files`` that have no source among ``names``."""
    for file in files:
        source = f"{os.path.basename(file).partition('.')[0]}.py"
        if source not in names and b"down_revision" in _text(file):
            yield Unread(file, "", "compiled files are loaded only with sourceless = true")


def _below(path: str) -> Iterator[Unread]:
    """Revisions in subfolders of a version location."""
    for file in python_files(path):
        if os.path.dirname(file) != path and (found := revision_id(file)) is not None:
            yield Unread(file, found, "subfolders are loaded only with recursive_version_locations = true")


def _elsewhere(home: str, locations: Collection[str]) -> Iterator[Unread]:
    """Revisions below the script directory and outside the version locations."""
    for file in python_files(home):
        inside = any(file.startswith(path + os.sep) for path in locations)
        if not inside and (found := revision_id(file)) is not None:
            yield Unread(file, found, "no version location contains the folder")


def revision_id(path: str) -> str | None:
    """The id of the revision script at ``path``, empty when it is not spelled out; ``None`` for any other file."""
    text = _text(path)
    match = _REVISION.search(text)
    if match is None or not _PARENT.search(text):
        return None
    return (match[1] or b"").decode(errors="replace")


def python_files(folder: str) -> Iterator[str]:
    """The Python files in and below a folder, without hidden folders and environments."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        yield from (os.path.realpath(os.path.join(parent, name)) for name in sorted(files) if name.endswith(".py"))


def _files(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_file())
    except OSError:
        return []


def _text(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(_LARGEST)
    except OSError:
        return b""


def _some(names: Iterable[str]) -> str:
    shown = sorted(names)
    rest = len(shown) - _SHOWN
    return ", ".join(shown[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
