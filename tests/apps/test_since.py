"""``--since`` in real Git repositories: what a pull request has in its revisions, and what it must not have."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from .edits import HEAD, MODEL, VERSIONS, Append, Delete, Edit, Replace, Write, module, revision
from .environments import install
from .harness import POSTGRESQL, Run, make_application, run_tool, run_without_proofs
from .pull_request import branched, commit, git
from .scenario import BOTH, POSTGRESQL_FIRST, SQLITE_FIRST, review_of, row, tree

NOTE = module(
    """
    class PoserNote(Base):
        __tablename__ = "poser_note"
        uuid = uuid_column()
        text = sa.Column(sa.String(80))
    """
)


def note_revision(down: str = HEAD) -> tuple[Edit, ...]:
    upgrade = """
    op.create_table(
        "poser_note",
        sa.Column("uuid", sa.String(32), nullable=False),
        sa.Column("text", sa.String(80)),
        sa.PrimaryKeyConstraint("uuid", name="pk_poser_note"),
    )
    """
    return revision(upgrade, id="11aa22bb33cc", down=down)


NOTE_REVISION = note_revision()
WIDGETS = next(Path(__file__).parents[2].joinpath("fixtures/poser", VERSIONS).glob(f"{HEAD}*"), Path(f"{HEAD}.py")).name


def brought(run: Run) -> dict[str, Any]:
    found = review_of(run)["pull_request"]
    assert isinstance(found, dict)
    return found


def rows(run: Run) -> list[str]:
    return sorted(f"{change['state']} {change['revision']} {row(change)}" for change in brought(run)["changes"])


def findings(run: Run) -> list[str]:
    return sorted(f"{finding['code']} {finding['severity']}" for finding in review_of(run)["findings"])


@pytest.mark.both_stacks
@pytest.mark.parametrize("database", BOTH)
def test_what_is_in_a_new_revision_and_what_is_pending(tmp_path: Path, database: str) -> None:
    pending = Replace(f"{MODEL}/widgets.py", "    shape =", "    weight = sa.Column(sa.Integer())\n    shape =")
    application = branched(tmp_path, (*NOTE, *NOTE_REVISION, pending), database=database)
    before = tree(application.project)
    run = run_tool(application, "--since", "main")
    assert tree(application.project) == before
    assert run.status == 0, run.explain()
    assert rows(run) == [
        "in_revision 11aa22bb33cc safe add_table poser_note",
        "pending None safe add_column poser_widget.weight",
    ]
    (new,) = brought(run)["new_revisions"]
    assert (new["id"], new["owner"]) == ("11aa22bb33cc", "poser")
    assert new["location"]["path"] == f"{VERSIONS}/11aa22bb33cc_step.py"
    assert brought(run)["base"] == git(application.project, "rev-parse", "main")
    assert [row(change) for change in review_of(run)["changes"]] == ["safe add_column poser_widget.weight"]
    assert any("revisions of acme at the base" in line for line in review_of(run)["provenance"]["not_checked"])


@pytest.mark.one_stack
@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_a_new_revision_that_alters_a_core_table_is_blocked_though_nothing_is_pending(
    tmp_path: Path, database: str
) -> None:
    edits = (
        *module("Store.fax = sa.Column(sa.String(9))\n"),
        *revision("op.add_column('store', sa.Column('fax', sa.String(9)))"),
    )
    application = branched(tmp_path, edits, database=database)
    run = run_tool(application, "--since", "main")
    assert run.status == 1, run.explain()
    assert review_of(run)["changes"] == []
    assert rows(run) == ["in_revision aa00bb11cc22 blocked add_column store.fax"]
    assert "1 blocked change in a revision" in review_of(run)["gate"]["reasons"]
    (change,) = brought(run)["changes"]
    assert change["findings"] == ["AR105", "AR106"] or "AR106" in change["findings"]
    assert "revision aa00bb11cc22 of poser changes it" in change["reason"]


SWAPPED = """
op.rename_table('setting', 'x')
op.rename_table('event_log', 'setting')
op.rename_table('x', 'event_log')
"""
LEGACY = """

_upgrade = upgrade


def upgrade():
    _upgrade()
    op.execute("{statement}")
"""
WEIGHT = revision("op.add_column('product', sa.Column('weight', sa.Integer()))")
GRAMS = revision("op.add_column('product', sa.Column('grams', sa.Integer()))", id="bb11cc22dd33", down="aa00bb11cc22")


@pytest.mark.parametrize("database", POSTGRESQL_FIRST)
def test_what_revisions_do_is_told_even_where_the_models_do_not_want_it(tmp_path: Path, database: str) -> None:
    application = branched(tmp_path, (*WEIGHT, *GRAMS), database=database)
    run = run_without_proofs(application, "--since", "main")
    assert rows(run) == [
        "in_revision aa00bb11cc22 blocked add_column product.weight",
        "in_revision bb11cc22dd33 blocked add_column product.grams",
        "pending None blocked remove_column product.grams",
        "pending None blocked remove_column product.weight",
    ]
    assert [(new["id"], new["message"]) for new in brought(run)["new_revisions"]] == [
        ("aa00bb11cc22", "a further step"),
        ("bb11cc22dd33", "a further step"),
    ]
    assert brought(run)["ref"] == "main"
    said = {change["name"]: change for change in brought(run)["changes"] if change["state"] == "in_revision"}
    assert said["weight"]["sql"] == "ALTER TABLE product ADD COLUMN weight INTEGER;"
    assert "AR106" in said["weight"]["findings"]
    # What Alembic would write to undo that is the revision's doing too.
    for change in review_of(run)["changes"]:
        assert change["location"]["path"].startswith(VERSIONS)
        assert (
            f"added the column {change['name']}; this change would revert it. Remove the operation from"
            in change["reason"]
        )
    hints = {finding["hint"] for finding in review_of(run)["findings"] if finding["code"] == "AR106"}
    assert all(hint.startswith("Remove the operation from the revision") for hint in hints), hints
    assert any("of new revisions to rows" in line for line in review_of(run)["provenance"]["not_checked"])


@pytest.mark.one_stack
def test_a_merged_revision_that_altered_the_core_is_undone_by_a_new_one(tmp_path: Path) -> None:
    undone = revision("op.drop_column('product', 'weight')", id="bb11cc22dd33", down="aa00bb11cc22")
    application = branched(tmp_path, undone, before=WEIGHT)
    run = run_without_proofs(application, "--since", "main")
    assert run.status == 0, run.explain()
    assert rows(run) == ["in_revision bb11cc22dd33 safe remove_column product.weight"]
    (change,) = brought(run)["changes"]
    assert "as acme created it" in change["reason"]


@pytest.mark.one_stack
def test_a_dropped_core_column_can_be_put_back(tmp_path: Path) -> None:
    dropped = revision("op.drop_column('product', 'description')")
    back = revision(
        "op.add_column('product', sa.Column('description', sa.String(120)))", id="bb11cc22dd33", down="aa00bb11cc22"
    )
    application = branched(tmp_path, back, before=dropped, database=POSTGRESQL)
    run = run_without_proofs(application, "--since", "main")
    assert run.status == 0, run.explain()
    assert rows(run) == ["in_revision bb11cc22dd33 safe add_column product.description"]


@pytest.mark.one_stack
@pytest.mark.parametrize(
    "edit",
    [
        Delete(f"{VERSIONS}/aa00bb11cc22_step.py"),
        Replace(
            f"{VERSIONS}/aa00bb11cc22_step.py", "op.add_column('product', sa.Column('weight', sa.Integer()))", "pass"
        ),
    ],
    ids=["gone", "emptied"],
)
def test_who_takes_back_a_merged_revision_takes_back_nothing(tmp_path: Path, edit: Edit) -> None:
    """Databases that have it keep what it did."""
    application = branched(tmp_path, (edit,), before=WEIGHT)
    run = run_without_proofs(application, "--since", "main")
    assert run.status == 1, run.explain()
    assert rows(run) == ["in_revision None blocked remove_column product.weight"]
    assert "AR201" not in {finding["code"] for finding in review_of(run)["findings"]}


@pytest.mark.one_stack
def test_an_own_table_that_changes_names_with_a_core_table(tmp_path: Path) -> None:
    swap = SWAPPED.replace("'setting'", "'poser_sync_log'")
    application = branched(tmp_path, revision(swap), database=POSTGRESQL)
    run = run_without_proofs(application, "--since", "main")
    assert run.status == 1, run.explain()
    assert "AR106" in {finding["code"] for finding in review_of(run)["findings"]}


@pytest.mark.one_stack
def test_what_a_merged_revision_did_is_not_what_the_pull_request_does(tmp_path: Path) -> None:
    application = branched(tmp_path, (*NOTE, *note_revision(down="aa00bb11cc22")), before=WEIGHT)
    run = run_without_proofs(application, "--since", "main")
    assert rows(run) == [
        "in_revision 11aa22bb33cc safe add_table poser_note",
        "pending None blocked remove_column product.weight",
    ]
    (finding,) = [finding for finding in review_of(run)["findings"] if finding["code"] == "AR106"]
    assert finding["hint"].startswith("Revert it in a new revision")


@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_a_table_is_what_its_revision_makes_of_it_and_the_rest_is_pending(tmp_path: Path, database: str) -> None:
    more = Replace(f"{MODEL}/extra.py", "    text =", "    author = sa.Column(sa.String(20))\n    text =")
    application = branched(tmp_path, (*NOTE, *NOTE_REVISION, more), database=database)
    run = run_without_proofs(application, "--since", "main")
    assert rows(run) == [
        "in_revision 11aa22bb33cc safe add_table poser_note",
        "pending None safe add_column poser_note.author",
    ]
    table = next(change for change in brought(run)["changes"] if change["kind"] == "add_table")
    assert "text VARCHAR(80)" in table["sql"]
    assert "author" not in table["sql"]


ALTERING = {
    "op.rename_table('user', 'account')": ["add_table account", "remove_table user"],
    "op.alter_column('store', 'name', type_=sa.String(200))": ["modify_type store.name"],
    "op.alter_column('store', 'state', nullable=True)": ["modify_nullable store.state"],
    "op.alter_column('store', 'city', server_default='x')": ["modify_default store.city"],
    "op.create_index('ix_mine', 'store', ['name'])": ["add_index store.ix_mine"],
    "op.create_unique_constraint('uq_mine', 'store', ['name'])": ["add_constraint store.uq_mine"],
    "op.create_table_comment('store', 'shops')": ["add_table_comment store"],
    "op.execute('ALTER TABLE store ADD COLUMN fax text')": ["add_column store.fax"],
    SWAPPED: [
        *("add_column event_log.name", "add_column event_log.value"),
        *("add_column setting.logged_at", "add_column setting.message", "add_column setting.number"),
        *("remove_column event_log.logged_at", "remove_column event_log.message"),
        *("remove_column event_log.number", "remove_column setting.name", "remove_column setting.value"),
    ],
}


@pytest.mark.both_stacks
def test_whatever_a_revision_does_to_a_core_table_is_a_row(tmp_path: Path) -> None:
    ids = [HEAD, *(f"aa00bb11cc{number:02}" for number, _ in enumerate(ALTERING, start=1))]
    steps = [
        edit
        for upgrade, down, new in zip(ALTERING, ids, ids[1:], strict=False)
        for edit in revision(upgrade, id=new, down=down)
    ]
    application = branched(tmp_path, tuple(steps), database=POSTGRESQL)
    run = run_without_proofs(application, "--since", "main")
    assert run.status == 1, run.explain()
    assert [line for line in rows(run) if line.startswith("in_revision")] == [
        f"in_revision {new} blocked {line}"
        for new, lines in zip(ids[1:], ALTERING.values(), strict=True)
        for line in lines
    ]


@pytest.mark.one_stack
def test_a_core_table_that_is_dropped_and_made_again_stays_the_core_s(tmp_path: Path) -> None:
    """Also one without a model, of which only the revisions tell whose it is."""
    legacy = "CREATE TABLE legacy (id INTEGER PRIMARY KEY)"
    merged = Append("site:acme/db/alembic/versions/c6f1d35908ab_inactive_users.py", LEGACY.format(statement=legacy))
    again = revision(f"op.drop_table('legacy')\nop.execute('{legacy}')")
    application = branched(tmp_path, again, installed=(merged,), database=POSTGRESQL)
    run = run_without_proofs(application, "--since", "main")
    assert run.status == 1, run.explain()
    (finding,) = [finding for finding in review_of(run)["findings"] if finding["code"] == "AR106"]
    assert "altered the core table legacy of acme: it dropped the table" in finding["message"]
    (table,) = [table for table in review_of(run)["tables"] if table["name"] == "legacy"]
    assert (table["owner"], table["role"]) == ("acme", "core")


def test_nothing_in_env_py_hides_what_a_revision_does(tmp_path: Path) -> None:
    """Filters and comparisons of env.py are for the models."""
    hiding = "include_object=lambda item, name, kind, *more: kind != 'column', compare_type=False)\n"
    configured = "context.configure(connection=connection, target_metadata=target_metadata"
    application = branched(
        tmp_path,
        revision(
            "op.add_column('product', sa.Column('weight', sa.Integer()))\n"
            "op.alter_column('store', 'name', type_=sa.String(200))"
        ),
        database=POSTGRESQL,
        installed=(Replace("site:acme/db/alembic/env.py", f"{configured})\n", f"{configured}, {hiding}"),),
    )
    run = run_without_proofs(application, "--since", "main")
    assert [line for line in rows(run) if line.startswith("in_revision")] == [
        "in_revision aa00bb11cc22 blocked add_column product.weight",
        "in_revision aa00bb11cc22 blocked modify_type store.name",
    ]
    assert review_of(run)["changes"] == []


LISTENING = """
import sqlalchemy as sa

@sa.event.listens_for(sa.Table, "column_reflect")
def note(inspector, table, column):
    class Local(sa.types.TypeDecorator):
        impl = sa.Integer
        cache_ok = True

    column["info"] = {"function": lambda: None}
    if isinstance(column["type"], sa.Integer):
        column["type"] = Local()
"""


@pytest.mark.both_stacks
def test_listeners_of_the_application_do_not_matter(tmp_path: Path) -> None:
    """Nothing that they leave on a reflected table can be handed to another process."""
    application = branched(
        tmp_path,
        revision("op.add_column('poser_widget', sa.Column('weight', sa.Integer()))"),
        before=(Append(f"{MODEL}/__init__.py", LISTENING),),
        database=POSTGRESQL,
    )
    run = run_without_proofs(application, "--since", "main")
    assert run.status == 0, run.explain()
    assert "in_revision aa00bb11cc22 safe add_column poser_widget.weight" in rows(run)


@pytest.mark.both_stacks
def test_tables_on_a_longer_search_path_have_one_name(tmp_path: Path) -> None:
    upgrade = (
        "op.execute('CREATE TABLE public.poser_far (id varchar(32) PRIMARY KEY)')\n"
        "op.execute('CREATE TABLE poser_near (id varchar(32) PRIMARY KEY REFERENCES poser_far, store varchar(32) "
        "REFERENCES store (uuid))')\nop.add_column('store', sa.Column('fax', sa.Text()))"
    )
    searching = (
        "    with engine.connect() as connection:\n"
        "        connection.exec_driver_sql('CREATE SCHEMA IF NOT EXISTS near')\n"
        "        connection.exec_driver_sql('SET search_path TO near, public')\n"
        "        connection.dialect.default_schema_name = 'near'\n"
        "        getattr(connection, 'commit', lambda: None)()\n"
    )
    env = Replace("site:acme/db/alembic/env.py", "    with engine.connect() as connection:\n", searching)
    application = branched(tmp_path, revision(upgrade), installed=(env,), database=POSTGRESQL)
    run = run_without_proofs(application, "--since", "main")
    assert [line for line in rows(run) if line.startswith("in_revision")] == [
        "in_revision aa00bb11cc22 blocked add_column store.fax",
        "in_revision aa00bb11cc22 safe add_table poser_far",
        "in_revision aa00bb11cc22 safe add_table poser_near",
    ]


@pytest.mark.one_stack
@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_what_a_new_revision_throws_away_is_told_as_if_it_were_pending(tmp_path: Path, database: str) -> None:
    upgrade = "with op.batch_alter_table('poser_widget') as batch:\n    batch.drop_column('shape')"
    edits = (Replace(f"{MODEL}/widgets.py", "    shape = sa.Column(sa.String(10))\n", ""), *revision(upgrade))
    application = branched(tmp_path, edits, database=database)
    run = run_without_proofs(application, "--since", "main", "--fail-on", "warning")
    assert rows(run) == ["in_revision aa00bb11cc22 safe remove_column poser_widget.shape"]
    (finding,) = [finding for finding in review_of(run)["findings"] if finding["code"] == "AR201"]
    assert finding["message"] == "Revision aa00bb11cc22 drops the column shape of poser_widget with all its data."
    assert (finding["revision"], finding["location"]["path"]) == ("aa00bb11cc22", f"{VERSIONS}/aa00bb11cc22_step.py")
    assert "AR201" in brought(run)["changes"][0]["findings"]
    assert run.status == 1, run.explain()


@pytest.mark.one_stack
def test_what_a_new_revision_renames_is_not_thrown_away(tmp_path: Path) -> None:
    renames = (
        "op.alter_column('poser_widget', 'shape', new_column_name='form')\n"
        "op.rename_table('poser_widget_store', 'poser_stock')\n"
        "op.drop_column('poser_widget', 'note')\nop.add_column('poser_widget', sa.Column('memo', sa.Text()))"
    )
    application = branched(tmp_path, revision(renames), database=POSTGRESQL)
    run = run_without_proofs(application, "--since", "main")
    told = {(change["kind"], change["table"], change["name"]): change["reason"] for change in brought(run)["changes"]}
    halves = {
        *(("remove_column", "poser_widget", "shape"), ("add_column", "poser_widget", "form")),
        *(("remove_table", "poser_widget_store", None), ("add_table", "poser_stock", None)),
    }
    assert {key for key, reason in told.items() if "Part of the rename of" in reason} == halves
    shown = {change["sql"] for change in brought(run)["changes"] if "Part of the rename of" in change["reason"]}
    assert shown == {
        'ALTER TABLE "poser_widget" RENAME COLUMN "shape" TO "form";',
        'ALTER TABLE "poser_widget_store" RENAME TO "poser_stock";',
    }
    new = [finding for finding in review_of(run)["findings"] if (finding["code"], finding["revision"] or "")[1]]
    lost = [finding["message"] for finding in new if finding["code"] == "AR201"]
    assert lost == ["Revision aa00bb11cc22 drops the column note of poser_widget with all its data."]
    marked = [
        change["name"] for change in brought(run)["changes"] if change["state"] == "in_revision" and change["findings"]
    ]
    assert marked == ["note"]


@pytest.mark.one_stack
def test_what_is_dropped_under_another_name_is_thrown_away(tmp_path: Path) -> None:
    renames = (
        "op.alter_column('poser_widget', 'shape', new_column_name='form')\n"
        "op.rename_table('poser_widget_store', 'poser_stock')"
    )
    drops = (
        "op.drop_column('poser_widget', 'form')\nop.drop_table('poser_stock')\n"
        "op.add_column('poser_widget', sa.Column('shape', sa.Text()))"
    )
    edits = (*revision(renames), *revision(drops, id="bb00bb11cc22", down="aa00bb11cc22"))
    application = branched(tmp_path, edits, database=POSTGRESQL)
    run = run_without_proofs(application, "--since", "main")
    new = [finding for finding in review_of(run)["findings"] if finding["revision"] and finding["code"] == "AR201"]
    assert sorted(finding["message"] for finding in new) == [
        "Revision bb00bb11cc22 drops the column shape of poser_widget with all its data, and creates it again.",
        "Revision bb00bb11cc22 drops the table poser_widget_store with all its data.",
    ]
    assert not [change for change in brought(run)["changes"] if "Part of the rename of" in change["reason"]]


def test_what_is_renamed_and_changed_is_told(tmp_path: Path) -> None:
    both = (
        "op.alter_column('poser_sync_log', 'message', new_column_name='words', type_=sa.String(7))\n"
        "op.rename_table('poser_widget', 'poser_thing')\nop.drop_column('poser_thing', 'note')\n"
        "op.alter_column('poser_thing', 'shape', new_column_name='form')\n"
        "op.add_column('poser_thing', sa.Column('more', sa.Text()))"
    )
    besides = "renamed the column shape to form, added the column more, removed the column note"
    application = branched(tmp_path, revision(both), database=POSTGRESQL)
    run = run_without_proofs(application, "--since", "main")
    told = {
        change["reason"].partition("belongs to poser. ")[2]
        for change in brought(run)["changes"]
        if change["sql"].startswith('ALTER TABLE "')
    }
    assert told == {
        "Part of the rename of message to words. The new revisions also changed the column words.",
        f"Part of the rename of poser_widget to poser_thing. The new revisions also {besides}.",
    }
    new = [finding for finding in review_of(run)["findings"] if finding["revision"] and finding["code"] == "AR201"]
    assert [finding["message"] for finding in new] == [
        "Revision aa00bb11cc22 drops the column note of poser_widget with all its data."
    ]


@pytest.mark.one_stack
def test_what_goes_along_with_a_renaming_has_no_sql_of_its_own(tmp_path: Path) -> None:
    """An index of the table, and a foreign key that refers to it, are the same as before."""
    application = branched(tmp_path, revision("op.rename_table('poser_widget', 'poser_thing')"), database=POSTGRESQL)
    run = run_without_proofs(application, "--since", "main")
    told = {(change["kind"], change["sql"]) for change in brought(run)["changes"] if change["state"] == "in_revision"}
    renamed = 'ALTER TABLE "poser_widget" RENAME TO "poser_thing";'
    alone = {"add_index", "remove_index", "add_fk", "remove_fk"}
    assert told == {("add_table", renamed), ("remove_table", renamed), *((kind, "") for kind in alone)}


@pytest.mark.one_stack
def test_columns_that_change_names_with_each_other_lose_nothing(tmp_path: Path) -> None:
    renames = "\n".join(
        f"op.alter_column('poser_widget', '{old}', new_column_name='{new}')"
        for old, new in (("shape", "x"), ("note", "shape"), ("x", "note"))
    )
    application = branched(tmp_path, revision(renames), database=POSTGRESQL)
    run = run_without_proofs(application, "--since", "main")
    written = [change for change in brought(run)["changes"] if change["state"] == "in_revision"]
    assert {change["reason"].rpartition(": ")[2] for change in written} == {
        "shape was renamed to this name.",
        "note was renamed to this name.",
    }
    assert not [one for one in review_of(run)["findings"] if one["code"] == "AR201" and one["revision"]]


@pytest.mark.parametrize("database", POSTGRESQL_FIRST)
def test_what_a_new_revision_makes_required_is_a_note(tmp_path: Path, database: str) -> None:
    upgrade = (
        "op.execute(\"UPDATE poser_widget SET shape = ''\")\n"
        "with op.batch_alter_table('poser_widget') as batch:\n"
        "    batch.alter_column('shape', existing_type=sa.String(10), nullable=False)\n"
        "    batch.add_column(sa.Column('depth', sa.Integer(), nullable=False))\n"
        "    batch.add_column(sa.Column('level', sa.Integer(), server_default='1', nullable=False))\n"
        "op.create_table('poser_new', sa.Column('id', sa.Integer(), primary_key=True))\n"
        "op.add_column('poser_new', sa.Column('more', sa.Integer(), nullable=False, server_default='0'))"
    )
    application = branched(tmp_path, revision(upgrade), database=database)
    run = run_without_proofs(application, "--since", "main")
    notes = [finding for finding in review_of(run)["findings"] if finding["code"] == "AR202" and finding["revision"]]
    told = "Revision aa00bb11cc22 makes {} of poser_widget NOT NULL, which fails if existing rows have no value."
    assert sorted((finding["severity"], finding["message"]) for finding in notes) == [
        ("info", told.format("depth")),
        ("info", told.format("shape")),
    ]


@pytest.mark.one_stack
def test_without_changes_there_is_nothing_in_it(tmp_path: Path) -> None:
    application = branched(tmp_path, (Write("README", "words\n"),))
    run = run_without_proofs(application, "--since", "main")
    assert run.status == 0, run.explain()
    assert (brought(run)["new_revisions"], brought(run)["changes"]) == ([], [])


@pytest.mark.one_stack
def test_the_base_is_where_the_branches_parted(tmp_path: Path) -> None:
    application = branched(tmp_path, (*NOTE, *NOTE_REVISION))
    parted = git(application.project, "rev-parse", "main")
    git(application.project, "checkout", "--quiet", "main")
    Write("README", "others go on\n").apply(application.locate)
    commit(application, "main goes on")
    git(application.project, "checkout", "--quiet", "topic")
    run = run_without_proofs(application, "--since", "main")
    assert brought(run)["base"] == parted


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Append(f"{VERSIONS}/{WIDGETS}", "\n# a remark\n"), ["AR501 info"]),
        (Append(f"{VERSIONS}/{WIDGETS}", "\nSOMETHING = 1\n"), ["AR501 error"]),
        (Append("pyproject.toml", "\n[tool.alembic-review]\nprefix = 'poser_'\n"), ["AR503 warning"]),
        (Append("app/acme.conf", "\n[alembic-review]\nfail-on = error\n"), ["AR503 warning"]),
        (Append("app/acme.conf", "\n[loggers]\nkeys = root\n"), []),
    ],
)
def test_what_was_merged_and_is_edited_is_told(tmp_path: Path, edit: Edit, expected: list[str]) -> None:
    application = branched(tmp_path, (edit,))
    run = run_without_proofs(application, "--since", "main")
    assert findings(run) == expected, run.explain()


@pytest.mark.one_stack
def test_tables_before_the_first_revision(tmp_path: Path) -> None:
    model = module(
        "class PoserOld(Base):\n    __tablename__ = 'poser_old'\n    id = sa.Column(sa.Integer, primary_key=True)"
    )
    settings = Append("pyproject.toml", '\n[tool.alembic-review]\nbefore = "db/before.sql"\n')
    file = Write("db/before.sql", "CREATE TABLE poser_old (id INTEGER NOT NULL PRIMARY KEY);\n")
    adding = revision("op.add_column('poser_old', sa.Column('more', sa.Integer()))")
    edited = Append("db/before.sql", "CREATE TABLE poser_older (id INTEGER PRIMARY KEY);\n")
    application = branched(tmp_path, (*adding, edited), before=(*model, settings, file))
    run = run_without_proofs(application, "--since", "main")
    assert rows(run) == [
        "in_revision aa00bb11cc22 safe add_column poser_old.more",
        "pending None blocked remove_table poser_older",
        "pending None safe remove_column poser_old.more",
    ]
    (finding,) = [finding for finding in review_of(run)["findings"] if finding["code"] == "AR503"]
    assert finding["message"] == "The settings of alembic-review changed: before."
    assert finding["location"] == {"base": "project", "path": "db/before.sql", "line": 1}


@pytest.mark.one_stack
def test_a_merged_revision_that_is_gone_is_told(tmp_path: Path) -> None:
    application = branched(tmp_path, (Delete(f"{VERSIONS}/11aa22bb33cc_step.py"), *NOTE), before=NOTE_REVISION)
    run = run_without_proofs(application, "--since", "main")
    assert "AR502 error" in findings(run), run.explain()


@pytest.mark.one_stack
@pytest.mark.parametrize(("full", "tried"), [((), ["22bb33cc44dd"]), (("--full",), ["11aa22bb33cc", "22bb33cc44dd"])])
def test_only_new_revisions_are_downgraded(tmp_path: Path, full: tuple[str, ...], tried: list[str]) -> None:
    """The rest only with ``--full``. The downgrade of both does nothing."""
    add = 'op.add_column("poser_widget", sa.Column("{}", sa.Integer()))'
    nothing = "\n\ndef downgrade():\n    pass\n"
    before = (
        *revision(add.format("one"), id="11aa22bb33cc"),
        Append(f"{VERSIONS}/11aa22bb33cc_step.py", nothing),
    )
    new = (
        *revision(add.format("two"), id="22bb33cc44dd", down="11aa22bb33cc"),
        Append(f"{VERSIONS}/22bb33cc44dd_step.py", nothing),
    )
    application = branched(tmp_path, new, before=before)
    run = run_tool(application, "--since", "main", "--no-prove", *full)
    assert sorted(one["revision"] for one in review_of(run)["findings"] if one["code"] == "AR514") == tried
    lines = [line for line in review_of(run)["provenance"]["not_checked"] if "--full" in line]
    merged = [
        "the downgrade of 4 revisions, 10c2e6a7f5d4 to 11aa22bb33cc (tried only with --full)",
        "poser's revisions in a different dependency order (tried only with --full)",
    ]
    assert lines == ([] if full else merged)


@pytest.mark.one_stack
def test_a_file_that_a_merged_revision_reads_is_edited(tmp_path: Path) -> None:
    reading = "import pathlib\nop.execute((pathlib.Path(__file__).parents[1] / 'tables.sql').read_text())"
    file = f"{VERSIONS.rpartition('/')[0]}/tables.sql"
    before = (*revision(reading), Write(file, "CREATE TABLE poser_a (id INTEGER PRIMARY KEY)"))
    edited = Write(file, "CREATE TABLE poser_a (id INTEGER PRIMARY KEY, more TEXT)")
    application = branched(tmp_path, (edited,), before=before)
    run = run_without_proofs(application, "--since", "main")
    assert [line for line in rows(run) if line.startswith("in_")] == ["in_revision None safe add_column poser_a.more"]
    (change,) = [change for change in brought(run)["changes"] if change["state"] == "in_revision"]
    assert (change["sql"], "Only newly created databases" in change["reason"]) == ("", True)


@pytest.mark.one_stack
def test_a_renamed_and_a_moved_revision_are_the_same_revision(tmp_path: Path) -> None:
    application = branched(tmp_path, (), before=(*NOTE, *NOTE_REVISION, Write("README", "words\n")))
    folder = application.project / VERSIONS
    (folder / "11aa22bb33cc_step.py").rename(folder / "11aa22bb33cc_notes.py")
    commit(application, "renamed")
    run = run_without_proofs(application, "--since", "main", "--full")
    assert run.status == 0, run.explain()
    # The helper's revision has no downgrade.
    assert (brought(run)["new_revisions"], findings(run)) == ([], ["AR514 warning"])
    moved = application.project / "poser/db/migrations"
    folder.rename(moved)
    for number, file in enumerate(sorted(moved.glob("*_*.py"))):
        file.rename(moved / f"step{number}.py")
    Replace("app/acme.conf", "poser.db:alembic/versions", "poser.db:migrations").apply(application.locate)
    commit(application, "moved")
    run = run_without_proofs(application, "--since", "main")
    assert run.status == 0, run.explain()
    assert (brought(run)["new_revisions"], brought(run)["changes"]) == ([], [])
    (finding,) = [finding for finding in review_of(run)["findings"] if finding["code"] == "AR503"]
    assert finding["message"] == "The settings of Alembic changed: version_locations."
    assert finding["location"] == {"base": "project", "path": "app/acme.conf", "line": 9}


@pytest.mark.one_stack
def test_a_merge_revision_is_new_and_changes_nothing(tmp_path: Path) -> None:
    one = revision("pass", id="aa11aa11aa11")
    two = revision("pass", id="bb22bb22bb22")
    merge = Write(
        f"{VERSIONS}/cc33cc33cc33_merge.py",
        '"""merge"""\nrevision = "cc33cc33cc33"\ndown_revision = ("aa11aa11aa11", "bb22bb22bb22")\n'
        "branch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n    pass\n",
    )
    application = branched(tmp_path, (merge,), before=(*one, *two))
    run = run_without_proofs(application, "--since", "main")
    assert [new["id"] for new in brought(run)["new_revisions"]] == ["cc33cc33cc33"]
    assert brought(run)["changes"] == []


@pytest.mark.one_stack
def test_a_base_without_the_folder_has_everything_new(tmp_path: Path) -> None:
    application = make_application(tmp_path, (*NOTE, *NOTE_REVISION))
    versions = application.project / VERSIONS
    aside = tmp_path / "aside"
    shutil.copytree(versions, aside)
    shutil.rmtree(versions)
    git(application.project, "init", "--quiet", "--initial-branch=main")
    commit(application, "base")
    git(application.project, "checkout", "--quiet", "-b", "topic")
    shutil.copytree(aside, versions)
    commit(application, "all revisions")
    run = run_without_proofs(application, "--since", "main")
    assert "11aa22bb33cc" in [new["id"] for new in brought(run)["new_revisions"]], run.explain()
    assert "in_revision 11aa22bb33cc safe add_table poser_note" in rows(run)


@pytest.mark.one_stack
def test_revisions_of_the_base_that_no_longer_apply_are_named(tmp_path: Path) -> None:
    broken = Replace(
        f"{VERSIONS}/11aa22bb33cc_step.py",
        "op.create_table(",
        'op.execute("SELECT no_such_thing")\n    op.create_table(',
    )
    application = branched(tmp_path, (*NOTE_REVISION,), before=(*NOTE, *NOTE_REVISION, broken))
    run = run_without_proofs(application, "--since", "main")
    assert run.status == 3, run.explain()
    assert "The revisions of the base, " in run.stderr
    assert f"{VERSIONS}/11aa22bb33cc_step.py" in run.stderr.replace("\n", "")
    assert "Keep the code and files that merged revisions use" in " ".join(run.stderr.split())


@pytest.mark.one_stack
def test_a_shallow_clone_says_what_to_fetch(tmp_path: Path) -> None:
    application = branched(tmp_path, (*NOTE, *NOTE_REVISION))
    source = tmp_path / "source"
    application.project.rename(source)
    url = f"file://{source}"
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--no-single-branch", "--branch", "topic", url, "project")
    run = run_without_proofs(application, "--since", "origin/main")
    assert run.status == 3, run.explain()
    assert "shallow" in run.stderr
    assert "fetch" in run.stderr


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("ref", "status", "said"),
    [
        ("nowhere", 3, "There is no commit nowhere"),
        ("-x", 2, "not the name of a commit"),
        ("a b", 3, "There is no commit"),
    ],
)
def test_a_ref_that_is_none(tmp_path: Path, ref: str, status: int, said: str) -> None:
    application = branched(tmp_path, ())
    run = run_without_proofs(application, f"--since={ref}")
    assert run.status == status, run.explain()
    assert said in run.stderr


@pytest.mark.one_stack
def test_an_application_that_is_installed_as_a_copy(tmp_path: Path) -> None:
    """The copy is made from the sources that Git has."""
    edited = Replace(f"{VERSIONS}/{WIDGETS}", "def upgrade():\n", "def upgrade():\n    op.execute('SELECT 1')\n")
    application = branched(tmp_path, (*NOTE, *NOTE_REVISION, edited))
    packages = application.environment.site_packages
    (packages / "_poser.pth").unlink()
    shutil.rmtree(next(packages.glob("poser-*.dist-info")))
    install(application.environment, application.project)
    run = run_without_proofs(application, "--since", "main")
    assert rows(run) == ["in_revision 11aa22bb33cc safe add_table poser_note"]
    assert "AR501 error" in findings(run)
    assert not any("revisions of poser" in line for line in review_of(run)["provenance"]["not_checked"])


@pytest.mark.one_stack
def test_outside_of_a_checkout_and_with_the_variables_of_a_hook(tmp_path: Path) -> None:
    application = make_application(tmp_path)
    run = run_without_proofs(application, "--since", "main")
    assert run.status == 3, run.explain()
    assert "not in a Git checkout" in run.stderr
    other = branched(tmp_path / "other", ())
    run = run_without_proofs(other, "--since", "main", variables={"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index"})
    assert run.status == 0, run.explain()
