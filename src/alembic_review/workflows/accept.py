"""``accept``: an entry for a finding or a blocked change in the settings of the project."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from alembic_review.config.accept_entries import accept_entries_of, entry_text, with_entry
from alembic_review.config.earlier_settings import table_in_text
from alembic_review.judge.accepting.choosing import chosen, require_selectors
from alembic_review.judge.severities import require_known_codes
from alembic_review.model.accepting import Accept
from alembic_review.model.errors import ObservationError, UsageError
from alembic_review.model.review import Review
from alembic_review.model.settings import Settings
from alembic_review.observe.worker_process import Progress
from alembic_review.workflows.review import ignore, review

_TABLE = "alembic-review"


@dataclass(frozen=True)
class WrittenEntry:
    """Where the entry is, and its text."""

    path: Path
    line: int
    text: str


def accept(
    settings: Settings,
    entry: Accept,
    *,
    saved: Review | None = None,
    progress: Progress = ignore,
    debug: bool = False,
) -> WrittenEntry:
    """Add an entry of ``accept`` to the project's pyproject.toml; the rest of the file is not changed.

    If the entry has a fingerprint and no code, the code and the names are taken from the finding or change with
    that fingerprint in ``saved``, or in a new review if ``saved`` is ``None``. Raises ``UsageError`` if the entry
    would accept nothing, and the errors of ``review``.
    """
    path = _settings_file(settings)
    if entry.until is not None and entry.until < _today():
        raise UsageError(
            f"--until: {entry.until.isoformat()} has passed.", hint="Name the last day on which it counts."
        )
    if not entry.code:
        found = saved if saved is not None else review(settings, progress=progress, debug=debug)
        entry = chosen(found, entry)
    require_selectors(entry)
    require_known_codes(replace(settings, accept=(entry,)))
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text.") from error
    made, line = with_entry(text, entry, path)
    # What the next run would refuse is not written.
    accept_entries_of(table_in_text(path, made.encode(), _TABLE), path, made)
    try:
        path.write_bytes(made.encode())
    except OSError as error:
        raise ObservationError(f"{path} can't be written: {error.strerror}.") from error
    return WrittenEntry(path, line, entry_text(entry))


def _settings_file(settings: Settings) -> Path:
    path = settings.root / "pyproject.toml" if settings.root is not None else None
    if path is None or not path.is_file():
        raise UsageError(
            f"There is no pyproject.toml in {settings.root or 'the project'}, where entries of `accept` are.",
            hint="Create one, or name the project's folder with --root.",
        )
    return path


def _today() -> date:
    return datetime.now(UTC).date()
