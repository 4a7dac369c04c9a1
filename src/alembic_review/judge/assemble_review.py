"""Puts a review together from facts: ownership, verdicts, findings, gate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from alembic_review.judge import gate, severities
from alembic_review.judge.accepting.known_findings import with_known
from alembic_review.judge.accepting.selecting import Found
from alembic_review.judge.accepting.settling import marked
from alembic_review.judge.checks import ABOUT_ENTRIES, CHECKS
from alembic_review.judge.extension_table_suggestions import SUGGESTIONS, suggestions
from alembic_review.judge.fingerprint import fingerprints
from alembic_review.judge.judged_facts import Case, Judged, JudgedDatabase
from alembic_review.judge.nothing_inspected import require_inspected, require_models
from alembic_review.judge.ownership.settings_lines import settle
from alembic_review.judge.ownership.stack_evidence import Evidence, place_of
from alembic_review.judge.ownership.table_owners import custom_packages, decide, table_text
from alembic_review.judge.ownership.unimported_tables import Unloaded
from alembic_review.judge.ownership.untargeted_tables import forgotten, other_databases
from alembic_review.judge.proofs import requests as proof
from alembic_review.judge.proofs.production_version import warning
from alembic_review.judge.pull_request import description
from alembic_review.judge.pull_request.changes_since_base import written
from alembic_review.judge.trials_not_done import untried
from alembic_review.judge.verdicts.cause import Causes
from alembic_review.judge.verdicts.verdict_table import Decision, Verdicts
from alembic_review.model.accepting import NO_COMMENTS, Comments
from alembic_review.model.facts import ChangeFact, DatabaseFacts, DeclaredTable, Facts, TableKey
from alembic_review.model.optional_steps import Attempts
from alembic_review.model.proofs import BLIND_SPOTS
from alembic_review.model.pull_request_base import PullRequestBase
from alembic_review.model.review import Change, Finding, Provenance, Review, Suggestion, Table, Verdict
from alembic_review.model.settings import Settings

# Changed settings decide about everything else.
_BEFORE_ALL = "AR503"
_RENAMES = ("rename_table", "rename_column")
_WORST = (Verdict.BLOCKED, Verdict.UPSTREAM, Verdict.SAFE)


def judge(  # noqa: PLR0913 - the facts, and three lines of provenance that nobody else knows
    facts: Facts,
    settings: Settings,
    declared: tuple[DeclaredTable, ...] | None,
    *,
    tool: str,
    server: str,
    root: str,
    history: PullRequestBase | None = None,
    custom: tuple[str, ...] | None = None,
    attempts: Attempts | None = None,
    comments: Comments = NO_COMMENTS,
) -> Review:
    """Decide everything that a report says.

    ``declared`` are the tables that the custom packages' source declares, ``None`` where it could not be read,
    ``server`` says how the scratch databases were had, ``root`` is the project's root inside its Git checkout,
    ``history`` the base of a pull request, ``custom`` are the custom packages where the facts are only those of one of
    several environments. Failures of ``attempts`` are reported as not checked. ``comments`` in the source accept
    findings; without them, no entry with an end date does. Raises ``UsageError`` when it can't be
    told which tables are custom, ``ObservationError`` when nothing could be inspected.
    """
    case = case_of(facts, settings, declared, history, custom)
    require_inspected(case)
    if history is not None:
        case = replace(case, written=tuple(written(case, history)))
    every = tuple(finding for check in CHECKS for finding in check.findings(case))
    found = tuple(sorted(severities.with_severities(every, settings), key=finding_order))
    changes = _changes(case, found)
    brought = description.describe(case, history, _written(case), changes, found) if history else None
    proofs = proof.outcomes(case, every)
    accepted = marked(case, comments, Found(changes, found, brought, proofs))
    marks, known = with_known(case, Found(accepted.changes, accepted.findings, accepted.brought, proofs))
    case = replace(case, settled=accepted.entries)
    told = tuple(finding for check in ABOUT_ENTRIES for finding in check.findings(case))
    ordered = tuple(sorted((*marks, *severities.with_severities(told, settings)), key=finding_order))
    changes, brought = accepted.changes, accepted.brought
    summary = gate.summarise(changes, ordered)
    attempts = attempts if attempts is not None else Attempts()
    nothing: tuple[Suggestion, ...] = ()
    offered = attempts.attempt(SUGGESTIONS, lambda: suggestions(case, ordered), nothing)
    return Review(
        outcome=gate.outcome(changes, ordered, brought),
        gate=gate.decide(settings.fail_on, summary, ordered, brought),
        summary=summary,
        changes=changes,
        findings=ordered,
        tables=_tables(case),
        provenance=_provenance(case, tool, server, root, attempts.failures),
        pull_request=brought,
        suggestions=offered,
        proofs=proofs,
        baseline=known,
    )


def case_of(
    facts: Facts,
    settings: Settings,
    declared: tuple[DeclaredTable, ...] | None,
    history: PullRequestBase | None = None,
    custom: tuple[str, ...] | None = None,
) -> Case:
    """The facts with ownership and the verdict on every change, as input of checks and plans.

    Raises the errors of ``judge``.
    """
    merged = {revision.id for revision in history.facts.revisions} if history is not None else set()
    new = {revision.id for revision in facts.revisions} - merged if history is not None else set()
    models = frozenset(table.key for database in facts.databases for table in database.tables if not table.removed)
    files = frozenset({facts.env_py, *(frame.path for frame in facts.frames)})
    missing = Unloaded(declared, frozenset(facts.modules), models | set(facts.other_tables), files)
    require_models(facts, settings, missing)
    evidence = Evidence(facts, settings, custom_packages(facts, settings) if custom is None else custom)
    ordered = sorted(facts.databases, key=lambda database: (database.name or "", database.target))
    pairs = [(_scope(facts, database), change) for database in ordered for change in database.changes]
    replaced = [(scope, one) for scope, change in pairs for one in change.replaces]
    every = fingerprints([*pairs, *replaced])
    names, replaces = iter(every[: len(pairs)]), iter(every[len(pairs) :])
    ownerships = [decide(database, evidence, settings) for database in ordered]
    lines = settle(evidence, ownerships)
    outside = {
        one.key: (owner, place_of(evidence.site(one.stack, owner)))
        for owner, one in forgotten(facts, evidence)
        if one.mapped
    }
    databases = []
    for database, ownership in zip(ordered, ownerships, strict=True):
        causes = Causes(database, ownership, evidence)
        verdicts = Verdicts(ownership, causes, lines, missing, new=new, outside=outside)
        changes = [
            Judged(change, _decided(change, verdicts), next(names), tuple(islice(replaces, len(change.replaces))))
            for change in database.changes
        ]
        ordered_changes = tuple(sorted(changes, key=_judged_order))
        databases.append(JudgedDatabase(_name(facts, database), database, ownership, causes, ordered_changes))
    return Case(facts, settings, evidence, tuple(databases), lines, missing, history)


def _decided(change: ChangeFact, verdicts: Verdicts) -> Decision:
    """The verdict on a change; on a rename the worst of both halves, or blocked with anything that follows from it.

    The location is that of what is added.
    """
    if not change.replaces:
        return verdicts.decide(change)
    decisions = [verdicts.decide(one) for one in change.replaces]
    dropped, added, *others = decisions
    blocked = [decision for decision in others if decision.verdict is Verdict.BLOCKED]
    return min((added, dropped, *blocked), key=lambda decision: _WORST.index(decision.verdict))


def _name(facts: Facts, database: DatabaseFacts) -> str | None:
    """Which database, where there are several: the engine's name, else its URL."""
    return (database.name or database.target) if len(facts.databases) > 1 else None


def _scope(facts: Facts, database: DatabaseFacts) -> str | None:
    """What tells a change from an equal one elsewhere: environment and database, where there are several."""
    names = [name for name in (facts.environment, _name(facts, database)) if name is not None]
    return " ".join(names) or None


def _changes(case: Case, findings: tuple[Finding, ...]) -> tuple[Change, ...]:
    codes: dict[str, list[str]] = {}
    for finding in findings:
        if finding.change is not None:
            codes.setdefault(finding.change, []).append(finding.code)
    offset = 0
    found = []
    for database in case.databases:
        for judged in database.changes:
            change = _change(case, database, judged, offset)
            found.append(replace(change, findings=tuple(sorted(set(codes.get(judged.fingerprint, ()))))))
        offset += 1 + max((judged.fact.operation for judged in database.changes), default=-1)
    return numbered(found)


def _written(case: Case) -> tuple[Change, ...]:
    """What a pull request has in its revisions, in the order of all changes."""
    found = [_change(case, entry.database, entry.judged, 0) for entry in case.written]
    return numbered(found)


def numbered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes in their order, and their operations numbered in it: Alembic finds some in the order of a set."""
    numbers: dict[tuple[str | None, int], int] = {}
    ordered = []
    for change in sorted(changes, key=change_order):
        number = numbers.setdefault((change.database, change.operation), len(numbers))
        ordered.append(replace(change, operation=number))
    return tuple(ordered)


def _change(case: Case, database: JudgedDatabase, judged: Judged, offset: int) -> Change:
    fact, decision = judged.fact, judged.decision
    place = decision.place
    if place is None and fact.key is not None:
        owned = database.ownership.tables.get(fact.key)
        if owned is not None and owned.origin is not None:
            place = case.revision_place(owned.origin.revision)
    return Change(
        fingerprint=judged.fingerprint,
        verdict=decision.verdict,
        kind=fact.kind,
        schema=fact.schema,
        table=fact.key.name if fact.key is not None else None,
        name=fact.name,
        owner=decision.owner,
        cause=decision.cause,
        reason=decision.reason,
        location=case.evidence.locations.of(place),
        operation=fact.operation + offset,
        python=fact.python,
        sql=fact.sql,
        columns=fact.columns,
        database=database.name,
        environment=case.facts.environment,
        new_name=fact.new_name,
        replaces=judged.replaces,
    )


def _tables(case: Case) -> tuple[Table, ...]:
    rows = []
    for database in case.databases:
        for owned in database.ownership.tables.values():
            if not owned.in_database and (owned.model is None or owned.model.removed):
                continue
            extends = owned.model.extends if owned.model is not None else None
            references = owned.model.references if owned.model is not None else ()
            rows.append(
                Table(
                    schema=owned.key.schema,
                    name=owned.key.name,
                    owner=owned.owner,
                    role=owned.role,
                    extends=table_text(extends) if extends is not None and _is_core(database, extends) else None,
                    evidence=owned.evidence,
                    database=database.name,
                    references=tuple(map(table_text, references)),
                )
            )
    return tuple(sorted(rows, key=lambda row: (*_null_first(row.database), *_null_first(row.schema), row.name)))


def _is_core(database: JudgedDatabase, key: TableKey) -> bool:
    return database.ownership.role(key).value == "core"


def _provenance(case: Case, tool: str, server: str, root: str, failures: Iterable[str]) -> Provenance:
    facts, interpreter = case.facts, case.settings.interpreter
    databases = [database.facts for database in case.databases]
    kinds = dict.fromkeys(f"{entry.dialect} {entry.server_version}".strip() for entry in databases)
    return Provenance(
        tool=tool,
        database=", ".join(kinds),
        server=server,
        server_warning=warning(databases, case.settings),
        alembic=facts.alembic,
        sqlalchemy=facts.sqlalchemy,
        python=facts.python,
        interpreter=interpreter.shown if interpreter is not None else "",
        interpreter_source=interpreter.source if interpreter is not None else "",
        config=_config(case),
        root=root,
        custom=tuple(sorted(case.evidence.custom)),
        heads=tuple(sorted(facts.heads)),
        revisions=len(facts.revisions),
        tables_compared=sum(entry.compared for entry in databases),
        models=_models(case),
        plugins=tuple(dict.fromkeys(plugin for entry in databases for plugin in entry.plugins)),
        filters=tuple(dict.fromkeys(_filters(case))),
        not_checked=tuple(
            dict.fromkeys(
                [
                    *_not_compared(case),
                    *_listeners(case),
                    *_compile_rules(case),
                    *untried(case),
                    *other_databases(facts, case.evidence),
                    *description.not_checked(case),
                    *proof.not_checked(case),
                    *severities.not_checked(case.settings),
                    *facts.not_checked,
                    *(case.history.not_checked if case.history else ()),
                    *failures,
                ]
            )
        ),
        timings_ms=dict(facts.timings_ms),
    )


def _not_compared(case: Case) -> Iterator[str]:
    for database in case.databases:
        proved = case.proved(database, BLIND_SPOTS)
        done = proved is not None and not proved.reason and proved.blind_spots is not None
        yield from database.facts.unseen if done else database.facts.not_checked


def _config(case: Case) -> str:
    # Without a config file, the settings name the callable that returns Alembic's Config.
    config, root = case.settings.config or case.settings.source, case.settings.root
    if config is None:
        return ""
    if root is not None and config.resolve().is_relative_to(root.resolve()):
        return config.resolve().relative_to(root.resolve()).as_posix()
    return config.name


def _models(case: Case) -> tuple[str, ...]:
    """Modules in which tables are defined."""
    found = set()
    for database in case.databases:
        for table in database.facts.tables:
            frame = case.evidence.site(table.stack, database.ownership.owner(table.key))
            if frame is not None and frame.module:
                found.add(frame.module)
    return tuple(sorted(found))


def _filters(case: Case) -> list[str]:
    locations = case.evidence.locations
    return [
        f"{entry.name}: {locations.text(entry.place)}" if entry.place is not None else entry.name
        for database in case.databases
        for entry in database.facts.filters
    ]


def _listeners(case: Case) -> list[str]:
    """Functions of the application that may change any table, while it is defined and while the database is read."""
    evidence = case.evidence
    return [
        f"effects of {evidence.locations.text(listener.place)} on tables (it listens to every {listener.event})"
        for listener in case.facts.listeners
        if listener.package is None or evidence.is_application(listener.package)
    ]


def _compile_rules(case: Case) -> list[str]:
    """What the application makes of SQLAlchemy's own types and statements, of which nothing may show in the models."""
    return [
        f"effects of {case.evidence.locations.text(rule.place)} on tables (it changes how SQLAlchemy compiles "
        f"{rule.compiled})"
        for rule in case.evidence.compile_rules()
    ]


def _null_first(text: str | None) -> tuple[bool, str]:
    return (text is not None, text or "")


def change_order(change: Change) -> tuple[object, ...]:
    """The order of changes in a report."""
    return _order(
        change.schema, change.table, change.kind, change.name, (*_null_first(change.environment), change.fingerprint)
    )


def _judged_order(judged: Judged) -> tuple[object, ...]:
    fact = judged.fact
    table = fact.key.name if fact.key is not None else None
    return _order(fact.schema, table, fact.kind, fact.name, (judged.fingerprint,))


def _order(
    schema: str | None, table: str | None, kind: str, name: str | None, rest: tuple[object, ...]
) -> tuple[object, ...]:
    # What is renamed has its new name in all other changes, and a new table comes before what is on it.
    first = _RENAMES.index(kind) if kind in _RENAMES else len(_RENAMES)
    return (first, *_null_first(schema), *_null_first(table), kind != "add_table", kind, *_null_first(name), *rest)


def finding_order(finding: Finding) -> tuple[object, ...]:
    """The order of findings in a report."""
    return (
        finding.code != _BEFORE_ALL,
        finding.code,
        *_null_first(finding.database),
        *_null_first(finding.schema),
        *_null_first(finding.table),
        *_null_first(finding.revision),
        finding.message,
        finding.fingerprint,
    )
