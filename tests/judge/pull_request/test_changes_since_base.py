"""Each change in the revisions of a pull request: its verdict, and which revision it is put down to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_review.model.errors import ObservationError
from alembic_review.model.facts import ChangeFact, Origin
from alembic_review.model.pull_request_base import EditedRevision, PullRequestBase
from alembic_review.model.review import ChangeSince, Location, PullRequest, State, Verdict
from tests.judge.world import APP, APP_REVISION, CORE, CORE_REVISION, World, basics, folder, key

NEW, NEWER = "n1", "n2"
BASE = "c0ffee"


def made(kind: str, table: str, name: str | None = None, **fields: Any) -> ChangeFact:
    columns = (name,) if name and "column" in kind else ()
    return ChangeFact(kind, key(table), None, name, 0, f"op.{kind}()", None, columns, **fields)


def pull_request(
    world: World,
    changes: Sequence[ChangeFact],
    *,
    new: Sequence[str] = (NEW,),
    edited: Sequence[str] = (),
    removed: Sequence[str] = (),
) -> PullRequest:
    """What the judge says of ``changes`` from the base, which has all revisions but the ``new`` ones."""
    for name in new:
        if all(revision.id != name for revision in world.revisions):
            world.revision(name, APP, f"{folder(APP)}/versions")
    facts = world.facts()
    world.history = PullRequestBase(
        BASE,
        replace(
            facts,
            revisions=tuple(revision for revision in facts.revisions if revision.id not in new),
            databases=tuple(replace(database, changes=tuple(changes)) for database in facts.databases),
        ),
        ref="main",
        edited=tuple(EditedRevision(name, f"/project/{name}.py") for name in edited),
        removed=tuple(removed),
    )
    found = world.review().pull_request
    assert found is not None
    return found


def only(found: PullRequest) -> ChangeSince:
    (change,) = [change for change in found.changes if change.state is State.IN_REVISION]
    return change


def on_own_table(world: World) -> PullRequest:
    world.alter(NEW, "poser_widget", "column", "added", "colour")
    return pull_request(world, [made("add_column", "poser_widget", "colour")])


def on_core_table(world: World) -> PullRequest:
    world.alter(NEW, "product", "column", "added", "label")
    return pull_request(world, [made("add_column", "product", "label")])


def undone(world: World) -> PullRequest:
    world.alter(APP_REVISION, "product", "column", "added", "label", after="x")
    world.alter(NEW, "product", "column", "removed", "label", before="x")
    return pull_request(world, [made("remove_column", "product", "label")])


def undone_otherwise(world: World) -> PullRequest:
    world.alter(APP_REVISION, "product", "column", "removed", "name", before="text 2")
    world.alter(NEW, "product", "column", "added", "name", after="integer 5")
    return pull_request(world, [made("add_column", "product", "name")])


def put_back(world: World) -> PullRequest:
    world.alter(APP_REVISION, "product", "column", "removed", "name", before="text 2")
    world.alter(NEW, "product", "column", "added", "name", after="text 5")
    return pull_request(world, [made("add_column", "product", "name")])


def renamed_back_and_more(world: World) -> PullRequest:
    world.databases[0].stray("elsewhere")
    world.alter(APP_REVISION, "product", "table", "renamed", "elsewhere", after=None, before=None)
    world.alter(NEW, "elsewhere", "column", "added", "label")
    world.alter(NEW, "elsewhere", "table", "renamed", "product", after=None, before=None)
    return pull_request(world, [made("add_table", "product")])


def without_proof(world: World) -> PullRequest:
    """It seems undone, and nobody had done anything before."""
    world.alter(NEW, "product", "column", "changed", "name", before="a", after="b")
    world.alter(NEW, "product", "column", "changed", "name", before="b", after="a")
    return pull_request(world, [made("modify_type", "product", "name")])


def by_an_edited_comment(world: World) -> PullRequest:
    by_nobody(world)
    assert world.history is not None
    world.history = replace(world.history, edited=(EditedRevision(APP_REVISION, "/project/a1.py", code=False),))
    found = world.review().pull_request
    assert found is not None
    return found


def by_the_core(world: World) -> PullRequest:
    world.revision("c2", CORE, f"{folder(CORE)}/versions")
    return pull_request(world, [made("add_column", "product", "label")], new=("c2",))


def by_nobody(world: World) -> PullRequest:
    return pull_request(world, [made("add_column", "product", "label")])


def by_what_is_gone(world: World) -> PullRequest:
    return pull_request(world, [made("remove_column", "product", "label")], new=(), removed=("r1",))


def by_an_edit(world: World) -> PullRequest:
    world.alter(APP_REVISION, "product", "column", "added", "label")
    return pull_request(world, [made("add_column", "product", "label")], new=(), edited=(APP_REVISION,))


def on_own_table_by_an_edit(world: World) -> PullRequest:
    world.alter(APP_REVISION, "poser_widget", "column", "added", "colour")
    changes = [made("add_column", "poser_widget", "colour")]
    found = pull_request(world, changes, new=(), edited=(APP_REVISION,))
    assert (only(found).python, only(found).sql) == ("", "")
    return found


def on_own_table_by_what_is_gone(world: World) -> PullRequest:
    return pull_request(world, [made("remove_column", "poser_widget", "size")], new=(), removed=("r1",))


def by_an_older_one(world: World) -> PullRequest:
    world.alter(APP_REVISION, "product", "column", "added", "label")
    return pull_request(world, [made("add_column", "product", "label")])


def created(world: World) -> PullRequest:
    world.revision(NEW, APP, f"{folder(APP)}/versions")
    world.table("poser_note", ["poser:30"], by=NEW)
    return pull_request(world, [made("add_table", "poser_note")])


def created_for_the_core(world: World) -> PullRequest:
    """The settings say so; a dispute would be blocked anyway."""
    world.revision(NEW, APP, f"{folder(APP)}/versions")
    world.table("stock", None, by=NEW)
    world.settings = replace(world.settings, owners={"stock": CORE})
    return pull_request(world, [made("add_table", "stock")])


def of_nobody(world: World) -> PullRequest:
    world.databases[0].stray("stray")
    return pull_request(world, [made("add_column", "stray", "label")])


ROWS: dict[str, tuple[Callable[[World], PullRequest], Verdict, str | None, str]] = {
    "own table": (on_own_table, Verdict.SAFE, NEW, "belongs to poser"),
    "own new table": (created, Verdict.SAFE, NEW, "belongs to poser"),
    "core table": (on_core_table, Verdict.BLOCKED, NEW, "Remove the operation from the revision"),
    "core table that it creates": (
        created_for_the_core,
        Verdict.BLOCKED,
        NEW,
        "Remove the operation from the revision",
    ),
    "undoes an older revision": (undone, Verdict.SAFE, NEW, "as basis created it"),
    "puts back what an older one took away": (put_back, Verdict.SAFE, NEW, "as basis created it"),
    "undoes more than there was": (renamed_back_and_more, Verdict.BLOCKED, NEW, "Remove the operation"),
    "seems to undo what nobody did": (without_proof, Verdict.BLOCKED, NEW, "Remove the operation from the revision"),
    "by nobody, and a comment is edited": (by_an_edited_comment, Verdict.BLOCKED, None, "no revision is known"),
    "undoes it otherwise": (undone_otherwise, Verdict.BLOCKED, NEW, "Remove the operation from the revision"),
    "by a revision of the core": (by_the_core, Verdict.UPSTREAM, None, "none of your revisions does"),
    "by nobody": (by_nobody, Verdict.BLOCKED, None, "no revision is known to change it"),
    "by a revision that is gone": (by_what_is_gone, Verdict.BLOCKED, None, "revert its changes in a new one"),
    "by an edited revision": (by_an_edit, Verdict.BLOCKED, APP_REVISION, "Remove the operation from the revision"),
    "own table, by an edited revision": (
        *(on_own_table_by_an_edit, Verdict.SAFE, APP_REVISION),
        f"Only newly created databases differ: those that already ran revision {APP_REVISION} do not change.",
    ),
    "own table, by one that is gone": (
        *(on_own_table_by_what_is_gone, Verdict.SAFE, None),
        "Only newly created databases differ: those that already ran the merged revision do not change.",
    ),
    "by an older one, as far as is known": (by_an_older_one, Verdict.BLOCKED, None, "of poser added the column label"),
    "table of nobody": (of_nobody, Verdict.BLOCKED, NEW, "the owner of the change is unknown"),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_verdict_on_what_a_revision_does(row: str) -> None:
    build, verdict, revision, said = ROWS[row]
    change = only(build(basics()))
    assert (change.verdict, change.revision) == (verdict, revision)
    assert said in change.reason


def test_what_alters_the_core_stands_at_its_revision_and_what_is_custom_at_its_model() -> None:
    world = basics()
    world.revision(NEW, APP, f"{folder(APP)}/versions")
    world.databases[0].created("poser_left", NEW)
    blocked, without_model = only(on_core_table(basics())), only(pull_request(world, [made("add_table", "poser_left")]))
    safe = only(pull_request(basics(), [made("add_column", "poser_widget", "colour")]))
    assert [change.location for change in (blocked, safe, without_model)] == [
        Location("project", f"poser/versions/{NEW}.py", 1),
        Location("project", "poser/model.py", 10),
        Location("project", f"poser/versions/{NEW}.py", 1),
    ]
    assert blocked.findings == ("AR106",)


def test_of_several_revisions_the_last_one_that_did_it_is_named() -> None:
    world = basics()
    world.alter(NEW, "product", "column", "added", "label", after="x")
    world.alter(NEWER, "product", "column", "changed", "label", before="x", after="y")
    world.alter(NEWER, "product", "column", "added", "other")
    assert only(pull_request(world, [made("add_column", "product", "label")], new=(NEW, NEWER))).revision == NEWER


def test_nobody_is_named_for_an_own_table_where_several_revisions_might_have_done_it() -> None:
    changes = [made("add_column", "poser_widget", "colour")]
    assert only(pull_request(basics(), changes)).revision == NEW
    assert only(pull_request(basics(), changes, new=(NEW, NEWER))).revision is None


@pytest.mark.parametrize(("table", "name"), [("poser_old", "poser_new"), ("old", "new")])
def test_both_halves_of_a_renaming_say_so(table: str, name: str) -> None:
    world = basics()
    world.databases[0].former.append(Origin(key(table), APP_REVISION, APP))
    world.databases[0].created(name, APP_REVISION)
    world.alter(NEW, table, "table", "renamed", name)
    found = pull_request(world, [made("remove_table", table), made("add_table", name)])
    written = [change for change in found.changes if change.state is State.IN_REVISION]
    assert [change.revision for change in written] == [NEW, NEW]
    assert all("Part of the rename of" in change.reason for change in written)


@pytest.mark.parametrize("column", [True, False])
def test_what_is_dropped_under_another_name_is_lost(column: bool) -> None:
    world = basics()
    if column:
        world.alter(NEW, "poser_widget", "column", "removed", "size", before="integer 2")
        world.alter(NEW, "poser_widget", "column", "added", "width", after="integer 2")
        world.alter(NEWER, "poser_widget", "column", "removed", "width", before="integer 2")
        changes = [made("remove_column", "poser_widget", "size")]
    else:
        world.databases[0].former += [Origin(key("poser_old"), APP_REVISION, APP)]
        world.databases[0].former += [Origin(key("poser_new"), APP_REVISION, APP)]
        world.alter(NEW, "poser_old", "table", "renamed", "poser_new")
        world.alter(NEWER, "poser_new", "table", "dropped")
        changes = [made("remove_table", "poser_old")]
    change = only(pull_request(world, changes, new=(NEW, NEWER)))
    assert (change.revision, change.findings) == (NEWER, ("AR201",))
    assert "rename of" not in change.reason


def test_another_table_may_get_the_old_name() -> None:
    world = basics()
    world.databases[0].created("poser_new", APP_REVISION)
    world.databases[0].former += [Origin(key("poser_old"), APP_REVISION, APP)]
    world.alter(NEW, "poser_old", "table", "renamed", "poser_new")
    assert "rename of" in only(pull_request(world, [made("remove_table", "poser_old")])).reason
    assert "rename of" in only(pull_request(world, [made("add_table", "poser_new")])).reason


@given(st.lists(st.sampled_from(["colour", "size", "weight"]), unique=True), st.booleans())
def test_every_change_is_there_once(names: list[str], plugin: bool) -> None:
    world = basics()
    for name in names:
        world.change("add_column", "poser_widget", name)
    pending = world.facts().databases[0].changes
    changes = [made("add_column", "poser_widget", f"{name}_then") for name in names]
    entity = made("op:CreateFunctionOp", "poser_widget", "f")
    if plugin:
        world.databases[0].changes.append(entity)
        changes.append(entity)
    found = pull_request(world, changes)
    in_revision = [change for change in found.changes if change.state is State.IN_REVISION]
    # What a plugin wants of the base and of today's heads alike is pending.
    assert sorted(change.name or "" for change in in_revision) == sorted(f"{name}_then" for name in names)
    assert len(found.changes) - len(in_revision) == len(pending) + plugin
    assert (found.base, found.ref) == (BASE, "main")


def test_what_is_pending_and_what_is_in_a_revision_never_share_a_fingerprint() -> None:
    world = basics()
    world.change("remove_fk", "poser_widget", "fk_size")
    found = pull_request(world, [made("remove_fk", "poser_widget", "fk_size")])
    assert len({change.fingerprint for change in found.changes}) == len(found.changes) == 2


def test_what_no_comparison_shows_is_listed() -> None:
    world = basics()
    world.alter(NEW, "poser_widget", "index", "changed", "ix_size", columns=("size",))
    world.alter(NEW, "poser_widget", "column", "added", "colour")
    world.alter(NEW, "poser_widget", "column", "added", "gone", after="x")
    world.alter(NEWER, "poser_widget", "column", "removed", "gone", before="x")
    pull_request(world, [made("add_column", "poser_widget", "colour")], new=(NEW, NEWER))
    said = [line for line in world.review().provenance.not_checked if "no comparison" in line]
    assert said == ["that revision n1 changed the index ix_size of poser_widget (no comparison shows it)"]


@pytest.mark.parametrize(
    ("alterations", "said"),
    [
        ([(NEW, "column", "changed", "size", "int 2", "int 4")], ["drops the column size of poser_widget"]),
        ([(NEW, "column", "changed", "size", "int 2", "text 2")], []),
        ([(NEW, "table", "dropped", None, None, None)], ["drops the table poser_widget"]),
        (
            [(NEW, "column", "removed", "size", "int 2", None), (NEWER, "column", "added", "size", None, "int 4")],
            ["drops the column size of poser_widget"],
        ),
        ([(NEW, "column", "added", "c", None, "int 2"), (NEWER, "column", "removed", "c", "int 2", None)], []),
    ],
)
def test_what_is_dropped_and_made_again_is_gone_all_the_same(alterations: list[Any], said: list[str]) -> None:
    world = basics()
    for revision, kind, action, name, before, after in alterations:
        world.alter(revision, "poser_widget", kind, action, name, before=before, after=after)
    pull_request(world, [], new=(NEW, NEWER))
    told = [finding.message for finding in world.review().findings if finding.code == "AR201"]
    assert told == [f"Revision {NEW} {did} with all its data, and creates it again." for did in said]


def test_new_revisions_come_in_the_order_in_which_they_are_applied() -> None:
    world = basics()
    world.revision(NEWER, APP, f"{folder(APP)}/versions")
    world.revision(NEW, APP, f"{folder(APP)}/versions")
    facts = world.facts()
    applied = (CORE_REVISION, APP_REVISION, NEWER, NEW)
    then = tuple(revision for revision in facts.revisions if revision.id not in (NEW, NEWER))
    now = tuple(replace(revision, message=f"message of {revision.id}") for revision in facts.revisions)
    databases = tuple(replace(database, applied=applied) for database in facts.databases)
    world.history = PullRequestBase(BASE, replace(facts, revisions=then))
    world.facts = lambda: replace(facts, revisions=now, databases=databases)  # type: ignore[method-assign]
    found = world.review().pull_request
    assert found is not None
    assert [(new.id, new.owner, new.message) for new in found.new_revisions] == [
        (NEWER, APP, "message of n2"),
        (NEW, APP, "message of n1"),
    ]


def test_other_databases_at_the_base_are_an_error() -> None:
    world = basics()
    facts = world.facts()
    others = tuple(replace(database, target="sqlite:///other") for database in facts.databases)
    world.history = PullRequestBase(BASE, replace(facts, databases=others))
    with pytest.raises(ObservationError, match="different databases"):
        world.review()
