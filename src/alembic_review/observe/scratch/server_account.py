"""Which operating-system account the scratch server runs as."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from alembic_review.model.errors import ObservationError

if TYPE_CHECKING:
    from pathlib import Path

# PostgreSQL refuses to run as root. Nothing is ever installed or added for it: an account that exists has to do.
_UNPRIVILEGED = ("nobody", "postgres", "daemon")
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")


SERVER = "ALEMBIC_REVIEW_SERVER"
"""The environment variable by which programs that a server started are known; its value is the folder of the run."""


class Credentials(TypedDict, total=False):
    """The part of ``subprocess.Popen``'s arguments that changes the account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """The server's account; ``client`` is the name of ours, ``foreign`` is true when the two differ."""

    uid: int
    gid: int
    client: str
    foreign: bool

    def credentials(self) -> Credentials:
        """Arguments for ``subprocess.Popen`` that start a process as this account."""
        return Credentials(user=self.uid, group=self.gid, extra_groups=[]) if self.foreign else Credentials()

    def own(self, path: Path) -> None:
        """Give a folder of ours to this account, closed to everybody else."""
        path.chmod(0o700)
        if self.foreign:
            os.chown(path, self.uid, self.gid)

    def let_read(self, path: Path) -> None:
        """Let this account read a file of ours, but not change it; nobody else may do either."""
        if self.foreign:
            os.chown(path, os.geteuid(), self.gid)
            path.chmod(0o640)
        else:
            path.chmod(0o600)

    def can_enter(self, path: Path) -> bool:
        """Whether this account may pass through ``path`` and all folders above it."""
        if not self.foreign:
            return os.access(path, os.X_OK)
        resolved = path.resolve()
        return all(self._may_search(folder.stat()) for folder in (resolved, *resolved.parents))

    def _may_search(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def server_account() -> Account:
    """The account to run a server as: our own, or for root an unprivileged one that exists.

    Raises ``ObservationError`` when there is none, or when our own has no name (``initdb`` insists on one).
    """
    uid = os.geteuid()
    try:
        own = pwd.getpwuid(uid)
    except KeyError:
        message = f"PostgreSQL can't be started here: user id {uid} has no name in the user database."
        raise ObservationError(message, hint="Run as a named user, or name a server with --server URL.") from None
    if uid != 0:
        return Account(uid=uid, gid=os.getegid(), client=own.pw_name, foreign=False)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(uid=entry.pw_uid, gid=entry.pw_gid, client=own.pw_name, foreign=True)
    raise ObservationError(
        f"PostgreSQL does not run as root, and none of the users {', '.join(_UNPRIVILEGED)} exists here.",
        hint="Run as a normal user, or name a server with --server URL.",
    )


def environment(mark: str = "") -> dict[str, str]:
    """The environment of every server process: no PG* settings of the user, no secrets, plain messages in English.

    ``mark`` is the value of ``SERVER``, if any.
    """
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    marked = {SERVER: mark} if mark else {}
    return {"PATH": os.defpath, **passed, **marked, "LC_ALL": "C", "TZ": "UTC"}
