"""What a reviewer's tools are told: everything that somebody has to act on, once, the worst first."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

from alembic_review.model.review import (
    Change,
    ChangeSince,
    NewRevision,
    PullRequest,
    Severity,
    State,
    Suggestion,
    Verdict,
)
from alembic_review.reports import REPORTS, Options
from alembic_review.reports.parts.headline import in_revisions
from alembic_review.reports.parts.issues import issues, remarks
from alembic_review.reports.parts.labels import target_label
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


def test_what_a_finding_says_of_a_revision_is_not_told_twice() -> None:
    review = sample("since")
    done = [change.fingerprint for change in in_revisions(review) if change.verdict is Verdict.BLOCKED]
    assert done
    assert not [issue for issue in issues(review) if issue.fingerprint in done]
    without = replace(review, findings=tuple(one for one in review.findings if one.revision is None))
    assert [issue.fingerprint for issue in issues(without) if issue.rule == "blocked-change"] == done


def test_upstream_drift_is_a_remark() -> None:
    assert remarks(POSER)[0] == "90 changes of upstream drift, not yours to write: rattail"
    assert remarks(replace(POSER, changes=(), provenance=replace(POSER.provenance, not_checked=(), filters=()))) == ()


def test_a_way_out_stands_at_the_first_issue_that_goes_away_with_it() -> None:
    blocked = next(change for change in POSER.changes if change.verdict is Verdict.BLOCKED)
    way = Suggestion(
        None, "customer", ("loyalty_points",), "class PoserCustomer(Base): ...", changes=(blocked.fingerprint,)
    )
    by_finding = replace(way, code="class Other: ...", changes=(), findings=(POSER.findings[-1].fingerprint,))
    found = issues(replace(POSER, suggestions=(way, by_finding)))
    assert {issue.fingerprint: issue.code for issue in found if issue.code} == {
        next(finding.fingerprint for finding in POSER.findings if finding.change == blocked.fingerprint): way.code,
        POSER.findings[-1].fingerprint: by_finding.code,
    }
    for report in ("sarif", "github", "gitlab"):
        render = next(entry.render for entry in REPORTS if entry.name == report)
        assert way.code in render(replace(POSER, suggestions=(way,)), Options())


def test_what_a_pull_request_brings_is_a_remark() -> None:
    blocked = next(change for change in POSER.changes if change.verdict is Verdict.BLOCKED)
    safe = next(change for change in POSER.changes if change.verdict is Verdict.SAFE)
    drift = next(change for change in POSER.changes if change.verdict is Verdict.UPSTREAM)
    written = tuple(since(change, State.IN_REVISION, "abc") for change in (blocked, safe, drift))
    request = PullRequest("c0ffee", (NewRevision("abc", "poser", None, "a step"),), written, "origin/main")
    said = remarks(replace(POSER, pull_request=request))
    assert "Pull request since origin/main (c0ffee): 1 new revision (abc: a step)" in said
    assert [line for line in said if line.startswith("In revisions, ")] == [
        f"In revisions, safe: {safe.kind} {target_label(safe)} in abc",
        f"In revisions, upstream: {drift.kind} {target_label(drift)} in abc",
    ]


def test_issues_are_plain_data() -> None:
    assert {type(value) for issue in issues(POSER) for value in asdict(issue).values()} >= {str, bool, tuple, Severity}
