"""Sample reviews, and the Options that the command line gives a report."""

from __future__ import annotations

from pathlib import Path

from alembic_review.model.review import Review
from alembic_review.reports.formats.json import read

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = tuple(sorted(path.stem for path in GOLDEN.glob("*.json")))


def sample(name: str) -> Review:
    return read((GOLDEN / f"{name}.json").read_bytes())
