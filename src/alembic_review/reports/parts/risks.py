"""Risks: findings about data, locks and reversal, shown beside the verdict of the change.

A check whose finding is a risk has one row in ``RISKS``. The reports show the risk at its change and count it in the
headline.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_review.model.review import Change, Finding, Review, Severity
from alembic_review.reports.parts.labels import count


@dataclass(frozen=True)
class Risk:
    """``mark`` is shown at the change, ``one`` and ``many`` count in the headline (``1`` goes in front).

    ``loses`` marks a risk that destroys data. Findings that agree in the attributes ``per`` count once.
    """

    mark: str
    one: str
    many: str
    loses: bool = False
    per: tuple[str, ...] = ()


_PER_TABLE = ("environment", "database", "schema", "table")
_PER_REVISION = ("revision",)


_TABLE = Risk("data is lost", "table loses its data", "tables lose their data", loses=True)
_COLUMN = Risk("data is lost", "column loses data", "columns lose data", loses=True)
_REQUIRED = Risk(
    "may fail on existing rows",
    "NOT NULL column may fail on existing rows",
    "NOT NULL columns may fail on existing rows",
)
_ROWS = Risk("may fail on existing rows", "change may fail on existing rows", "changes may fail on existing rows")
RISKS = {
    "AR201": _COLUMN,
    "AR202": _REQUIRED,
    "AR203": _COLUMN,
    "AR210": _REQUIRED,
    **dict.fromkeys(("AR211", "AR212", "AR213", "AR214", "AR215", "AR216"), _ROWS),
    "AR301": Risk("looks renamed", "column looks renamed", "columns look renamed"),
    "AR302": Risk("looks renamed", "table looks renamed", "tables look renamed"),
    "AR310": Risk(
        "old models fail", "table fails with the old models", "tables fail with the old models", per=_PER_TABLE
    ),
    "AR701": Risk("rewrites a table", "statement rewrites a table", "statements rewrite a table"),
    "AR702": Risk(
        "scans a table and blocks writes",
        "statement scans a table and blocks writes",
        "statements scan a table and block writes",
    ),
    "AR703": Risk("blocks writes", "index build blocks writes", "index builds block writes"),
    "AR705": Risk(
        "holds a lock for long", "lock is held while rows are worked on", "locks are held while rows are processed"
    ),
    "AR710": Risk("may stay half applied", "revision may stay half applied", "revisions may stay half applied"),
    "AR801": Risk(
        "downgrade leaves something", "downgrade leaves something", "downgrades leave something", per=_PER_REVISION
    ),
    "AR802": Risk("downgrade fails", "downgrade fails", "downgrades fail", per=_PER_REVISION),
    "AR803": Risk(
        "downgrade may fail on rows", "downgrade may fail on rows", "downgrades may fail on rows", per=_PER_REVISION
    ),
    "AR804": Risk("second upgrade fails", "second upgrade fails", "second upgrades fail", per=_PER_REVISION),
    "AR805": Risk(
        "downgrade loses data", "downgrade loses data", "downgrades lose data", loses=True, per=_PER_REVISION
    ),
}
"""The risk of each code."""

_FAMILIES = {
    "AR7": Risk("locks", "risk of locks", "risks of locks"),
    "AR8": Risk("does not reverse", "risk of reversal", "risks of reversal"),
}
"""Those of codes that have none of their own, by family."""


def risk_of(finding: Finding) -> Risk | None:
    """The risk that the finding is, whether it is accepted or not."""
    if finding.code == "AR203" and finding.column is None:
        return _TABLE
    return RISKS.get(finding.code) or _FAMILIES.get(finding.code[:3])


def is_risk(finding: Finding) -> bool:
    """Whether the finding is a risk of a change that nobody has accepted."""
    return risk_of(finding) is not None and finding.severity is not Severity.INFO and finding.accepted is None


def is_guess(finding: Finding) -> bool:
    """Whether the finding is a risk that no proof has observed; its mark says all of it."""
    return is_risk(finding) and finding.proof is None


def risk_counts(review: Review) -> tuple[str, ...]:
    """``1 column loses data``, one entry for each kind of risk, what destroys data first."""
    made = review.pull_request.changes if review.pull_request is not None else ()
    kinds = {change.fingerprint: change.kind for change in (*made, *review.changes)}
    found: dict[Risk, set[tuple[object, ...]]] = {}
    for finding in review.findings:
        risk = risk_of(finding)
        if risk is not None and is_risk(finding):
            whole = finding.code == "AR201" and kinds.get(finding.change or "") == "remove_table"
            what = tuple(getattr(finding, name) for name in risk.per) or (id(finding),)
            found.setdefault(_TABLE if whole else risk, set()).add(what)
    ordered = sorted(found, key=lambda risk: (not risk.loses, risk.one))
    return tuple(count(len(found[risk]), risk.one, risk.many) for risk in ordered)


def marks(change: Change, findings: Iterable[Finding]) -> tuple[str, ...]:
    """The risks of one change, in words, among these findings: ``data is lost``."""
    own = (risk_of(one) for one in findings if is_risk(one) and one.change == change.fingerprint)
    return tuple(dict.fromkeys(risk.mark for risk in own if risk is not None))
