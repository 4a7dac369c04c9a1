"""Incomplete replays are recognised by the steps that were run and by what the database contains."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from alembic_review.worker.redirect.sqlite_authorizer import AlteredTables
from alembic_review.worker.replay.catalogue import catalogue_of
from alembic_review.worker.replay.completeness import ancestors
from alembic_review.worker.replay.database_contents import differences, listed
from alembic_review.worker.replay.first_failure import definition, not_consumed, not_run, remembered
from alembic_review.worker.replay.statements_after_replay import Afterwards, lines
from alembic_review.worker.worker_errors import StoppedError, WorkerError


class Step:
    def __init__(self, function: Callable[..., Any]) -> None:
        self.migration_fn = function


async def coroutine() -> None: ...


def generator() -> Any:
    yield


def plain() -> str:
    return "done"


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (coroutine, "a coroutine function"),
        (generator, "a generator function"),
        (partial(coroutine), "a coroutine function"),
        (plain, ""),
        (lambda: coroutine(), ""),  # noqa: PLW0108 - a function that returns a coroutine
    ],
)
def test_functions_whose_body_does_not_run(function: Any, kind: str) -> None:
    assert not_run(function) == kind
    assert definition(function).startswith(__file__)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (coroutine(), "a coroutine or another awaitable"),
        (generator(), "a generator"),
        (map(str, [1]), "an iterator that nothing consumes"),
        (None, ""),
        ("text", ""),
        ([1], ""),
    ],
)
def test_results_that_nothing_consumes(value: Any, kind: str) -> None:
    assert not_consumed(value) == kind


@pytest.mark.parametrize(
    ("error", "kept"), [(SystemExit(0), True), (WorkerError("failed"), True), (StoppedError("enough"), False)]
)
def test_the_failure_of_a_step_is_kept(error: BaseException, kept: bool) -> None:
    def fail() -> None:
        raise error

    failed: list[WorkerError] = []
    first, second = remembered([Step(plain), Step(fail)], failed, lambda raised: WorkerError(repr(raised)))
    first.migration_fn()
    with pytest.raises(type(error)):
        second.migration_fn()
    assert bool(failed) is kept


def test_ancestors_follow_every_parent() -> None:
    known = {"a": (), "b": ("a",), "c": ("b", "x"), "x": (), "y": ()}
    assert ancestors(known, ["c", "unknown"]) == {"a", "b", "c", "x"}


DIFFERENCES = {
    "DROP TABLE book": {("the table book", "missing"), ("the index ix_title", "missing")},
    "DROP INDEX ix_title": {("the index ix_title", "missing")},
    "ALTER TABLE book RENAME TO novel": {("the table book", "missing"), ("the index ix_title", "changed")},
    "ALTER TABLE book ADD COLUMN pages INTEGER": {("columns of book", "added")},
    "CREATE VIEW books AS SELECT id FROM book": {("the view books", "added")},
    "INSERT INTO book VALUES (1, 'x')": set(),
}


@pytest.mark.parametrize("statement", DIFFERENCES)
def test_differences_of_sqlite(statement: str) -> None:
    with create_engine("sqlite://").connect() as connection:
        connection.execute(text("CREATE TABLE book (id INTEGER NOT NULL, title TEXT, PRIMARY KEY (id))"))
        connection.execute(text("CREATE INDEX ix_title ON book (title)"))
        catalogue = catalogue_of(connection, AlteredTables(lambda: None))
        before = listed(catalogue, connection)
        connection.execute(text(statement))
        found = {(each.what, each.how) for each in differences(before, listed(catalogue, connection, before))}
    assert DIFFERENCES[statement] <= found
    assert bool(found) is bool(DIFFERENCES[statement])


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("INSERT INTO country (code) VALUES ('de')", "country"),
        ('UPDATE "book" SET title = 1', "book"),
        ("DELETE FROM shelf.book", "shelf.book"),
        ("TRUNCATE TABLE book", "book"),
        ("SELECT 1", None),
        ("CREATE TABLE book (id INTEGER)", None),
    ],
)
def test_rows_that_are_written_afterwards(statement: str, table: str | None) -> None:
    afterwards = Afterwards()
    afterwards.note(statement)
    expected = (f"rows of {table} (env.py wrote them after the revisions)",) if table else ()
    assert afterwards.not_checked() == expected


def test_many_lines_of_one_kind_are_counted() -> None:
    found = lines([(f"the table t{number}", "table") for number in range(7)] + [("the view v", "view")])
    assert len(found) == 7
    assert found[5] == "2 more of this kind: table (env.py, after the revisions)"
