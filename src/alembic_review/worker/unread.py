"""Revisions that exist as files and that Alembic does not load, without a word: unreadable, compiled, renamed, moved."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from alembic.script import ScriptDirectory

from alembic_review.worker import private
from alembic_review.worker.folders import Folders
from alembic_review.worker.packages import is_installed
from alembic_review.worker.problems import WorkerError

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
    for path in private.version_locations(script):
        if not os.path.lexists(path):
            continue
        try:
            _listed(path, recursive=script.recursive_version_locations)
        except OSError as error:
            where = str(error.filename or path)
            raise WorkerError(
                f"The version location {path} can't be read: {where}: {error.strerror}",
                "Alembic takes such a folder for an empty one. Correct its permissions, or version_locations.",
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
    files = unread(script, folders, private.scripts(script))
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
    private_folders = {*folders.instead.values(), *folders.beside.values()}
    locations = [
        path
        for path in dict.fromkeys(map(os.path.realpath, private.version_locations(script)))
        if os.path.isdir(path)
        and path not in private_folders
        and path not in folders.instead
        and not is_installed(path)
    ]
    seen: set[str] = set()
    for path in locations:
        empty = not any(os.path.dirname(one) == path for one in loaded)
        for one in (*_in_location(path, sourceless=script.sourceless, empty=empty), *_below(path)):
            if one.path not in loaded and one.id not in known and one.path not in seen:
                seen.add(one.path)
                yield one
    home = os.path.realpath(script.dir)
    if is_installed(home) or any(os.path.exists(os.path.join(home, name)) for name in PROJECT_FILES):
        return
    for one in _elsewhere(home, locations):
        if one.path not in loaded and one.id not in known and one.path not in seen:
            yield one


def _in_location(path: str, *, sourceless: bool, empty: bool) -> Iterator[Unread]:
    """What lies beside the revisions; ``empty`` when there are none."""
    names = set(_files(path))
    for name in sorted(names):
        file = os.path.join(path, name)
        stem, extension = os.path.splitext(name)
        if extension in _COMPILED:
            if not sourceless and f"{stem}.py" not in names and b"down_revision" in _text(file):
                yield Unread(file, "", "compiled files are loaded only with sourceless = true")
        elif extension == ".sql":
            if empty:
                yield Unread(file, "", "Alembic runs revisions in Python")
        elif extension == ".py":
            # Alembic leaves out __init__.py and the lock files of Emacs.
            if name.startswith(("__init__", ".#")) and (found := revision_id(file)) is not None:
                yield Unread(file, found, "Alembic does not load files of this name")
        elif (found := revision_id(file)) is not None:
            yield Unread(file, found, "Alembic loads only files whose names end in .py")
    if empty and not sourceless:
        for name in _files(os.path.join(path, "__pycache__")):
            file = os.path.join(path, "__pycache__", name)
            if f"{name.partition('.')[0]}.py" not in names and b"down_revision" in _text(file):
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
