"""Reports: pure functions from a review to text. ``REPORTS`` is the table of them all."""

from __future__ import annotations

from alembic_review.reports import github, gitlab, html, json, markdown, owners, sarif, terminal
from alembic_review.reports.base import Options, Report, Rule

__all__ = ["REPORTS", "Options", "Report", "Rule"]

REPORTS = (
    Report("terminal", "for people, as wide as the terminal", terminal.render, for_people=True),
    Report("json", "for programs, and for `render`", json.render),
    Report("markdown", "for pull requests, as GitHub, GitLab and Forgejo read it", markdown.render),
    Report(
        "html",
        "one page to attach: filters, highlighted code, a diagram; asks nothing of anybody",
        html.render,
        prepare=html.prepare,
    ),
    Report("sarif", "SARIF 2.1.0, for code scanning and editors", sarif.render, describes=True),
    Report("github", "annotations at the models' lines, for the log of a GitHub job", github.render),
    Report("gitlab", "GitLab's code quality report", gitlab.render),
    Report("owners", "every table, its owner, its role and the evidence", owners.render, for_people=True),
)
