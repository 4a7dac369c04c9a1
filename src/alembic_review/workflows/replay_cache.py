"""Which review may use what earlier reviews have kept of a replay."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from alembic_review.model.settings import Settings
from alembic_review.model.worker_request import WorkerRequest
from alembic_review.observe.interpreter import interpreter_of
from alembic_review.observe.replay_cache import entries
from alembic_review.observe.replay_cache.kept_replay import KeptReplay
from alembic_review.observe.replay_cache.slots import slot
from alembic_review.observe.worker_process import worker_environment
from alembic_review.reports.parts.labels import count


def kept_replay(settings: Settings, request: WorkerRequest) -> KeptReplay:
    """The cached replay for this review, or the reason why there is none."""
    reasons = {
        "turned off with --no-cache or `cache = false`": not settings.cache,
        "a server was named": settings.server is not None,
        "there are several environments": bool(settings.environments),
        "the setting `before` is used": settings.before is not None,
    }
    reason = next((reason for reason, holds in reasons.items() if holds), "")
    if reason:
        return KeptReplay.without(reason)
    key = slot(request, interpreter_of(settings).path, settings.env)
    return KeptReplay.find(key, worker_environment(settings.env), str(settings.root or Path.cwd()))


def shown() -> str:
    """The entries of the cache as text: folder, size, and one line per entry."""
    place = entries.folder()
    found = list(entries.entries())
    if place is None or not found:
        return "The cache is empty.\n"
    lines = [f"{place} ({_size(sum(one.size for one in found))} of at most {_size(entries.LARGEST)})"]
    for one in found:
        used = datetime.fromtimestamp(one.used, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
        revisions = len(one.content["databases"][0]["replayed"]["applied"])
        lines.append(f"{used}  {_size(one.size):>8}  {count(revisions, 'revision')} of {one.content['project']}")
    return "\n".join(lines) + "\n"


def cleared() -> str:
    """Remove all entries of the cache; returns a line with their number and size."""
    size = sum(one.size for one in entries.entries())
    number = entries.clear()
    return f"Removed {count(number, 'replay')} ({_size(size)}).\n" if number else "The cache is empty.\n"


def _size(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"
