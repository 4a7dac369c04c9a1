"""``alembic-review explain``: the checks and their pages."""

from __future__ import annotations

from alembic_review.judge.checks import CHECKS
from alembic_review.model.errors import UsageError
from alembic_review.reports import Rule


def explain(code: str) -> str:
    """The page of the check ``code``, as Markdown. Raises ``UsageError`` for an unknown code."""
    for check in CHECKS:
        if check.code == code.upper():
            return check.page
    known = ", ".join(check.code for check in CHECKS)
    raise UsageError(f"There is no check {code}.", hint=f"The codes are: {known}.")


def rules() -> tuple[Rule, ...]:
    """Code, title, severity and page of every check."""
    return tuple(Rule(check.code, check.title, check.severity, check.page) for check in CHECKS)
