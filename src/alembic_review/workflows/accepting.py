"""The baseline, and what is known about accepted findings: comments in the source, the date, and the base's entries."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from alembic_review.config.accept_entries import accept_entries_of
from alembic_review.config.baseline_file import baseline_text, entries_of
from alembic_review.config.earlier_settings import table_in_text
from alembic_review.judge.accepting.commented_files import commented_files
from alembic_review.judge.accepting.known_findings import updated
from alembic_review.model.accepting import Accept, AcceptedAtBase, Comments
from alembic_review.model.errors import ObservationError, UsageError
from alembic_review.model.facts import Facts
from alembic_review.model.optional_steps import Attempts
from alembic_review.model.pull_request_base import BaseCommit
from alembic_review.model.review import Outcome, Review
from alembic_review.model.settings import AcceptNew, Settings
from alembic_review.observe.accept_comments import accept_comments, comments_of
from alembic_review.observe.base_revisions import content_at_base, is_known

_TABLE = "alembic-review"


def comments_now(facts: Facts, settings: Settings, attempts: Attempts) -> Comments:
    """The comments in the application's source that accept findings; none if the source can't be read."""
    files = commented_files(facts, settings)
    nothing: tuple[Accept, ...] = ()
    read = attempts.attempt("comments that accept findings", lambda: accept_comments(files), nothing)
    return Comments(read, datetime.now(UTC).date())


def accepted_at_base(base: BaseCommit, facts: Facts, settings: Settings) -> AcceptedAtBase:
    """The entries and comments at the base commit. Entries that can't be read there count as new."""
    entries: list[Accept] = []
    after_merge = False
    project = settings.root / "pyproject.toml" if settings.root is not None else None
    for file in dict.fromkeys(path for path in (project, settings.config) if path is not None):
        text = content_at_base(base, file.resolve())
        table = table_in_text(file, text, _TABLE)
        after_merge = after_merge or table.get("accept-new") == AcceptNew.AFTER_MERGE.value
        if file == project and text is not None:
            try:
                entries += accept_entries_of(table, file, text.decode("utf-8", "replace"))
            except UsageError:
                continue
    for path in {one.place.path for one in comments_now(facts, settings, Attempts()).entries if one.place is not None}:
        content = content_at_base(base, Path(path))
        entries += comments_of(content, path) if content is not None else ()
    return AcceptedAtBase(tuple(entries), after_merge, baseline_at_base(base, settings))


def baseline_at_base(base: BaseCommit, settings: Settings) -> frozenset[str] | None:
    """The fingerprints in the baseline file at the base commit; ``None`` if Git does not track the file."""
    path = Path(settings.baseline.path) if settings.baseline is not None else None
    if path is None or not is_known(base, path):
        return None
    content = content_at_base(base, path)
    entries = entries_of(content) if content is not None else None
    return frozenset(one.fingerprint for one in entries or ())


def write_baseline(settings: Settings, review: Review) -> None:
    """Write the findings to the baseline if the settings say so. Raises ``ObservationError`` if it can't be written."""
    baseline = settings.baseline
    if baseline is None or not baseline.updated or review.outcome is Outcome.FAILED:
        return
    try:
        Path(baseline.path).write_bytes(baseline_text(updated(baseline, review)).encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ObservationError(f"{baseline.name} can't be written: {error.strerror}.") from error
