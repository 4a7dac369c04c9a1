"""``alembic-review revision`` for real: the file, what plain Alembic makes of it, and what is refused."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from .cases_custom import TWO_PACKAGES
from .edits import CLEAN, HEAD, MODEL, VERSIONS, Append, Delete, Edit, Replace, Write, module, revision
from .environments import FIXTURES
from .harness import (
    LIMIT_SECONDS,
    PASSWORD,
    POSTGRESQL,
    Application,
    make_application,
    make_project,
    run_alembic,
    run_tool,
)
from .scenario import BOTH, POSTGRESQL_FIRST, SQLITE_FIRST, review_of, row, tree

CONF = "app/acme.conf"
CUSTOM_LAST = Replace(
    CONF, "poser.db:alembic/versions acme.db:alembic/versions", "acme.db:alembic/versions poser.db:alembic/versions"
)
NEW_TABLE = module(
    """
    class PoserNote(Base):
        __tablename__ = "poser_note"
        uuid = uuid_column()
        store_uuid = uuid_fk_column("store.uuid", index=True)
        text = sa.Column(sa.String(80))
    """
)
CORE_COLUMN = module("Store.fax = sa.Column(sa.String(9))\n", name="tampering")


SHIPPED = sorted((FIXTURES / "poser" / VERSIONS).glob("*.py"))
# The application before its first revision; a function of the core makes the table of its log.
FIRST: tuple[Edit, ...] = (
    *(Delete(f"{VERSIONS}/{path.name}") for path in SHIPPED if Delete(f"{VERSIONS}/{path.name}") not in CLEAN),
    Append("pyproject.toml", '\n[tool.alembic-review]\nowners = { poser_sync_log = "poser" }\n'),
)


@dataclass(frozen=True)
class Ran:
    status: int
    stdout: str
    stderr: str

    def explain(self) -> str:
        return f"exit {self.status}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def revise(application: Application, *arguments: str, conf: str = CONF, message: str = "a step") -> Ran:
    command = [sys.executable, "-m", "alembic_review", "revision", "-c", conf, "-m", message]
    done = subprocess.run(
        [*command, "--python", str(application.environment.python), *arguments],
        cwd=application.project,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in ran.stdout + ran.stderr, ran.explain()
    assert PASSWORD not in ran.stdout + ran.stderr
    return ran


def new_files(application: Application, before: dict[str, str], folder: str = VERSIONS) -> list[Path]:
    """The files that a run left in the project, all of them in this folder."""
    after = tree(application.project)
    assert {name: after.get(name) for name in before} == before
    added = [application.project / name for name in after if name not in before]
    assert all(path.is_relative_to(application.project / folder) for path in added)
    return added


def pending(application: Application, conf: str = CONF) -> list[str]:
    return sorted(row(change) for change in review_of(run_tool(application, conf=conf))["changes"])


@pytest.mark.both_stacks
@pytest.mark.parametrize("database", BOTH)
def test_the_safe_changes_become_a_revision_and_nothing_is_left(tmp_path: Path, database: str) -> None:
    application = make_application(tmp_path, NEW_TABLE, database=database)
    before = tree(application.project)
    ran = revise(application, message="Notes: of stores")
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    text = path.read_text()
    assert path.name.endswith("_notes_of_stores.py")
    assert f"down_revision = '{HEAD}'" in text
    assert "op.create_table('poser_note'" in text
    assert "op.create_index(op.f('ix_poser_note_store_uuid')" in text
    assert f"Wrote {VERSIONS}/{path.name}" in ran.stdout
    assert "- add_table poser_note" in ran.stdout
    assert pending(application) == []


@pytest.mark.both_stacks
def test_plain_alembic_upgrades_and_downgrades_with_it_in_any_order_of_locations(tmp_path: Path) -> None:
    application = make_application(tmp_path, NEW_TABLE)
    ran = revise(application)
    assert ran.status == 0, ran.explain()
    for edits in ((), (CUSTOM_LAST,)):
        for edit in edits:
            edit.apply(application.locate)
        (application.project / "app/poser.db").unlink(missing_ok=True)
        done = run_alembic(application, "-c", CONF, "upgrade", "heads")
        assert done.returncode == 0, done.stderr
    done = run_alembic(application, "-c", CONF, "downgrade", HEAD)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_the_first_revision_makes_a_branch_that_depends_on_the_core(tmp_path: Path, database: str) -> None:
    application = make_application(tmp_path, FIRST, database=database)
    before = tree(application.project)
    ran = revise(application, message="begin")
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    text = path.read_text()
    assert "down_revision = None" in text
    assert "branch_labels = ('poser',)" in text
    assert "depends_on = 'c6f1d35908ab'" in text
    assert "first of the branch poser" in ran.stdout
    assert pending(application) == []
    CUSTOM_LAST.apply(application.locate)
    assert pending(application) == []


NEWER_CORE = (
    Write(
        "site:acme/db/alembic/versions/f0a1_codes.py",
        """
        import sqlalchemy as sa
        from alembic import op
        revision, down_revision, branch_labels, depends_on = "f0a1", "c6f1d35908ab", None, None
        def upgrade():
            with op.batch_alter_table("store") as batch:
                batch.add_column(sa.Column("code", sa.String(20)))
                batch.create_unique_constraint("uq_store_code", ["code"])
        def downgrade():
            with op.batch_alter_table("store") as batch:
                batch.drop_constraint("uq_store_code")
                batch.drop_column("code")
        """,
    ),
    Replace(
        "site:acme/db/model/stores.py",
        "    city = sa.Column(sa.String(80))\n",
        "    city = sa.Column(sa.String(80))\n    code = sa.Column(sa.String(20), unique=True)\n",
    ),
    *module(
        """
        class PoserCode(Base):
            __tablename__ = "poser_code"
            uuid = uuid_column()
            code = sa.Column(sa.String(20), sa.ForeignKey("store.code"))
        """
    ),
)


@pytest.mark.parametrize("database", POSTGRESQL_FIRST)
def test_a_column_of_the_core_that_is_younger_than_its_table(tmp_path: Path, database: str) -> None:
    application = make_application(tmp_path, NEWER_CORE, database=database)
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    assert "depends_on = 'f0a1'" in path.read_text()
    CUSTOM_LAST.apply(application.locate)
    assert pending(application) == []


@pytest.mark.one_stack
def test_what_the_output_encoding_lacks_is_escaped(tmp_path: Path) -> None:
    """Names of what was left out are others' words."""
    hung = module("Store.fax = sa.Column('gr\u00f6\u00dfe', sa.String(9))\n", name="tampering")
    ascii_only = Replace(CONF, "[alembic]\n", "[alembic]\noutput_encoding = ascii\n")
    application = make_application(tmp_path, (*NEW_TABLE, *hung, ascii_only))
    before = tree(application.project)
    ran = revise(application, "--leave-out-blocked")
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    assert "store.gr\\xf6\\xdfe" in path.read_text("ascii")


@pytest.mark.one_stack
@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_what_is_blocked_stops_everything_unless_it_may_be_left_out(tmp_path: Path, database: str) -> None:
    application = make_application(tmp_path, (*NEW_TABLE, *CORE_COLUMN), database=database)
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == 1, ran.explain()
    assert "Nothing was written: 1 blocked change." in ran.stderr
    assert "store.fax" in ran.stdout
    assert new_files(application, before) == []

    ran = revise(application, "--leave-out-blocked")
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    text = path.read_text()
    assert "- add_column store.fax: `store` belongs to acme, but poser adds this column." in text.partition('"""\n')[0]
    assert "fax" not in text.partition("def upgrade")[2]
    assert pending(application) == ["blocked add_column store.fax"]


@pytest.mark.one_stack
def test_damage_that_is_not_pending_stops_it_too(tmp_path: Path) -> None:
    altered = revision("op.add_column('store', sa.Column('fax', sa.String(9)))")
    application = make_application(tmp_path, (*NEW_TABLE, *altered))
    ran = revise(application)
    assert ran.status == 1, ran.explain()
    ran = revise(application, "--leave-out-blocked", "--dry-run")
    assert ran.status == 0, ran.explain()
    assert "Not undone here:\n- AR106: " in ran.stdout


@pytest.mark.one_stack
def test_destructive_changes_come_first(tmp_path: Path) -> None:
    gone = Replace(f"{MODEL}/widgets.py", "    shape = sa.Column(sa.String(10))\n", "")
    application = make_application(tmp_path, (*NEW_TABLE, gone))
    ran = revise(application, "--dry-run")
    assert ran.status == 0, ran.explain()
    assert ran.stdout.startswith('"""a step\n')
    assert "Destructive, data is lost:\n- remove_column poser_widget.shape\n" in ran.stdout
    said = ran.stderr
    assert said.index("remove_column poser_widget.shape") < said.index("add_table poser_note")


@pytest.mark.one_stack
def test_upstream_drift_and_what_needs_it_stay_out(tmp_path: Path) -> None:
    drift = Append(
        "site:acme/db/model/settings.py",
        """
        class Currency(Base):
            __tablename__ = "currency"
            code = sa.Column(sa.String(3), primary_key=True)
        """,
    )
    price = module(
        """
        class PoserPrice(Base):
            __tablename__ = "poser_price"
            uuid = uuid_column()
            currency = sa.Column(sa.String(3), sa.ForeignKey("currency.code"), index=True)
        """,
        name="prices",
    )
    application = make_application(tmp_path, (drift, *NEW_TABLE, *price))
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    assert "poser_price" not in path.read_text().partition("def upgrade")[2]
    assert "- add_table poser_price: It needs add_table currency, which is upstream drift and not written." in (
        re.sub(r"\n  +", " ", ran.stdout)
    )
    assert pending(application) == [
        "safe add_index poser_price.ix_poser_price_currency",
        "safe add_table poser_price",
        "upstream add_table currency",
    ]
    again = revise(application)
    assert again.status == 0, again.explain()
    assert "Nothing to write." in again.stderr
    assert "poser_price" in again.stderr


@pytest.mark.one_stack
def test_nothing_pending_is_no_file(tmp_path: Path) -> None:
    application = make_application(tmp_path)
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == 0, ran.explain()
    assert "Nothing to write: no safe change is pending." in ran.stderr
    assert new_files(application, before) == []


def spoiled(upgrade: str, downgrade: str = "SELECT 1") -> tuple[Edit, ...]:
    """An env.py whose process_revision_directives adds these statements."""
    return (
        Replace(
            "site:acme/db/alembic/env.py",
            "configure(connection=connection, ",
            "configure(process_revision_directives=spoil, connection=connection, ",
        ),
        Write(
            "site:acme/spoil.py",
            f"""
            from alembic.operations import ops

            def spoil(context, revision, directives):
                directives[0].upgrade_ops.ops.append(ops.ExecuteSQLOp({upgrade!r}))
                directives[0].downgrade_ops.ops.insert(0, ops.ExecuteSQLOp({downgrade!r}))
            """,
        ),
        Replace(
            "site:acme/db/alembic/env.py",
            "from alembic import context",
            "from acme.spoil import spoil\nfrom alembic import context",
        ),
    )


@pytest.mark.one_stack
@pytest.mark.parametrize("database", SQLITE_FIRST)
@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (spoiled("SELECT nothing_like_this"), "The revision does not work. Revision [0-9a-f]+ failed in"),
        (spoiled("SELECT 1", "SELECT nothing_like_this"), "The downgrade of revision [0-9a-f]+ failed"),
        (
            spoiled(
                "DROP INDEX ix_poser_note_store_uuid", "CREATE INDEX ix_poser_note_store_uuid ON poser_note (text)"
            ),
            "these changes would still be pending: add_index ix_poser_note_store_uuid",
        ),
        (
            spoiled("CREATE TABLE poser_left (id INTEGER)"),
            "does not restore the schema: the table poser_left is still there",
        ),
        (
            spoiled("ALTER TABLE store ADD COLUMN fax VARCHAR(9)", "ALTER TABLE store DROP COLUMN fax"),
            "A review would block the revision: store: .*added the column fax",
        ),
    ],
    ids=["fails", "downgrade fails", "does not do it", "leaves something", "alters the core"],
)
def test_a_revision_that_does_not_work_is_not_written(
    tmp_path: Path, database: str, edits: tuple[Edit, ...], said: str
) -> None:
    application = make_application(tmp_path, (*NEW_TABLE, *edits), database=database)
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == 1, ran.explain()
    assert re.search(said, ran.stderr), ran.explain()
    assert "/alembic-review-" not in ran.stderr
    assert new_files(application, before) == []


@pytest.mark.one_stack
def test_hooks_of_the_application_run_on_the_finished_file(tmp_path: Path) -> None:
    hooks = Append(
        CONF,
        """
        [post_write_hooks]
        hooks = stamp
        stamp.type = exec
        stamp.executable = /bin/sh
        stamp.options = -c "echo '# stamped' >> REVISION_SCRIPT_FILENAME"
        """,
    )
    application = make_application(tmp_path, (*NEW_TABLE, hooks))
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    assert path.read_text().endswith("# stamped\n")


@pytest.mark.one_stack
def test_several_heads_are_refused_with_what_to_do(tmp_path: Path) -> None:
    second = revision("pass", id="bb00bb11cc22", down="93d5b8e20f6c")
    third = revision("pass", id="cc00bb11cc22", down="93d5b8e20f6c")
    application = make_application(tmp_path, (*NEW_TABLE, *second, *third))
    ran = revise(application)
    assert ran.status == 2, ran.explain()
    assert "2 heads: bb00bb11cc22 cc00bb11cc22" in ran.stderr
    assert "alembic merge" in ran.stderr


@pytest.mark.one_stack
def test_a_location_that_the_conf_does_not_name_is_told(tmp_path: Path) -> None:
    unnamed = Replace(CONF, "poser.db:alembic/versions acme.db", "acme.db")
    application = make_application(tmp_path, (*FIRST, unnamed))
    ran = revise(application)
    assert ran.status == 2, ran.explain()
    assert "add it to version_locations there, as poser:db/alembic/versions" in " ".join(ran.stderr.split())


def test_a_plain_project_gets_what_alembic_gives(tmp_path: Path) -> None:
    application = make_project(
        tmp_path,
        "env_generic",
        (Replace("alembic.ini", "postgresql://library:s3cr%%et@db.invalid/library", "sqlite:///%(here)s/library.db"),),
    )
    before = tree(application.project)
    ran = revise(application, conf="alembic.ini", message="authors")
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before, "migrations/versions")
    assert "3f2a90c7d1e8" in path.read_text()
    assert pending(application, conf="alembic.ini") == []
    done = run_alembic(application, "-c", "alembic.ini", "upgrade", "head")
    assert done.returncode == 0, done.stderr


@pytest.mark.both_stacks
def test_types_that_a_downgrade_leaves_behind_are_named(tmp_path: Path) -> None:
    enum = module(
        """
        class PoserState(Base):
            __tablename__ = "poser_state"
            uuid = uuid_column()
            state = sa.Column(sa.Enum("new", "old", name="poser_state_kind"))
        """
    )
    application = make_application(tmp_path, enum, database=POSTGRESQL)
    ran = revise(application)
    assert ran.status == 0, ran.explain()
    assert "leaves the type with the values new, old behind" in ran.stdout


@pytest.mark.one_stack
def test_a_folder_that_is_no_version_location_is_told(tmp_path: Path) -> None:
    application = make_application(tmp_path, NEW_TABLE)
    before = tree(application.project)
    ran = revise(application, "--version-path", "nowhere")
    assert ran.status == 2, ran.explain()
    assert f"{application.project / 'nowhere'} is not one of the version_locations" in ran.stderr
    ran = revise(application, "--version-path", VERSIONS)
    assert ran.status == 0, ran.explain()
    assert len(new_files(application, before)) == 1


NOTES_OF_LABELS = (
    *TWO_PACKAGES,
    *NEW_TABLE,
    Write("poser_labels/versions/.gitkeep", ""),
    Replace(CONF, "version_locations = ", "version_locations = poser_labels:versions "),
    Append(
        "poser_labels/model.py",
        """

        class Tag(Base):
            __tablename__ = "poser_tag"
            uuid = uuid_column()
            widget_uuid = uuid_fk_column("poser_widget.uuid")
            note_uuid = uuid_fk_column("poser_note.uuid")
        """,
    ),
    Replace("poser_labels/model.py", "import Base, uuid_column", "import Base, uuid_column, uuid_fk_column"),
)


@pytest.mark.one_stack
@pytest.mark.parametrize("database", POSTGRESQL_FIRST)
def test_several_packages_get_a_revision_each(tmp_path: Path, database: str) -> None:
    application = make_application(tmp_path, NOTES_OF_LABELS, database=database)
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == 0, ran.explain()
    after = {name for name in tree(application.project) if name not in before}
    (notes,) = [name for name in after if name.startswith(VERSIONS)]
    (labels,) = [name for name in after if name.startswith("poser_labels/versions/")]
    assert len(after) == 2
    number = Path(notes).name.partition("_")[0]
    text = (application.project / labels).read_text()
    assert "branch_labels = ('poser_labels',)" in text
    assert f"depends_on = '{number}'" in text
    assert pending(application) == []


@pytest.mark.one_stack
@pytest.mark.parametrize("database", SQLITE_FIRST)
def test_one_package_can_not_count_on_what_another_would_write(tmp_path: Path, database: str) -> None:
    application = make_application(tmp_path, NOTES_OF_LABELS, database=database)
    before = tree(application.project)
    ran = revise(application, "--package", "poser_labels")
    assert ran.status == 0, ran.explain()
    assert "add_table poser_tag: It needs add_table poser_note, which has to be written by poser first." in ran.stdout
    (path,) = new_files(application, before, "poser_labels/versions")
    assert "poser_tag" not in path.read_text().partition("def upgrade")[2]
    left = pending(application)
    assert "safe add_table poser_tag" in left
    assert "safe add_table poser_label" not in left


@pytest.mark.one_stack
def test_a_folder_that_is_yet_to_be_made_is_made(tmp_path: Path) -> None:
    application = make_application(tmp_path, FIRST)
    shutil.rmtree(application.project / "poser/db/alembic")
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == 0, ran.explain()
    assert len(new_files(application, before)) == 1
    assert pending(application) == []


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("conf", "status", "said"),
    [
        ("recursive_version_locations = true\n", 0, r"Wrote poser/db/alembic/versions/\d{4}/[0-9a-f]+_a_step.py"),
        ("", 1, "Alembic would not find the revision: file_template makes .* does not set recursive_version_locations"),
    ],
)
def test_folders_in_file_template(tmp_path: Path, conf: str, status: int, said: str) -> None:
    template = Replace(CONF, "[alembic]\n", f"[alembic]\nfile_template = %%(year)d/%%(rev)s_%%(slug)s\n{conf}")
    application = make_application(tmp_path, (*NEW_TABLE, template))
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == status, ran.explain()
    assert re.search(said, ran.stdout + ran.stderr), ran.explain()
    assert len(new_files(application, before)) == (1 if status == 0 else 0)


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("identifier", "said"),
    [(HEAD, f"There is a revision {HEAD} already"), ("../x", "'../x' is not a valid revision id")],
)
def test_an_id_that_can_not_be(tmp_path: Path, identifier: str, said: str) -> None:
    application = make_application(tmp_path, NEW_TABLE)
    before = tree(application.project)
    ran = revise(application, "--rev-id", identifier)
    assert ran.status == 2, ran.explain()
    assert said in ran.stderr
    assert new_files(application, before) == []


@pytest.mark.one_stack
def test_a_file_of_that_name_stays_as_it_is(tmp_path: Path) -> None:
    there = Write(
        f"{VERSIONS}/aa00_a_step.py", f'revision = "bb00"\ndown_revision = "{HEAD}"\n\n\ndef upgrade():\n    pass\n'
    )
    application = make_application(tmp_path, (*NEW_TABLE, there))
    before = tree(application.project)
    ran = revise(application, "--rev-id", "aa00")
    assert ran.status == 3, ran.explain()
    assert "aa00_a_step.py can't be written: File exists." in ran.stderr
    assert new_files(application, before) == []


@pytest.mark.one_stack
def test_a_hook_that_fails_leaves_the_revision(tmp_path: Path) -> None:
    hook = "\n[post_write_hooks]\nhooks = tidy\ntidy.type = console_scripts\ntidy.entrypoint = no-such-tool\n"
    application = make_application(tmp_path, (*NEW_TABLE, Append(CONF, hook)))
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == 3, ran.explain()
    (path,) = new_files(application, before)
    assert f"A post_write_hook failed on {path}: " in ran.stderr
    assert "The revision file is complete" in ran.stderr


DIRECTIVES = {
    "an id of its own": ("directives[0].rev_id = '0001'", 1),
    "nothing to write": ("directives[:] = []", 0),
    "one more": (
        "directives.append(ops.MigrationScript('ff', up, down, message='data', head=directives[0].rev_id))",
        2,
    ),
}


def directed(body: str) -> tuple[Edit, ...]:
    """An env.py whose process_revision_directives does this."""
    return (
        Replace(
            "site:acme/db/alembic/env.py",
            "configure(connection=connection, ",
            "configure(process_revision_directives=direct, connection=connection, ",
        ),
        Write(
            "site:acme/direct.py",
            f"""
            from alembic.operations import ops

            def direct(context, revision, directives):
                up, down = ops.UpgradeOps([]), ops.DowngradeOps([])
                {body}
            """,
        ),
        Replace(
            "site:acme/db/alembic/env.py", "from alembic import", "from acme.direct import direct\nfrom alembic import"
        ),
    )


@pytest.mark.parametrize("name", DIRECTIVES)
def test_directives_of_the_application_have_the_last_word(tmp_path: Path, name: str) -> None:
    body, files = DIRECTIVES[name]
    application = make_application(tmp_path, (*NEW_TABLE, *directed(body)))
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == 0, ran.explain()
    assert len(new_files(application, before)) == files
    assert ran.stdout.count("Wrote ") == files
    assert (pending(application) == []) is bool(files)


@pytest.mark.one_stack
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("directives[0].head = 'base'", "puts the revision after nothing; it belongs after 93d5b8e20f6c."),
        (
            "directives[0].head, directives[0].splice = '47ab90e1c8f3', True",
            "puts the revision after 47ab90e1c8f3; it belongs after 93d5b8e20f6c.",
        ),
    ],
)
def test_an_environment_that_moves_the_revision(tmp_path: Path, body: str, said: str) -> None:
    application = make_application(tmp_path, (*NEW_TABLE, *directed(body)))
    before = tree(application.project)
    ran = revise(application)
    assert ran.status == 1, ran.explain()
    assert said in ran.stderr
    assert new_files(application, before) == []


@pytest.mark.both_stacks
def test_every_database_of_a_multidb_environment_is_in_it(tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_multidb")
    before = tree(application.project)
    ran = revise(application, conf="alembic.ini")
    assert ran.status == 0, ran.explain()
    assert "- add_column [engine1] book.isbn" in ran.stdout
    assert "- add_column [engine2] book.pages" in ran.stdout
    assert len(new_files(application, before, "migrations/versions")) == 1
    assert pending(application, conf="alembic.ini") == []


@pytest.mark.one_stack
def test_nothing_is_left_behind_when_it_is_interrupted(tmp_path: Path) -> None:
    application = make_application(tmp_path, (*NEW_TABLE, *spoiled("SELECT pg_sleep(60)")), database=POSTGRESQL)
    before = tree(application.project)
    folder = tmp_path / "temporary"
    folder.mkdir()
    command = [sys.executable, "-m", "alembic_review", "revision", "-c", CONF, "-m", "x", "--verbose"]
    process = subprocess.Popen(
        [*command, "--python", str(application.environment.python)],
        cwd=application.project,
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if "testing the revision" in "".join(seen) and "(8 of 8)" in line:
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 130, "".join(seen) + rest
    assert new_files(application, before) == []
    assert list(folder.iterdir()) == []
