"""What workers are asked, and how they are started, from the settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from alembic_review.judge.severities import require_known_codes
from alembic_review.model.errors import UsageError
from alembic_review.model.settings import Settings
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.observe.interpreter import interpreter_of
from alembic_review.observe.replay_cache.kept_replay import KeptReplay
from alembic_review.observe.scratch_databases import RunDatabases
from alembic_review.observe.worker_output import Shown
from alembic_review.observe.worker_process import Progress, RunContext


def worker_request(settings: Settings, *, debug: bool) -> WorkerRequest:
    """The request to a worker with these settings.

    Raises ``UsageError`` if no Alembic config is named, or for an unknown code.
    """
    require_known_codes(settings)
    if settings.config is None and settings.config_from is None:
        raise UsageError("No Alembic configuration was named.", hint="Name one with -c, or in the settings as config.")
    return WorkerRequest(
        config=str(settings.config) if settings.config is not None else None,
        section=settings.section,
        x=settings.x,
        config_from=settings.config_from,
        context=settings.context,
        preload=settings.preload,
        import_from=_import_from(settings),
        before=settings.before,
        custom=(*(settings.custom or ()), *settings.owners.values()),
        named_packages=(*(settings.custom or ()), *(settings.core or ()), *settings.owners.values()),
        distribution=settings.distribution,
        renames=settings.renames,
        debug=debug,
    )


def environment_requests(settings: Settings, request: WorkerRequest) -> dict[str, WorkerRequest]:
    """The request to the worker of each environment, by name and in order. ``request`` has their common values."""
    return {
        one.name: replace(
            request,
            config=str(one.config) if one.config is not None else None,
            config_from=one.config_from,
            section=one.section,
            x=one.x,
        )
        for one in settings.environments
    }


def run_context(
    settings: Settings,
    databases: RunDatabases,
    progress: Progress,
    shown: Shown,
    replay: KeptReplay | None = None,
) -> RunContext:
    """The interpreter, time limit, databases and callbacks with which the workers of these settings are started."""
    python = interpreter_of(settings).path
    return RunContext(python, settings.env, settings.timeout, databases, progress, shown, replay=replay)


def _import_from(settings: Settings) -> tuple[str, ...]:
    """Folders of modules that the settings name and that are not installed, as commands that run there find them."""
    root = settings.root
    folders = [Path.cwd(), *((root, root / "src") if root is not None else ())]
    return tuple(dict.fromkeys(str(folder) for folder in folders))
