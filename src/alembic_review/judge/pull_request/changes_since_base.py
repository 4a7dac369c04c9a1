"""What the revisions of a pull request make of its base: each change with its verdict and its revision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from alembic_review.judge.fingerprint import digest, fingerprints
from alembic_review.judge.judged_facts import Case, Judged, JudgedDatabase, RevisionChange
from alembic_review.judge.ownership.stack_evidence import Evidence
from alembic_review.judge.ownership.table_owners import decide
from alembic_review.judge.pull_request.renames import Renaming, Traced, as_renamed, follows, trace
from alembic_review.judge.verdicts import reasons
from alembic_review.judge.verdicts.cause import Cause, Causes
from alembic_review.judge.verdicts.matching_changes import alteration_leads_to
from alembic_review.judge.verdicts.verdict_table import Decision, Verdicts
from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import ChangeFact, DatabaseFacts, Facts, Origin, Place, TableKey
from alembic_review.model.pull_request_base import PullRequestBase
from alembic_review.model.review import Role, Verdict


def written(case: Case, history: PullRequestBase) -> Iterator[RevisionChange]:
    """What leads from the base to today's heads, each change with the revision of the pull request that makes it.

    Raises ``ObservationError`` when env.py worked on other databases.
    """
    facts = _facts_of_base(history, case.facts)
    evidence = Evidence(facts, case.settings, case.evidence.custom)
    ordered = sorted(facts.databases, key=lambda database: (database.name or "", database.target))
    for then, now in zip(ordered, case.databases, strict=True):
        ownership = decide(then, evidence, case.settings)
        causes = Causes(then, ownership, evidence)
        verdicts = Verdicts(ownership, causes, replace(case.settle, evidence=evidence), case.unloaded)
        database = JudgedDatabase(now.name, then, ownership, causes, ())
        brought = _Brought(case, history, now, _candidates(case, history), then.changes)
        pending = {judged.fingerprint for judged in now.changes}
        names = fingerprints((now.name, change) for change in then.changes)
        for change, fingerprint in zip(as_renamed(then.changes, brought.renamings), names, strict=True):
            # Plugins compare what the application declares with the database, whatever else is compared.
            if change.kind.startswith("op:") and fingerprint in pending:
                continue
            revision = brought.revision(change)
            decision = verdicts.decide(change)
            if change.key is not None and ownership.role(change.key) is Role.CORE:
                decision = brought.on_core(change, ownership.owner(change.key), revision, verdicts.place(change))
            else:
                revision = revision or brought.only_revision
            if decision.place is None and revision is not None:
                decision = replace(decision, place=case.revision_place(revision))
            renaming = next((one for one in brought.renamings if one.half(change)), None)
            told = brought.of_names(change, renaming)
            if told:
                decision = replace(decision, reason=f"{decision.reason} {told}")
            if told == reasons.GOES_ALONG:
                change = replace(change, python="", sql="")  # noqa: PLW2901 - the same change
            if brought.only_anew(revision):
                # No revision says so, and no database that is there runs it.
                change = replace(change, python="", sql="")  # noqa: PLW2901 - the same change
                if decision.verdict is Verdict.SAFE:
                    decision = replace(decision, reason=f"{decision.reason} {reasons.only_anew(revision)}")
            # The same may be pending as well: what a revision takes away, and what the models do not want then.
            judged = Judged(change, decision, digest("in_revision", fingerprint))
            yield RevisionChange(database, judged, revision, renaming is not None)


_KINDS = ("index", "constraint", "fk")
_BOTH_WAYS = {
    f"{one}_{kind}": f"{other}_{kind}" for kind in _KINDS for one, other in (("add", "remove"), ("remove", "add"))
}


def _table_of(change: ChangeFact) -> ChangeFact:
    """A change of what it is on as a whole, which may be half of a renaming."""
    return replace(change, kind="add_table" if change.kind.startswith("add_") else "remove_table", name=None)


def _candidates(case: Case, history: PullRequestBase) -> frozenset[str]:
    """The revisions that may make the difference: new ones, and edited ones."""
    known = {revision.id for revision in history.facts.revisions}
    new = {revision.id for revision in case.facts.revisions} - known
    return frozenset(new | {edited.id for edited in history.edited if edited.code})


def _facts_of_base(history: PullRequestBase, facts: Facts) -> Facts:
    """The base, and what is known today of who made and altered what. Raises ``ObservationError``."""
    then = history.facts
    if [database.target for database in then.databases] != [database.target for database in facts.databases]:
        raise ObservationError(
            "env.py connected to different databases with the revisions of the base than with the current revisions.",
            hint="The databases that env.py uses must not depend on the revisions.",
        )
    known = {revision.id for revision in facts.revisions}
    return replace(
        then,
        revisions=(*facts.revisions, *(revision for revision in then.revisions if revision.id not in known)),
        packages=facts.packages,
        databases=tuple(_informed(*pair) for pair in zip(then.databases, facts.databases, strict=True)),
    )


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


@dataclass(frozen=True)
class _Brought:
    """Answers for one database of today; ``candidates`` are the revisions that the base has not, or not so.

    ``changes`` are those from the base to today's heads.
    """

    case: Case
    history: PullRequestBase
    now: JudgedDatabase
    candidates: frozenset[str]
    changes: tuple[ChangeFact, ...]

    def revision(self, change: ChangeFact) -> str | None:
        """The revision that makes a change; ``None`` where that can't be told."""
        return self._altering(change) or self._creating(change.key)

    @property
    def only_revision(self) -> str | None:
        """The one revision that may make any difference; ``None`` where there are several, or one is gone."""
        return next(iter(self.candidates)) if len(self.candidates) == 1 and not self.history.removed else None

    def only_anew(self, revision: str | None) -> bool:
        """Whether a change comes of a merged revision that is edited or gone, which no database applies once more."""
        makers = self.candidates if revision is None else {revision}
        return not any(self.case.is_new(maker) for maker in makers)

    @cached_property
    def traced(self) -> Traced:
        """What became of the names that a candidate changed."""
        facts = self.now.facts
        alterations = [alteration for alteration in facts.alterations if alteration.revision in self.candidates]
        return trace(alterations, places=facts.dialect == "postgresql")

    @cached_property
    def renamings(self) -> tuple[Renaming, ...]:
        """What a candidate gave another name that it has today."""
        return tuple(one for one in self.traced.renamings if self._stands(one))

    def _stands(self, renaming: Renaming) -> bool:
        """Whether a table with the new name is there; in another schema, whether both halves of it are."""
        if renaming.column is not None:
            return True
        halves = sum(renaming.half(change) for change in self.changes)
        new = TableKey(renaming.table.schema, renaming.new)
        still = new != renaming.table and new in self.now.facts.database_tables
        return still or halves == 2  # noqa: PLR2004 - what went and what came

    def of_names(self, change: ChangeFact, renaming: Renaming | None) -> str:
        """What a change has to do with names that are others now; ``renaming`` is what it is half of."""
        if renaming is not None:
            return reasons.renamed(renaming.old, renaming.new, renaming.more)
        columns = {(one.table, one.new): one.old for one in self.renamings if one.column is not None}
        if change.kind.startswith("modify_") and change.key is not None and (change.key, change.name or "") in columns:
            return reasons.other_column(columns[change.key, change.name or ""])
        return reasons.GOES_ALONG if self._goes_along(change) else ""

    def _goes_along(self, change: ChangeFact) -> bool:
        """Whether an index or a constraint is the same as before, on or referring to what has another name."""
        if change.kind not in _BOTH_WAYS or change.name is None or not self.renamings:
            return False
        tables = {change.key, *(one.table for one in self.renamings if one.half(_table_of(change)))}
        tables |= {TableKey(one.table.schema, one.new) for one in self.renamings if one.half(_table_of(change))}
        other = any(
            (one.kind, one.name) == (_BOTH_WAYS[change.kind], change.name) and one.key in tables for one in self.changes
        )
        altered = any(
            alteration.revision in self.candidates
            and alteration.name == change.name
            and alteration.kind in ("index", "constraint")
            and alteration.key in tables
            and not follows(alteration, self.renamings)
            for alteration in self.now.facts.alterations
        )
        return other and not altered

    def on_core(self, change: ChangeFact, owner: str | None, revision: str | None, modelled: Place | None) -> Decision:
        """The verdict on a change to a core table: what stands of the application's doing is blocked.

        ``modelled`` is where the models have it.
        """
        assert change.key is not None
        evidence = self.case.evidence
        place = self.case.revision_place(revision) if revision is not None else modelled
        package = evidence.revision_owner(revision) if revision is not None else None
        by_application = revision is not None and (package is None or evidence.is_application(package))
        cause = self._cause(change.key, change)
        if revision is not None and by_application:
            if cause is None and self._altered_before(change.key, change):
                return Decision(Verdict.SAFE, reasons.restored(owner, revision), owner, package, place)
            reason = reasons.written(owner, revision, package)
            return Decision(Verdict.BLOCKED, reason, owner, package, place, revision)
        if cause is not None:
            reason = reasons.caused(owner, cause, change, reasons.Way())
            return Decision(Verdict.BLOCKED, reason, owner, cause.package, cause.place, cause.revision)
        if revision is not None:
            return Decision(Verdict.UPSTREAM, reasons.own_revision(revision, package), owner, package, place)
        return self._unattributed(owner, place)

    def _unattributed(self, owner: str | None, place: Place | None) -> Decision:
        """Nothing of the application's is known to make the change."""
        evidence = self.case.evidence
        # Of revisions that could be the application's every alteration is known, of others only what they create.
        others = {evidence.revision_owner(one) for one in self.candidates} - {None}
        if any(not evidence.is_application(one) for one in others):
            return Decision(Verdict.UPSTREAM, reasons.own_revisions(owner), owner, None, place)
        if self.history.removed or any(edited.code for edited in self.history.edited):
            return Decision(Verdict.BLOCKED, reasons.taken_back(owner), owner, None, place)
        return Decision(Verdict.BLOCKED, reasons.untold(owner), owner, None, place)

    def _cause(self, key: TableKey, change: ChangeFact) -> Cause | None:
        """What stands of the application's doing; on a table as a whole, whatever is on it."""
        causes = self.now.causes
        if change.kind not in ("add_table", "remove_table"):
            return causes.altering(key, change)
        return next((causes.cause_of(*entry) for name in causes.names(key) for entry in causes.alterations(name)), None)

    def _altered_before(self, key: TableKey, change: ChangeFact) -> bool:
        """Tell whether a merged revision of the application did what a candidate may have undone."""
        names, evidence = self.now.causes.names(key), self.case.evidence
        return any(
            alteration.key in names
            and (alteration_leads_to(alteration, change) or change.kind in ("add_table", "remove_table"))
            and (evidence.revision_owner(alteration.revision) is None or self._is_own(alteration.revision))
            for alteration in self.now.facts.alterations
            if alteration.revision not in self.candidates
        )

    def _is_own(self, revision: str) -> bool:
        return self.case.evidence.is_application(self.case.evidence.revision_owner(revision))

    def _altering(self, change: ChangeFact) -> str | None:
        """The last revision that did this to a table that was there before it, whatever it called the table."""
        gone = {"remove_table": None, "remove_column": change.name}
        if change.key is not None and change.kind in gone and (change.key, gone[change.kind]) in self.traced.lost:
            return self.traced.lost[change.key, gone[change.kind]]
        found = self._renaming_others(change)
        for alteration in self.now.facts.alterations:
            if alteration.revision not in self.candidates or change.key is None:
                continue
            if change.kind != "add_table" and alteration.key == change.key and alteration_leads_to(alteration, change):
                found = alteration.revision
        renamed = [one.revision for one in self.renamings if change.kind == "add_table" and one.half(change)]
        return renamed[-1] if renamed else found

    def _renaming_others(self, change: ChangeFact) -> str | None:
        """A foreign key has other words when a table or a column that it refers to was renamed."""
        if change.kind not in ("add_fk", "remove_fk"):
            return None
        for alteration in reversed(self.now.facts.alterations):
            moved = alteration.kind in ("table", "column") and alteration.action != "changed"
            if moved and alteration.revision in self.candidates:
                return alteration.revision
        return None

    def _creating(self, key: TableKey | None) -> str | None:
        """The revision that created the table, with whatever is on it."""
        origin = next((origin for origin in self.now.facts.origins if origin.key == key), None)
        return origin.revision if origin is not None and origin.revision in self.candidates else None
