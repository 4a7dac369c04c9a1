"""Which operations are removed: verdicts are looked up by fingerprint."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import ops
from alembic.util import CommandError
from sqlalchemy import Column, ForeignKey, Integer, MetaData

from alembic_review.guard import unsafe_operations
from alembic_review.guard.unsafe_operations import remove_unsafe
from alembic_review.judge.fingerprint import fingerprints
from alembic_review.model.review import Accepted, Change, Finding, Review, Severity, Verdict
from alembic_review.worker.compare.comparison import read
from tests.reports.samples import sample

Reviewed = Callable[..., None]
PREFIXES = {"sqlalchemy_module_prefix": "sa.", "alembic_module_prefix": "op.", "user_module_prefix": None}


def context() -> MigrationContext:
    return MigrationContext.configure(dialect_name="postgresql", opts={"target_metadata": MetaData(), **PREFIXES})


@pytest.fixture
def reviewed(monkeypatch: pytest.MonkeyPatch) -> Reviewed:
    """A function that makes a review with these changes and findings the one that the guard gets."""

    def use(changes: tuple[Change, ...], findings: tuple[Finding, ...] = ()) -> None:
        review: Review = replace(sample("clean"), changes=changes, findings=findings)
        monkeypatch.setattr(unsafe_operations, "review_of", lambda _config: review)

    return use


def added(table: str, name: str) -> ops.ModifyTableOps:
    return ops.ModifyTableOps(table, [ops.AddColumnOp(table, Column(name, Integer()))])


def script(*operations: Any) -> ops.MigrationScript:
    upgrade = ops.UpgradeOps(list(operations))
    return ops.MigrationScript(rev_id="a", upgrade_ops=upgrade, downgrade_ops=upgrade.reverse())


def changes(*operations: Any, scope: str | None = None, **what: Any) -> list[Change]:
    """The changes of these operations, safe unless ``what`` says otherwise."""
    _, facts = read(context(), ops.UpgradeOps(list(operations)))
    names = fingerprints((scope, fact) for fact in facts)
    told = {"verdict": Verdict.SAFE, "owner": "shop", "cause": "shop", "reason": "", "location": None, **what}
    return [
        Change(
            fingerprint=name,
            kind=fact.kind,
            schema=fact.schema,
            table=fact.key.name if fact.key else None,
            name=fact.name,
            operation=fact.operation,
            python=fact.python,
            sql=fact.sql,
            columns=fact.columns,
            **told,
        )
        for name, fact in zip(names, facts, strict=True)
    ]


def left(made: ops.MigrationScript) -> list[tuple[str, ...]]:
    """The differences that the upgrade and the downgrade make."""
    assert made.upgrade_ops is not None
    assert made.downgrade_ops is not None
    entries = [*made.upgrade_ops.as_diffs(), *made.downgrade_ops.as_diffs()]
    return [(entry[0], str(getattr(entry[1], "name", None) or f"{entry[2]}.{entry[3].name}")) for entry in entries]


def test_what_is_safe_stays_and_all_else_is_listed(reviewed: Reviewed, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = {"verdict": Verdict.BLOCKED, "owner": "acme", "reason": "It is acme's."}
    upstream = {"verdict": Verdict.UPSTREAM, "owner": "acme", "reason": "acme drifted."}
    accepted = Accepted("agreed")
    reviewed(
        (
            *changes(added("widget", "colour")),
            *changes(added("product", "fax"), **blocked),
            *changes(added("store", "fax"), **upstream),
            *changes(added("widget", "size"), accepted=accepted),
        )
    )
    made = script(
        added("widget", "colour"),
        added("product", "fax"),
        added("store", "fax"),
        added("widget", "size"),
        added("widget", "unheard"),
    )

    remove_unsafe(context(), [made])

    assert left(made) == [("add_column", "widget.colour"), ("remove_column", "widget.colour")]
    assert capsys.readouterr().err.splitlines() == [
        "alembic-review: reviewing the changes",
        "alembic-review: left out of the revision:",
        "- add_column product.fax (owner: acme): It is acme's.",
        "- add_column store.fax (owner: acme): acme drifted.",
        "- add_column widget.size (owner: shop): It is accepted as it is: agreed",
        f"- add_column widget.unheard (owner: ?): {unsafe_operations._UNKNOWN}",
    ]


def test_alembic_logs_nothing_of_what_the_guard_looks_at(reviewed: Reviewed, caplog: pytest.LogCaptureFixture) -> None:
    reviewed(tuple(changes(added("widget", "colour"))))
    used = context()
    with caplog.at_level(logging.INFO, logger="alembic"):
        remove_unsafe(used, [script(added("widget", "colour"))])
        assert caplog.messages == []
        context()
        assert "Context impl PostgresqlImpl." in caplog.messages


def test_the_same_change_to_something_else_is_another_one(reviewed: Reviewed) -> None:
    reviewed(tuple(changes(ops.ModifyTableOps("widget", [ops.AddColumnOp("widget", Column("size", Integer()))]))))
    unique = ops.AddColumnOp("widget", Column("size", Integer(), nullable=False))
    made = script(ops.ModifyTableOps("widget", [unique]))

    remove_unsafe(context(), [made])

    assert left(made) == []


def test_a_safe_table_that_needs_a_blocked_column_is_left_out(
    reviewed: Reviewed, capsys: pytest.CaptureFixture[str]
) -> None:
    column = Column("fax", Integer(), ForeignKey("store.fax"))
    table = ops.CreateTableOp("fax", [Column("id", Integer(), primary_key=True), column])
    # A foreign key of the model's is a constraint of the table that Alembic creates.
    table = ops.CreateTableOp.from_table(table.to_table())
    reviewed((*changes(table), *changes(added("store", "fax"), verdict=Verdict.BLOCKED, reason="acme's")))
    made = script(added("store", "fax"), table)

    remove_unsafe(context(), [made])

    assert left(made) == []
    assert (
        "- add_table fax (owner: shop): It needs add_column store.fax, which is blocked.\n" in capsys.readouterr().err
    )


def test_a_rename_of_the_settings_is_not_written_as_a_drop_and_an_addition(
    reviewed: Reviewed, capsys: pytest.CaptureFixture[str]
) -> None:
    halves = changes(added("widget", "colour"), added("widget", "size"))
    rename = replace(
        halves[0],
        fingerprint="0" * 16,
        kind="rename_column",
        name="color",
        columns=("color", "colour"),
        new_name="colour",
        replaces=tuple(half.fingerprint for half in halves),
    )
    reviewed((rename,))
    made = script(added("widget", "colour"), added("widget", "size"))

    remove_unsafe(context(), [made])

    assert left(made) == []
    assert capsys.readouterr().err.count("- rename_column widget.color -> colour (owner: shop): It is part of") == 1


def test_of_several_databases_the_worst_verdict_counts(reviewed: Reviewed) -> None:
    first, second = added("widget", "colour"), added("widget", "size")
    reviewed(
        (
            *changes(first, scope="main", database="main"),
            *changes(first, scope="log", database="log", verdict=Verdict.BLOCKED),
            *changes(second, scope="shop log", database="log", environment="shop"),
        )
    )
    made = script(first, second)

    remove_unsafe(context(), [made])

    assert left(made) == [("add_column", "widget.size"), ("remove_column", "widget.size")]


def test_a_review_is_made_only_where_something_would_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(unsafe_operations, "review_of", lambda _config: pytest.fail("reviewed"))

    remove_unsafe(context(), [script()])
    remove_unsafe(context(), [])

    assert capsys.readouterr().err == ""


def test_one_command_is_reviewed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    review = replace(sample("clean"), changes=tuple(changes(added("widget", "colour"))))

    def review_of(config: Any) -> Review:
        calls.append(config)
        return review

    monkeypatch.setattr(unsafe_operations, "review_of", review_of)

    class Command:
        """What Alembic has one of in each command."""

        def __init__(self, config: str) -> None:
            self.config = config

    one, other = Command(config="one"), Command(config="other")
    for environment in (one, one, other):
        used = context()
        used.environment_context = environment  # type: ignore[assignment]
        remove_unsafe(used, [script(added("widget", "colour"))])

    assert calls == ["one", "other"]


def finding(**what: Any) -> Finding:
    told = {"code": "AR105", "severity": Severity.ERROR, "blocks": True, "message": "Damage.", "hint": "Undo it."}
    return Finding(**{**told, "fingerprint": "f" * 16, **what})


def test_damage_that_no_pending_change_does_refuses_the_revision(reviewed: Reviewed) -> None:
    pending = changes(added("widget", "colour"))
    reviewed(tuple(pending), (finding(), finding(code="AR901", message="The server changed.")))

    with pytest.raises(CommandError) as error:
        remove_unsafe(context(), [script(added("widget", "colour"))])

    assert str(error.value) == (
        "alembic-review: no revision was written. Damage. [AR105] The server changed. [AR901]\nHint: Undo it."
    )


@pytest.mark.parametrize(
    "other",
    [
        finding(accepted=Accepted("agreed")),
        finding(change="a" * 16),
        finding(blocks=False),
    ],
    ids=["accepted", "of a change", "does not block"],
)
def test_other_findings_refuse_nothing(reviewed: Reviewed, other: Finding) -> None:
    reviewed(tuple(changes(added("widget", "colour"))), (other,))
    made = script(added("widget", "colour"))

    remove_unsafe(context(), [made])

    assert left(made) == [("add_column", "widget.colour"), ("remove_column", "widget.colour")]


def test_an_operation_that_can_t_be_rendered_ends_the_command(reviewed: Reviewed) -> None:
    def render_item(kind: str, item: Any, autogen_context: Any) -> str:
        raise LookupError(kind)

    reviewed(())
    used = context()
    used.opts["render_item"] = render_item

    with pytest.raises(CommandError, match=r"no revision was written\. Rendering AddColumnOp as Python failed"):
        remove_unsafe(used, [script(added("widget", "colour"))])
