"""An env.py that is written for a command of its own, and not for ``alembic``."""

from __future__ import annotations

import linecache
import re
import sys

from alembic.config import Config

from alembic_review.worker.hints.fault import Fault

_ATTRIBUTES = re.compile(r"\battributes\b")
_SETTING = (
    "Name a callable that returns that Config with the setting config-from, for example config-from = "
    '"myapp.migrations:alembic_config".'
)


def hint(fault: Fault) -> str:
    """Which command prepares the Config, where that is known."""
    error = fault.error
    if isinstance(error, AttributeError) and isinstance(getattr(error, "obj", None), Config):
        if fault.circumstances.config_from:
            return f"The Config that config-from ({fault.circumstances.config_from}) returns has no {error.name}."
        return (
            f"env.py reads config.{error.name}, which the Config of {_command()} has and Alembic's own Config does "
            f"not have. {_SETTING}"
        )
    if isinstance(error, KeyError) and fault.own_frames and not fault.circumstances.config_from:
        frame, number = fault.own_frames[-1]
        if _ATTRIBUTES.search(linecache.getline(frame.f_code.co_filename, number)):
            return (
                f"env.py reads config.attributes[{error.args[0]!r}], which a command of the application sets and "
                f"`alembic` does not. {_SETTING}"
            )
    return ""


def _command() -> str:
    if "advanced_alchemy" in sys.modules:
        return "advanced-alchemy's commands (`litestar database`, `alchemy`)"
    return "the application's own migration command"
