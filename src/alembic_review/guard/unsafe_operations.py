"""Removes from a generated revision what a review of the project does not find safe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

from alembic.operations.ops import DowngradeOps, MigrationScript, UpgradeOps
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

from alembic_review.guard.review_process import review_of, told
from alembic_review.judge.fingerprint import fingerprints
from alembic_review.judge.judged_facts import Judged
from alembic_review.judge.revision_plan import writable
from alembic_review.judge.verdicts.verdict_table import Decision
from alembic_review.model.facts import ChangeFact
from alembic_review.model.review import Change, Review, Verdict
from alembic_review.model.revision_plan import LeftOut
from alembic_review.reports.parts.labels import owner_label, target_label
from alembic_review.reports.parts.names import visible
from alembic_review.worker.compare.comparison import keep, read
from alembic_review.worker.environment.alembic_logs import quiet
from alembic_review.worker.worker_errors import WorkerError

_UNKNOWN = (
    "The review has no such change: the schema of this database differs from that of a new database to which all "
    "revisions were applied."
)
_RENAMED = "It is part of a {} that the settings ask for; `alembic-review revision` writes it."

_reviews: WeakKeyDictionary[EnvironmentContext, Review] = WeakKeyDictionary()
"""One review for each command: it may compare several databases."""


def remove_unsafe(context: MigrationContext, directives: Sequence[MigrationScript]) -> None:
    """Leave only the operations in these revisions that the review finds safe and that need none of the others.

    Raises ``CommandError`` with the review's message when there is no review, or when it refuses any revision.
    """
    if all(_compared(script)[0].is_empty() for script in directives):
        return
    known = _Known(_review(context))
    for script in directives:
        upgrade, downgrade = _compared(script)
        try:
            with quiet():
                entries, facts = read(context, upgrade)
        except WorkerError as error:
            raise CommandError(told(error.message, error.hint)) from error
        left_out = list(known.left_out(facts))
        if left_out:
            numbers = {fact.operation for fact, _ in left_out}
            keep(upgrade, {id(entry.operation) for entry in entries if entry.number not in numbers})
            downgrade.ops[:] = []
            upgrade.reverse_into(downgrade)
            _say(_listed(one for _, one in left_out))


def _compared(script: MigrationScript) -> tuple[UpgradeOps, DowngradeOps]:
    """The operations for the database that was compared last."""
    return script.upgrade_ops_list[-1], script.downgrade_ops_list[-1]


def _review(context: MigrationContext) -> Review:
    environment = context.environment_context
    if environment is None or environment not in _reviews:
        _say("alembic-review: reviewing the changes")
        review = review_of(context.config)
        _require_no_damage(review)
        if environment is None:
            return review
        _reviews[environment] = review
    return _reviews[environment]


def _require_no_damage(review: Review) -> None:
    """Raise ``CommandError`` where something blocks that no pending change is the reason of."""
    found = [one for one in review.findings if one.blocks and one.change is None and one.accepted is None]
    if found:
        hints = " ".join(dict.fromkeys(one.hint for one in found if one.hint))
        raise CommandError(told(" ".join(f"{one.message} [{one.code}]" for one in found), hints))


class _Known:
    """The changes of a review, by fingerprint."""

    def __init__(self, review: Review) -> None:
        self._changes: dict[str, Change] = {}
        scopes: dict[str | None, None] = {}
        for change in review.changes:
            self._changes |= dict.fromkeys((change.fingerprint, *change.replaces), change)
            scopes[" ".join(filter(None, (change.environment, change.database))) or None] = None
        self._scopes = tuple(scopes) or (None,)

    def left_out(self, facts: Sequence[ChangeFact]) -> Iterator[tuple[ChangeFact, LeftOut]]:
        """Those of the changes of one database that are not to be written, and why."""
        names = zip(*(fingerprints((scope, fact) for fact in facts) for scope in self._scopes), strict=True)
        found = [self._found(fact, each) for fact, each in zip(facts, names, strict=True)]
        judged = [_judged(fact, one) for fact, one in zip(facts, found, strict=True)]
        accepted = {one.change.fingerprint for one in found if one.change.accepted is not None}
        safe, needed = writable(judged, None, frozenset(accepted))
        for fact, one in zip(facts, found, strict=True):
            if id(fact) not in safe:
                yield fact, LeftOut(one.change, one.why or needed.get(id(fact), one.change.verdict.value))

    def _found(self, fact: ChangeFact, names: Iterable[str]) -> LeftOut:
        """The change as the review has it, and why it is not written: an empty text where it is safe."""
        found = [(self._changes[name], name) for name in names if name in self._changes]
        if not found:
            return LeftOut(_unknown(fact), _UNKNOWN)
        # Of several databases, any may be the one that was compared.
        change, name = min(found, key=lambda pair: pair[0].verdict is Verdict.SAFE)
        if name != change.fingerprint:
            return LeftOut(replace(change, verdict=Verdict.BLOCKED), _RENAMED.format(change.kind))
        if change.accepted is not None:
            return LeftOut(change, f"It is accepted as it is: {change.accepted.reason}")
        return LeftOut(change, "" if change.verdict is Verdict.SAFE else change.reason)


def _judged(fact: ChangeFact, found: LeftOut) -> Judged:
    change = found.change
    decision = Decision(change.verdict, change.reason, change.owner, change.cause)
    return Judged(fact, decision, change.fingerprint)


def _unknown(fact: ChangeFact) -> Change:
    """A change that only this database has."""
    return Change(
        fingerprint="",
        verdict=Verdict.BLOCKED,
        kind=fact.kind,
        schema=fact.schema,
        table=fact.key.name if fact.key is not None else None,
        name=fact.name,
        owner=None,
        cause=None,
        reason=_UNKNOWN,
        location=None,
        operation=fact.operation,
        python=fact.python,
        sql=fact.sql,
        columns=fact.columns,
    )


def _listed(left_out: Iterable[LeftOut]) -> str:
    rows = {
        f"- {visible(one.change.kind)} {target_label(one.change)} (owner: {owner_label(one.change.owner)}): "
        f"{visible(one.why)}"
        for one in left_out
    }
    return "\n".join(["alembic-review: left out of the revision:", *sorted(rows)])


def _say(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
