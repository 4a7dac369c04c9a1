"""What a pull request changes: its revisions and what they make of the base, and what is pending after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.judge.verdicts.matching_changes import alteration_leads_to
from alembic_review.judge.verdicts.remaining_alterations import standing, texts
from alembic_review.model.pull_request_base import PullRequestBase
from alembic_review.model.review import Change, ChangeSince, Finding, NewRevision, PullRequest, Role, State


def describe(
    case: Case,
    history: PullRequestBase,
    in_revisions: Iterable[Change],
    pending: Iterable[Change],
    findings: Iterable[Finding],
) -> PullRequest:
    """What a pull request brings: what is in its revisions, and what is pending after them."""
    revisions = {entry.judged.fingerprint: entry.revision for entry in case.written}
    found = list(findings)
    changes = [_since(change, State.PENDING, None) for change in pending]
    for change in in_revisions:
        revision = revisions[change.fingerprint]
        codes = {finding.code for finding in found if _tells(finding, change, revision)}
        changes.append(_since(replace(change, findings=tuple(sorted(codes))), State.IN_REVISION, revision))
    return PullRequest(history.commit, tuple(_new_revisions(case)), tuple(changes), history.ref)


def not_checked(case: Case) -> Iterator[str]:
    """What new revisions do beside what a comparison shows, and no finding tells."""
    if any(case.is_new(revision.id) for revision in case.facts.revisions):
        yield (
            "changes of new revisions to rows, views, functions and privileges (only the schema of tables is compared)"
        )
    for database in case.databases:
        facts = [entry.judged.fact for entry in case.written if entry.database.name == database.name]
        changes = [fact for fact in facts if fact.key is not None]
        for one in standing([one for one in database.facts.alterations if case.is_new(one.revision)]):
            shown = any(
                one.key in database.causes.names(change.key)
                and (change.kind == "add_table" or alteration_leads_to(one, change))
                for change in changes
                if change.key is not None
            )
            if not shown and one.kind != "table" and database.ownership.role(one.key) is Role.CUSTOM:
                did = f"{next(texts([one]))} of {table_text(one.key)}"
                yield f"that revision {one.revision} {did} (no comparison shows it)"


def _new_revisions(case: Case) -> Iterator[NewRevision]:
    """The revisions that the base does not have, in the order in which they are applied."""
    order = {name: number for database in case.databases for number, name in enumerate(database.facts.applied)}
    found = [revision for revision in case.facts.revisions if case.is_new(revision.id)]
    for revision in sorted(found, key=lambda one: (order.get(one.id, len(order)), one.id)):
        location = case.evidence.locations.of(case.revision_place(revision.id))
        yield NewRevision(revision.id, case.evidence.revision_owner(revision.id), location, revision.message)


def _tells(finding: Finding, change: Change, revision: str | None) -> bool:
    """Whether a finding is about this change, or about all that its revision does to the table."""
    if finding.change is not None or revision is None:
        return finding.change == change.fingerprint
    about = (change.database, change.schema, change.table, revision)
    return (finding.database, finding.schema, finding.table, finding.revision) == about


def _since(change: Change, state: State, revision: str | None) -> ChangeSince:
    values: dict[str, Any] = {entry.name: getattr(change, entry.name) for entry in fields(Change)}
    return ChangeSince(**values, state=state, revision=revision)
