"""What is drawn: the touched tables and their neighbours, each once."""

from __future__ import annotations

from dataclasses import replace

from alembic_review.model.review import Change, ChangeSince, PullRequest, Review, Role, State, Table, Verdict
from alembic_review.reports.parts.diagram import EXTENDS, MOST, REFERS, Diagram, diagram
from tests.reports.samples import sample

CHANGE = next(change for change in sample("poser").changes if change.verdict is Verdict.SAFE)


def change(table: str | None, verdict: Verdict = Verdict.SAFE, **fields: object) -> Change:
    made = replace(CHANGE, table=table, verdict=verdict, fingerprint=f"{table} {verdict.value} {fields}")
    return replace(made, **fields)  # type: ignore[arg-type] # a test names the fields it wants


def review(*changes: Change, tables: tuple[Table, ...] = ()) -> Review:
    return replace(sample("clean"), changes=changes, tables=tables)


def table(name: str, role: Role = Role.CUSTOM, **fields: object) -> Table:
    return replace(Table(None, name, "poser" if role is Role.CUSTOM else "rattail", role), **fields)  # type: ignore[arg-type] # as above


def arrows(drawn: Diagram) -> set[tuple[str, str, str]]:
    return {(drawn.nodes[link.source].label, link.kind, drawn.nodes[link.target].label) for link in drawn.links}


def test_touched_tables_come_with_those_they_refer_to_and_those_that_refer_to_them() -> None:
    tables = (
        table("customer", Role.CORE, references=("person",)),
        table("order", references=("customer", "widget")),
        table("person", Role.CORE),
        table("poser_customer", extends="customer", references=("customer",)),
        table("widget"),
    )
    drawn = diagram(review(change("customer", Verdict.BLOCKED), tables=tables))
    assert arrows(drawn) == {
        ("customer", REFERS, "person"),
        ("order", REFERS, "customer"),
        ("poser_customer", EXTENDS, "customer"),
    }
    assert {node.label: node.touched for node in drawn.nodes} == {
        "customer": True,
        "person": False,
        "order": False,
        "poser_customer": False,
    }
    assert {node.label: node.role for node in drawn.nodes}["person"] is Role.CORE


def test_changes_are_counted_by_verdict_and_upstream_drift_touches_nothing() -> None:
    changes = (
        *(change("one"), change("one", name="other"), change("one", Verdict.BLOCKED)),
        *(change("two", Verdict.UPSTREAM), change(None)),
    )
    drawn = diagram(review(*changes, tables=(table("one"), table("two"))))
    assert [(node.label, node.safe, node.blocked) for node in drawn.nodes] == [("one", 2, 1)]


def test_what_a_pull_request_brought_into_a_revision_is_touched_and_what_is_pending_counts_once() -> None:
    pending = change("one")
    brought = change("two", fingerprint="brought")
    since = tuple(ChangeSince(**vars(entry), state=State.PENDING) for entry in (pending, brought))
    changed = replace(review(pending), pull_request=PullRequest("base", (), since))
    assert [(node.label, node.safe) for node in diagram(changed).nodes] == [("one", 1), ("two", 1)]


def test_a_table_that_a_revision_dropped_is_drawn_as_its_owners() -> None:
    since = [
        ChangeSince(**vars(change(name, verdict, owner=owner)), state=State.IN_REVISION, revision="abc")
        for name, verdict, owner in (("mine", Verdict.SAFE, "poser"), ("theirs", Verdict.BLOCKED, "rattail"))
    ]
    drawn = diagram(replace(review(), pull_request=PullRequest("c0ffee", (), tuple(since))))
    assert {(node.label, node.role, node.owner) for node in drawn.nodes} == {
        ("mine", Role.CUSTOM, "poser"),
        ("theirs", Role.CORE, "rattail"),
    }


def test_a_table_that_nobody_lists_is_drawn_as_unknown() -> None:
    (node,) = diagram(review(change("gone"))).nodes
    assert (node.role, node.owner) == (Role.UNKNOWN, None)


def test_schemas_and_databases_keep_tables_of_one_name_apart() -> None:
    tables = (
        table("t", schema="a", database="one", references=("b.t",)),
        table("t", schema="b", database="one"),
        table("t", schema="b", database="two"),
    )
    changes = [change("t", schema="a", database="one"), change("t", schema="b", database="two")]
    drawn = diagram(review(*changes, tables=tables))
    assert [node.label for node in drawn.nodes] == ["[one] a.t", "[two] b.t", "[one] b.t"]
    assert arrows(drawn) == {("[one] a.t", REFERS, "[one] b.t")}


def test_too_many_tables_are_cut_and_counted_with_the_blocked_ones_kept() -> None:
    changes = [change(f"t{number:03}") for number in range(MOST + 5)]
    last = change("zzz", Verdict.BLOCKED)
    drawn = diagram(review(*changes, last))
    assert len(drawn.nodes) == MOST
    assert drawn.left_out == 6
    assert drawn.nodes[0].label == "zzz"


def test_neighbours_give_way_to_touched_tables() -> None:
    referring = [table(f"n{number:03}", references=("hub",)) for number in range(MOST)]
    tables = (*referring, table("hub", references=("above",)), table("above"))
    drawn = diagram(review(change("hub"), tables=tables))
    assert [node.label for node in drawn.nodes][:2] == ["hub", "above"]
    assert drawn.left_out == 2
    assert len(drawn.links) == MOST - 1


def test_a_table_that_refers_to_itself_has_no_neighbour() -> None:
    drawn = diagram(review(change("tree"), tables=(table("tree"),)))
    assert (len(drawn.nodes), drawn.links) == (1, ())
