"""The baseline: findings that a project had when it began to be reviewed do not count."""

from __future__ import annotations

from dataclasses import replace

from alembic_review.judge.accepting.observing import WITH_SINCE, is_observed
from alembic_review.judge.accepting.selecting import Found, Selecting
from alembic_review.judge.accepting.settling import waits
from alembic_review.judge.checks import ABOUT_ENTRIES
from alembic_review.judge.judged_facts import Case
from alembic_review.model.accepting import Accept, Baseline
from alembic_review.model.review import Accepted, Finding, KnownFinding, KnownFindings, Review

# Entries that expired have to be decided, and what is done to merged revisions has no past.
_NEVER = frozenset({check.code for check in ABOUT_ENTRIES}) | WITH_SINCE


def with_known(case: Case, found: Found) -> tuple[tuple[Finding, ...], KnownFindings | None]:
    """The findings, those of the baseline marked as accepted, and what became of its entries.

    What blocks is never in a baseline. One that is updated has all other findings. Where new entries of the settings
    have to be merged first, those of the baseline have to be as well.
    """
    baseline = case.settings.baseline
    if baseline is None:
        return found.findings, None
    base = case.history.accepted.baseline if case.history is not None and waits(case) else None
    known = {(entry.code, entry.fingerprint) for entry in baseline.entries if base is None or entry.fingerprint in base}
    accepted = Accepted(_reason(baseline))
    findings = tuple(
        replace(one, accepted=accepted)
        if one.accepted is None and _may_be_known(one) and (baseline.updated or (one.code, one.fingerprint) in known)
        else one
        for one in found.findings
    )
    told = {(one.code, one.fingerprint) for one in found.findings}
    selecting = Selecting({change.fingerprint: change for change in found.every}, case.evidence.locations.of)
    gone = tuple(
        entry
        for entry in baseline.entries
        if (entry.code, entry.fingerprint) not in told
        and is_observed(
            case, Accept(entry.code, "", table=entry.table, fingerprint=entry.fingerprint), found, selecting
        )
    )
    number = sum(one.accepted == accepted for one in findings)
    return findings, KnownFindings(baseline.name, number, gone)


def updated(baseline: Baseline, review: Review) -> Baseline:
    """The baseline with the findings of a review, and those that the review did not look for."""
    accepted = Accepted(_reason(baseline))
    now = [
        KnownFinding(one.code, one.fingerprint, one.table, one.message)
        for one in review.findings
        if one.accepted == accepted
    ]
    told = {(one.code, one.fingerprint) for one in review.findings}
    gone = set(review.baseline.gone) if review.baseline is not None else set()
    kept = [one for one in baseline.entries if (one.code, one.fingerprint) not in told and one not in gone]
    entries = sorted((*now, *kept), key=lambda one: (one.code, one.table or "", one.message, one.fingerprint))
    return replace(baseline, entries=tuple(entries))


def _may_be_known(finding: Finding) -> bool:
    return not finding.blocks and finding.code not in _NEVER


def _reason(baseline: Baseline) -> str:
    return f"in the baseline {baseline.name}"
