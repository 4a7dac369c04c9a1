"""Blind spots in whole runs: what the comparison does not see of the models, with ``--prove``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .edits import MODEL, Edit, Replace, module, revision
from .harness import POSTGRESQL, Run, make_application, make_project, run_tool
from .pull_request import branched
from .scenario import POSTGRESQL_FIRST, SQLITE_FIRST, review_of
from .test_environments import configured, functions

MODELS = """
sa.Table('poser_gizmo', metadata, sa.Column('id', sa.Integer(), primary_key=True),
         sa.Column('size', sa.Integer(), server_default='1'), sa.Column('name', sa.String(9)),
         sa.CheckConstraint('size > 0', name='ck_size'))
"""
SAME = (
    "op.create_table('poser_gizmo', sa.Column('id', sa.Integer(), primary_key=True), "
    "sa.Column('size', sa.Integer(), server_default=sa.text('(0 + 1)')), sa.Column('name', sa.String(9)), "
    "sa.CheckConstraint('(size > 0)', name='ck_size'))"
)
OTHER = (
    "op.create_table('poser_gizmo', sa.Column('id', sa.Integer(), primary_key=True), "
    "sa.Column('size', sa.Integer()), sa.Column('name', sa.String(9), server_default='x'))"
)
FOUND = ("AR611 warning ck_size", "AR612 info name", "AR612 warning size")


def edits(upgrade: str) -> tuple[Edit, ...]:
    return (*module(MODELS), *revision(upgrade))


def shown(run: Run) -> tuple[str, ...]:
    """The blind spots of the new table."""
    findings = [one for one in review_of(run)["findings"] if one["proof"] == "blind_spots"]
    mine = [one for one in findings if one["table"] == "poser_gizmo"]
    return tuple(sorted(f"{one['code']} {one['severity']} {one['column'] or one['name']}" for one in mine))


@pytest.mark.both_stacks
@pytest.mark.parametrize("database", POSTGRESQL_FIRST)
def test_what_the_database_lacks_is_found_without_a_plan(tmp_path: Path, database: str) -> None:
    run = run_tool(make_application(tmp_path, edits(OTHER), database=database), "--prove")
    assert review_of(run)["changes"] == [], run.explain()
    assert shown(run) == FOUND, run.explain()
    assert run.status == 0
    # What was compared is not listed as not checked.
    lines = [line.partition(" (")[0] for line in review_of(run)["provenance"]["not_checked"]]
    assert lines[0] == "views, functions and triggers", run.explain()
    assert not {"server defaults", "values of existing enum types"} & set(lines)


@pytest.mark.parametrize("database", POSTGRESQL_FIRST)
def test_what_is_the_same_in_other_words_is_not_found(tmp_path: Path, database: str) -> None:
    run = run_tool(make_application(tmp_path, edits(SAME), database=database), "--prove")
    assert shown(run) == (), run.explain()


@pytest.mark.one_stack
def test_the_plan_is_part_of_the_database(tmp_path: Path) -> None:
    """A pending table is created by the plan before it is compared; what its operation lacks is left."""
    run = run_tool(make_application(tmp_path, module(MODELS.replace("'size > 0'", "'size > 2'"))), "--prove")
    assert [change["kind"] for change in review_of(run)["changes"]] == ["add_table"], run.explain()
    assert shown(run) == (), run.explain()


@pytest.mark.one_stack
def test_it_is_only_done_on_request(tmp_path: Path) -> None:
    run = run_tool(make_application(tmp_path, edits(OTHER)))
    assert shown(run) == ()
    assert "blind_spots" not in {proof["proof"] for proof in review_of(run)["proofs"]}


@pytest.mark.one_stack
def test_a_pull_request_without_models_that_fit(tmp_path: Path) -> None:
    run = run_tool(branched(tmp_path, edits(OTHER), database=POSTGRESQL), "--prove", "--since", "main")
    assert shown(run) == FOUND, run.explain()


@pytest.mark.one_stack
@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_what_the_base_has_already_is_one_line(tmp_path: Path, database: str) -> None:
    more = Replace(
        f"{MODEL}/extra.py", "name='ck_size'))", "name='ck_size'), sa.CheckConstraint('size < 9', name='ck'))"
    )
    application = branched(tmp_path, (more,), before=edits(OTHER), database=database)
    run = run_tool(application, "--prove", "--since", "main")
    spots = [one for one in review_of(run)["findings"] if one["proof"] == "blind_spots"]
    folded = [one["message"] for one in spots if one["table"] is None]
    assert shown(run) == ("AR611 warning ck",), run.explain()
    assert folded == [
        "3 differences between the tables of poser and the models that this pull request did not cause: `poser_gizmo`."
    ]


@pytest.mark.one_stack
def test_a_revision_with_blind_spots_closes_them(tmp_path: Path) -> None:
    enum = "sa.Column('kind', sa.Enum('a', 'b', name='gizmo_kind'), server_default='a')"
    models = MODELS.replace("sa.Column('name'", f"{enum}, sa.Column('name'")
    old = OTHER.replace("sa.Column('name'", f"{enum.replace(chr(39) + 'b' + chr(39) + ', ', '')}, sa.Column('name'")
    application = make_application(tmp_path, (*module(models), *revision(old)), database=POSTGRESQL)
    assert shown(run_tool(application, "--prove")) == ("AR610 warning kind", *FOUND)
    arguments = ("revision", "-c", "app/acme.conf", "-m", "catch up", "--with-blind-spots")
    written = subprocess.run(
        [sys.executable, "-m", "alembic_review", *arguments, "--python", str(application.environment.python)],
        cwd=application.project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert written.returncode == 0, written.stderr
    assert "check poser_gizmo.ck_size" in written.stdout
    (path,) = application.project.rglob("*catch_up*.py")
    text = path.read_text()
    assert "op.create_check_constraint('ck_size', 'poser_gizmo', '(size > 0)')" in text
    assert "op.drop_constraint('ck_size', 'poser_gizmo', type_='check')" in text
    # What only the database has stays: other programs may need it.
    assert shown(run_tool(application, "--prove")) == ("AR612 info name",)


@pytest.mark.one_stack
def test_what_a_filter_hides_is_no_blind_spot(tmp_path: Path) -> None:
    """It is reported as hidden, and a revision with blind spots must not write what env.py leaves out."""
    title = 'sa.Column("title", sa.String(200), nullable=False),\n'
    application = make_project(
        tmp_path,
        "env_generic",
        (
            Replace(
                "migrations/versions/3f2a90c7d1e8_books.py", title, f'{title}sa.Column("part_of", sa.Integer()),\n'
            ),
            Replace("models.py", "isbn = ", 'part_of = sa.Column(sa.ForeignKey("book.id"))\n    isbn = '),
            functions("def chosen(item, name, kind, reflected, other):\n    return kind != 'foreign_key_constraint'"),
            configured("include_object=chosen"),
        ),
    )
    report = review_of(run_tool(application, "--prove", conf="alembic.ini"))
    found = {finding["code"]: finding["message"] for finding in report["findings"] if finding["table"] == "book"}
    assert "add_fk part_of" in found["AR604"]
    assert "AR619" not in found
