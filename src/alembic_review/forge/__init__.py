"""Comments on pull requests, through the forges' REST APIs. HTTP happens here only."""

from __future__ import annotations

from alembic_review.forge.ci_job import FORGES, Where, publish
from alembic_review.forge.sticky_comment import Posted

__all__ = ["FORGES", "Posted", "Where", "publish"]
