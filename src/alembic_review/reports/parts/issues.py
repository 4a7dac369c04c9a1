"""What a reviewer's tools are told: one issue for each finding, and for each change that no finding is about.

SARIF, workflow annotations and GitLab's code quality all list issues with a place in the checkout. Upstream drift is
nobody's to act on, so it is a remark there and no issue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count as count_up
from pathlib import PurePosixPath

from alembic_review.model.review import (
    Change,
    Finding,
    Location,
    PullRequest,
    Review,
    Severity,
    State,
    Suggestion,
    Verdict,
)
from alembic_review.reports.parts.accepting import TITLE, accepted_label, baseline_lines, entry_line, new_accepts
from alembic_review.reports.parts.headline import counts, explanation, in_revisions, result, since_label
from alembic_review.reports.parts.labels import (
    count,
    location_label,
    owner_label,
    revision_label,
    table_label,
    target_label,
)
from alembic_review.reports.parts.names import visible
from alembic_review.reports.parts.similar import fold_changes

PROJECT = "project"
COULD_NOT, WHAT_ELSE, ACCEPTED_HERE = "could-not-review", "what-else-to-know", "accepted-in-this-pull-request"
"""Fingerprints of what is told beside the issues."""
_URGENCY = (Severity.ERROR, Severity.WARNING, Severity.INFO)
_UNSAID = {Verdict.BLOCKED: Severity.ERROR, Verdict.SAFE: Severity.INFO}


@dataclass(frozen=True)
class Spot:
    """A file inside the Git checkout, with ``/`` between its folders, and a line that counts from 1."""

    path: str
    line: int


@dataclass(frozen=True)
class Issue:
    """``rule`` is a finding's code, or ``blocked-change`` and ``safe-change`` for a change without one.

    ``subject`` says in a few words what it is about; there and in ``message`` no character is hidden. ``names`` are
    schema, table and column as they are. ``fingerprint`` is unique in a review; ``spot`` is ``None`` for a place
    outside of the project. ``change`` is the fingerprint of the change it is about. ``code`` is a way out, as Python;
    empty where none is suggested. ``accepted`` is the reason of what is accepted; only SARIF shows such issues.
    """

    rule: str
    severity: Severity
    blocks: bool
    subject: str
    message: str
    names: tuple[str, ...]
    fingerprint: str
    spot: Spot | None
    change: str | None = None
    code: str = ""
    accepted: str = ""


def open_issues(review: Review) -> tuple[Issue, ...]:
    """The issues that are not accepted."""
    return tuple(issue for issue in issues(review) if not issue.accepted)


def issues(review: Review) -> tuple[Issue, ...]:
    """Every issue, the blocking ones first, then by severity; otherwise in the order of the review."""
    root = review.provenance.root
    changes = dict(_reviewed(review))
    told = {finding.change for finding in review.findings} | _told_of_revisions(review)
    found = [_of_finding(finding, changes.get(finding.change or ""), root) for finding in review.findings]
    found += [_of_change(change, root) for key, change in changes.items() if key not in told and _is_open(change)]
    found = list(_with_code(found, review.suggestions))
    found.sort(key=lambda issue: (bool(issue.accepted), not issue.blocks, _URGENCY.index(issue.severity)))
    return tuple(_unique(found))


def _told_of_revisions(review: Review) -> set[str]:
    """What a pull request has in a revision and a finding about that revision and table blocks already."""
    told = {
        (finding.code, finding.scope, finding.schema, finding.table, finding.revision)
        for finding in review.findings
        if finding.blocks and finding.revision is not None
    }
    return {
        change.fingerprint
        for change in in_revisions(review)
        if any((code, change.scope, change.schema, change.table, change.revision) in told for code in change.findings)
    }


def stand_in(review: Review) -> Spot:
    """The conf file's first line: for what has no place in the project, where a format can't do without one."""
    run = review.provenance
    name = PurePosixPath(run.config).name
    path = _inside(run.root, run.config) or _inside(run.root, name) or _inside("", name) or "alembic.ini"
    return Spot(path, 1)


def whole_message(issue: Issue) -> str:
    """Subject, message and the way out, for formats that have one text."""
    text = f"{issue.subject}: {issue.message}"
    return f"{text}\nInstead:\n{issue.code}" if issue.code else text


def headline(review: Review) -> str:
    """Whether the check failed and why, the changes and their risks."""
    told, why = result(review).value, explanation(review)
    sentences = [f"{told}: {why}" if why else told, "; ".join(counts(review))]
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in sentences)


def accepted_here(review: Review) -> tuple[str, ...]:
    """The entries that a pull request adds, for the beginning of a report."""
    return tuple(f"{TITLE}: {entry_line(entry)}" for entry in new_accepts(review))


def remarks(review: Review) -> tuple[str, ...]:
    """What is no issue and still has to be said: upstream drift, and what was not looked at."""
    run = review.provenance
    drift = [change for change in review.changes if change.verdict is Verdict.UPSTREAM]
    owners = ", ".join(dict.fromkeys(owner_label(change.owner) for change in drift))
    lines = [f"{count(len(drift), 'change')} of upstream drift, not yours to write: {owners}"] if drift else []
    lines += [f"{count(number, 'accepted issue')}" for number in [_accepted(review)] if number]
    lines += baseline_lines(review)
    if review.pull_request is not None:
        lines += _since(review.pull_request)
    lines += [f"Warning: {visible(run.server_warning)}"] if run.server_warning else []
    lines += [f"Not checked: {visible(line)}" for line in run.not_checked]
    return tuple(lines + [f"Filter of env.py: {visible(line)}" for line in run.filters])


def _accepted(review: Review) -> int:
    return sum(bool(issue.accepted) for issue in issues(review))


def _since(request: PullRequest) -> Iterator[str]:
    """The new revisions, and what they change that is no issue."""
    new = [f"{visible(one.id)}: {visible(one.message)}".removesuffix(": ") for one in request.new_revisions]
    yield f"Pull request {since_label(request)}" + (f" ({'; '.join(new)})" if new else "")
    done = [change for change in request.changes if _is_done(change) and change.verdict is not Verdict.BLOCKED]
    for line in fold_changes(done):
        label = f"{count(len(line.entries), 'change')} of the kind {visible(line.first.kind)}"
        told = f"{label if line.folded else _label(line.first)}{revision_label(line.first)}"
        yield f"In revisions, {line.first.verdict.value}: {told}"


def _with_code(found: Iterable[Issue], suggestions: Iterable[Suggestion]) -> Iterator[Issue]:
    """Each suggestion stands at the first issue that goes away with it."""
    waiting = list(suggestions)
    for issue in found:
        mine = [way for way in waiting if issue.fingerprint in way.findings or issue.change in way.changes]
        waiting = [way for way in waiting if way not in mine]
        yield replace(issue, code="\n".join(visible(way.code, lines=True) for way in mine)) if mine else issue


def _reviewed(review: Review) -> Iterator[tuple[str, Change]]:
    """All changes by fingerprint; what a pull request brings counts once, as what is pending where it is."""
    if review.pull_request is not None:
        yield from ((change.fingerprint, change) for change in review.pull_request.changes if _is_done(change))
    yield from ((change.fingerprint, change) for change in review.changes)


def _is_done(change: Change) -> bool:
    return getattr(change, "state", None) is State.IN_REVISION


def _is_open(change: Change) -> bool:
    """Something is left to do: a blocked change, or a safe one that no revision makes yet."""
    return change.verdict is Verdict.BLOCKED or (change.verdict is Verdict.SAFE and not _is_done(change))


def _of_finding(finding: Finding, change: Change | None, root: str) -> Issue:
    location = finding.location or (change.location if change is not None else None)
    names = _names(change) if change is not None else _some(finding.schema, finding.table)
    revision = finding.revision if change is None else None
    return Issue(
        rule=finding.code,
        severity=finding.severity,
        blocks=finding.blocks,
        subject=_label(change) if change is not None else _about(finding),
        message=_sentences(finding.message, finding.hint, _elsewhere(location)),
        names=names or _some(revision),
        fingerprint=finding.fingerprint,
        spot=_spot(location, root),
        change=finding.change,
        code=visible(finding.suggestion, lines=True) if finding.suggestion is not None else "",
        accepted=accepted_label(finding.accepted) if finding.accepted is not None else "",
    )


def _of_change(change: Change, root: str) -> Issue:
    return Issue(
        rule=f"{change.verdict.value}-change",
        severity=_UNSAID[change.verdict],
        blocks=change.verdict is Verdict.BLOCKED,
        subject=_label(change),
        message=_sentences(change.reason, _elsewhere(change.location)),
        names=_names(change),
        fingerprint=change.fingerprint,
        spot=_spot(change.location, root),
        change=change.fingerprint,
        accepted=accepted_label(change.accepted) if change.accepted is not None else "",
    )


def _label(change: Change) -> str:
    return f"{visible(change.kind)} {target_label(change)}"


def _about(finding: Finding) -> str:
    if finding.table is not None:
        return table_label(finding.schema, finding.table, finding.scope)
    return f"revision {visible(finding.revision)}" if finding.revision is not None else "the run"


def _names(change: Change) -> tuple[str, ...]:
    return _some(change.schema, change.table, change.name)


def _some(*names: str | None) -> tuple[str, ...]:
    return tuple(name for name in names if name is not None)


def _elsewhere(location: Location | None) -> str:
    return f"({location_label(location)})" if location is not None and location.base != PROJECT else ""


def _sentences(*texts: str) -> str:
    return " ".join(visible(text, lines=True) for text in texts if text)


def _spot(location: Location | None, root: str) -> Spot | None:
    path = path_in_checkout(location, root) if location is not None else None
    return Spot(path, max(1, location.line)) if location is not None and path is not None else None


def path_in_checkout(location: Location, root: str) -> str | None:
    """The path from the top of the Git checkout, whose subfolder ``root`` is; ``None`` for a file outside of it."""
    return _inside(root, location.path) if location.base == PROJECT else None


def _inside(root: str, path: str) -> str | None:
    """``path`` below ``root``; ``None`` for one that leads out of the checkout, as only a made-up report has."""
    parts = PurePosixPath(root, path).parts
    if not path or not parts or ".." in parts or parts[0].startswith("/"):
        return None
    return "/".join(parts)


def _unique(found: Iterable[Issue]) -> Iterator[Issue]:
    seen = {COULD_NOT, WHAT_ELSE, ACCEPTED_HERE}
    for issue in found:
        names = (f"{issue.fingerprint}-{times}" if times > 1 else issue.fingerprint for times in count_up(1))
        name = next(name for name in names if name not in seen)
        seen.add(name)
        yield replace(issue, fingerprint=name)
