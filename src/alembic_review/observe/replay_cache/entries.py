"""The folder of kept replays: two files for each, written once under a name of its own, so that no run has to wait.

The description names the file with the databases and has a checksum of its own. A file that belongs to no description
is what a run left that was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic_review.observe.scratch import initdb_cache

_FOLDER = "replays"
_DESCRIPTION, _DATA = ".json", ".databases"
LARGEST = 1 << 30
"""Bytes of all entries together."""
_OF_ONE_SLOT = 8
_LARGEST_DESCRIPTION = 64 << 20
_ABANDONED_SECONDS = 3600


@dataclass(frozen=True)
class Entry:
    """One kept replay. ``data`` are its databases, packed; ``size`` is in bytes, ``used`` a time in seconds."""

    path: Path
    data: Path
    content: Mapping[str, Any]
    size: int
    used: float


def folder(*, make: bool = False) -> Path | None:
    """Where replays are kept; ``None`` where there is no folder that is the user's alone."""
    cache = initdb_cache.cache_folder()
    if cache is None:
        return None
    found = cache / _FOLDER
    with contextlib.suppress(OSError):
        if make:
            found.mkdir(mode=0o700, exist_ok=True)
        status = found.lstat()
        if os.path.isdir(found) and not found.is_symlink() and status.st_uid == os.geteuid():  # noqa: PTH112 - as given
            return found if not status.st_mode & 0o077 else None
    return None


def entries(slot: str = "") -> Iterator[Entry]:
    """What is kept for this slot, or at all, the most recently used first."""
    place = folder()
    for path in _descriptions(place, slot) if place is not None else ():
        found = _read(path)
        if found is not None:
            yield found


def keep(slot: str, content: Mapping[str, Any], pack: Callable[[Path], None]) -> Path | None:
    """Keep a replay whose databases ``pack`` writes to a path, and may add to ``content`` meanwhile.

    Returns the path of the description, or ``None`` where that failed.
    """
    place = folder(make=True)
    if place is None:
        return None
    name = f"{slot}-{secrets.token_hex(8)}"
    data = place / f"{name}{_DATA}"
    description = place / f"{name}{_DESCRIPTION}"
    try:
        pack(data)
        write(description, {**content, "data": data.name, "bytes": data.stat().st_size})
    except OSError:
        remove(description)
        return None
    _bound(place, slot)
    return description


def add(path: Path, further: Mapping[str, Any]) -> None:
    """Add to what is kept under this description; nothing happens where it is gone, or can't be written."""
    entry = _read(path)
    if entry is not None:
        with contextlib.suppress(OSError):
            write(path, {**entry.content, **further})


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a description in place of one that may be there. Raises ``OSError``."""
    text = json.dumps(content, separators=(",", ":")).encode()
    handle, unfinished = tempfile.mkstemp(prefix="new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(b"%08x\n" % zlib.crc32(text) + text)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def touch(entry: Entry) -> None:
    """It was used just now."""
    for path in (entry.path, entry.data):
        with contextlib.suppress(OSError):
            os.utime(path)


def remove(path: Path) -> None:
    """Remove an entry by its description; a run that reads it keeps what it has opened."""
    for one in (path, path.with_suffix(_DATA)):
        with contextlib.suppress(OSError):
            one.unlink(missing_ok=True)


def clear() -> int:
    """Remove everything; how many replays that were."""
    found = list(entries())
    place = folder()
    for path in place.iterdir() if place is not None else ():
        with contextlib.suppress(OSError):
            path.unlink()
    return len(found)


def _read(path: Path) -> Entry | None:
    """An entry that is whole and ours; what is damaged counts as not there."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if status.st_uid != os.geteuid() or status.st_mode & 0o022 or status.st_size > _LARGEST_DESCRIPTION:
                return None
            checksum, _, text = file.read().partition(b"\n")
        if int(checksum, 16) != zlib.crc32(text):
            return None
        content = json.loads(text)
        data = path.with_suffix(_DATA)
        size = data.stat().st_size
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("data") != data.name or content.get("bytes") != size:
        return None
    return Entry(path, data, content, size + status.st_size, status.st_mtime)


def _descriptions(place: Path, slot: str) -> list[Path]:
    """Those of this slot, or of all, the most recently used first."""
    times: dict[Path, float] = {}
    for path in place.glob(f"{slot}*{_DESCRIPTION}"):
        with contextlib.suppress(OSError):
            times[path] = path.stat().st_mtime
    return sorted(times, key=lambda path: -times[path])


def _bound(place: Path, slot: str) -> None:
    """Remove what was not used for the longest time, beyond a number of each slot and a size of all."""
    total = same = 0
    for path in _descriptions(place, ""):
        own = path.name.startswith(f"{slot}-")
        same += own
        with contextlib.suppress(OSError):
            total += path.stat().st_size + path.with_suffix(_DATA).stat().st_size
        if total > LARGEST or (own and same > _OF_ONE_SLOT):
            remove(path)
    limit = time.time() - _ABANDONED_SECONDS
    for path in place.iterdir():
        described = path.suffix == _DATA and path.with_suffix(_DESCRIPTION).exists()
        with contextlib.suppress(OSError):
            if path.suffix != _DESCRIPTION and not described and path.stat().st_mtime < limit:
                path.unlink()
