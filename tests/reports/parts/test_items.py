"""One cause is one item, and nothing is lost or doubled."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from alembic_review.model.review import ChangeSince, Review, State, Verdict
from alembic_review.reports.parts.headline import in_revisions
from alembic_review.reports.parts.items import Item, items, rows
from alembic_review.reports.parts.labels import row_label
from tests.reports.formats.test_json import reviews
from tests.reports.samples import NAMES, sample


def labels(item: Item) -> list[str]:
    return [row_label(row) for row in item.rows]


@pytest.mark.parametrize("name", NAMES)
def test_every_change_and_finding_of_a_sample_is_in_exactly_one_item(name: str) -> None:
    check_complete(sample(name))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(reviews)
def test_every_change_and_finding_is_in_exactly_one_item(review: Review) -> None:
    check_complete(review)


def check_complete(review: Review) -> None:
    found = items(review)
    changes = [id(change) for item in found for change in item.changes]
    assert sorted(changes) == sorted(map(id, (*in_revisions(review), *review.changes)))
    assert sorted(id(one) for item in found for one in item.findings) == sorted(map(id, review.findings))


def test_a_column_on_a_core_table_is_one_item_with_its_copy_its_revision_and_its_findings() -> None:
    column, index, *others = items(sample("since"))
    assert labels(column) == ["add_column product.shelf_label", "add_column product_history.shelf_label"]
    assert set(column.codes) == {"AR101", "AR105", "AR106", "AR704"}
    assert column.in_revision
    assert len(column.suggestions) == 1
    assert column.location == column.suggestions[0].location
    assert labels(index) == ["add_index ix_product_description on product (description)"]
    assert not any(item.is_problem for item in others)


def test_without_a_suggestion_the_line_of_the_models_joins_them() -> None:
    review = replace(sample("suggestion"), suggestions=())
    column, index = [item for item in items(review) if item.is_problem]
    assert labels(column) == ["add_column product.shelf_label", "add_column product_history.shelf_label"]
    assert len(index.rows) == 1


def test_a_new_table_is_one_item_with_its_indexes() -> None:
    table = next(item for item in items(sample("suggestion")) if item.rows[0].kind == "add_table")
    assert [row.kind for row in table.rows] == ["add_table", "add_index"]


def test_two_lines_of_the_models_are_two_items() -> None:
    review = sample("suggestion")
    blocked = [item for item in items(review) if item.verdict is Verdict.BLOCKED]
    assert len({item.location for item in blocked}) == len(blocked) == 2


def renamed(kinds: tuple[str, str], names: tuple[str | None, str | None], tables: tuple[str, str]) -> list[ChangeSince]:
    base = vars(in_revisions(sample("since"))[0])
    return [
        ChangeSince(**{**base, "kind": kind, "name": name, "table": table, "operation": 7, "fingerprint": kind})
        for kind, name, table in zip(kinds, names, tables, strict=True)
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_an_observed_rename_is_one_row(turned: bool) -> None:
    column = renamed(("remove_column", "add_column"), ("email", "mail"), ("account", "account"))
    table = renamed(("remove_table", "add_table"), (None, None), ("account", "login"))
    for halves, label in (
        (column, "rename_column account.email -> mail"),
        (table, "rename_table account -> login"),
    ):
        (row,) = rows(halves[::-1] if turned else halves)
        assert row_label(row) == label
        assert row.changes == tuple(halves)


def test_a_drop_and_an_addition_by_two_operations_are_two_rows() -> None:
    old, new = renamed(("remove_column", "add_column"), ("email", "mail"), ("account", "account"))
    assert [row.kind for row in rows([old, replace(new, operation=8)])] == ["remove_column", "add_column"]
    pending = replace(new, state=State.PENDING, revision=None)
    assert len(rows([old, pending])) == 2


@pytest.mark.parametrize(
    ("kind", "python", "sql", "label"),
    [
        (
            "modify_type",
            "op.alter_column('t', 'c', existing_type=sa.INTEGER(), type_=sa.BigInteger(), nullable=True)",
            "ALTER TABLE t ALTER COLUMN c TYPE BIGINT;",
            "modify_type t.c INTEGER -> BIGINT",
        ),
        (
            "modify_type",
            "op.alter_column('t', 'c', existing_type=sa.VARCHAR(length=5), type_=sa.String(length=9))",
            None,
            "modify_type t.c VARCHAR(5) -> String(9)",
        ),
        ("modify_nullable", "op.alter_column('t', 'c', nullable=False)", None, "modify_nullable t.c NULL -> NOT NULL"),
        ("modify_nullable", "op.alter_column('t', 'c', nullable=True)", None, "modify_nullable t.c NOT NULL -> NULL"),
        ("modify_type", "op.alter_column(", "", "modify_type t.c"),
        ("modify_type", "", None, "modify_type t.c"),
        ("modify_type", "(" * 5000, None, "modify_type t.c"),
        ("add_column", "op.alter_column('t', 'c', nullable=True)", None, "add_column t.c"),
    ],
)
def test_a_label_shows_what_a_column_changes_to(kind: str, python: str, sql: str | None, label: str) -> None:
    change = replace(
        sample("suggestion").changes[0], kind=kind, table="t", name="c", columns=(), python=python, sql=sql
    )
    assert row_label(rows([change])[0]) == label
