"""What can't be written without something that is left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alembic_review.judge.dependent_changes import follow
from alembic_review.model.facts import ChangeFact, Reference, TableKey, TypeUse


def change(kind: str, table: str | None, name: str | None = None, **fields: Any) -> ChangeFact:
    key = TableKey(None, table) if table is not None else None
    columns = (name,) if kind.endswith("column") and name else ()
    return ChangeFact(kind, key, None, name, 0, "", None, **{"columns": columns, **fields})


def refers(table: str, *columns: str) -> tuple[Reference, ...]:
    return (Reference(TableKey(None, table), columns),)


@pytest.mark.parametrize(
    ("kept", "omitted", "goes"),
    [
        (change("add_table", "mine", references=refers("core", "id")), change("add_table", "core"), True),
        (change("add_table", "mine", references=refers("core", "id")), change("add_column", "core", "id"), True),
        (change("add_table", "mine", references=refers("core", "id")), change("add_column", "core", "other"), False),
        (
            change("add_fk", "mine", references=refers("core", "code")),
            change("add_constraint", "core", "uq", columns=("code",)),
            True,
        ),
        (
            change("add_fk", "mine", references=refers("core", "a", "b")),
            change("add_index", "core", "ux", columns=("b", "a")),
            True,
        ),
        (
            change("add_fk", "mine", references=refers("core", "code")),
            change("add_index", "core", "ix", columns=("other",)),
            False,
        ),
        (change("add_index", "mine", "ix", columns=("a",)), change("add_table", "mine"), True),
        (change("add_index", "mine", "ix", columns=("a",)), change("add_column", "mine", "a"), True),
        (change("add_index", "mine", "ix", columns=("a",)), change("add_column", "mine", "b"), False),
        (change("remove_column", "mine", "a"), change("add_column", "mine", "a"), False),
        (
            change("add_table", "mine"),
            change("op:CreateEnumOp", None, "state", type_users=(TypeUse(TableKey(None, "mine"), "s", "models"),)),
            True,
        ),
        (
            change("add_column", "mine", "t"),
            change("op:CreateEnumOp", None, "state", type_users=(TypeUse(TableKey(None, "mine"), "s", "models"),)),
            False,
        ),
    ],
)
def test_what_needs_what(kept: ChangeFact, omitted: ChangeFact, goes: bool) -> None:
    assert (id(kept) in follow([kept], [omitted])) is goes


def test_it_goes_on_through_what_goes_too() -> None:
    table = change("add_table", "mine", references=refers("core", "id"))
    index = change("add_index", "mine", "ix", columns=("a",))
    line = change("add_table", "line", references=refers("mine", "id"))
    other = change("add_table", "other")
    found = follow([index, other, line, table], [change("add_table", "core")])
    assert set(found) == {id(table), id(index), id(line)}
    assert found[id(line)] is table


tables = st.sampled_from(["a", "b", "c", "d"])
changes = st.builds(
    lambda kind, table, name, target: change(kind, table, name, references=refers(target, "id")),
    st.sampled_from(["add_table", "add_column", "add_fk", "remove_column"]),
    tables,
    st.sampled_from(["id", "x"]),
    tables,
)


@given(st.lists(changes, max_size=6), st.lists(changes, max_size=4))
def test_what_stays_needs_nothing_that_goes(kept: list[ChangeFact], omitted: list[ChangeFact]) -> None:
    gone = follow(kept, omitted)
    stays = [one for one in kept if id(one) not in gone]
    assert follow(stays, [*omitted, *(one for one in kept if id(one) in gone)]) == {}
