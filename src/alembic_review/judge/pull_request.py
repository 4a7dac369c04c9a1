"""What a pull request changes: the revisions of its base against today's models, by the rules for what is pending."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

from alembic_review.judge import reasons
from alembic_review.judge.case import Case, Judged, JudgedDatabase, Written
from alembic_review.judge.matching import alteration_leads_to
from alembic_review.judge.verdict import Decision
from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import ChangeFact, DatabaseFacts, Facts, Origin, TableKey
from alembic_review.model.history import History
from alembic_review.model.review import Change, ChangeSince, Finding, NewRevision, PullRequest, Role, State, Verdict


def facts_of_base(history: History, facts: Facts) -> Facts:
    """The comparison with the base, and what is known today of who made and altered what.

    Raises ``ObservationError`` when env.py worked on other databases.
    """
    then = history.facts
    if [database.target for database in then.databases] != [database.target for database in facts.databases]:
        raise ObservationError(
            "env.py worked on other databases with the revisions of the base than with those of today.",
            hint="Which databases there are must not depend on the revisions.",
        )
    known = {revision.id for revision in facts.revisions}
    return replace(
        then,
        revisions=(*facts.revisions, *(revision for revision in then.revisions if revision.id not in known)),
        packages=facts.packages,
        databases=tuple(_informed(*pair) for pair in zip(then.databases, facts.databases, strict=True)),
    )


def written(case: Case, past: Case, history: History) -> Iterator[Written]:
    """The changes that are not pending any more, each with the revision of the pull request that makes it."""
    candidates = {*new_revisions(case, history), *(edited.id for edited in history.edited)}
    pending = {judged.fingerprint for database in case.databases for judged in database.changes}
    for then, now in zip(past.databases, case.databases, strict=True):
        for judged in then.changes:
            if judged.fingerprint not in pending:
                yield _written(case, then, now, judged, candidates)


def describe(
    case: Case,
    history: History,
    in_revisions: Iterable[Change],
    pending: Iterable[Change],
    findings: Iterable[Finding],
) -> PullRequest:
    """What a pull request brings: what is in its revisions, and what is pending."""
    revisions = {entry.judged.fingerprint: entry.revision for entry in case.written}
    told = [finding for finding in findings if finding.revision is not None]
    changes = [_since(change, State.PENDING, None) for change in pending if change.fingerprint in case.since]
    for change in in_revisions:
        revision = revisions[change.fingerprint]
        place = (change.schema, change.table, revision)
        codes = {finding.code for finding in told if (finding.schema, finding.table, finding.revision) == place}
        changes.append(_since(replace(change, findings=tuple(sorted(codes))), State.IN_REVISION, revision))
    new = []
    for name in new_revisions(case, history):
        location = case.evidence.locations.of(case.revision_place(name))
        new.append(NewRevision(name, case.evidence.revision_owner(name), location))
    return PullRequest(history.commit, tuple(new), tuple(changes))


def new_revisions(case: Case, history: History) -> list[str]:
    """The revisions that the base does not have, in the order in which they are applied."""
    then = {revision.id for revision in history.facts.revisions}
    order = {name: number for database in case.databases for number, name in enumerate(database.facts.applied)}
    found = [revision.id for revision in case.facts.revisions if revision.id not in then]
    return sorted(found, key=lambda name: (order.get(name, len(order)), name))


def _informed(then: DatabaseFacts, now: DatabaseFacts) -> DatabaseFacts:
    return replace(
        then,
        # A revision tells the name, and the base may have none.
        name=now.name,
        origins=_together(then.origins, now.origins),
        former=_together(then.former, now.former),
        alterations=now.alterations,
    )


def _together(then: tuple[Origin, ...], now: tuple[Origin, ...]) -> tuple[Origin, ...]:
    known = {origin.key for origin in then}
    return (*then, *(origin for origin in now if origin.key not in known))


def _written(case: Case, then: JudgedDatabase, now: JudgedDatabase, judged: Judged, candidates: set[str]) -> Written:
    altering = _altering(now, judged.fact, candidates)
    creating = None if altering is not None else _creating(now, judged.fact.key, candidates)
    revision = altering or creating
    owner = case.evidence.revision_owner(revision) if revision is not None else None
    decision = judged.decision
    core = judged.fact.key is not None and then.ownership.role(judged.fact.key) is Role.CORE
    if revision is not None and core:
        by_application = owner is None or case.evidence.is_application(owner)
        decision = _on_core(decision, revision, owner, by_application=by_application, creates=creating is not None)
    return Written(then, replace(judged, decision=decision), revision)


def _on_core(decision: Decision, revision: str, owner: str | None, *, by_application: bool, creates: bool) -> Decision:
    """What a revision of the pull request makes of a core table.

    What it alters and does not undo was judged by that already; what it undoes stands against nobody any more.
    """
    if not by_application:
        if decision.verdict is not Verdict.UPSTREAM:
            return decision
        return replace(decision, reason=reasons.own_revision(revision, owner))
    if decision.verdict is Verdict.UPSTREAM and not creates:
        return replace(decision, verdict=Verdict.SAFE, cause=owner, reason=reasons.restored(decision.owner, revision))
    if decision.verdict is Verdict.UPSTREAM or decision.revision == revision:
        reason = reasons.written(decision.owner, revision, owner)
        return replace(decision, verdict=Verdict.BLOCKED, cause=owner, reason=reason, revision=revision)
    return decision


def _altering(now: JudgedDatabase, change: ChangeFact, candidates: set[str]) -> str | None:
    """The last revision that did this to a table that was there before it."""
    found = None
    for alteration in now.facts.alterations:
        if alteration.revision not in candidates or change.key is None:
            continue
        if change.kind == "add_table":
            renamed = alteration.action == "renamed" and alteration.key.schema == change.key.schema
            same = renamed and alteration.name == change.key.name
        else:
            same = alteration.key == change.key and alteration_leads_to(alteration, change)
        found = alteration.revision if same else found
    return found


def _creating(now: JudgedDatabase, key: TableKey | None, candidates: set[str]) -> str | None:
    """The revision that created the table, with whatever is on it."""
    origin = next((origin for origin in now.facts.origins if origin.key == key), None)
    return origin.revision if origin is not None and origin.revision in candidates else None


def _since(change: Change, state: State, revision: str | None) -> ChangeSince:
    values: dict[str, Any] = {entry.name: getattr(change, entry.name) for entry in fields(Change)}
    return ChangeSince(**values, state=state, revision=revision)
