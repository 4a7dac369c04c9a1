"""Everything a check may look at, after ownership and verdicts are decided."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_review.judge.ownership.settings_lines import Settle
from alembic_review.judge.ownership.stack_evidence import Evidence, place_of
from alembic_review.judge.ownership.table_owners import Owned, Ownership
from alembic_review.judge.ownership.unimported_tables import Unloaded
from alembic_review.judge.verdicts.cause import Causes
from alembic_review.judge.verdicts.verdict_table import Decision
from alembic_review.model.accepting import Accept
from alembic_review.model.facts import ChangeFact, DatabaseFacts, Facts, Place, Revision
from alembic_review.model.proofs import Proofs, Proved, ProvedFacts
from alembic_review.model.pull_request_base import PullRequestBase
from alembic_review.model.review import Role, Verdict
from alembic_review.model.settings import Settings


@dataclass(frozen=True)
class Judged:
    """One change with its decision and fingerprint; a rename with the fingerprints of what it replaces."""

    fact: ChangeFact
    decision: Decision
    fingerprint: str
    replaces: tuple[str, ...] = ()

    @property
    def blocked(self) -> bool:
        """Whether the verdict of the change is *blocked*."""
        return self.decision.verdict is Verdict.BLOCKED


@dataclass(frozen=True)
class JudgedDatabase:
    """One database: its facts and what was decided about them. ``name`` is ``None`` when there is only one."""

    name: str | None
    facts: DatabaseFacts
    ownership: Ownership
    causes: Causes
    changes: tuple[Judged, ...]


@dataclass(frozen=True)
class RevisionChange:
    """A change that the revisions of a pull request make, in the database as the base has it.

    ``revision`` is the one that makes it; ``None`` where it can't be told. It is ``renamed`` where the comparison only
    sees a drop and an addition of something that got another name.
    """

    database: JudgedDatabase
    judged: Judged
    revision: str | None
    renamed: bool = False


@dataclass(frozen=True)
class Settled:
    """What an entry of ``accept`` came to: ``findings`` are the fingerprints of those that it selects and may accept.

    ``changes`` are those of blocked changes that no finding is about.
    It also selects ``blocking`` ones that only a fingerprint accepts. It is ``new`` where the base of the pull request
    does not have it, and ``waiting`` where it has to be merged first. What it is about was ``observed``.
    """

    entry: Accept
    findings: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    blocking: bool = False
    expired: bool = False
    new: bool = False
    waiting: bool = False
    observed: bool = True

    @property
    def counts(self) -> bool:
        """Whether it accepts what it selects."""
        return not (self.expired or self.waiting or self.entry.problem)


@dataclass(frozen=True)
class Case:
    """The whole run.

    ``settle`` has the lines for the settings that decide open questions of ownership. ``unloaded`` are tables declared
    in modules that nobody imported. Of a pull request, ``history`` is what its base was, and ``written`` is what its
    revisions change. ``settled`` are the entries of ``accept``, once all other checks have run.
    """

    facts: Facts
    settings: Settings
    evidence: Evidence
    databases: tuple[JudgedDatabase, ...]
    settle: Settle
    unloaded: Unloaded
    history: PullRequestBase | None = None
    written: tuple[RevisionChange, ...] = ()
    settled: tuple[Settled, ...] = ()

    @property
    def proofs(self) -> Proofs:
        """What came of the proofs; nothing before they are made."""
        return self.facts.proofs if isinstance(self.facts, ProvedFacts) else Proofs()

    def revision(self, revision: str) -> Revision | None:
        """The revision with this identifier; ``None`` if the facts have none."""
        return next((entry for entry in self.facts.revisions if entry.id == revision), None)

    def may_be_core(self, owned: Owned) -> bool:
        """Tell whether a table is the core's, or disputed without being one that the application defines."""
        return owned.role is Role.CORE or (owned.disputed and not self.evidence.is_application(owned.definition))

    def altered_core(self, revision: str) -> bool:
        """Tell whether a revision did anything to a core table, undone since or not."""
        return any(
            (alteration.revision, alteration.place) == (revision, None)
            and self.may_be_core(database.ownership.tables[alteration.key])
            for database in self.databases
            for alteration in database.facts.alterations
        )

    def proved(self, database: JudgedDatabase, proof: str) -> Proved | None:
        """What a proof observed on a database; ``None`` where it was not asked for."""
        number = next((index for index, one in enumerate(self.facts.databases) if one is database.facts), None)
        every = self.proofs.proved
        return next((one for one in every if (one.proof, one.database) == (proof, number)), None)

    def revision_place(self, revision: str) -> Place | None:
        """The first line of a revision's file."""
        return self.evidence.revision_place(revision)

    def is_new(self, revision: str) -> bool:
        """Tell whether the base of a pull request does not have this revision."""
        return self.history is not None and all(known.id != revision for known in self.history.facts.revisions)


def table_place(owned: Owned, case: Case) -> Place | None:
    """Where a table is defined, else the revision that created it."""
    frame = case.evidence.site(owned.model.stack, owned.owner) if owned.model is not None else None
    if frame is not None:
        return place_of(frame)
    return case.revision_place(owned.origin.revision) if owned.origin is not None else None
