"""``--update-baseline``: the findings of a review, as the file that later reviews compare with."""

from __future__ import annotations

from pathlib import Path

from alembic_review.config.baseline_file import baseline_text
from alembic_review.judge.accepting.known_findings import updated
from alembic_review.model.errors import ObservationError
from alembic_review.model.review import Outcome, Review
from alembic_review.model.settings import Settings


def write_baseline(settings: Settings, review: Review) -> None:
    """Write the file where it is to be updated. Raises ``ObservationError`` when it can't be written."""
    baseline = settings.baseline
    if baseline is None or not baseline.updated or review.outcome is Outcome.FAILED:
        return
    try:
        Path(baseline.path).write_bytes(baseline_text(updated(baseline, review)).encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ObservationError(f"{baseline.name} can't be written: {error.strerror}.") from error
