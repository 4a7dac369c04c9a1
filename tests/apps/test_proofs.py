"""Proofs in whole runs: what rows show of a plan that is pending, or in the revisions of a pull request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from .edits import MODEL, Append, Edit, Replace, module, revision
from .harness import POSTGRESQL, SQLITE, Run, make_application, run_tool
from .pull_request import branched
from .scenario import BOTH, POSTGRESQL_FIRST, POSTGRESQL_LARGE, SQLITE_FIRST, Databases, each_database, review_of, tree

WIDGETS = f"{MODEL}/widgets.py"


def column(text: str) -> tuple[Edit, ...]:
    """A further column of ``poser_widget``."""
    return (Append(WIDGETS, f"\nPoserWidget.more = {text}\n"),)


@dataclass(frozen=True)
class Case:
    """What is changed, and the findings of the proofs as ``"code severity table.item"``."""

    name: str
    edits: tuple[Edit, ...]
    found: tuple[str, ...] = ()
    databases: Databases = BOTH


PENDING = (
    Case("nullable column", column("sa.Column(sa.Integer())"), (), SQLITE_FIRST),
    Case(
        "column with a server default",
        column("sa.Column(sa.Integer(), server_default='0', nullable=False)"),
        (),
        POSTGRESQL_FIRST,
    ),
    Case(
        "new table",
        module("sa.Table('poser_gizmo', metadata, sa.Column('id', sa.Integer(), primary_key=True))"),
        (),
        SQLITE_FIRST,
    ),
    Case(
        "column without a default",
        column("sa.Column(sa.Integer(), nullable=False)"),
        ("AR210 error poser_widget.more",),
    ),
    Case(
        "NOT NULL over NULLs",
        (Replace(WIDGETS, "size = sa.Column(sa.Integer())", "size = sa.Column(sa.Integer(), nullable=False)"),),
        ("AR210 warning poser_widget.size",),
        (POSTGRESQL,),
    ),
    Case(
        "ALTER that SQLite does not have",
        (Replace(WIDGETS, "size = sa.Column(sa.Integer())", "size = sa.Column(sa.Integer(), nullable=False)"),),
        ("AR217 error poser_widget.size",),
        (SQLITE,),
    ),
    Case(
        "unique over duplicates",
        (Replace(WIDGETS, '        sa.Index("ix_poser_widget_size", "size"),\n', ""),
         Append(WIDGETS, '\nsa.Index("ix_poser_widget_size", PoserWidget.size, unique=True)\n')),
        ("AR211 warning poser_widget.size",),
    ),
    Case(
        "unique over less than is unique already",
        (Append(WIDGETS, '\nsa.Index("ux_poser_widget", PoserWidget.code, PoserWidget.name, unique=True)\n'),),
        (),
        POSTGRESQL_FIRST,
    ),
    Case(
        "shorter text",
        (Replace(WIDGETS, "name = sa.Column(sa.String(100)", "name = sa.Column(sa.String(10)"),),
        ("AR212 warning poser_widget.name",),
        POSTGRESQL_LARGE,
    ),
    Case(
        "longer text",
        (Replace(WIDGETS, "name = sa.Column(sa.String(100)", "name = sa.Column(sa.String(200)"),),
        ("AR803 warning poser_widget.name",),
        (POSTGRESQL,),
    ),
    Case(
        "cast that does not exist",
        (Replace(WIDGETS, "shape = sa.Column(sa.String(10))", "shape = sa.Column(sa.Integer())"),),
        ("AR213 error poser_widget.shape",),
        (POSTGRESQL,),
    ),
    Case(
        "foreign key over orphans",
        (Replace(WIDGETS, "sa.Text(), comment", "sa.Text(), sa.ForeignKey('product.uuid'), comment"),),
        ("AR214 warning poser_widget.note",),
        POSTGRESQL_LARGE,
    ),
    Case(
        "dropped column",
        (Replace(WIDGETS, "    shape = sa.Column(sa.String(10))\n", ""),),
        ("AR203 warning poser_widget.shape",),
    ),
    Case(
        "enum type that exists already",
        module(
            "sa.Table('poser_gizmo', metadata, sa.Column('id', sa.Integer(), primary_key=True),\n"
            "         sa.Column('grade', sa.Enum('plain', 'fancy', name='poser_grade'), index=True))"
        ),
        ("AR217 error poser_gizmo",),
        (POSTGRESQL,),
    ),
    Case(
        "enum type that does not exist",
        column("sa.Column(sa.Enum('a', 'b', name='poser_state'))"),
        ("AR217 error poser_widget.more",),
        (POSTGRESQL,),
    ),
)  # fmt: skip

WRITTEN = (
    Case(
        "filled before NOT NULL",
        revision(
            "op.execute('UPDATE poser_widget SET size = 0')\nop.alter_column('poser_widget', 'size', nullable=False)"
        ),
        ("AR203 warning poser_widget.size",),
        (POSTGRESQL,),
    ),
    Case(
        "only NULLs are filled",
        revision(
            "op.execute('UPDATE poser_widget SET size = 0 WHERE size IS NULL')\n"
            "op.alter_column('poser_widget', 'size', nullable=False)"
        ),
        databases=POSTGRESQL_LARGE,
    ),
    Case(
        "renamed column",
        (
            Replace(WIDGETS, "shape = sa.Column", "form = sa.Column"),
            *revision(
                "with op.batch_alter_table('poser_widget') as batch:\n"
                "    batch.alter_column('shape', new_column_name='form')"
            ),
        ),
        (),
        SQLITE_FIRST,
    ),
    Case(
        "cast that SQLite does silently",
        revision(
            "with op.batch_alter_table('poser_widget') as batch:\n    batch.alter_column('shape', type_=sa.Integer())"
        ),
        ("AR203 warning poser_widget.shape",),
        (SQLITE,),
    ),
    Case(
        "NOT NULL over NULLs in a rebuild",
        revision("with op.batch_alter_table('poser_widget') as batch:\n    batch.alter_column('size', nullable=False)"),
        ("AR210 warning poser_widget.size",),
        (SQLITE,),
    ),
    Case(
        "check over rows that violate it",
        revision("op.create_check_constraint('ck_size', 'poser_widget', 'size > 0')"),
        ("AR215 warning poser_widget.size",),
        POSTGRESQL_LARGE,
    ),
    Case(
        "check that is not valid",
        revision("op.create_check_constraint('ck_size', 'poser_widget', 'size > 0', postgresql_not_valid=True)"),
        databases=POSTGRESQL_LARGE,
    ),
    Case(
        "index built concurrently over duplicates",
        revision(
            "with op.get_context().autocommit_block():\n"
            "    op.create_index('ux', 'poser_widget', ['name'], unique=True, postgresql_concurrently=True)"
        ),
        ("AR211 warning poser_widget.name",),
        (POSTGRESQL,),
    ),
    Case(
        "cast in a string of several statements",
        revision(
            "op.execute('ALTER TABLE poser_widget ADD COLUMN more integer;"
            " UPDATE poser_widget SET more = CAST(shape AS integer)')"
        ),
        ("AR213 warning poser_widget.shape",),
        (POSTGRESQL,),
    ),
    Case(
        "deleted rows",
        revision("op.execute('DELETE FROM poser_widget')"),
        ("AR203 warning poser_widget",),
        POSTGRESQL_FIRST,
    ),
    Case(
        "a statement outside of any operation",
        revision("op.get_bind().exec_driver_sql('ALTER TABLE poser_widget ADD COLUMN more integer NOT NULL')"),
        ("AR210 error poser_widget.more",),
        (POSTGRESQL,),
    ),
)


def shown(run: Run) -> tuple[str, ...]:
    """The findings of proofs, apart from those of pending changes that follow from a revision without models."""
    found = []
    for finding in review_of(run)["findings"]:
        if finding["proof"] in ("converges", "rows", "rolling"):
            item = finding["column"] or finding["name"]
            what = f"{finding['table']}.{item}" if item else finding["table"]
            found.append(f"{finding['code']} {finding['severity']} {what}")
    return tuple(sorted(found))


# What SQLAlchemy makes of a type or a default, and Alembic of a plan, is not the same in all of their versions.
ON_BOTH_STACKS = frozenset(
    {
        *("column with a server default", "unique over duplicates", "cast that does not exist", "dropped column"),
        *("enum type that exists already", "column with a default in Python alone"),
    }
)


def rows(cases: tuple[Case, ...]) -> list[object]:
    return [
        pytest.param(
            *(case, database),
            id=f"{case.name}-{database}",
            marks=(*marks, pytest.mark.both_stacks) if case.name in ON_BOTH_STACKS else marks,
        )
        for case in cases
        for database, marks in each_database(case.databases)
    ]


@pytest.mark.parametrize(("case", "database"), rows(PENDING))
def test_pending(tmp_path: Path, case: Case, database: str) -> None:
    run = run_tool(make_application(tmp_path, case.edits, database=database))
    assert shown(run) == case.found, run.explain()
    states = {proof["proof"]: proof["state"] for proof in review_of(run)["proofs"]}
    # What fails without rows can't be taken back, nor does it lock anything.
    applies = not {"AR213", "AR217"} & {line.split()[0] for line in case.found}
    assert {"not_done"} & {states[name] for name in states if applies or name in ("converges", "rows")} == set()


@pytest.mark.one_stack  # the same proofs as of a pending plan
@pytest.mark.parametrize(("case", "database"), rows(WRITTEN))
def test_in_a_revision(tmp_path: Path, case: Case, database: str) -> None:
    run = run_tool(branched(tmp_path, case.edits, database=database), "--since", "main")
    found = tuple(one for one in shown(run) if case.found or not one.startswith("AR80"))
    new = {finding["code"] for finding in review_of(run)["findings"] if finding["revision"] == "aa00bb11cc22"}
    assert {one for one in found if one.split()[0] in new} == set(case.found), run.explain()


def observed(run: Run) -> list[dict[str, str]]:
    """The proofs that need copies of the database."""
    return [proof for proof in review_of(run)["proofs"] if proof["proof"] != "renames"]


BREAK = """
import sys
from alembic_review.worker.prove import bench
def fail(*_):
    raise LookupError("nowhere")
bench.Bench.copies = fail
"""


@pytest.mark.one_stack
def test_a_proof_that_crashes_costs_a_line(tmp_path: Path) -> None:
    application = make_application(tmp_path, (*module(BREAK), *column("sa.Column(sa.Integer())")))
    run = run_tool(application, "--debug")
    assert run.status == 0, run.explain()
    proofs = observed(run)
    assert {proof["state"] for proof in proofs} == {"not_done"}
    assert all(proof["reason"].startswith("LookupError: nowhere") for proof in proofs)
    assert "Traceback" in run.stderr


@pytest.mark.one_stack
def test_a_proof_that_hangs_costs_a_line(tmp_path: Path) -> None:
    hangs = BREAK.replace('raise LookupError("nowhere")', "import time; time.sleep(90)")
    application = make_application(tmp_path, (*module(hangs), *column("sa.Column(sa.Integer())")))
    run = run_tool(application, "--timeout", "15")
    assert run.status == 0, run.explain()
    assert {proof["state"] for proof in observed(run)} == {"not_done"}
    assert "did not finish within 15 seconds" in observed(run)[0]["reason"]


@pytest.mark.one_stack
def test_without_proofs_nothing_is_proved(tmp_path: Path) -> None:
    application = make_application(tmp_path, column("sa.Column(sa.Integer(), nullable=False)"))
    run = run_tool(application, "--no-prove")
    assert shown(run) == ()
    assert "AR202" in {finding["code"] for finding in review_of(run)["findings"]}
    assert {(proof["state"], proof["reason"]) for proof in review_of(run)["proofs"]} == {("not_done", "--no-prove")}
    assert "proofs (--no-prove)" in review_of(run)["provenance"]["not_checked"]


@pytest.mark.one_stack
def test_without_a_plan_there_is_nothing_to_prove(tmp_path: Path) -> None:
    run = run_tool(make_application(tmp_path))
    assert {proof["state"] for proof in review_of(run)["proofs"]} == {"held"}


ROLLING = (
    Case(
        "nullable column",
        revision("op.add_column('poser_widget', sa.Column('more', sa.Integer()))"),
        (),
        SQLITE_FIRST,
    ),
    Case(
        "column with a server default",
        revision("op.add_column('poser_widget', sa.Column('more', sa.Integer(), server_default='0', nullable=False))"),
        (),
        POSTGRESQL_FIRST,
    ),
    Case(
        "column with a default in Python alone",
        (
            *column("sa.Column(sa.Integer(), default=0, nullable=False)"),
            *revision("op.add_column('poser_widget', sa.Column('more', sa.Integer(), nullable=False))"),
        ),
        ("AR310 warning poser_widget.more",),
        (POSTGRESQL,),
    ),
    Case(
        "renamed column",
        (
            Replace(WIDGETS, "shape = sa.Column", "form = sa.Column"),
            *revision("op.alter_column('poser_widget', 'shape', new_column_name='form')"),
        ),
        ("AR310 warning poser_widget.shape",),
        (POSTGRESQL,),
    ),
    Case(
        "dropped column in a rebuild",
        (
            Replace(WIDGETS, "    shape = sa.Column(sa.String(10))\n", ""),
            *revision("with op.batch_alter_table('poser_widget') as batch:\n    batch.drop_column('shape')"),
        ),
        ("AR310 warning poser_widget.shape",),
        SQLITE_FIRST,
    ),
)


@pytest.mark.parametrize(("case", "database"), rows(ROLLING))
def test_old_models(tmp_path: Path, case: Case, database: str) -> None:
    application = branched(tmp_path, case.edits, database=database)
    before = tree(application.project)
    run = run_tool(application, "--since", "main", "--prove")
    assert tuple(one for one in shown(run) if one.startswith("AR310")) == case.found, run.explain()
    states = {proof["proof"]: (proof["state"], proof["reason"]) for proof in review_of(run)["proofs"]}
    assert states["rolling"] == ("found" if case.found else "held", ""), run.explain()
    assert tree(application.project) == before


@pytest.mark.one_stack
def test_old_models_that_fail_to_load_cost_a_line(tmp_path: Path) -> None:
    base = module("raise LookupError('nowhere')\n")
    application = branched(tmp_path, (*module(""), *revision("pass")), before=base)
    run = run_tool(application, "--since", "main", "--prove")
    (proof,) = (proof for proof in review_of(run)["proofs"] if proof["proof"] == "rolling")
    assert proof["state"] == "not_done", run.explain()
    assert "LookupError: nowhere" in proof["reason"]


@pytest.mark.one_stack
def test_without_a_new_revision_old_models_are_not_run(tmp_path: Path) -> None:
    run = run_tool(branched(tmp_path, column("sa.Column(sa.Integer())")), "--since", "main", "--prove")
    states = {proof["proof"]: (proof["state"], proof["reason"]) for proof in review_of(run)["proofs"]}
    assert states["rolling"] == ("held", ""), run.explain()


@pytest.mark.one_stack
def test_the_sample_application_has_one_of_each_risk(tmp_path: Path) -> None:
    """What a review is there to show: lost data, failing rows, a rename, locks, a downgrade and a blind spot."""
    run = run_tool(make_application(tmp_path, database=POSTGRESQL, clean=False), "--prove")
    told = {finding["code"] for finding in review_of(run)["findings"] if finding["severity"] == "warning"}
    assert told == {"AR203", "AR210", "AR301", "AR610", "AR701", "AR703", "AR705", "AR803"}, run.explain()
    assert review_of(run)["gate"]["reasons"] == ["3 blocked changes"]
