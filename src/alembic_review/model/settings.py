"""What to review, after command line, environment and files have been put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from alembic_review.model.accepting import Accept, Baseline
from alembic_review.model.keys import Rename


class FailOn(str, Enum):
    """What fails the check (exit status 1)."""

    BLOCKED = "blocked"
    PENDING = "pending"
    UPSTREAM = "upstream"
    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


class Level(str, Enum):
    """The severity that the settings give to a check; ``off`` reports none of its findings."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    OFF = "off"


class AcceptNew(str, Enum):
    """When the entries of ``accept`` count that a pull request adds."""

    AT_ONCE = "at-once"
    AFTER_MERGE = "after-merge"


@dataclass(frozen=True)
class Interpreter:
    """The Python that runs the application: ``path`` starts it, ``shown`` is the path as reports show it.

    ``source`` is ``--python`` (the setting as well), ``VIRTUAL_ENV``, ``.venv`` (at the root), or ``tool`` for the one
    that alembic-review itself runs on.
    """

    path: str
    source: str
    shown: str


@dataclass(frozen=True)
class Environment:
    """One of several Alembic environments in one database; what is not ``reviewed`` is only upgraded.

    ``config`` is ``None`` where ``config_from`` names a callable that returns Alembic's ``Config``.
    """

    name: str
    config: Path | None
    section: str = "alembic"
    x: tuple[str, ...] = ()
    config_from: str | None = None
    reviewed: bool = True


@dataclass(frozen=True)
class Settings:
    """``custom`` is ``None`` when the project decides and empty when nothing is custom. ``timeout`` is in seconds.

    ``config`` may be ``None`` where ``config_from`` names a callable that returns Alembic's ``Config``. ``env`` holds
    the variables to add to the environment of ``env.py``. ``since`` names the branch that a pull request is to be
    merged into; ``None`` leaves the pull request out.
    ``fail_on`` are kinds that fail the check besides ``blocked`` and ``error``, which always do; ``never`` alone only
    reports. ``python`` is the interpreter that somebody named, ``interpreter`` the one that was chosen in the end.
    ``root`` is the folder of the project; without a ``project_file`` it is only the one that the run started from, and
    ``None`` inside an environment.
    With ``full``, merged revisions are downgraded and applied in another order, too.
    ``prove`` asks for all proofs or for none; ``None`` for those of every run. ``severity`` is by the code of a check.
    Nothing counts as renamed but ``renames``.
    ``before`` is the absolute path of a file of SQL, or ``module:callable``. ``environments`` are empty unless there
    are several; ``config`` is then that of the first which is reviewed. With ``cache``, replays are kept for later
    reviews and those of earlier ones are used. ``server_version`` is PostgreSQL's major version in production.
    """

    config: Path | None = None
    config_from: str | None = None
    context: str | None = None
    preload: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    section: str = "alembic"
    x: tuple[str, ...] = ()
    root: Path | None = None
    project_file: bool = True
    distribution: str | None = None
    custom: tuple[str, ...] | None = None
    owners: Mapping[str, str] = field(default_factory=dict)
    core: tuple[str, ...] | None = None
    prefix: str | None = None
    fail_on: tuple[FailOn, ...] = ()
    server: str | None = None
    python: str | None = None
    interpreter: Interpreter | None = None
    timeout: float = 600.0
    before: str | None = None
    environments: tuple[Environment, ...] = ()
    source: Path | None = None
    since: str | None = None
    full: bool = False
    prove: bool | None = None
    severity: Mapping[str, Level] = field(default_factory=dict)
    accept: tuple[Accept, ...] = ()
    accept_new: AcceptNew = AcceptNew.AT_ONCE
    baseline: Baseline | None = None
    renames: tuple[Rename, ...] = ()
    cache: bool = True
    server_version: int | None = None
