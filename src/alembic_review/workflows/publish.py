"""``alembic-review publish``: one comment on a pull request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from alembic_review.model.review import Review
from alembic_review.reports import Options
from alembic_review.reports.base import Links
from alembic_review.reports.formats import markdown
from alembic_review.reports.parts.headline import Result, result

if TYPE_CHECKING:
    from alembic_review.forge import Pages, Posted, Where


def publish(review: Review, where: Where, environ: Mapping[str, str], *, label: bool = False) -> Posted:
    """Create or update the comment that shows ``review`` on a pull request, and with ``label`` its label.

    Values that ``where`` does not have are read from ``environ``, the environment of the CI job. Raises
    ``UsageError`` for wrong options and ``ForgeError`` if the comment can't be posted.
    """
    from alembic_review import forge  # noqa: PLC0415 - loads HTTP and TLS

    # Where nothing fails the check (`never`), blocked changes and errors still are no pass.
    states = {Result.PASSED: forge.State.PASSED, Result.NONE: forge.State.NOT_REVIEWED}

    def bodies(pages: Pages) -> tuple[str, str]:
        options = Options(links=Links(pages.commit, pages.source, pages.job, pages.report))
        return markdown.render(review, options), markdown.short(review, options)

    state = states.get(result(review), forge.State.FAILED) if label else None
    return forge.publish(bodies, where, environ, state=state)
