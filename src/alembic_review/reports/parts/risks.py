"""Risks: findings about data, locks and reversal, shown beside the verdict of the change.

A check whose finding is a risk has one row in ``RISKS``. The reports show the risk at its change and count it in the
headline.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from alembic_review.model.review import Change, Finding, Review, Severity
from alembic_review.reports.parts.labels import count


@dataclass(frozen=True)
class Risk:
    """``mark`` is shown at the change, ``one`` and ``many`` count in the headline (``1`` goes in front).

    ``loses`` marks a risk that destroys data.
    """

    mark: str
    one: str
    many: str
    loses: bool = False


_TABLE = Risk("data is lost", "table loses its data", "tables lose their data", loses=True)
RISKS = {
    "AR201": Risk("data is lost", "column loses data", "columns lose data", loses=True),
    "AR202": Risk(
        "may fail on existing rows",
        "NOT NULL column may fail on existing rows",
        "NOT NULL columns may fail on existing rows",
    ),
}
"""The risk of each code."""


def is_risk(finding: Finding) -> bool:
    """Whether the finding is a risk of a change that nobody has accepted."""
    return finding.code in RISKS and finding.severity is not Severity.INFO and finding.accepted is None


def risk_counts(review: Review) -> tuple[str, ...]:
    """``1 column loses data``, one entry for each kind of risk, what destroys data first."""
    made = review.pull_request.changes if review.pull_request is not None else ()
    kinds = {change.fingerprint: change.kind for change in (*made, *review.changes)}
    found = Counter(
        _TABLE if finding.code == "AR201" and kinds.get(finding.change or "") == "remove_table" else RISKS[finding.code]
        for finding in review.findings
        if is_risk(finding)
    )
    ordered = sorted(found, key=lambda risk: (not risk.loses, risk.one))
    return tuple(count(found[risk], risk.one, risk.many) for risk in ordered)


def marks(change: Change, findings: Iterable[Finding]) -> tuple[str, ...]:
    """The risks of one change, in words, among these findings: ``data is lost``."""
    own = [RISKS[one.code] for one in findings if is_risk(one) and one.change == change.fingerprint]
    return tuple(dict.fromkeys(risk.mark for risk in own))
