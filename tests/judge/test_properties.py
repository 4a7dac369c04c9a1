"""What holds whatever the facts are."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from alembic_review.judge import judge
from alembic_review.judge.fingerprint import fingerprints
from alembic_review.model.facts import ChangeFact, Place
from alembic_review.model.review import Review
from alembic_review.model.settings import Settings
from alembic_review.reports import Options
from alembic_review.reports.json import render

from .build import ROOT, Alteration, Edit, Item, World, key

KINDS = ("add_column", "remove_column", "modify_type", "add_index", "remove_index", "add_table", "remove_table", "op:X")
TABLES = ("product", "app_widget", "both", "stray", "copy")
NAMES = ("id", "extra", None)

Step = tuple[str, str, str | None]
steps = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(TABLES), st.sampled_from(NAMES)), max_size=12)
packages = st.lists(st.sampled_from(["core", "app", "helper"]), min_size=1, max_size=3)
flags = st.tuples(st.booleans(), st.booleans(), st.booleans())


def world_of(
    changes: list[Step], stack: list[str], chosen: tuple[bool, bool, bool], core: str = "core", app: str = "app"
) -> World:
    """A world with custom, core, generated and shared tables; ``stack`` is who adds the column ``extra``."""
    names = {"core": core, "app": app, "helper": "helper"}
    world = World(core=core, app=app)
    extra = Item("column", "extra", ("extra",), world.stack(*[(names[package], 50) for package in stack]))
    edited, altered, created = chosen
    edits = (Edit("column", "id", "type", world.stack((app, 60))),) if edited else ()
    world.table("product", (core, 1), items=(extra,), edits=edits)
    world.table("app_widget", (app, 1))
    world.table("both", (core, 2), (app, 3))
    world.table("copy", ("helper", 1), sources=(key("product"),))
    world.created("product", core)
    world.created("app_widget", app)
    if created:
        world.created("both", app)
    if altered:
        world.alterations.append(Alteration(f"{app}1", key("product"), "index", "added", "extra", (), None, "x"))
    for kind, table, name in changes:
        world.change(kind, table, name, readable=not kind.startswith("op:"))
    return world


def judged(world: World, *, backwards: bool = False) -> Review:
    facts = world.facts()
    if backwards:
        database = facts.databases[0]
        turned = replace(
            database,
            changes=database.changes[::-1],
            tables=database.tables[::-1],
            origins=database.origins[::-1],
            database_tables=database.database_tables[::-1],
        )
        facts = replace(facts, databases=(turned,), packages=facts.packages[::-1], revisions=facts.revisions[::-1])
    return judge(facts, Settings(root=ROOT), (), tool="test", server="none", root=".")


@given(steps, packages, flags)
def test_every_change_is_there_exactly_once(
    changes: list[Step], stack: list[str], chosen: tuple[bool, bool, bool]
) -> None:
    review = judged(world_of(changes, stack, chosen))
    found = sorted((change.kind, change.table or "", change.name or "") for change in review.changes)
    assert found == sorted((kind, table, name or "") for kind, table, name in changes)
    assert len({change.fingerprint for change in review.changes}) == len(changes)
    total = review.summary.safe + review.summary.blocked + review.summary.upstream
    assert total == len(changes)


@given(steps, packages, flags)
def test_renaming_every_package_changes_no_verdict(
    changes: list[Step], stack: list[str], chosen: tuple[bool, bool, bool]
) -> None:
    one = judged(world_of(changes, stack, chosen))
    other = judged(world_of(changes, stack, chosen, core="zeta", app="quux"))
    assert [change.verdict for change in one.changes] == [change.verdict for change in other.changes]
    assert sorted(finding.code for finding in one.findings) == sorted(finding.code for finding in other.findings)


@given(steps, packages, flags)
def test_the_order_of_the_facts_changes_nothing(
    changes: list[Step], stack: list[str], chosen: tuple[bool, bool, bool]
) -> None:
    unique = list(dict.fromkeys(changes))
    world = world_of(unique, stack, chosen)
    assert _text(judged(world)) == _text(judged(world, backwards=True))


@given(steps, packages, flags)
def test_blocked_is_told_and_refused(changes: list[Step], stack: list[str], chosen: tuple[bool, bool, bool]) -> None:
    review = judged(world_of(changes, stack, chosen))
    blocked = {change.fingerprint for change in review.changes if change.verdict.value == "blocked"}
    assert blocked == {finding.change for finding in review.findings if finding.code == "AR101"}
    assert review.gate.refused == any(finding.blocks for finding in review.findings)
    assert all(change.reason for change in review.changes)


@given(st.integers(1, 9999), st.text(max_size=5))
def test_a_fingerprint_is_what_the_change_is_and_not_where(line: int, path: str) -> None:
    plain = ChangeFact("add_column", key("t"), None, "c", 0, "p", "s", wanted="INTEGER")
    moved = replace(plain, place=Place(path, line), python="q", sql=None, operation=7)
    assert fingerprints([(None, plain)]) == fingerprints([(None, moved)])
    assert fingerprints([(None, plain)]) != fingerprints([(None, replace(plain, wanted="TEXT"))])
    assert len(set(fingerprints([(None, plain), (None, plain), ("second", plain)]))) == 3


def _text(review: Review) -> str:
    """The report without what the order of operations numbers."""
    document = json.loads(render(review, Options()))
    for change in document["changes"]:
        del change["operation"]
    del document["provenance"]
    return json.dumps(document)
