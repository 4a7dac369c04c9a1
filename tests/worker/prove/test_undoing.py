"""Code for downgrades that leave something."""

from __future__ import annotations

import pytest

from alembic_review.model.keys import TableKey
from alembic_review.model.proofs import DatabaseError
from alembic_review.worker.prove.inventory import Difference, Item, differences
from alembic_review.worker.prove.undoing import named, undo

WIDGET = TableKey("public", "widget")
OTHER = TableKey("shop", "widget")
TABLE, COLUMN = Item("table", WIDGET, "widget"), Item("column", WIDGET, "size")
TYPE = Item("type", None, "state")
DROPPED = "op.drop_constraint('uq_1', 'widget')"


def test_only_what_differs_is_a_difference() -> None:
    before = {TABLE: "", COLUMN: "integer", Item("index", WIDGET, "ix"): "CREATE INDEX ix", TYPE: "'a'"}
    after = {TABLE: "", COLUMN: "bigint", Item("sequence", None, "numbers"): "1", TYPE: "'a'"}
    assert differences(before, before) == []
    found = {(one.item.kind, one.item.name, one.how) for one in differences(before, after)}
    assert found == {("column", "size", "changed"), ("index", "ix", "gone"), ("sequence", "numbers", "left")}


def test_of_a_whole_table_its_parts_are_not_differences() -> None:
    (left,) = differences({}, {TABLE: "", COLUMN: "integer"})
    assert left == Difference(TABLE, "left")
    (gone,) = differences({TABLE: "", COLUMN: "integer"}, {})
    assert gone == Difference(TABLE, "gone")


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (TABLE, "op.drop_table('widget')"),
        (Item("table", OTHER, "widget"), "op.drop_table('widget', schema='shop')"),
        (COLUMN, "op.drop_column('widget', 'size')"),
        (Item("index", OTHER, "ix"), "op.drop_index('ix', table_name='widget', schema='shop')"),
        (Item("constraint", WIDGET, "ck"), "op.drop_constraint('ck', 'widget')"),
        (Item("trigger", OTHER, "tr"), "op.execute('DROP TRIGGER tr ON shop.widget')"),
        (TYPE, 'op.execute("DROP TYPE state")'),
        (Item("materialized view", TableKey("public", "mv"), "mv"), 'op.execute("DROP MATERIALIZED VIEW mv")'),
        (Item("function", None, "f(a integer)"), 'op.execute("DROP FUNCTION f(a integer)")'),
        (Item("comment", WIDGET, ""), None),
    ],
)
def test_what_is_left_is_dropped(item: Item, code: str | None) -> None:
    assert undo(Difference(item, "left", after="…")) == code


@pytest.mark.parametrize(
    ("item", "before", "code"),
    [
        (
            Item("index", WIDGET, "ix"),
            "CREATE INDEX ix ON public.widget USING btree (size)",
            "op.execute('CREATE INDEX ix ON public.widget USING btree (size)')",
        ),
        (
            Item("trigger", WIDGET, "tr"),
            "CREATE TRIGGER tr AFTER INSERT ON widget EXECUTE FUNCTION f() O",
            "op.execute('CREATE TRIGGER tr AFTER INSERT ON widget EXECUTE FUNCTION f()')",
        ),
        (
            Item("constraint", OTHER, "ck"),
            "CHECK ((size > 0))",
            "op.execute('ALTER TABLE shop.widget ADD CONSTRAINT ck CHECK ((size > 0))')",
        ),
        (COLUMN, "integer", None),
        (Item("view", TableKey("public", "v"), "v"), " SELECT 1 AS one;", None),
    ],
)
def test_what_is_gone_is_created_from_its_definition(item: Item, before: str, code: str | None) -> None:
    assert undo(Difference(item, "gone", before=before)) == code


def test_what_changed_has_no_code() -> None:
    assert undo(Difference(TYPE, "changed", "'a'", "'a', 'b'")) is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            DatabaseError("Can't emit DROP CONSTRAINT for constraint; it has no name"),
            ["op.drop_constraint('uq_1', 'widget')"],
        ),
        (DatabaseError('constraint "uq" does not exist', "42704"), ["op.drop_constraint('uq_1', 'widget')"]),
        (DatabaseError("no way back"), []),
        (DatabaseError('table "x" does not exist', "42P01"), []),
    ],
)
def test_a_constraint_without_a_name_has_that_of_the_server(error: DatabaseError, code: list[str]) -> None:
    new = [
        Difference(Item("constraint", WIDGET, "uq_1"), "left", after="UNIQUE (size)"),
        Difference(Item("constraint", WIDGET, "uq_0"), "gone", before="UNIQUE (size)"),
        Difference(TYPE, "left"),
    ]
    assert list(named(new, error)) == code
