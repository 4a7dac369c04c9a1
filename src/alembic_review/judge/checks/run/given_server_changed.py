"""AR901: revisions or env.py changed the server that `--server` names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic_review.judge.checks.base import Check, CheckResult
from alembic_review.judge.judged_facts import Case
from alembic_review.model.facts import ServerChange
from alembic_review.model.review import Severity


def server_changed(changes: Sequence[ServerChange]) -> str:
    """The same in one line, for a run that ends without a review."""
    return "The run also changed the given server: " + "; ".join(_text(change) for change in changes) + "."


def _run(case: Case) -> Iterator[CheckResult]:
    for change in case.facts.server_changes:
        yield CheckResult(
            message=f"The run changed the given server: {_text(change)}.",
            hint=_hint(change),
            subject=(change.kind, change.name, change.action),
        )


def _text(change: ServerChange) -> str:
    what = f" ({', '.join(change.what)})" if change.what else ""
    return f"{change.kind} {change.name} was {change.action}{what}"


def _hint(change: ServerChange) -> str:
    if change.action == "created":
        reason = f" ({change.reason})" if change.reason else ""
        return f"It was not dropped{reason}. Drop it if a revision or env.py created it."
    restore = f"Restore {change.kind} {change.name}. "
    role = "Use a role in --server whose only privilege is CREATEDB, or omit --server."
    return restore + role


CHECK = Check("AR901", "Given server changed", Severity.ERROR, _run, blocks=True)
