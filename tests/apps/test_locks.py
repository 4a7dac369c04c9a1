"""Locks and downgrades in whole runs: what a copy of the database shows of the revisions of a pull request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from .edits import VERSIONS, Append, Edit, revision
from .harness import POSTGRESQL, Run, run_tool
from .pull_request import branched
from .scenario import POSTGRESQL_FIRST, POSTGRESQL_LARGE, Databases, each_database, review_of


def step(upgrade: str, downgrade: str = "pass", **names: str) -> tuple[Edit, ...]:
    """A new revision with its way back."""
    body = "".join(f"    {line}\n" for line in dedent(downgrade).strip().splitlines())
    name = names.get("id", "aa00bb11cc22")
    return (*revision(upgrade, **names), Append(f"{VERSIONS}/{name}_step.py", f"\n\ndef downgrade():\n{body}"))


ADD = "op.add_column('poser_widget', sa.Column('more', sa.Integer()))"
DROP = "op.drop_column('poser_widget', 'more')"
BLOCK = "with op.get_context().autocommit_block():\n    "
CONCURRENTLY = "op.create_index('ix_more', 'poser_widget', ['name'], postgresql_concurrently=True)"
NOT_VALID = "op.create_check_constraint('ck_more', 'poser_widget', 'size IS NOT NULL', postgresql_not_valid=True)"
VALIDATE = "op.execute('ALTER TABLE poser_widget VALIDATE CONSTRAINT ck_more')"
REQUIRED = "op.alter_column('poser_widget', 'size', nullable=False)"


@dataclass(frozen=True)
class Case:
    """A revision, and the findings of a proof as ``"code item"``."""

    name: str
    edits: tuple[Edit, ...]
    found: tuple[str, ...] = ()
    databases: Databases = (POSTGRESQL,)


LOCKS = (
    Case("nullable column", step(ADD), ("AR704 poser_widget",)),
    Case(
        "constant default",
        step("op.add_column('poser_widget', sa.Column('more', sa.Integer(), server_default='0', nullable=False))"),
        ("AR704 poser_widget",),
        POSTGRESQL_LARGE,
    ),
    Case(
        "volatile default",
        step(
            "op.add_column('poser_widget',"
            " sa.Column('more', sa.DateTime(), server_default=sa.text('clock_timestamp()')))"
        ),
        ("AR701 poser_widget", "AR704 poser_widget"),
    ),
    Case(
        "new table with an index",
        step(
            "op.create_table('poser_gizmo', sa.Column('id', sa.Integer(), primary_key=True))\n"
            "op.create_index('ix_gizmo', 'poser_gizmo', ['id'])"
        ),
        (),
        POSTGRESQL_LARGE,
    ),
    Case("index", step("op.create_index('ix_more', 'poser_widget', ['name'])"), ("AR703 poser_widget",)),
    Case("index built concurrently", step(BLOCK + CONCURRENTLY)),
    Case(
        "longer text",
        step("op.alter_column('poser_widget', 'name', type_=sa.String(200))"),
        ("AR704 poser_widget",),
        POSTGRESQL_LARGE,
    ),
    Case("NOT VALID", step(NOT_VALID), ("AR704 poser_widget",), POSTGRESQL_LARGE),
    Case(
        "NOT NULL over a scan",
        step(f"op.execute('UPDATE poser_widget SET size = 0 WHERE size IS NULL')\n{REQUIRED}"),
        ("AR702 poser_widget", "AR704 poser_widget"),
    ),
    Case(
        "column that is filled at once",
        step(f"{ADD}\nop.execute('UPDATE poser_widget SET more = 1')"),
        ("AR704 poser_widget", "AR705 poser_widget"),
    ),
    Case(
        "column that is filled at once, in one string",
        step("op.execute('ALTER TABLE poser_widget ADD COLUMN more integer; UPDATE poser_widget SET more = 1;')"),
        ("AR704 poser_widget", "AR705 poser_widget"),
    ),
    Case(
        "block in the middle",
        step(f"{ADD}\n{BLOCK}{CONCURRENTLY}\nop.create_index('ix_more_2', 'poser_widget', ['more'])"),
        ("AR703 poser_widget", "AR704 poser_widget", "AR710 None"),
    ),
    Case("block at the end", step(f"{ADD}\n{BLOCK}{CONCURRENTLY}"), ("AR704 poser_widget",), POSTGRESQL_LARGE),
)
CREATED = "op.execute(\"CREATE TYPE poser_state AS ENUM ('a', 'b')\")"
REVERSES = (
    Case("column", step(ADD, DROP), (), POSTGRESQL_FIRST),
    Case("column that stays", step(ADD), ("AR801 poser_widget.more", "AR804 None"), POSTGRESQL_FIRST),
    Case(
        "type that stays",
        step(CREATED),
        ("AR801 poser_state", "AR804 None"),
    ),
    Case(
        "type that is dropped",
        step(CREATED, "op.execute('DROP TYPE poser_state')"),
    ),
    Case(
        "sequence that stays",
        step("op.execute('CREATE SEQUENCE poser_numbers')"),
        ("AR801 poser_numbers", "AR804 None"),
    ),
    Case(
        "function and view that stay",
        step(
            "op.execute('CREATE OR REPLACE FUNCTION f(a integer) RETURNS integer LANGUAGE sql AS $$ SELECT a $$')\n"
            "op.execute('CREATE OR REPLACE VIEW v AS SELECT 1 AS one')"
        ),
        ("AR801 f(a integer)", "AR801 v.v"),
    ),
    Case(
        "constraint by another name",
        step(
            "op.execute('ALTER TABLE poser_widget ADD CHECK (size < 100)')",
            "op.drop_constraint(None, 'poser_widget')",
        ),
        ("AR802 None",),
    ),
    Case("no way back", step(ADD, "raise NotImplementedError"), ("AR802 None",), POSTGRESQL_FIRST),
)  # fmt: skip


def shown(run: Run, proof: str) -> tuple[str, ...]:
    """The findings on the new revision; the models lack what it does, so that is pending to be undone."""
    found = []
    for finding in review_of(run)["findings"]:
        if finding["proof"] == proof and finding["revision"] is not None:
            item = f".{finding['name']}" if finding["name"] and proof == "reverses" else ""
            what = f"{finding['table']}{item}" if finding["table"] or not item else item[1:]
            found.append(f"{finding['code']} {what}")
    return tuple(sorted(found))


def rows(cases: tuple[Case, ...]) -> list[object]:
    return [
        pytest.param(case, database, id=f"{case.name}-{database}", marks=marks)
        for case in cases
        for database, marks in each_database(case.databases)
    ]


@pytest.mark.one_stack  # the statement and the server decide about locks
@pytest.mark.parametrize(("case", "database"), rows(LOCKS))
def test_locks(tmp_path: Path, case: Case, database: str) -> None:
    run = run_tool(branched(tmp_path, case.edits, database=database), "--since", "main")
    assert shown(run, "locks") == case.found, run.explain()


@pytest.mark.one_stack
def test_locks_of_a_string_in_autocommit_are_not_checked(tmp_path: Path) -> None:
    sql = "UPDATE poser_widget SET size = 1; ALTER TABLE poser_widget ADD COLUMN more integer"
    run = run_tool(branched(tmp_path, step(f"{BLOCK}op.execute({sql!r})"), database=POSTGRESQL), "--since", "main")
    assert shown(run, "locks") == (), run.explain()
    lines = review_of(run)["provenance"]["not_checked"]
    assert any(line.startswith("locks of a statement ('UPDATE poser_widget") for line in lines), run.explain()


@pytest.mark.parametrize(("case", "database"), rows(REVERSES))
def test_reverses(tmp_path: Path, case: Case, database: str) -> None:
    run = run_tool(branched(tmp_path, case.edits, database=database), "--since", "main")
    assert shown(run, "reverses") == case.found, run.explain()
    (state,) = [proof["state"] for proof in review_of(run)["proofs"] if proof["proof"] == "reverses"]
    assert state == ("found" if case.found else "held"), run.explain()


LIMIT = "op.execute(\"SET LOCAL lock_timeout = '5s'\")"


@pytest.mark.parametrize(
    ("upgrade", "told", "timeout"),
    [(ADD, False, "0"), (f"{LIMIT}\n{ADD}", False, "5000"), (f"{ADD}\n{LIMIT}", True, "0")],
    ids=["none", "first", "too late"],
)
def test_lock_timeout(tmp_path: Path, upgrade: str, timeout: str, *, told: bool) -> None:
    run = run_tool(branched(tmp_path, step(upgrade, DROP), database=POSTGRESQL), "--since", "main")
    findings = {finding["code"]: finding for finding in review_of(run)["findings"]}
    assert ("AR706" in findings) is told, run.explain()
    assert findings["AR704"]["observed"]["lock_timeout"] == timeout


def test_a_revision_without_a_downgrade_is_a_warning(tmp_path: Path) -> None:
    run = run_tool(branched(tmp_path, revision(ADD)), "--since", "main")
    codes = {finding["code"] for finding in review_of(run)["findings"]}
    assert "AR514" in codes, run.explain()
    assert not {code for code in codes if code.startswith("AR80")}
    (reason,) = [proof["reason"] for proof in review_of(run)["proofs"] if proof["proof"] == "reverses"]
    assert reason == "revision aa00bb11cc22 has no downgrade function"
    assert f"the downgrade on rows ({reason})" in review_of(run)["provenance"]["not_checked"], run.explain()


@pytest.mark.one_stack
def test_code_for_the_downgrade(tmp_path: Path) -> None:
    edits = step(CREATED)
    run = run_tool(branched(tmp_path, edits, database=POSTGRESQL), "--since", "main")
    suggestions = {finding["code"]: finding["suggestion"] for finding in review_of(run)["findings"]}
    assert suggestions["AR801"] == suggestions["AR804"] == 'op.execute("DROP TYPE poser_state")'


def test_sqlite_has_no_locks_to_find(tmp_path: Path) -> None:
    run = run_tool(branched(tmp_path, step(ADD, DROP)), "--since", "main")
    states = {proof["proof"]: proof["state"] for proof in review_of(run)["proofs"]}
    assert (states["locks"], states["reverses"]) == ("held", "held"), run.explain()
