from __future__ import annotations

import pytest

from alembic_review.judge.pull_request.renames import Renaming, as_renamed, trace
from alembic_review.model.facts import Alteration, ChangeFact, TableKey

OLD, NEW = TableKey(None, "old"), TableKey(None, "new")


def column(action: str, name: str, text: str, revision: str = "r") -> Alteration:
    before, after = (text, None) if action == "removed" else (None, text)
    return Alteration(revision, OLD, "column", action, name, (name,), before, after)


def change(kind: str, key: TableKey, name: str | None = None, operation: int = 0) -> ChangeFact:
    return ChangeFact(kind, key, None, name, operation, "op.x()", "X;")


TABLE = Alteration("r", OLD, "table", "renamed", "new")


def test_a_table_with_another_name() -> None:
    (found,) = trace([TABLE], places=False).renamings
    assert (found.python, found.sql) == ("op.rename_table('old', 'new')", 'ALTER TABLE "old" RENAME TO "new";')
    went, came = as_renamed([change("remove_table", OLD, None, 3), change("add_table", NEW, None, 5)], [found])
    assert (went.sql, came.sql, went.operation, came.operation) == (found.sql, found.sql, 3, 3)
    assert not found.half(change("remove_table", NEW))
    assert not found.half(change("add_column", OLD, "new"))


def test_a_table_that_was_changed_too() -> None:
    steps = [TABLE, column("added", "more", "x"), column("removed", "a", "text 2"), column("added", "b", "text 2")]
    (found,) = [one for one in trace(steps, places=True).renamings if one.column is None]
    assert found.more == ("renamed the column a to b", "added the column more")
    went, came = as_renamed([change("remove_table", OLD), change("add_table", NEW)], [found])
    assert went.sql == came.sql
    assert went.sql == 'ALTER TABLE "old" RENAME TO "new"; -- also: renamed the column a to b, added the column more'


@pytest.mark.parametrize(
    ("alterations", "places", "expected"),
    [
        ([column("removed", "a", "text 2"), column("added", "b", "text 2")], True, [("a", "b")]),
        ([column("removed", "a", "text 2"), column("added", "b", "integer 2")], True, [("a", "b")]),
        ([column("removed", "a", "text 2"), column("added", "b", "text 5")], True, []),
        ([column("removed", "a", "text"), column("added", "b", "text")], False, []),
        ([column("removed", "a", "text 2"), column("added", "b", "text 2", "s")], True, []),
    ],
)
def test_a_column_with_another_name(
    alterations: list[Alteration], places: bool, expected: list[tuple[str, str]]
) -> None:
    assert [(one.column, one.new) for one in trace(alterations, places=places).renamings] == expected


def table(revision: str, name: str, new: str | None) -> Alteration:
    action = "dropped" if new is None else "renamed"
    return Alteration(revision, TableKey(None, name), "table", action, new)


@pytest.mark.parametrize(
    ("alterations", "names", "lost"),
    [
        ([table("r", "a", "b"), table("s", "b", "c")], [("a", "c", "s")], {}),
        ([table("r", "a", "b"), table("s", "b", "a")], [], {}),
        ([table("r", "a", "b"), table("s", "b", None)], [], {"a": "s"}),
        ([table("r", "a", None)], [], {"a": "r"}),
        ([table("r", "a", "b"), table("r", "b", "a")], [("a", "b", "r"), ("b", "a", "r")], {}),
        ([table("r", "a", "b"), table("s", "c", "a"), table("t", "a", None)], [("a", "b", "r")], {"c": "t"}),
    ],
)
def test_a_table_is_followed_through_its_names(
    alterations: list[Alteration], names: list[tuple[str, str, str]], lost: dict[str, str]
) -> None:
    found = trace(alterations, places=True)
    assert sorted((one.table.name, one.new, one.revision) for one in found.renamings) == names
    assert {key.name: revision for (key, _), revision in found.lost.items()} == lost
    assert not found.kept & found.lost.keys()


def test_a_column_is_followed_through_its_names() -> None:
    steps = [
        *(column("removed", "a", "text 2"), column("added", "b", "text 2")),
        *(column("removed", "b", "text 2", "s"), column("added", "c", "text 2", "s")),
        *(column("removed", "x", "text 3"), column("added", "y", "text 3")),
        column("removed", "y", "text 3", "t"),
        *(column("removed", "m", "text 4", "t"), column("added", "n", "integer 4", "t")),
    ]
    found = trace(steps, places=True)
    assert [(one.column, one.new, one.revision, one.more) for one in found.renamings] == [
        ("a", "c", "s", ()),
        ("m", "n", "t", ("changed the column n",)),
    ]
    assert set(found.kept) == {(OLD, "a"), (OLD, "m")}
    assert dict(found.lost) == {(OLD, "x"): "t"}


def test_another_schema_keeps_the_name() -> None:
    (found,) = trace([table("r", "a", "a")], places=True).renamings
    assert found.half(change("remove_table", TableKey(None, "a")))
    assert found.half(change("add_table", TableKey("s", "a")))
    halves = [change("remove_table", TableKey(None, "a")), change("add_table", TableKey("s", "a"))]
    assert as_renamed(halves, [found]) == halves


def test_columns_are_known_by_the_first_name_of_their_table() -> None:
    later = Alteration("s", NEW, "column", "removed", "price", ("price",), "integer 3", None)
    found = trace([TABLE, column("removed", "size", "text 2"), later], places=True)
    assert dict(found.lost) == {(OLD, "size"): "r", (OLD, "price"): "s"}
    (renaming,) = found.renamings
    assert renaming.more == ("removed the column size", "removed the column price")


def test_names_are_quoted() -> None:
    renaming = Renaming(TableKey("s", 'My "old"'), "From", "to_x", "r")
    assert renaming.sql == 'ALTER TABLE "s"."My ""old""" RENAME COLUMN "From" TO "to_x";'
    assert renaming.python == "op.alter_column('My \"old\"', 'From', new_column_name='to_x', schema='s')"


def test_an_index_that_only_names_the_table_otherwise_is_the_same() -> None:
    def index(before: str, after: str) -> Alteration:
        return Alteration("r", OLD, "index", "changed", "ix", ("a",), before, after)

    same = index("CREATE INDEX ix ON public.old USING btree (a)", "CREATE INDEX ix ON public.new USING btree (a)")
    other = index("CREATE INDEX ix ON public.old USING btree (a)", "CREATE INDEX ix ON public.new USING btree (b)")
    assert trace([TABLE, same], places=True).renamings[0].more == ()
    assert trace([TABLE, other], places=True).renamings[0].more == ("changed the index ix",)


def test_columns_may_change_names_with_each_other() -> None:
    def changed(name: str, before: str, after: str) -> Alteration:
        return Alteration("r", OLD, "column", "changed", name, (name,), before, after)

    swapped = trace([changed("a", "text 1", "integer 2"), changed("b", "integer 2", "text 1")], places=True)
    assert [(one.column, one.new, one.more) for one in swapped.renamings] == [("a", "b", ()), ("b", "a", ())]
    assert not swapped.lost
    anew = trace([changed("a", "text 1", "integer 9"), column("added", "b", "text 1")], places=True)
    assert [(one.column, one.new, one.more) for one in anew.renamings] == [("a", "b", ())]
    assert not anew.lost
    again = trace([changed("a", "text 1", "text 9")], places=True)
    assert dict(again.lost) == {(OLD, "a"): "r"}
    assert not again.renamings
