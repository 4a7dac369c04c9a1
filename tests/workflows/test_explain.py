"""The checks, as they are described."""

from __future__ import annotations

from alembic_review.judge.checks import CHECKS
from alembic_review.workflows.explain import rules


def test_every_check_is_described() -> None:
    assert [(rule.code, rule.title, rule.severity) for rule in rules()] == [
        (check.code, check.title, check.severity) for check in CHECKS
    ]
    assert [rule.code for rule in rules() if not rule.page.startswith(f"# {rule.code}")] == []
