"""What holds whatever the facts are."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from alembic_review.judge import judge
from alembic_review.judge.fingerprint import fingerprints
from alembic_review.model.errors import ReviewError
from alembic_review.model.facts import ChangeFact, DatabaseFacts, Edit, Facts, Item
from alembic_review.model.review import Review, Role, Severity, Verdict
from alembic_review.model.settings import Settings
from alembic_review.reports import Options
from alembic_review.reports.formats.json import render

from .world import ANNEX_REVISION, APP_REVISION, CORE_REVISION, SETTINGS, World, key, use

TABLES = ("t1", "t2", "t3", "s.t1", "s.t4")
COLUMNS = ("a", "b", "c")
STEPS = ("poser:1", "poser:2", "basis:1", "basis:2", "annex:1", "scribe():1", "helper:1", "!basis:3", "!poser:3")
LOOSE = ("./tool.py:1", "/etc/tool.py:1")
REVISIONS = (APP_REVISION, CORE_REVISION, ANNEX_REVISION, "m1")
KINDS = (
    *("add_column", "remove_column", "modify_type", "modify_nullable", "modify_default", "modify_comment"),
    *("add_index", "remove_index", "add_constraint", "remove_constraint", "add_fk", "remove_fk"),
    *("add_table", "remove_table", "add_table_comment", "remove_table_comment", "op:Other"),
)
ATTRIBUTES = ("type", "nullable", "server_default", "comment", "added", "removed", "changed", "name")
ACTIONS = ("added", "removed", "changed", "dropped", "renamed", "dropped_or_renamed")

stacks = st.none() | st.lists(st.sampled_from((*STEPS, *LOOSE)), min_size=1, max_size=3)
names = st.none() | st.sampled_from(COLUMNS)


@st.composite
def items(draw: st.DrawFn, world: World) -> Item:
    kind = draw(st.sampled_from(("column", "index", "constraint")))
    name = draw(st.sampled_from(COLUMNS)) if kind == "column" else draw(names)
    columns = (name,) if kind == "column" else tuple(draw(st.lists(st.sampled_from(COLUMNS), max_size=2)))
    return world.item(kind, name, draw(stacks), columns=columns)


@st.composite
def edits(draw: st.DrawFn, world: World) -> Edit:
    kind = draw(st.sampled_from(("column", "index", "constraint", "table")))
    return world.edit(kind, None if kind == "table" else draw(names), draw(st.sampled_from(ATTRIBUTES)), draw(stacks))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any facts that a worker could send: models, revisions and changes that need not fit together."""
    world = World(settings=replace(SETTINGS, custom=draw(st.sampled_from((None, (), ("poser",), ("poser", "annex"))))))
    world.revision("m1", None, draw(st.sampled_from(("/project/migrations", "/srv/migrations"))))
    for name in TABLES:
        created = draw(st.none() | st.sampled_from(REVISIONS))
        if draw(st.booleans()):
            world.table(
                name,
                draw(stacks),
                by=created,
                columns=("a", "b"),
                items=draw(st.lists(items(world), max_size=3)),
                edits=draw(st.lists(edits(world), max_size=2)),
                sources=draw(st.lists(st.sampled_from(TABLES), max_size=2)),
                removed=draw(st.booleans()) and draw(st.booleans()),
                removal=draw(stacks),
            )
        elif created is not None:
            world.databases[0].created(name, created)
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(("column", "index", "constraint", "table")))
        table, revision = draw(st.sampled_from(TABLES)), draw(st.sampled_from(REVISIONS))
        action = draw(st.sampled_from(ACTIONS))
        nameless = () if action == "renamed" else (None,)  # a new name is always known
        world.alter(revision, table, kind, action, draw(st.sampled_from((*COLUMNS, "t2", *nameless))))
    for _ in range(draw(st.integers(0, 8))):
        add_change(draw, world)
    if draw(st.booleans()):
        world.declare(draw(st.sampled_from(("t1", "t4", "t9", None))), "poser.other")
    return world


def add_change(draw: st.DrawFn, world: World) -> None:
    if draw(st.integers(0, 5)) == 0:
        users = [
            use(draw(st.sampled_from(TABLES)), draw(st.sampled_from(COLUMNS))) for _ in range(draw(st.integers(0, 2)))
        ]
        world.change("op:Enum", None, "mood", type_name="mood", type_users=tuple(users))
        return
    kind, name = draw(st.sampled_from(KINDS)), draw(names)
    if kind.endswith("_column") or kind.startswith("modify_"):
        name = name or "a"
    whole = kind.endswith(("_table", "_table_comment"))
    wanted, readable = draw(st.sampled_from(("", "INTEGER"))), draw(st.integers(0, 9)) > 0
    world.change(kind, draw(st.sampled_from(TABLES)), None if whole else name, wanted=wanted, readable=readable)


def judged(facts: Facts, world: World, settings: Settings | None = None) -> Review:
    """The review; facts that the judge refuses as a whole are of no interest here."""
    try:
        return judge(facts, settings or world.settings, tuple(world.declared), tool="t", server="s", root=".")
    except ReviewError:
        assume(False)
        raise


def text(review: Review) -> str:
    """All but the provenance, as JSON."""
    document = json.loads(render(review, Options()))
    del document["provenance"]
    return json.dumps(document)


@given(worlds())
def test_every_change_is_there_exactly_once(world: World) -> None:
    facts = world.facts()
    review = judged(facts, world)
    given_changes = Counter(
        (c.kind, c.schema, c.key and c.key.name, c.name, c.wanted) for c in facts.databases[0].changes
    )
    rows = Counter((change.kind, change.schema, change.table, change.name) for change in review.changes)
    assert rows == Counter(row[:4] for row in given_changes.elements())
    assert [change.operation for change in review.changes] == list(range(len(review.changes)))
    assert len({change.fingerprint for change in review.changes}) == len(review.changes)
    assert len({finding.fingerprint for finding in review.findings}) == len(review.findings)
    summary = review.summary
    assert summary.safe + summary.blocked + summary.upstream == len(review.changes)


@given(worlds())
def test_what_is_blocked_is_told_and_refused(world: World) -> None:
    review = judged(world.facts(), world)
    blocked = {change.fingerprint for change in review.changes if change.verdict is Verdict.BLOCKED}
    assert blocked == {finding.change for finding in review.findings if finding.code == "AR101"}
    assert review.gate.refused == any(finding.severity is Severity.ERROR for finding in review.findings)
    for change in review.changes:
        assert change.reason.endswith(".")
        assert "None" not in change.reason
        told = {finding.code for finding in review.findings if finding.change == change.fingerprint}
        assert change.findings == tuple(sorted(told))
    assert all("None" not in finding.message for finding in review.findings)


@given(worlds())
def test_only_custom_tables_are_safe_and_only_core_tables_are_upstream(world: World) -> None:
    review = judged(world.facts(), world)
    roles = {(table.schema, table.name): table.role for table in review.tables}
    for change in review.changes:
        role = roles.get((change.schema, change.table or ""))
        if change.verdict is Verdict.SAFE and change.table is not None and role is not None:
            assert role is Role.CUSTOM
        if change.verdict is Verdict.UPSTREAM:
            assert change.owner is not None
            assert role in (Role.CORE, None)
            assert change.cause is not None
            assert change.cause not in review.provenance.custom


def poser_in(facts: Facts, stack: int | None, beneath: int | None = None) -> bool:
    below = {facts.frames[number] for number in facts.stacks[beneath]} if beneath is not None else set()
    frames = [facts.frames[number] for number in facts.stacks[stack]] if stack is not None else []
    return any(frame.package == "poser" and frame not in below for frame in frames)


@given(worlds())
def test_what_is_upstream_was_touched_by_nobody_s_unseen_hand(world: World) -> None:
    """An oracle of its own for the positive evidence that DESIGN asks for."""
    assume(world.settings.custom != ())
    facts = world.facts()
    review = judged(facts, world)
    database = facts.databases[0]
    upstream = {change.fingerprint for change in review.changes if change.verdict is Verdict.UPSTREAM}
    own = fingerprints((None, change) for change in database.changes)
    for change, fingerprint in zip(database.changes, own, strict=True):
        if fingerprint not in upstream or change.key is None:
            continue
        touched = {a.action for a in database.alterations if a.key == change.key and a.revision == APP_REVISION}
        assert not touched & {"dropped", "dropped_or_renamed"} or not any(
            a.kind == "table" for a in database.alterations if a.key == change.key and a.revision == APP_REVISION
        )
        model = next((table for table in database.tables if table.key == change.key), None)
        if model is None:
            continue
        assert not (model.removed and (model.removal is None or poser_in(facts, model.removal)))
        if change.item is not None:
            item = model.items[change.item]
            assert item.stack is not None
            assert not poser_in(facts, item.stack, model.stack)


@given(worlds(), st.sampled_from(TABLES))
def test_a_custom_revision_that_dropped_a_core_table_blocks_all_its_changes(world: World, table: str) -> None:
    assume(world.settings.custom != ())
    world.change("remove_index", table, "a")
    before = judged(world.facts(), world)
    world.alter(APP_REVISION, table, "table", "dropped")
    after = judged(world.facts(), world)
    verdicts = {change.fingerprint: change.verdict for change in after.changes}
    for change in before.changes:
        on_table = (change.schema, change.table) == (key(table).schema, key(table).name)
        custom = change.verdict is Verdict.SAFE
        assert verdicts[change.fingerprint] is (
            Verdict.BLOCKED if on_table and not custom else verdicts[change.fingerprint]
        )


def renamed(value: Any, new: Mapping[str, str]) -> Any:
    """The same data with every package renamed in every text."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return re.sub("|".join(new), lambda match: new[match.group()], value)
    if isinstance(value, Path):
        return Path(renamed(str(value), new))
    if isinstance(value, tuple):
        return tuple(renamed(entry, new) for entry in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: renamed(getattr(value, field.name), new) for field in dataclasses.fields(value)}
        return type(value)(**fields)
    return value


@given(worlds(), st.permutations(["zeta", "quux", "mid", "first", "last"]))
def test_renaming_every_package_changes_nothing_but_their_names(world: World, chosen: list[str]) -> None:
    new = dict(zip(("poser", "basis", "annex", "scribe", "helper"), chosen, strict=True))
    one = judged(world.facts(), world)
    world.declared[:] = renamed(tuple(world.declared), new)
    other = judged(renamed(world.facts(), new), world, renamed(world.settings, new))
    # The settings line in a reason gives one of several custom packages as an example.
    assert [renamed(replace(change, reason=""), new) for change in one.changes] == [
        replace(change, reason="") for change in other.changes
    ]
    assert Counter((f.code, f.table, f.severity) for f in one.findings) == Counter(
        (f.code, f.table, f.severity) for f in other.findings
    )


def renumbered(database: DatabaseFacts) -> DatabaseFacts:
    """As if Alembic had found the changes in the order in which they are."""
    changes = tuple(replace(change, operation=number) for number, change in enumerate(database.changes))
    return replace(database, changes=changes)


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_facts_changes_nothing(world: World, random: Any) -> None:
    world.database("second").table("t9", ["poser:1"])
    facts = world.facts()
    one = text(judged(facts, world))

    def shuffled(entries: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(entries, len(entries)))

    def turn(value: Any, *names: str) -> Any:
        return replace(value, **{name: shuffled(getattr(value, name)) for name in names})

    inner = ("changes", "tables", "origins", "database_tables", "former")
    databases = tuple(renumbered(turn(database, *inner)) for database in facts.databases)
    outer = ("databases", "packages", "revisions", "version_locations", "modules")
    turned = turn(replace(facts, databases=databases), *outer)
    world.declared.reverse()
    assert text(judged(turned, world)) == one


@given(worlds(), st.integers(1, 999))
def test_lines_are_no_part_of_verdicts_and_fingerprints(world: World, down: int) -> None:
    facts = world.facts()
    moved = replace(facts, frames=tuple(replace(frame, line=frame.line + down) for frame in facts.frames))
    one, other = judged(facts, world), judged(moved, world)
    assert [(c.fingerprint, c.verdict, c.reason) for c in one.changes] == [
        (c.fingerprint, c.verdict, c.reason) for c in other.changes
    ]
    assert [finding.fingerprint for finding in one.findings] == [finding.fingerprint for finding in other.findings]


@given(st.integers(1, 9999), st.text(max_size=5))
def test_a_fingerprint_is_what_the_change_is_and_not_where(line: int, path: str) -> None:
    plain = ChangeFact("add_column", key("t"), None, "c", 0, "p", "s", wanted="INTEGER")
    moved = replace(plain, python="q", sql=None, operation=7, existing="x", item=3)
    assert fingerprints([(None, plain)]) == fingerprints([(None, moved)])
    for other in (replace(plain, wanted="TEXT"), replace(plain, name="d"), replace(plain, key=key("u"))):
        assert fingerprints([(None, plain)]) != fingerprints([(None, other)])
    assert len(set(fingerprints([(None, plain), (None, plain), ("second", plain)]))) == 3


def test_equal_twins_are_numbered_whatever_their_order() -> None:
    one = ChangeFact("remove_index", key("t"), None, "i", 0, "p", "s", existing="one")
    two = replace(one, existing="two", operation=1)
    assert fingerprints([(None, one), (None, two)]) == fingerprints([(None, two), (None, one)])[::-1]
