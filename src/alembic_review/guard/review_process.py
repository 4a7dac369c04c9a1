"""A review of the project that ``alembic`` runs in, as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from alembic.config import Config
from alembic.util import CommandError

from alembic_review.config import CommandLine, load
from alembic_review.model.errors import ReviewError, UsageError
from alembic_review.model.review import Review
from alembic_review.reports.formats import json

_PASSED, _FAILED = 0, 1


def review_of(config: Config | None) -> Review:
    """The review of the environment that this ``Config`` is for. Raises ``CommandError`` with the review's message."""
    status, report, errors = _run(_arguments(config))
    review = _read(report)
    if review is not None and review.failure is not None:
        raise CommandError(told(review.failure.message, review.failure.hint))
    if review is None or status not in {_PASSED, _FAILED}:
        message = errors.strip() or f"The review ended with exit status {status}."
        raise CommandError(told(message.removeprefix("Error: ")))
    return review


def told(message: str, hint: str = "") -> str:
    """The text of a ``CommandError``."""
    return f"alembic-review: no revision was written. {message}" + (f"\nHint: {hint}" if hint else "")


def _read(report: bytes) -> Review | None:
    try:
        return json.read(report)
    except UsageError:
        return None


def _run(arguments: Sequence[str]) -> tuple[int, bytes, str]:
    """Exit status, report and messages of the process."""
    # -P: a folder of migrations is often called alembic, and must not be taken for the package.
    command = [sys.executable, "-P", "-m", "alembic_review", "review", *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            report, errors = child.communicate()
        except BaseException:
            child.terminate()  # it removes its databases first
            child.wait()
            raise
    return child.returncode, report, errors.decode(errors="replace")


def _arguments(config: Config | None) -> list[str]:
    """The options for the same interpreter, config file, section and ``-x`` arguments."""
    # No verdict depends on a proof.
    arguments = ["-o", "json=-", "--no-prove", "--python", sys.executable]
    if config is None:
        return arguments
    file = _config_file(config)
    arguments += ["-c", file] if file is not None else []
    arguments += ["-n", config.config_ini_section]
    return [*arguments, *(part for value in getattr(config.cmd_opts, "x", None) or () for part in ("-x", value))]


def _config_file(config: Config) -> str | None:
    """The file to name; ``None`` where a callable of the settings makes the ``Config``, unless ``alembic -c`` did."""
    files = (config.config_file_name, config.toml_file_name)
    file = next((str(name) for name in files if name is not None and Path(name).is_file()), None)
    if getattr(config.cmd_opts, "config", None):
        return file
    try:
        return None if load(CommandLine()).config_from is not None else file
    except ReviewError:  # the review reports it
        return file
