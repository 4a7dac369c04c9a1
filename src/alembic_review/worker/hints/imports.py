"""A module that the application's interpreter does not find."""

from __future__ import annotations

import importlib.util
import os
import sys

from alembic_review.worker.hints.fault import Fault

_FOLDERS = (".", "src", "app", "backend")


def hint(fault: Fault) -> str:
    """Where the module is, when it lies in the project; else which interpreter does not have it."""
    error = fault.error
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    top = error.name.partition(".")[0]
    if _is_found(top):
        return ""  # the package is there, and not this module of it
    for folder in _FOLDERS:
        if os.path.isdir(os.path.join(folder, top)) or os.path.isfile(os.path.join(folder, f"{top}.py")):
            return (
                f"{top} is in {os.path.abspath(folder)}, which is not on sys.path. Add prepend_sys_path = {folder} to "
                f"{fault.circumstances.config or 'the Alembic config'}, or install the project."
            )
    return (
        f"{sys.executable} does not find {top}. Install it there, or name the application's interpreter with --python."
    )


def _is_found(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
