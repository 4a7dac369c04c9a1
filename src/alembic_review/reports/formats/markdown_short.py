"""What is left to say where a report is too long: numbers only. It stands in for one and is no format of its own."""

from __future__ import annotations

from alembic_review.model.review import Review
from alembic_review.reports.parts.headline import levels, result, tally


def render(review: Review) -> str:
    """A few lines of Markdown without any name in them."""
    return (
        f"### alembic-review: {result(review).value}\n\n"
        f"Changes: {tally(review)}. Findings: {levels(review) or 'none'}.\n\n"
        "The report is too long for a comment here. It is in the files that the job kept.\n"
    )
