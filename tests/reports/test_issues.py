"""What a reviewer's tools are told: everything that somebody has to act on, once, the worst first."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

from alembic_review.model.review import Change, ChangeSince, PullRequest, State, Verdict
from alembic_review.reports.issues import issues, remarks
from tests.reports.samples import sample

POSER = sample("poser")


def since(change: Change, state: State, revision: str | None = None) -> ChangeSince:
    kept = {field.name: getattr(change, field.name) for field in fields(change)}
    return ChangeSince(**kept, state=state, revision=revision)


def test_every_open_change_and_every_finding_is_told_once() -> None:
    told = [issue.fingerprint for issue in issues(POSER)]
    with_finding = {finding.change for finding in POSER.findings}
    unsaid = [
        change.fingerprint
        for change in POSER.changes
        if change.verdict is not Verdict.UPSTREAM and change.fingerprint not in with_finding
    ]
    assert sorted(told) == sorted([*(finding.fingerprint for finding in POSER.findings), *unsaid])


def test_what_blocks_comes_first() -> None:
    blocks = [issue.blocks for issue in issues(POSER)]
    assert blocks == sorted(blocks, reverse=True)
    assert any(blocks)


def test_what_a_pull_request_has_in_a_revision_is_told_when_it_blocks() -> None:
    blocked = next(change for change in POSER.changes if change.verdict is Verdict.BLOCKED)
    safe = next(change for change in POSER.changes if change.verdict is Verdict.SAFE)
    done = since(replace(blocked, fingerprint="done"), State.IN_REVISION, "abc")
    written = since(replace(safe, fingerprint="written"), State.IN_REVISION, "abc")
    pending = since(safe, State.PENDING)
    review = replace(
        POSER, changes=(safe,), findings=(), pull_request=PullRequest("c0ffee", changes=(done, written, pending))
    )
    assert [(issue.rule, issue.fingerprint) for issue in issues(review)] == [
        ("blocked-change", "done"),
        ("safe-change", safe.fingerprint),
    ]


def test_upstream_drift_is_a_remark() -> None:
    assert remarks(POSER)[0] == "90 changes of upstream drift, not yours to write: rattail"
    assert remarks(replace(POSER, changes=(), provenance=replace(POSER.provenance, not_checked=(), filters=()))) == ()


def test_issues_are_plain_data() -> None:
    assert {type(value) for issue in issues(POSER) for value in asdict(issue).values()} >= {str, bool, tuple}
