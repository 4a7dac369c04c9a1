"""Reports: pure functions from a review to text. ``REPORTS`` is the table of them all."""

from __future__ import annotations

from alembic_review.reports import json, markdown, owners, terminal
from alembic_review.reports.base import Options, Report

__all__ = ["REPORTS", "Options", "Report"]

REPORTS = (
    Report("terminal", "for people, as wide as the terminal", terminal.render, for_people=True),
    Report("json", "for programs, and for `render`", json.render),
    Report("markdown", "for pull requests, as GitHub, GitLab and Forgejo read it", markdown.render),
    Report("owners", "every table, its owner, its role and the evidence", owners.render, for_people=True),
)
