"""Renames in whole runs: what looks like one, and what becomes of one that is accepted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .edits import MODEL, VERSIONS, Append, Edit, Replace, revision
from .harness import POSTGRESQL, Run, make_application, run_tool
from .pull_request import branched
from .scenario import POSTGRESQL_FIRST, SQLITE_FIRST, review_of, tree
from .test_revision import new_files, revise

WIDGETS = f"{MODEL}/widgets.py"
COLUMN: tuple[Edit, ...] = (
    Replace(WIDGETS, "note = sa.Column(sa.Text(), ", "remark = sa.Column(sa.Text(), "),
    Replace(WIDGETS, "shape = sa.Column(sa.String(10))", "form = sa.Column(sa.String(20), nullable=False)"),
)
RENAMES = ("--rename", "poser_widget.note=remark", "--rename", "poser_widget.shape=form")
TABLE: tuple[Edit, ...] = (
    Replace(WIDGETS, '"poser_widget_store",\n', '"poser_widget_home",\n'),
    Replace(WIDGETS, 'secondary="poser_widget_store"', 'secondary="poser_widget_home"'),
    Replace(WIDGETS, 'sa.Column("widget_uuid"', 'sa.Column("tool_uuid"'),
)
STORES = ("--rename", "poser_widget_store=poser_widget_home")
STORES_AND_COLUMN = (*STORES, "--rename", "poser_widget_store.widget_uuid=tool_uuid")


def codes(run: Run, start: str = "AR30") -> list[str]:
    return [
        f"{one['code']} {one['table']}.{one['column']} {one['name']}"
        for one in review_of(run)["findings"]
        if one["code"].startswith(start)
    ]


def kinds(run: Run) -> list[tuple[Any, ...]]:
    return [(change["kind"], change["table"], change["name"]) for change in review_of(run)["changes"]]


def states(run: Run) -> dict[str, str]:
    return {proof["proof"]: proof["state"] for proof in review_of(run)["proofs"]}


@pytest.mark.both_stacks
@pytest.mark.parametrize("database", POSTGRESQL_FIRST)
def test_a_column_that_looks_renamed_and_is(tmp_path: Path, database: str) -> None:
    application = make_application(tmp_path, COLUMN, database=database)
    plain = run_tool(application)
    # The other pair has neither the name nor the length nor NULL in common.
    assert codes(plain) == ["AR301 poser_widget.note remark"], plain.explain()
    assert states(plain)["renames"] == "found"
    run = run_tool(application, *RENAMES)
    changes = {change["name"]: change for change in review_of(run)["changes"] if change["kind"] == "rename_column"}
    assert {name: change["new_name"] for name, change in changes.items()} == {"note": "remark", "shape": "form"}
    known = {change["fingerprint"]: change for change in review_of(plain)["changes"]}
    for change in changes.values():
        halves = [known[one] for one in change["replaces"][:2]]
        assert [half["kind"] for half in halves] == ["remove_column", "add_column"]
        assert change["verdict"] == "safe"
        assert change["location"] == halves[1]["location"]
    # What differs besides the name is still there, and nothing that stands for the same.
    rest = {(kind, name) for kind, _, name in kinds(run) if kind != "rename_column"}
    assert rest == {("modify_type", "form"), ("modify_nullable", "form")}, run.explain()
    assert codes(run, "AR203") == codes(run, "AR201") == codes(run, "AR218") == []
    assert states(run)["renames"] == "held"


@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_a_table_that_looks_renamed_and_is(tmp_path: Path, database: str) -> None:
    application = make_application(tmp_path, TABLE[:2], database=database)
    plain = run_tool(application)
    assert codes(plain) == ["AR302 poser_widget_store.None poser_widget_home"], plain.explain()
    run = run_tool(application, *STORES)
    assert kinds(run) == [("rename_table", "poser_widget_store", None)], run.explain()
    # A rename locks the table for a moment, which is a note.
    assert [one["code"] for one in review_of(run)["findings"] if one["severity"] != "info"] == [], run.explain()
    assert {name: state for name, state in states(run).items() if name != "locks"} == dict.fromkeys(
        states(run).keys() - {"locks"}, "held"
    )


@pytest.mark.parametrize("database", POSTGRESQL_FIRST)
def test_a_table_and_its_column_become_a_revision_up_and_down(tmp_path: Path, database: str) -> None:
    application = make_application(tmp_path, TABLE, database=database)
    before = tree(application.project)
    ran = revise(application, *STORES_AND_COLUMN)
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    upgrade, downgrade = path.read_text().split("def downgrade")
    assert "op.rename_table('poser_widget_store', 'poser_widget_home')" in upgrade
    assert upgrade.index("rename_table") < upgrade.index("new_column_name='tool_uuid'")
    assert "op.rename_table('poser_widget_home', 'poser_widget_store')" in downgrade
    assert downgrade.index("new_column_name='widget_uuid'") < downgrade.index("rename_table")
    assert "drop_" not in upgrade + downgrade
    assert "- rename_table poser_widget_store -> poser_widget_home" in ran.stdout
    run = run_tool(application)
    assert kinds(run) == [], run.explain()


def test_on_a_core_table_a_rename_is_blocked(tmp_path: Path) -> None:
    edits = (
        *revision("op.add_column('product', sa.Column('shade', sa.String(30)))"),
        Append(WIDGETS, "\nfrom acme.db.model import Product\nProduct.tint = sa.Column(sa.String(30))\n"),
    )
    application = make_application(tmp_path, edits, database=POSTGRESQL)
    run = run_tool(application, "--rename", "product.shade=tint")
    assert run.status == 1
    renamed = [change for change in review_of(run)["changes"] if change["kind"] == "rename_column"]
    assert [change["verdict"] for change in renamed] == ["blocked"], run.explain()


@pytest.mark.one_stack
def test_a_rename_that_matches_nothing_is_wrong_usage(tmp_path: Path) -> None:
    application = make_application(tmp_path, COLUMN)
    run = run_tool(application, "--rename", "poser_widget.nonesuch=remark")
    assert run.status == 2
    assert "--rename: poser_widget.nonesuch=remark matches no pending change" in run.stderr
    assert "poser_widget.note" in run.stderr
    ran = revise(application, "--rename", "poser_widget.nonesuch=remark")
    assert ran.status == 2


@pytest.mark.one_stack
def test_the_setting_does_the_same_and_may_stay(tmp_path: Path) -> None:
    setting = '\n[tool.alembic-review]\nrename = ["poser_widget.note=remark", "poser_widget.shape=form"]\n'
    application = make_application(tmp_path, (*COLUMN, Append("pyproject.toml", setting)), database=POSTGRESQL)
    run = run_tool(application)
    assert [kind for kind, *_ in kinds(run)].count("rename_column") == 2, run.explain()
    assert revise(application).status == 0
    again = run_tool(application)
    assert (again.status, kinds(again)) == (0, []), again.explain()


@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_a_revision_that_drops_and_adds_looks_renamed(tmp_path: Path, database: str) -> None:
    edits = (
        COLUMN[0],
        *revision(
            "op.add_column('poser_widget', sa.Column('remark', sa.Text()))\nop.drop_column('poser_widget', 'note')"
        ),
    )
    run = run_tool(branched(tmp_path, edits, database=database), "--since", "main")
    assert codes(run) == ["AR301 poser_widget.note remark"], run.explain()
    (finding,) = (one for one in review_of(run)["findings"] if one["code"] == "AR301")
    assert finding["revision"] == "aa00bb11cc22"
    assert finding["location"]["path"].startswith(VERSIONS)
    assert finding["suggestion"] == "op.alter_column('poser_widget', 'note', new_column_name='remark')"


@pytest.mark.parametrize("database", SQLITE_FIRST)
@pytest.mark.parametrize(
    "code",
    [
        "with op.batch_alter_table('poser_widget') as batch:\n    batch.alter_column('note', new_column_name='remark')",
        """
op.add_column('poser_widget', sa.Column('remark', sa.Text()))
op.execute('UPDATE poser_widget SET remark = note')
op.drop_column('poser_widget', 'note')
""",
    ],
    ids=["renamed", "copied"],
)
def test_a_revision_that_renames_or_copies_does_not(tmp_path: Path, code: str, database: str) -> None:
    run = run_tool(branched(tmp_path, (COLUMN[0], *revision(code)), database=database), "--since", "main")
    assert codes(run) == [], run.explain()
