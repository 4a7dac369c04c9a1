"""Reports: pure functions from a review to text. ``formats.REPORTS`` lists the formats."""

from __future__ import annotations

from alembic_review.reports.base import Format, Options, Rule
from alembic_review.reports.formats import REPORTS

__all__ = ["REPORTS", "Format", "Options", "Rule"]
