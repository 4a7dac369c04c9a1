"""What the entries of ``accept`` come to: changes and findings marked as accepted.

Nothing is accepted by an entry that has expired, that has to be merged first, or that selects by anything but a
fingerprint where a finding blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TypeVar

from alembic_review.judge.accepting.observing import is_observed, is_proved, proof_of
from alembic_review.judge.accepting.selecting import Found, Selecting, is_removal
from alembic_review.judge.checks import ABOUT_ENTRIES, CHECKS
from alembic_review.judge.judged_facts import Case, Settled
from alembic_review.model.accepting import SELECTORS, Accept, AcceptedAtBase, Comments
from alembic_review.model.review import (
    Accepted,
    AcceptState,
    Change,
    ChangeSince,
    Finding,
    NewAccept,
    PullRequest,
    State,
    Verdict,
)
from alembic_review.model.settings import AcceptNew

_C = TypeVar("_C", bound=Change)
_LOSS = frozenset({"AR201", "AR203"})
_BLOCKED = "AR101"
_REMOVALS = frozenset({"remove_table", "remove_column"})


@dataclass(frozen=True)
class Marked:
    """Changes and findings with what accepts them, and what each entry came to."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    brought: PullRequest | None
    entries: tuple[Settled, ...]


def marked(case: Case, comments: Comments, found: Found) -> Marked:
    """Mark what the settings and comments accept."""
    selecting = Selecting({change.fingerprint: change for change in found.every}, case.evidence.locations.of)
    entries = []
    known = {check.code for check in CHECKS} - {check.code for check in ABOUT_ENTRIES}
    read = [_with_problem(comment, known) for comment in comments.entries]
    for entry, new in _with_news(case, (*case.settings.accept, *read)):
        selected = [one for one in found.findings if selecting.selects(entry, one)]
        untold = [one for one in found.every if _is_untold(one, found.findings) and _names(entry, one)]
        entries.append(
            Settled(
                entry=entry,
                findings=tuple(one.fingerprint for one in selected if _may_accept(entry, one)),
                changes=tuple(one.fingerprint for one in untold),
                blocking=any(not _may_accept(entry, one) for one in selected),
                expired=entry.until is not None and entry.until < comments.today,
                new=new,
                waiting=new and waits(case),
                observed=is_observed(case, entry, found, selecting),
            )
        )
    return _applied(case, entries, found)


def _with_problem(comment: Accept, known: AbstractSet[str]) -> Accept:
    """A comment, which no earlier step has seen; the settings were read before."""
    if comment.problem or comment.code in known:
        return comment
    return replace(comment, problem=f"{comment.code} is not the code of a check that can be accepted")


def _is_untold(change: Change, findings: Sequence[Finding]) -> bool:
    """Whether a change is blocked, and no finding says so."""
    return change.verdict is Verdict.BLOCKED and not any(one.blocks and _tells(one, change) for one in findings)


def _names(entry: Accept, change: Change) -> bool:
    return not entry.problem and (entry.code, entry.fingerprint) == (_BLOCKED, change.fingerprint)


def _may_accept(entry: Accept, finding: Finding) -> bool:
    return not finding.blocks or entry.fingerprint is not None


def _is_made(change: ChangeSince) -> bool:
    return change.state is State.IN_REVISION


def waits(case: Case) -> bool:
    """Tell whether what a pull request accepts counts only after the merge."""
    # A pull request can't switch off for itself what its base asks for.
    base = case.history.accepted if case.history is not None else AcceptedAtBase()
    return base.after_merge or case.settings.accept_new is AcceptNew.AFTER_MERGE


def _with_news(case: Case, entries: Iterable[Accept]) -> list[tuple[Accept, bool]]:
    """The entries, and whether each is new: one that the base of the pull request does not have like that."""
    if case.history is None:
        return [(entry, False) for entry in entries]
    known = Counter(map(_key, case.history.accepted.entries))
    found = []
    for entry in entries:
        known[_key(entry)] -= 1
        found.append((entry, known[_key(entry)] < 0 and not entry.problem))
    return found


def _key(entry: Accept) -> Hashable:
    """What an entry is, wherever it stands."""
    path = entry.place.path if entry.lines is not None and entry.place is not None else ""
    selectors = tuple(getattr(entry, key) for key in SELECTORS)
    return path, entry.statement, entry.code, entry.reason, selectors, entry.until


def _applied(case: Case, entries: Sequence[Settled], found: Found) -> Marked:
    by: dict[str, Accept] = {}
    for settled in entries:
        if settled.counts:
            for fingerprint in (*settled.findings, *settled.changes):
                by.setdefault(fingerprint, settled.entry)
    told = [replace(one, accepted=_accepted(by.get(one.fingerprint))) for one in found.findings]
    own = [_marked(change, told, by) for change in found.changes]
    pending = _kept_tables(_with_unseen_losses(own, entries, found))
    kept = {one.fingerprint: one.accepted for one in pending if one.accepted is not None}
    # What writing the change would do, it does not: nobody writes it.
    told = [
        replace(one, accepted=kept[one.change])
        if one.accepted is None and not one.blocks and one.revision is None and one.change in kept
        else one
        for one in told
    ]
    brought = found.brought
    if brought is not None:
        marks = {change.fingerprint: change.accepted for change in pending}
        since = tuple(
            _marked(change, told, by) if _is_made(change) else replace(change, accepted=marks.get(change.fingerprint))
            for change in brought.changes
        )
        accepts = tuple(_new(case, settled) for settled in entries if settled.new)
        brought = replace(brought, changes=since, accepts=accepts)
    return Marked(tuple(pending), tuple(told), brought, tuple(entries))


def _marked(change: _C, findings: Sequence[Finding], by: Mapping[str, Accept]) -> _C:
    """The change with what accepts it."""
    if change.verdict is Verdict.BLOCKED:
        own = [one for one in findings if one.blocks and _tells(one, change)]
        accepted = own[0].accepted if own else _accepted(by.get(change.fingerprint))
        return replace(change, accepted=accepted if all(one.accepted is not None for one in own) else None)
    if change.verdict is not Verdict.SAFE or (isinstance(change, ChangeSince) and _is_made(change)):
        return change
    own = [one for one in findings if one.change == change.fingerprint and one.fingerprint in by]
    stays = [
        one.accepted
        for one in own
        if by[one.fingerprint].fingerprint == change.fingerprint or (change.kind in _REMOVALS and one.code in _LOSS)
    ]
    return replace(change, accepted=stays[0]) if stays else change


def _with_unseen_losses(changes: Sequence[_C], entries: Sequence[Settled], found: Found) -> list[_C]:
    """A removal is accepted too where its loss was, and this run reports the loss by the other code or not at all."""
    told = {(one.change, one.code) for one in found.findings}

    def accepting(change: Change) -> Accept | None:
        for settled in entries:
            entry = settled.entry
            proof = proof_of(entry.code)
            known = entry.fingerprint in (None, change.fingerprint)
            if (
                settled.counts
                and not settled.findings
                and entry.code in _LOSS
                and (change.fingerprint, entry.code) not in told
                and (known or (proof is not None and not is_proved(found.proofs, proof)))
                and is_removal(entry, change)
            ):
                return entry
        return None

    return [
        replace(change, accepted=_accepted(accepting(change)))
        if change.accepted is None and change.verdict is Verdict.SAFE and change.kind in _REMOVALS
        else change
        for change in changes
    ]


def _tells(finding: Finding, change: Change) -> bool:
    """Whether a finding is about a change, or about all that the revision of the change does to its table."""
    if finding.change is not None:
        return finding.change == change.fingerprint
    if not isinstance(change, ChangeSince) or change.revision is None or finding.code not in change.findings:
        return False
    about = (change.database, change.schema, change.table, change.revision)
    return (finding.database, finding.schema, finding.table, finding.revision) == about


def _kept_tables(changes: Sequence[Change]) -> list[Change]:
    """With a table that stays, everything on it stays."""
    kept = {_table(one): one.accepted for one in changes if one.kind == "remove_table" and one.accepted is not None}
    return [
        replace(one, accepted=kept[_table(one)])
        if one.accepted is None and one.verdict is Verdict.SAFE and _table(one) in kept
        else one
        for one in changes
    ]


def _table(change: Change) -> Hashable:
    return change.environment, change.database, change.schema, change.table


def _accepted(entry: Accept | None) -> Accepted | None:
    return Accepted(entry.reason, _day(entry)) if entry is not None else None


def _new(case: Case, settled: Settled) -> NewAccept:
    entry = settled.entry
    return NewAccept(
        code=entry.code,
        reason=entry.reason,
        table=entry.table,
        column=entry.column,
        name=entry.name,
        revision=entry.revision,
        fingerprint=entry.fingerprint,
        until=_day(entry),
        location=case.evidence.locations.of(entry.place),
        state=_state(settled),
        findings=settled.findings,
    )


def _state(settled: Settled) -> AcceptState:
    if settled.expired:
        return AcceptState.EXPIRED
    return AcceptState.AFTER_MERGE if settled.waiting else AcceptState.COUNTS


def _day(entry: Accept) -> str | None:
    return entry.until.isoformat() if entry.until is not None else None
