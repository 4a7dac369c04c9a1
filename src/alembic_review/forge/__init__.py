"""Comments and labels on pull requests, through the Git hosts' REST APIs. HTTP happens here only."""

from __future__ import annotations

from alembic_review.forge.ci_job import FORGES, Where, publish
from alembic_review.forge.labels import State
from alembic_review.forge.pages import Pages
from alembic_review.forge.sticky_comment import Posted

__all__ = ["FORGES", "Pages", "Posted", "State", "Where", "publish"]
