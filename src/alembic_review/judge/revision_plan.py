"""Which revisions to write: the safe changes of each custom package, without whatever they can't do without."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from alembic_review.judge.branches import BASE, depends_on, spot
from alembic_review.judge.dependent_changes import follow
from alembic_review.judge.judged_facts import Case, Judged
from alembic_review.judge.ownership.table_owners import table_text
from alembic_review.model.errors import UsageError
from alembic_review.model.facts import ChangeFact
from alembic_review.model.review import Change, Review, Verdict
from alembic_review.model.revision_plan import Code, LeftOut, Operation, RevisionPlan, Wish

_DESTRUCTIVE = "AR201"
_REQUIRED = "AR202"
_ID = re.compile(r"\w+")


@dataclass
class _Content:
    operations: list[Operation] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    needed: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    left_out: list[LeftOut] = field(default_factory=list)


def plan(
    case: Case, review: Review, wish: Wish, code: Mapping[str, tuple[Code, ...]] | None = None
) -> tuple[RevisionPlan, ...]:
    """One revision for each custom package with changes to write, those that others depend on first.

    ``code`` is what each package writes besides.

    What is blocked, accepted or upstream drift, and safe changes that need any of these, are not in them. Raises
    ``UsageError`` when it can't be told where a revision goes.
    """
    contents = _contents(case, review, wish.package)
    if wish.package is not None and not case.evidence.is_application(wish.package):
        names = ", ".join(sorted(case.evidence.custom)) or "none"
        raise UsageError(f"{wish.package} is not a custom package.", hint=f"Custom packages: {names}.")
    if wish.revision is not None:
        _require_new(case, wish.revision)
    besides = {package: lines for package, lines in (code or {}).items() if wish.package in (None, package)}
    contents = {**{package: _Content() for package in besides}, **contents}
    writing = {name: content for name, content in contents.items() if content.operations or besides.get(name)}
    if len(writing) > 1 and (wish.version_path is not None or wish.revision is not None):
        raise UsageError(
            f"Changes of several packages are pending: {', '.join(sorted(writing))}.",
            hint="Choose one with --package.",
        )
    blocked = [
        LeftOut(change, change.reason if change.accepted is None else _accepted(change))
        for change in review.changes
        if change.verdict is Verdict.BLOCKED
    ]
    damage = tuple(
        finding for finding in review.findings if finding.blocks and finding.change is None and finding.accepted is None
    )
    plans: dict[str, RevisionPlan] = {}
    for package in _ordered(writing):
        content = writing[package]
        place = spot(case, package, wish.version_path)
        others = [plans[other] for other in sorted(content.packages) if other in plans]
        known = depends_on(case, "" if place.head == BASE else place.head, sorted(content.needed))
        plans[package] = RevisionPlan(
            package=package,
            revision=wish.revision or uuid4().hex[-12:],
            message=wish.message,
            head=place.head if case.facts.revisions else "head",
            version_path=place.version_path,
            operations=tuple(content.operations),
            branch_label=place.branch_label,
            # What the others follow comes with them.
            depends_on=(
                *(head for head in known if head not in {other.head for other in others}),
                *(other.revision for other in others),
            ),
            written=tuple(content.changes),
            destructive=tuple(one for one in content.changes if _DESTRUCTIVE in one.findings),
            required=tuple(one for one in content.changes if _REQUIRED in one.findings),
            left_out=(*content.left_out, *blocked),
            damage=damage,
            code=besides.get(package, ()),
        )
    return tuple(plans.values())


def _require_new(case: Case, revision: str) -> None:
    """An id that the user names must be none that is there, and one that Alembic can tell from other words."""
    if not _ID.fullmatch(revision):
        raise UsageError(f"{revision!r} is not a valid revision id.", hint="Use letters, digits and underscores.")
    taken = case.revision(revision)
    if taken is not None:
        raise UsageError(f"There is a revision {revision} already: {taken.path}.", hint="Omit --rev-id.")


def left_out(case: Case, review: Review, package: str | None = None) -> tuple[LeftOut, ...]:
    """The safe changes of all packages, or of this one, that can't be written, and why."""
    return tuple(entry for content in _contents(case, review, package).values() for entry in content.left_out)


def _contents(case: Case, review: Review, package: str | None) -> dict[str, _Content]:
    """What each package has to write; with ``package`` only that one, which can't count on what others would write."""
    told = {change.fingerprint: change for change in review.changes}
    found: dict[str, _Content] = defaultdict(_Content)
    index = {id(facts): number for number, facts in enumerate(case.facts.databases)}
    kept = frozenset(change.fingerprint for change in review.changes if change.accepted is not None)
    for database in case.databases:
        safe, reasons = writable(database.changes, package, kept)
        origins = {origin.key: origin.revision for origin in database.facts.origins}
        owners = {key: owned.owner for key, owned in database.ownership.tables.items()}
        for judged in database.changes:
            if not _is_wanted(judged, package):
                continue
            content = found[judged.decision.owner or ""]
            change = told[judged.fingerprint]
            if change.accepted is not None:
                content.left_out.append(LeftOut(change, _accepted(change)))
                continue
            if id(judged.fact) not in safe:
                content.left_out.append(LeftOut(change, reasons[id(judged.fact)]))
                continue
            content.changes.append(change)
            operation = Operation(index[id(database.facts)], judged.fact.operation, judged.fact.python)
            if operation not in content.operations:
                content.operations.append(operation)
            for reference in judged.fact.references:
                content.packages |= {owners.get(reference.key) or ""} - {judged.decision.owner or ""}
                if reference.key in origins:
                    content.needed.add(origins[reference.key])
    return dict(found)


def _is_wanted(judged: Judged, package: str | None) -> bool:
    return judged.decision.verdict is Verdict.SAFE and package in (None, judged.decision.owner)


def _accepted(change: Change) -> str:
    assert change.accepted is not None
    return f"It is accepted as it is: {change.accepted.reason}"


def writable(
    changes: Iterable[Judged], package: str | None, kept: frozenset[str] = frozenset()
) -> tuple[set[int], Mapping[int, str]]:
    """The safe changes that can be written, by the identity of their facts, and why the others can't.

    An operation is written whole or not at all. ``kept`` are the fingerprints of changes that are accepted as they are.
    """
    every = list(changes)
    wanted = {id(judged) for judged in every if _is_wanted(judged, package) and judged.fingerprint not in kept}
    states = {
        id(judged.fact): "is accepted as it is" if judged.fingerprint in kept else _state(judged, package)
        for judged in every
    }
    safe = [judged.fact for judged in every if id(judged) in wanted]
    out = {judged.fact.operation for judged in every if id(judged) not in wanted}
    why = {id(fact): "Alembic writes it in one operation with a change that is not yours." for fact in safe}
    while True:
        remaining = [fact for fact in safe if fact.operation not in out]
        following = follow(remaining, [judged.fact for judged in every if judged.fact.operation in out])
        if not following:
            return {id(fact) for fact in remaining}, why
        why.update({number: _why(needed, states) for number, needed in following.items()})
        out |= {fact.operation for fact in remaining if id(fact) in following}


def _state(judged: Judged, package: str | None) -> str:
    """Why a change is not written, where it is not."""
    if judged.decision.verdict is Verdict.BLOCKED:
        return "is blocked"
    if judged.decision.verdict is Verdict.UPSTREAM:
        return "is upstream drift and not written"
    return (
        "is omitted as well" if _is_wanted(judged, package) else f"has to be written by {judged.decision.owner} first"
    )


def _why(needed: ChangeFact, states: Mapping[int, str]) -> str:
    what = f"{needed.kind} {table_text(needed.key)}" if needed.key is not None else needed.kind
    what = f"{what}.{needed.name}" if needed.name is not None else what
    return f"It needs {what}, which {states[id(needed)]}."


def _ordered(contents: Mapping[str, _Content]) -> list[str]:
    """The packages, each after those whose tables it refers to."""
    ordered: list[str] = []
    waiting = sorted(contents)
    while waiting:
        ready = [name for name in waiting if not contents[name].packages & set(waiting) - {name}] or waiting[:1]
        ordered += ready
        waiting = [name for name in waiting if name not in ready]
    return ordered
