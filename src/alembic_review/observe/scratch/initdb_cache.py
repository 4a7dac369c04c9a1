"""A prepared data folder: ``initdb`` runs once per build of PostgreSQL, later runs unpack what it made.

The whole folder is kept as one file in the cache of the user who runs the tool. So it is complete or not there at all,
cleaners can't thin it out, and the server's account needs no access to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import stat
import struct
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic_review.observe.scratch.server_account import Account

_MAGIC = b"alembic-review data folder 3\n"
# The length of the index in bytes, and the CRC-32 of everything before this trailer.
_TRAILER = struct.Struct(f"!QI{len(_MAGIC)}s")
_CHUNK = 1 << 20
_UNUSED_SECONDS = 30 * 24 * 3600
_SUFFIX = ".pgdata"
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


def cache_folder() -> Path | None:
    """The user's cache folder for us, made if need be; ``None`` when there is none that is ours alone.

    A project is not written to, so no folder inside one is used, whatever HOME or XDG_CACHE_HOME say.
    """
    try:
        folder = _user_cache() / "alembic-review"
        if not folder.is_absolute() or _in_project(folder.resolve()):
            return None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError, KeyError):  # no home folder, or an account without a name
        return None
    ours = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return folder if ours and os.access(folder, os.W_OK) else None


def unpack(packed: Path, data: Path, account: Account | None = None) -> bool:
    """Fill the new folder ``data`` and give it to ``account``; false when ``packed`` is not there or not whole.

    Everything is written while ``data`` is still closed to the account: a process of the same account could otherwise
    replace a file by a link and have us write through it.
    """
    try:
        # Without waiting for the other end of a pipe.
        handle = os.open(packed, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        return False
    with os.fdopen(handle, "rb") as source:
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return False
        index = _read_index(source, status.st_size)
        if index is None:
            return False
        source.seek(0)
        folders = [data / name for name in index["folders"]]
        for folder in folders:
            folder.mkdir(mode=0o700)
        for name, size, stored in index["files"]:
            _write(source, data / name, size, stored, account)
        if account is not None:
            for folder in reversed(folders):
                account.own(folder)
    with contextlib.suppress(OSError):
        os.utime(packed)
    return True


def pack(data: Path, packed: Path) -> None:
    """Write the folder ``data``, of a server that is not running, to the file ``packed``."""
    index: dict[str, list[Any]] = {"folders": [], "files": []}
    handle, unfinished = tempfile.mkstemp(prefix=packed.stem, dir=packed.parent)
    try:
        with os.fdopen(handle, "wb") as target:
            for folder, _, names, descriptor in os.fwalk(data):
                relative = Path(folder).relative_to(data)
                index["folders"].append(str(relative))
                index["files"].extend(
                    [str(relative / name), *_append(target, name, descriptor)] for name in sorted(names)
                )
            listed = json.dumps(index).encode()
            target.write(listed)
            target.flush()
            with open(unfinished, "rb") as written:  # noqa: PTH123 - as mkstemp named it
                checksum = _checksum(written, os.fstat(handle).st_size)
            target.write(_TRAILER.pack(len(listed), checksum, _MAGIC))
        Path(unfinished).replace(packed)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    _forget_unused(packed.parent)


def _append(target: IO[bytes], name: str, folder: int) -> tuple[int, int]:
    """Append one file without the zeros at its end; its size, and how much of that is stored."""
    # The folder belongs to the server's account: a link in it could point at a file that only we may read.
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder), "rb") as source:
        content = source.read()
    stored = content.rstrip(b"\0")
    target.write(stored)
    return len(content), len(stored)


def _write(source: IO[bytes], path: Path, size: int, stored: int, account: Account | None) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        left = stored
        while left:
            written = os.write(handle, source.read(min(left, _CHUNK)))
            left -= written
        os.ftruncate(handle, size)
        if account is not None and account.foreign:
            os.fchown(handle, account.uid, account.gid)
    finally:
        os.close(handle)


def _read_index(source: IO[bytes], length: int) -> dict[str, Any] | None:
    """The list of files; ``None`` when anything of the file is not as it was written."""
    if length < _TRAILER.size:
        return None
    source.seek(length - _TRAILER.size)
    size, checksum, magic = _TRAILER.unpack(source.read(_TRAILER.size))
    if magic != _MAGIC or size > length - _TRAILER.size:
        return None
    source.seek(0)
    if _checksum(source, length - _TRAILER.size) != checksum:
        return None
    source.seek(length - _TRAILER.size - size)
    index: dict[str, Any] = json.loads(source.read(size))
    return index


def _checksum(source: IO[bytes], length: int) -> int:
    """CRC-32 of the next ``length`` bytes, against damage: nobody else can write to the file."""
    checksum = 0
    while length and (part := source.read(min(length, _CHUNK))):
        checksum = zlib.crc32(part, checksum)
        length -= len(part)
    return checksum


def packed_path(cache: Path, key: str) -> Path:
    """Where the data folder of the build ``key`` is kept."""
    return cache / f"{key}{_SUFFIX}"


def _forget_unused(cache: Path) -> None:
    """Every update of PostgreSQL makes a new file: those that no run has used for a month go."""
    limit = time.time() - _UNUSED_SECONDS
    for path in cache.glob(f"*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < limit:
                path.unlink()


def _in_project(folder: Path) -> bool:
    """Whether a folder above this one is a project, or the one that the tool was started in."""
    cwd = Path.cwd()
    started_here = folder.is_relative_to(cwd) and str(cwd) != os.path.realpath(pwd.getpwuid(os.geteuid()).pw_dir)
    return started_here or any((parent / name).is_file() for parent in folder.parents for name in _PROJECT_FILES)


def _user_cache() -> Path:
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return Path(named)
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
