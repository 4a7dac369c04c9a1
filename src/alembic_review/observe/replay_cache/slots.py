"""What is known of a replay before its worker has started: the key under which it is kept."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

from alembic_review.model.input_states import content_state, text_state
from alembic_review.model.worker_request import WorkerRequest

_FORMAT = 1
_SOURCES = ("model", "observe", "worker")


def slot(request: WorkerRequest, python: str, env: Mapping[str, str]) -> str:
    """The same for two runs that ask the same of the same application with the same programs and as the same user."""
    asked = {
        name: getattr(request, name)
        for name in ("section", "x", "custom", "named_packages", "distribution", "config_from", "context", "preload")
    }
    parts = {
        **asked,
        "format": _FORMAT,
        "tool": [version("alembic-review"), _sources()],
        "python": _program(python),
        "config": str(Path(request.config).absolute()) if request.config is not None else None,
        "content": content_state(request.config) if request.config is not None else "",
        "import_from": request.import_from,
        "env": {name: text_state(value) for name, value in env.items()},
        "folder": str(Path.cwd()),
        "machine": [platform.machine(), platform.system(), os.geteuid(), time.tzname],
    }
    return text_state(json.dumps(parts, sort_keys=True))[:32]


def variables(names: list[str], environ: Mapping[str, str]) -> dict[str, str | None]:
    """The state of these environment variables; ``None`` for one that is not set."""
    return {name: text_state(environ[name]) if name in environ else None for name in names}


def every_variable(environ: Mapping[str, str]) -> str:
    """The state of all of them."""
    return text_state(json.dumps(sorted(environ.items())))


def _program(path: str) -> list[str]:
    """The interpreter itself; the worker compares its version."""
    real = os.path.realpath(path)
    try:
        return [path, real, str(Path(real).stat().st_size)]
    except OSError:
        return [path]


@cache
def _sources() -> str:
    """Of a checkout of the tool itself, whose version stays the same from edit to edit."""
    top = Path(__file__).parents[2]
    if "site-packages" in top.parts:
        return ""
    files = sorted(path for part in _SOURCES for path in (top / part).rglob("*.py"))
    states = [(path, path.stat()) for path in files]
    return text_state("\n".join(f"{path} {status.st_size} {status.st_mtime_ns}" for path, status in states))
