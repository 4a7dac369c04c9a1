"""Runs Git. Nothing is written: neither to the working tree nor to the index."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from alembic_review import processes
from alembic_review.model.errors import ObservationError

_LIMIT_SECONDS = 120
_PASSWORD = re.compile(r"(://)[^\s/@]+@")

# Set inside of hooks, where they may be relative to another folder; the root's own place decides.
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")


def run(folder: Path, *arguments: str, send: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a Git command in a folder and return its result, whatever its exit status.

    Raises ``ObservationError`` if Git can't be run.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
    # No lock on the index, nobody asked for a password, messages in English.
    environ |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        return processes.run(["git", "-C", str(folder), *arguments], env=environ, timeout=_LIMIT_SECONDS, send=send)
    except FileNotFoundError as error:
        raise ObservationError("Git is not installed, or not on the PATH.", hint="--since needs it.") from error
    except OSError as error:
        raise ObservationError(f"Git can't be started: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise ObservationError(f"`git {arguments[0]}` did not finish within {_LIMIT_SECONDS} seconds.") from error


def output(folder: Path, *arguments: str, send: bytes = b"") -> bytes:
    """The standard output of a Git command, as bytes. Raises ``ObservationError`` if it fails."""
    done = run(folder, *arguments, send=send)
    if done.returncode != 0:
        raise ObservationError(f"`git {arguments[0]}` failed in {folder}.{message(done)}")
    return done.stdout


def paths(folder: Path, *arguments: str) -> frozenset[str]:
    """The paths that a command with ``-z`` lists. Raises ``ObservationError`` when it fails."""
    return frozenset(os.fsdecode(path) for path in output(folder, *arguments).split(b"\0") if path)


def message(done: subprocess.CompletedProcess[bytes]) -> str:
    """The error message of a Git command, in one line and with passwords masked, to be appended to a sentence."""
    text = " ".join(done.stderr.decode(errors="replace").split())
    return " Git says: " + _PASSWORD.sub(r"\1***@", text) if text else ""
