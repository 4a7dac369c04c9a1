"""One file or folder for each format of a report. ``REPORTS`` lists them all."""

from __future__ import annotations

from alembic_review.model.review import Review
from alembic_review.reports.base import Options, Report
from alembic_review.reports.formats import github, gitlab, html, json, markdown, sarif


def _terminal(review: Review, options: Options) -> str:
    from alembic_review.reports.formats import terminal  # noqa: PLC0415 - rich takes nine MiB that CI often does without

    return terminal.render(review, options)


def _owners(review: Review, options: Options) -> str:
    from alembic_review.reports.formats import owners  # noqa: PLC0415 - as the terminal report

    return owners.render(review, options)


REPORTS = (
    Report("terminal", "for people, as wide as the terminal", _terminal, for_people=True),
    Report("json", "for programs, and for `render` and `publish`", json.render, is_json=True),
    Report("markdown", "for pull requests on GitHub, GitLab and Forgejo", markdown.render),
    Report(
        "html",
        "one self-contained page with filters, highlighted code and a diagram",
        html.render,
        describes=True,
        prepare=html.prepare,
    ),
    Report("sarif", "SARIF 2.1.0, for code scanning and editors", sarif.render, is_json=True, describes=True),
    Report("github", "annotations at the models' lines, for the log of a GitHub job", github.render, for_runner=True),
    Report("gitlab", "GitLab's code quality report", gitlab.render, is_json=True),
    Report("owners", "every table, its owner, its role and the evidence", _owners, for_people=True),
)
