"""One file or folder for each format of a report. ``REPORTS`` lists them all."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from alembic_review.model.review import Review
from alembic_review.reports.base import Format, Options
from alembic_review.reports.formats import html


def _format(name: str) -> Callable[[Review, Options], str]:
    """The function of a format, whose module is loaded when it is first called: each run needs one or two of them."""

    def render(review: Review, options: Options) -> str:
        text: str = import_module(f"{__name__}.{name}").render(review, options)
        return text

    return render


REPORTS = (
    Format("terminal", "for people, as wide as the terminal", _format("terminal"), for_people=True),
    Format("json", "for programs, and for `render` and `publish`", _format("json"), is_json=True),
    Format("markdown", "for pull requests on GitHub, GitLab and Forgejo", _format("markdown")),
    Format(
        "html",
        "one self-contained page with filters, highlighted code and a diagram",
        html.render,
        describes=True,
        prepare=html.prepare,
    ),
    Format("sarif", "SARIF 2.1.0, for code scanning and editors", _format("sarif"), is_json=True, describes=True),
    Format(
        "github", "annotations at the models' lines, for the log of a GitHub job", _format("github"), for_runner=True
    ),
    Format("gitlab", "GitLab's code quality report", _format("gitlab"), is_json=True),
    Format("owners", "every table, its owner, its role and the evidence", _format("owners"), for_people=True),
)
