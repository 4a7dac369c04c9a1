"""GitLab's code quality report (https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format).

GitLab refuses a report with an entry that has no file and line, so what has no place in the project stands at the first
line of the conf file.
"""

from __future__ import annotations

import json

from alembic_review.model.review import Review, Severity
from alembic_review.reports.base import Options
from alembic_review.reports.parts.issues import (
    ACCEPTED_HERE,
    COULD_NOT,
    WHAT_ELSE,
    Spot,
    accepted_here,
    headline,
    open_issues,
    remarks,
    stand_in,
    whole_message,
)
from alembic_review.reports.parts.names import visible

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def render(review: Review, options: Options) -> str:  # noqa: ARG001 - every report takes options
    """A JSON list with one entry for each issue, and one for what else has to be said. Ends with a newline."""
    elsewhere = stand_in(review)
    entries = [
        _entry(
            whole_message(issue),
            issue.rule,
            issue.fingerprint,
            "blocker" if issue.blocks else _SEVERITIES[issue.severity],
            issue.spot or elsewhere,
        )
        for issue in open_issues(review)
    ]
    if review.failure is not None:
        text = "\n".join(filter(None, ("alembic-review could not review", review.failure.message, review.failure.hint)))
        entries.append(_entry(text, COULD_NOT, COULD_NOT, "blocker", elsewhere))
    said = remarks(review)
    if review.failure is None:
        said = (headline(review), *said)
    if said:
        entries.append(_entry("\n".join(said), WHAT_ELSE, WHAT_ELSE, "info", elsewhere))
    new = accepted_here(review)
    if new:
        entries.insert(0, _entry("\n".join(new), ACCEPTED_HERE, ACCEPTED_HERE, "info", elsewhere))
    return json.dumps(entries, ensure_ascii=False, indent=2) + "\n"


def _entry(description: str, check: str, fingerprint: str, severity: str, spot: Spot) -> dict[str, object]:
    return {
        "description": visible(description, lines=True),
        "check_name": visible(check),
        "fingerprint": visible(fingerprint),
        "severity": severity,
        "location": {"path": visible(spot.path), "lines": {"begin": spot.line}},
    }
