"""The report as one HTML file that asks nothing of anybody: style and script are in it, and nothing else may run."""

from __future__ import annotations

from alembic_review.model.review import Review
from alembic_review.reports.base import Options


def render(review: Review, options: Options) -> str:
    """The page; the same review gives the same bytes. ``sql`` opens the code, ``verbose`` folds nothing."""
    from alembic_review.reports.formats.html import page  # noqa: PLC0415 - Jinja2 and Pygments are for this report only

    return page.render(review, options)


def prepare() -> None:
    """Load and compile everything, which takes longer than to fill it in."""
    from alembic_review.reports.formats.html import page  # noqa: PLC0415 - as above

    page.prepare()
