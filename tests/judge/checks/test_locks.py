"""AR701 to AR710: what the statements of a plan lock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alembic_review.model.proofs import LOCKS, ROWS, Locks, Proved, Rows, Statement
from alembic_review.model.review import Proof, ProofState, Severity
from tests.judge.checks import proved
from tests.judge.checks.proved import EXCLUSIVE, IN_REVISION, SIZED, UNLIMITED, WIDGET, hazard, locked, locking
from tests.judge.world import basics, found

FAILING = Statement("ALTER TABLE poser_widget ALTER COLUMN size SET NOT NULL", 0)


def codes(*statements: object) -> set[str]:
    """What is found where nothing else is pending."""
    world = basics()
    locking(world, *statements)  # type: ignore[arg-type] # made by locked
    return {finding.code for finding in world.review().findings if finding.proof is not None}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (locked(held="ShareUpdateExclusiveLock", scanned=True), set()),
        (locked(held="AccessShareLock", scanned=True, defines=False), set()),
        (locked(held=EXCLUSIVE, scanned=True, defines=False), set()),
        (locked(held=EXCLUSIVE, scanned=True), {"AR702"}),
        (locked(held=EXCLUSIVE, scanned=True, rewritten=True), {"AR701"}),
        (locked(held="ShareLock", acquired="ShareLock"), set()),
        (locked(lock_timeout="5s"), set()),
        (locked(Statement("CREATE INDEX CONCURRENTLY ix", 0), None, held="", scanned=True, built=("ix",)), set()),
        (locked(Statement("CREATE INDEX ix", 0), None, held="", scanned=True, built=("ix",)), {"AR703"}),
        (locked(Statement("VALIDATE", 0), None, held="", scanned=True), set()),
    ],
)
def test_one_statement(statement: object, expected: set[str]) -> None:
    assert codes(statement) == expected


def test_locks_that_were_not_observed_are_said_to_be_so() -> None:
    world = basics()
    locking(world, locked(Statement("CREATE INDEX ix ON poser_widget (size)", 0), None, held="", built=("ix",)))
    (finding,) = found(world.review(), "AR703")
    assert finding.observed == {"lock": "locks not observed: the statement runs in AUTOCOMMIT", "blocks": None}
    assert finding.suggestion == (
        "with op.get_context().autocommit_block():\n    op.create_index('ix', 'poser_widget', ['size'],\n"
        "                    postgresql_concurrently=True)"
    )


def test_a_lock_and_what_it_blocks() -> None:
    world = basics()
    locking(world, replace(UNLIMITED, lock_timeout="5000"))
    (finding,) = found(world.review(), "AR704")
    assert finding.observed == {"lock": EXCLUSIVE, "blocks": "reads and writes", "lock_timeout": "5000"}
    assert finding.hint.endswith("lock_timeout is 5000 ms.")
    assert (finding.severity, finding.table) == (Severity.INFO, "poser_widget")


@pytest.mark.parametrize(
    ("version", "told"),
    [(None, False), (18, False), (16, True)],
)
def test_locks_of_another_version_than_that_of_production(version: int | None, told: bool) -> None:
    world = basics()
    world.settings = replace(world.settings, server_version=version)
    locking(world, UNLIMITED)
    review = world.review()
    (finding,) = found(review, "AR704")
    versions = "observed on PostgreSQL 18; production runs 16"
    assert finding.message.endswith(f" ({versions}).") is told
    assert review.proofs == (Proof(LOCKS, None, ProofState.FOUND, versions if told else ""),)
    assert bool(review.provenance.server_warning) is told
    world.settings = replace(world.settings, server_version=None)
    assert found(world.review(), "AR704")[0].fingerprint == finding.fingerprint


@pytest.mark.parametrize(
    ("table", "suggestion"),
    [
        (
            "ALTER TABLE poser_widget ADD CONSTRAINT uq UNIQUE (size)",
            """with op.get_context().autocommit_block():
    op.create_index('uq', 'poser_widget', ['size'], unique=True,
                    postgresql_concurrently=True)
op.execute('ALTER TABLE poser_widget ADD CONSTRAINT uq UNIQUE USING INDEX uq')""",
        ),
        (
            "CREATE INDEX uq ON poser_widget (lower(size))",
            """with op.get_context().autocommit_block():
    op.execute('CREATE INDEX CONCURRENTLY uq ON poser_widget (lower(size))')""",
        ),
        ("ALTER TABLE poser_widget ADD CONSTRAINT uq EXCLUDE USING gist (size WITH =)", None),
    ],
)
def test_how_an_index_is_built_concurrently(table: str, suggestion: str | None) -> None:
    world = basics()
    locking(world, locked(Statement(table, 0), scanned=True, built=("uq",)))
    (finding,) = found(world.review(), "AR703")
    assert finding.suggestion == suggestion


def test_a_constraint_is_validated_later() -> None:
    world = basics()
    locking(world, locked(Statement("ALTER TABLE poser_widget ADD CONSTRAINT ck CHECK (size > 0)", 0), scanned=True))
    (finding,) = found(world.review(), "AR702")
    assert finding.suggestion == (
        "op.execute('ALTER TABLE poser_widget ADD CONSTRAINT ck CHECK (size > 0) NOT VALID')\n\n"
        "# in the next revision\nop.execute('ALTER TABLE poser_widget VALIDATE CONSTRAINT ck')"
    )


@pytest.mark.parametrize(
    ("later", "held"),
    [
        (locked(SIZED, 0, held="", rewritten=True), True),
        (locked(SIZED, 0, held="", built=("ix",)), True),
        (locked(SIZED, 0, held=""), False),
        (locked(SIZED, 1, held="", scanned=True), False),
        (locked(SIZED, None, held="", scanned=True), False),
        (locked(IN_REVISION, 0, held="", scanned=True), False),
    ],
)
def test_a_lock_that_is_held_over_work(later: object, *, held: bool) -> None:
    assert ("AR705" in codes(locked(held=EXCLUSIVE), later)) is held


def test_work_before_the_lock_does_not_count() -> None:
    assert "AR705" not in codes(locked(held="", scanned=True, defines=False), locked(held=EXCLUSIVE))


def test_no_timeout_is_told_once() -> None:
    world = basics()
    again = replace(UNLIMITED, statement=IN_REVISION)
    locking(world, UNLIMITED, again, limited_by="revision c3d4")
    (finding,) = found(world.review(), "AR706")
    assert finding.message.startswith("Revision c3d4 sets lock_timeout, but `poser_widget` is locked without it:")
    assert finding.observed == {"is": "0", "wanted": "5s"}


def test_without_any_lock_timeout_the_lock_itself_has_a_hint() -> None:
    world = basics()
    locking(world, UNLIMITED)
    (finding,) = found(world.review(), "AR704")
    assert found(world.review(), "AR706") == []
    assert finding.hint.endswith("set a lock_timeout; none is set.")
    assert finding.observed == {"lock": EXCLUSIVE, "blocks": "reads and writes", "lock_timeout": "0"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"rewritten": True}, "rewrites `poser_widget` and blocks writes."),
        ({"scanned": True}, "scans `poser_widget` and blocks writes."),
        ({"scanned": True, "built": ("ix",)}, "builds the index `ix` of `poser_widget` and blocks writes."),
    ],
)
def test_a_statement_that_fails_on_rows_is_told_once(fields: dict[str, Any], told: str) -> None:
    world = basics()
    later = locked(held=EXCLUSIVE, scanned=True, defines=False)
    locking(world, locked(held=EXCLUSIVE), locked(FAILING, **fields), later)
    wrong = Proved(ROWS, 0, rows=Rows((WIDGET,), (), (hazard("not_null", statement=FAILING),)))
    proved.proved(world, *world.proofs.proved, wrong)
    review = world.review()
    assert {finding.code for finding in review.findings if finding.proof is not None} == {"AR210", "AR705"}
    assert found(review, "AR210")[0].hint.endswith(told)


def test_what_failed_takes_no_lock_that_is_held() -> None:
    world = basics()
    locking(world, locked(FAILING, held=EXCLUSIVE, acquired=EXCLUSIVE), locked(held="", scanned=True, defines=False))
    wrong = Proved(ROWS, 0, rows=Rows((WIDGET,), (), (hazard("not_null", statement=FAILING),)))
    proved.proved(world, *world.proofs.proved, wrong)
    assert {finding.code for finding in world.review().findings if finding.proof is not None} == {"AR210"}


def at(sql: str, transaction: int | None) -> object:
    return locked(replace(IN_REVISION, sql=sql), transaction)


@pytest.mark.parametrize(
    ("statements", "half"),
    [
        ((at("CREATE INDEX CONCURRENTLY ix", None),), False),
        ((at("ALTER TABLE t", 0), at("CREATE INDEX CONCURRENTLY ix", None)), False),
        ((at("CREATE INDEX CONCURRENTLY a", None), at("CREATE INDEX CONCURRENTLY b", None)), False),
        ((at("CREATE INDEX CONCURRENTLY a", None), at("ALTER TABLE t", 0)), True),
        ((at("ALTER TABLE t", 0), at("ALTER TABLE u", 1)), True),
        ((at("ALTER TABLE t", 0), at("ALTER TABLE u", 0)), False),
        ((at("SELECT 1", None), at("ALTER TABLE u", 0)), False),
        ((at("ALTER TABLE t", 0), at("COMMIT", None)), False),
    ],
)
def test_half_applied(statements: tuple[object, ...], *, half: bool) -> None:
    assert ("AR710" in codes(*statements)) is half


def test_nothing_locked_is_a_proof_that_held() -> None:
    world = basics()
    proved.proved(world, Proved(LOCKS, 0, locks=Locks()))
    assert world.review().proofs == (Proof(LOCKS, None, ProofState.HELD),)
