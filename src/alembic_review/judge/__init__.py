"""Pure functions from facts to a review: no database, no Alembic, no application."""

from __future__ import annotations

from alembic_review.judge.assemble_review import judge

__all__ = ["judge"]
