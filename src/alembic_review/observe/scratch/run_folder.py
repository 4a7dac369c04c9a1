"""The private folder of one run, and the removal of those that killed runs left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_review.observe import process_tree
from alembic_review.observe.scratch.server_account import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_review.observe.scratch.server_account import Account

PREFIX = "alembic-review-"
_LOCK = "lock"
# A socket's path may be 107 bytes long on Linux and 103 on macOS; this is what is left for the folder that holds ours.
_LONGEST_BASE = 103 - len(f"/{PREFIX}12345678/socket/.s.PGSQL.5432")
_FALLBACK_BASE = Path("/tmp")  # noqa: S108 - only the place of a folder that mkdtemp makes private
_AWKWARD = frozenset(",\\\"'\n\r")
_ABANDONED_SECONDS = 3600
_REMOVAL_ATTEMPTS = 20
_REMOVAL_PAUSE = 0.05


class RunFolder:
    """A private folder that is recognisably in use as long as this process lives: it holds a locked file.

    The kernel lets go of the lock when the process ends, however it ends; so a folder of ours whose lock is free
    belongs to a dead run. ``path`` is the folder.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls, account: Account | None = None) -> RunFolder:
        """Sweep what dead runs left, then make a new folder that only we, and ``account``, may enter."""
        base = _base(account)
        sweep(base)
        while True:
            path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
            try:
                lock = _take(path / _LOCK)
            except FileNotFoundError:  # another run has swept the empty folder
                continue
            except OSError:  # a umask that takes the user's own permissions
                path.chmod(0o700)
                shutil.rmtree(path, ignore_errors=True)
                raise
            if lock is not None:
                break
        folder = cls(path, lock)
        if account is not None and account.foreign:
            try:
                # Through the group alone: other users may not even pass.
                os.chown(path, os.geteuid(), account.gid)
                path.chmod(0o710)
            except OSError:
                folder.remove()
                raise
        return folder

    def remove(self) -> None:
        """Remove the folder with all it holds; harmless when it is gone."""
        if self._lock < 0:
            return
        _remove(self.path)
        os.close(self._lock)
        self._lock = -1


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """An empty private folder for as long as the context lasts; the next run removes that of a killed run."""
    folder = RunFolder.create()
    try:
        empty = folder.path / "files"
        empty.mkdir()
        yield empty
    finally:
        folder.remove()


def sweep(base: Path) -> None:
    """Remove run folders below ``base`` that are ours and whose run is dead."""
    with contextlib.suppress(OSError), os.scandir(base) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                with contextlib.suppress(OSError):
                    _sweep_one(Path(entry.path))


def _sweep_one(path: Path) -> None:
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        # Either just being made or left in the instant before the lock. It is empty then: who is making it makes
        # another, and a folder that got its lock meanwhile can't be removed this way.
        with contextlib.suppress(OSError):
            path.rmdir()
            return
        if time.time() - status.st_mtime > _ABANDONED_SECONDS:
            _remove(path)
        return
    try:
        # Raises BlockingIOError while the run lives.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A server whose guard was killed too ends itself within a minute of losing its files.
        process_tree.end_marked(SERVER, str(path))
        _remove(path)
    finally:
        os.close(lock)


def _take(path: Path) -> int | None:
    """Create and lock the file; ``None`` when a sweep got there between the two."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        same = os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        same = False
    if same:
        return lock
    os.close(lock)
    return None


def _remove(path: Path) -> None:
    for _ in range(_REMOVAL_ATTEMPTS):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        # The last children of a server that was just told to stop may still be writing.
        time.sleep(_REMOVAL_PAUSE)


def _base(account: Account | None) -> Path:
    base = Path(tempfile.gettempdir()).absolute()
    # libpq takes a comma in the folder of a socket for the end of a host, and postgresql.conf knows no line breaks.
    # What is not UTF-8 or a control character can't be sent to the worker as it is, nor be shown.
    plain = str(base).isprintable() and not _AWKWARD & set(str(base))
    fits = len(os.fsencode(base)) <= _LONGEST_BASE and plain
    reachable = account is None or account.can_enter(base)
    return base if fits and reachable else _FALLBACK_BASE
