"""``alembic-review render``: a review from the JSON report that was saved of it; ``publish`` reads one too."""

from __future__ import annotations

import sys
from pathlib import Path

from alembic_review.model.errors import UsageError
from alembic_review.model.review import Review
from alembic_review.reports.formats import json
from alembic_review.reports.parts.names import visible

_LARGEST = 32 << 20  # bytes of a report that comes from elsewhere
_QUOTED = 300


def saved_review(file: str) -> Review:
    """The review in a JSON report, which is validated; ``-`` reads standard input. Raises ``UsageError``."""
    try:
        if file == "-":
            text = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(file).open("rb") as stream:
                text = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}.") from error
    if len(text) > _LARGEST:
        raise UsageError(f"{file} is larger than {_LARGEST >> 20} MiB, which no report is.")
    try:
        return json.read(text)
    except UsageError as error:
        # The message quotes the file, which may be a stranger's, and CI reads commands from the lines of its log.
        raise UsageError(f"{file} is {visible(error.message)[:_QUOTED]}.", hint=error.hint) from error
