"""The entry of ``accept`` for a finding or a change that somebody names by its fingerprint."""

from __future__ import annotations

from dataclasses import replace

from alembic_review.judge.checks import CHECKS
from alembic_review.model.accepting import SELECTORS, Accept
from alembic_review.model.errors import UsageError
from alembic_review.model.review import Change, ChangeSince, Finding, Review, State, Verdict

_OWNERSHIP = "AR1"
_BLOCKED = "AR101"


def chosen(review: Review, entry: Accept) -> Accept:
    """The entry with the code and the names of what has its fingerprint. Raises ``UsageError`` where nothing has."""
    fingerprint = entry.fingerprint or ""
    since = review.pull_request.changes if review.pull_request is not None else ()
    changes = {change.fingerprint: change for change in (*since, *review.changes)}
    blocked = changes.get(fingerprint)
    if blocked is not None and blocked.verdict is Verdict.BLOCKED and not _about(review, blocked):
        return replace(entry, code=_BLOCKED)
    finding = _finding(review, blocked, fingerprint)
    if finding.accepted is not None:
        raise UsageError(f"{fingerprint} is accepted already: {finding.accepted.reason}")
    change = changes.get(finding.change or "")
    table = finding.table or (change.table if change is not None else None)
    schema = finding.schema or (change.schema if change is not None else None)
    column, name = finding.column, finding.name
    if change is not None and change.name is not None and name is None and column is None:
        column, name = (change.name, None) if change.kind.endswith("_column") else (None, change.name)
    return replace(
        entry,
        code=finding.code,
        table=f"{schema}.{table}" if schema is not None and table is not None else table,
        column=column,
        name=name,
        # Of ownership, the revision is the cause: the finding stays as long as the change does.
        revision=None if finding.code.startswith(_OWNERSHIP) else finding.revision,
        fingerprint=fingerprint if finding.change == fingerprint else finding.fingerprint,
    )


def _finding(review: Review, change: Change | None, fingerprint: str) -> Finding:
    own = [one for one in review.findings if fingerprint in (one.fingerprint, one.change)]
    if not own and change is not None:
        own = _about(review, change)
    if change is not None and change.verdict is Verdict.BLOCKED:
        own = [one for one in own if one.blocks]
    if len(own) == 1:
        return own[0]
    if not own and change is not None:
        raise UsageError(
            f"The change {fingerprint} is {change.verdict.value} and has no finding.",
            hint="Only findings and blocked changes can be accepted.",
        )
    if not own:
        raise UsageError(
            f"No finding and no change of this review has the fingerprint {fingerprint}.",
            hint="The JSON report has the fingerprints, and the terminal report with --verbose. Findings about a pull "
            "request require --since, and findings of some proofs require --prove.",
        )
    codes = ", ".join(f"{one.code} {one.fingerprint}" for one in own)
    raise UsageError(f"Several findings are about {fingerprint}: {codes}.", hint="Name one of these fingerprints.")


def _about(review: Review, change: Change) -> list[Finding]:
    """The blocking findings about a change."""
    return [one for one in review.findings if one.blocks and (one.change == change.fingerprint or _tells(one, change))]


def _tells(finding: Finding, change: Change) -> bool:
    if not isinstance(change, ChangeSince) or change.state is not State.IN_REVISION:
        return False
    about = (change.database, change.schema, change.table, change.revision)
    return (finding.database, finding.schema, finding.table, finding.revision) == about


def require_selectors(entry: Accept) -> None:
    """Raise ``UsageError`` for an entry that selects nothing, or that can't accept what it selects."""
    blocking = {check.code for check in CHECKS if check.blocks}
    if entry.fingerprint is None and (entry.code in blocking or entry.code.startswith(_OWNERSHIP)):
        raise UsageError(
            f"{entry.code} can be accepted by fingerprint only.",
            hint="The terminal report shows it with --verbose: alembic-review accept FINGERPRINT --reason TEXT",
        )
    if all(getattr(entry, key) is None for key in SELECTORS):
        raise UsageError(
            f"No option selects the findings of {entry.code}.",
            hint=f"Use one or more of {', '.join(f'--{key}' for key in SELECTORS)}.",
        )
