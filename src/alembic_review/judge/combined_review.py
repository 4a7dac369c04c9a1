"""One review of several Alembic environments in one database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TypeVar

from alembic_review.judge import gate
from alembic_review.judge.assemble_review import case_of, finding_order, judge, numbered
from alembic_review.judge.judged_facts import Case
from alembic_review.judge.ownership.table_owners import custom_packages
from alembic_review.judge.several_environments import together, united
from alembic_review.model.accepting import NO_COMMENTS, Comments
from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import DeclaredTable, Facts
from alembic_review.model.review import (
    Change,
    Finding,
    KnownFinding,
    KnownFindings,
    Proof,
    ProofState,
    Provenance,
    Review,
    Table,
)
from alembic_review.model.settings import Settings

_T = TypeVar("_T")
_UNMATCHED = "AR904"


def judge_together(  # noqa: PLR0913 - as ``judge``
    observed: Sequence[Facts],
    settings: Settings,
    declared: tuple[DeclaredTable, ...] | None,
    *,
    tool: str,
    server: str,
    root: str,
    comments: Comments = NO_COMMENTS,
) -> Review:
    """Decide everything that a report says of the environments that ``settings`` want to see. Raises as ``judge``.

    ``observed`` are the facts of all of them, in the order of the settings.
    """
    every = [database for facts in observed for database in facts.databases]
    if not any(not table.removed for database in every for table in database.tables):
        names = ", ".join(environment.name for environment in settings.environments)
        raise ObservationError(
            f"No model was loaded: no environment has any ({names}).",
            hint="Import the modules that define them where each env.py gets its target_metadata from.",
        )
    custom = custom_packages(united(observed), settings)
    reviews: list[Review] = []
    unmatched: list[set[object]] = []
    gone: list[set[KnownFinding]] = []
    told: dict[object, str | None] = {}
    for facts, own, reviewed in _each(observed, settings):
        review = judge(facts, own, declared, tool=tool, server=server, root=root, custom=custom, comments=comments)
        gone.append(set(review.baseline.gone) if review.baseline is not None else set())
        unmatched.append({_said(one) for one in review.findings if one.code == _UNMATCHED})
        if reviewed:
            reviews.append(review)
            revisions = {revision.id for revision in facts.revisions}
            told |= {_deed(one): facts.environment for one in review.findings if one.revision in revisions}
    # An entry that accepts something in one environment need not do so in the others.
    everywhere = set.intersection(*unmatched)
    reviews = [
        replace(review, findings=tuple(one for one in review.findings if _is_told(one, everywhere)))
        for review in reviews
    ]
    combined = _combined([_without_deeds_of_others(review, told) for review in reviews], settings)
    if settings.baseline is None:
        return combined
    missing = tuple(entry for entry in settings.baseline.entries if all(entry in entries for entries in gone))
    known = sum(review.baseline.known for review in reviews if review.baseline is not None)
    return replace(combined, baseline=KnownFindings(settings.baseline.name, known, missing))


def _is_told(finding: Finding, everywhere: AbstractSet[object]) -> bool:
    return finding.code != _UNMATCHED or _said(finding) in everywhere


def _deed(finding: Finding) -> object:
    return finding.code, finding.schema, finding.table, finding.revision


def _without_deeds_of_others(review: Review, told: Mapping[object, str | None]) -> Review:
    """Without the findings about a revision that its own environment has as well: ``told`` says which that is."""
    findings = tuple(
        one
        for one in review.findings
        if one.change is not None or told.get(_deed(one), one.environment) == one.environment
    )
    return replace(review, findings=findings)


def case_of_reviewed(observed: Sequence[Facts], settings: Settings, declared: tuple[DeclaredTable, ...] | None) -> Case:
    """The case of the first environment that ``settings`` want to see. Raises as ``judge``."""
    custom = custom_packages(united(observed), settings)
    facts, own = next((facts, own) for facts, own, reviewed in _each(observed, settings) if reviewed)
    return case_of(facts, own, declared, custom=custom)


def cases(observed: Sequence[Facts], settings: Settings, declared: tuple[DeclaredTable, ...] | None) -> list[Case]:
    """The case of each environment. Raises as ``judge``."""
    custom = custom_packages(united(observed), settings)
    return [case_of(facts, own, declared, custom=custom) for facts, own, _ in _each(observed, settings)]


def _each(observed: Sequence[Facts], settings: Settings) -> Iterator[tuple[Facts, Settings, bool]]:
    """Facts and settings of each environment, and whether it is reviewed."""
    for facts, environment in zip(together(observed), settings.environments, strict=True):
        own = replace(
            settings, config=environment.config, config_from=environment.config_from, section=environment.section
        )
        yield facts, own, environment.reviewed


def _combined(reviews: Sequence[Review], settings: Settings) -> Review:
    changes = numbered(_numbered(reviews))
    findings = tuple(sorted(_first(_findings(reviews), _said), key=finding_order))
    summary = gate.summarise(changes, findings)
    return Review(
        outcome=gate.outcome(changes, findings),
        gate=gate.decide(settings.fail_on, summary, findings),
        summary=summary,
        changes=changes,
        findings=findings,
        tables=tuple(_first((table for review in reviews for table in review.tables), _table)),
        provenance=_provenance(reviews, settings),
        suggestions=tuple(suggestion for review in reviews for suggestion in review.suggestions),
        proofs=_proofs(proof for review in reviews for proof in review.proofs),
    )


_WORST = (ProofState.FOUND, ProofState.NOT_DONE, ProofState.HELD)


def _proofs(every: Iterable[Proof]) -> tuple[Proof, ...]:
    """One entry for each proof and database: what the environments found, else what was not done in one of them."""
    found: dict[object, Proof] = {}
    for proof in every:
        known = found.setdefault((proof.proof, proof.database), proof)
        # Nothing may be pending in one environment alone.
        if (_WORST.index(proof.state), proof.reason) < (_WORST.index(known.state), known.reason):
            found[proof.proof, proof.database] = proof
    return tuple(found.values())


def _numbered(reviews: Iterable[Review]) -> Iterator[Change]:
    """The changes, with operations numbered through."""
    offset = 0
    for review in reviews:
        for change in review.changes:
            yield replace(change, operation=change.operation + offset)
        offset += 1 + max((change.operation for change in review.changes), default=-1)


def _findings(reviews: Iterable[Review]) -> Iterator[Finding]:
    return (finding for review in reviews for finding in review.findings)


def _first(values: Iterable[_T], what: Callable[[_T], object]) -> Iterator[_T]:
    """Each thing once, as the first environment has it."""
    seen: set[object] = set()
    for value in values:
        if what(value) not in seen:
            seen.add(what(value))
            yield value


def _said(finding: Finding) -> object:
    """What a finding says: about a table of several environments, each has it."""
    told = replace(finding, observed=None)  # a mapping can't be in a set
    return told if finding.change is not None else replace(told, fingerprint="", environment=None)


def _table(table: Table) -> object:
    return table.database, table.schema, table.name


def _provenance(reviews: Sequence[Review], settings: Settings) -> Provenance:
    every = [review.provenance for review in reviews]
    timings: Counter[str] = Counter()
    for provenance in every:
        timings.update(provenance.timings_ms)
    return replace(
        every[0],
        database=", ".join(dict.fromkeys(one.database for one in every)),
        server_warning=" ".join(_unique(one.server_warning for one in every if one.server_warning)),
        config=", ".join(environment.name for environment in settings.environments if environment.reviewed),
        heads=_unique(head for one in every for head in one.heads),
        revisions=sum(one.revisions for one in every),
        tables_compared=sum(one.tables_compared for one in every),
        models=tuple(sorted({model for one in every for model in one.models})),
        plugins=_unique(plugin for one in every for plugin in one.plugins),
        filters=_unique(entry for one in every for entry in one.filters),
        not_checked=_unique(line for one in every for line in one.not_checked),
        timings_ms=dict(timings),
    )


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
