"""The guard in env.py, with `alembic revision --autogenerate` for real: the file, what is said, and what is refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import alembic_review

from .edits import VERSIONS, Append, Edit, Replace, Write, module, revision
from .harness import (
    LIMIT_SECONDS,
    PASSWORD,
    POSTGRESQL,
    SQLITE,
    Application,
    make_application,
    make_project,
    run_tool,
)
from .scenario import BOTH, review_of, tree
from .test_environments import ENV, configured, functions
from .test_revision import CONF, CORE_COLUMN, NEW_TABLE, Ran, new_files, revise

if TYPE_CHECKING:
    from tests.conftest import ServerAddress

ACME_ENV = "site:acme/db/alembic/env.py"
IMPORT = "from alembic_review.guard import process_revision_directives"
GUARD = (
    Replace(ACME_ENV, "from alembic import context\n", f"from alembic import context\n{IMPORT}\n"),
    Replace(
        ACME_ENV,
        "configure(connection=connection, ",
        "configure(process_revision_directives=process_revision_directives, connection=connection, ",
    ),
)
REVIEWING = "alembic-review: reviewing the changes\n"
LEFT_OUT = "alembic-review: left out of the revision:\n"

NewDatabase = Callable[[], str]


@pytest.fixture
def new_database(scratch_server: ServerAddress) -> NewDatabase:
    """A function that makes an empty PostgreSQL database and returns its URL, without a driver."""
    import psycopg

    numbers = iter(range(9))

    def make() -> str:
        name = f"dev{os.urandom(6).hex()}_{next(numbers)}"
        server = scratch_server
        with psycopg.connect(
            host=server.host, port=server.port, user=server.user, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"://{server.user}@/{name}?host={server.host}&port={server.port}"

    return make


def with_tool(application: Application) -> Application:
    """The application with alembic-review installed beside it, but with the SQLAlchemy of its own."""
    source = Path(alembic_review.__file__).resolve().parents[1]
    folders = dict.fromkeys([*(sysconfig.get_path(name) for name in ("purelib", "platlib")), str(source)])
    (application.environment.site_packages / "_tool.pth").write_text("".join(f"{folder}\n" for folder in folders))
    return application


def poser(folder: Path, edits: tuple[Edit, ...], database: str, new_database: NewDatabase) -> Application:
    """Poser with the guard and a database of its own, in which all revisions are applied before the edits."""
    application = with_tool(make_application(folder, GUARD, database=database))
    if database == POSTGRESQL:
        url = re.escape("postgresql://poser:s3cr%%et@db.invalid/poser")
        conf = application.project / CONF
        conf.write_text(re.sub(url, f"postgresql+psycopg2{new_database()}", conf.read_text()))
    done = alembic(application, "-c", CONF, "upgrade", "heads")
    assert done.status == 0, done.explain()
    for edit in edits:
        edit.apply(application.locate)
    return application


def alembic(application: Application, *arguments: str, **variables: str) -> Ran:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [str(application.environment.python), "-m", "alembic", *arguments],
        cwd=application.project,
        env=environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr)
    assert PASSWORD not in ran.stdout + ran.stderr
    return ran


def generate(application: Application, *arguments: str) -> Ran:
    """Generate a revision of poser with plain Alembic."""
    options = ("--autogenerate", "-m", "a step", "--head", "poser@head", "--version-path", VERSIONS)
    return alembic(application, "-c", CONF, "revision", *options, *arguments)


@pytest.mark.parametrize("database", BOTH)
def test_blocked_operations_are_removed_and_listed(tmp_path: Path, database: str, new_database: NewDatabase) -> None:
    # What fails the check of CI is nothing against writing the revision.
    pending = Append("pyproject.toml", '\n[tool.alembic-review]\nfail-on = ["pending"]\n')
    application = poser(tmp_path, (*NEW_TABLE, *CORE_COLUMN, pending), database, new_database)
    before = tree(application.project)
    ran = generate(application)
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    text = path.read_text()
    assert "op.create_table('poser_note'" in text
    assert "op.drop_table('poser_note')" in text
    assert "fax" not in text
    said = ran.stderr.partition(REVIEWING)[2]
    assert LEFT_OUT in said, ran.explain()
    assert "- add_column store.fax (owner: acme): " in said


def without_ids(text: str) -> str:
    return re.sub(r"(?m)^(Revision ID|revision|Create Date)\b.*$", "", text)


def test_a_safe_revision_is_what_alembic_writes(tmp_path: Path, new_database: NewDatabase) -> None:
    application = poser(tmp_path, NEW_TABLE, POSTGRESQL, new_database)
    before = tree(application.project)
    guarded = generate(application)
    assert guarded.status == 0, guarded.explain()
    assert guarded.stderr.endswith(REVIEWING), guarded.explain()
    (path,) = new_files(application, before)
    text = path.read_text()
    path.unlink()
    plain(application)
    assert generate(application).status == 0
    (path,) = new_files(application, before)
    assert without_ids(path.read_text()) == without_ids(text)


def plain(application: Application) -> None:
    """Take the guard out of env.py again."""
    Replace(ACME_ENV, "process_revision_directives=process_revision_directives, ", "").apply(application.locate)


@pytest.mark.one_stack
def test_a_revision_of_which_everything_is_left_out_is_empty(tmp_path: Path, new_database: NewDatabase) -> None:
    application = poser(tmp_path, CORE_COLUMN, SQLITE, new_database)
    before = tree(application.project)
    ran = generate(application)
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    assert re.findall(r"def (\w+)\(.*\n(?:    .*#+.*\n)*    (.+)", path.read_text()) == [
        ("upgrade", "pass"),
        ("downgrade", "pass"),
    ]


@pytest.mark.one_stack
def test_what_needs_a_blocked_operation_is_left_out_with_it(tmp_path: Path, new_database: NewDatabase) -> None:
    index = module('sa.Index("ix_store_fax", core.Store.__table__.c.fax)\n', name="indexed")
    key = module(
        """
        class PoserFax(Base):
            __tablename__ = "poser_fax"
            uuid = uuid_column()
            fax = sa.Column(sa.String(9), sa.ForeignKey("store.fax"))

        core.Store.__table__.append_constraint(sa.UniqueConstraint("fax", name="uq_store_fax"))
        """,
        name="faxes",
    )
    application = poser(tmp_path, (*NEW_TABLE, *CORE_COLUMN, *index, *key), POSTGRESQL, new_database)
    before = tree(application.project)
    ran = generate(application)
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    assert "fax" not in path.read_text()
    said = ran.stderr.partition(LEFT_OUT)[2]
    assert "- add_table poser_fax (owner: poser): It needs add_" in said, ran.explain()
    assert "- add_index ix_store_fax on store (fax) (owner: acme): " in said


@pytest.mark.one_stack
def test_what_else_is_left_out(tmp_path: Path, new_database: NewDatabase) -> None:
    import psycopg

    edits = (
        Replace("poser/db/model/widgets.py", "shape = sa.Column", "form = sa.Column"),
        Append("pyproject.toml", '\n[tool.alembic-review]\nrename = ["poser_widget.shape=form"]\n'),
    )
    application = poser(tmp_path, (*NEW_TABLE, *CORE_COLUMN, *edits), POSTGRESQL, new_database)
    changes = review_of(run_tool(application))["changes"]
    (blocked,) = [change for change in changes if change["verdict"] == "blocked"]
    selected = f'fingerprint = "{blocked["fingerprint"]}"\ncode = "AR101"'
    accept = f'\n[[tool.alembic-review.accept]]\n{selected}\nreason = "agreed"\n'
    Append("pyproject.toml", accept).apply(application.locate)
    url = re.findall(r"(?m)^url = postgresql\+psycopg2(.*)$", (application.project / CONF).read_text())
    with psycopg.connect(f"postgresql{url[0]}", autocommit=True) as connection:
        connection.execute("CREATE TABLE leftover (id integer)")
    before = tree(application.project)
    ran = generate(application)
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    assert (
        re.findall(r"op\.(?:create|drop|add|alter)_(?:table|column)\('(\w+)'", path.read_text()) == ["poser_note"] * 2
    )
    said = ran.stderr.partition(LEFT_OUT)[2]
    assert "- add_column store.fax (owner: acme): It is accepted as it is: agreed\n" in said, ran.explain()
    assert "- remove_table leftover (owner: ?): The review has no such change" in said
    why = "It is part of a rename_column that the settings ask for; `alembic-review revision` writes it."
    assert said.count(f"- rename_column poser_widget.shape -> form (owner: poser): {why}\n") == 1


def test_damage_by_a_merged_revision_refuses_every_revision(tmp_path: Path, new_database: NewDatabase) -> None:
    application = poser(tmp_path, (), POSTGRESQL, new_database)
    for edit in (*revision('op.create_index("ix_store_name", "store", ["name"])'), *NEW_TABLE):
        edit.apply(application.locate)
    assert alembic(application, "-c", CONF, "upgrade", "heads").status == 0
    before = tree(application.project)
    ran = generate(application)
    assert_refused(ran, "Revision aa00bb11cc22", "[AR106]", "Hint: ")
    assert new_files(application, before) == []


def assert_refused(ran: Ran, *said: str) -> None:
    """Alembic shows the message as it shows its own, without a traceback."""
    assert ran.status not in (0, 1), ran.explain()
    assert "Traceback" not in ran.stdout + ran.stderr, ran.explain()
    told = " ".join((ran.stdout + ran.stderr).split())
    assert "FAILED: alembic-review: no revision was written." in told, ran.explain()
    for text in said:
        assert text in told, ran.explain()


def test_an_application_that_can_t_be_reviewed_gets_no_revision(tmp_path: Path, new_database: NewDatabase) -> None:
    application = poser(tmp_path, NEW_TABLE, SQLITE, new_database)
    path = application.project / VERSIONS / "10c2e6a7f5d4_widgets.py"
    path.write_text(path.read_text().replace("def upgrade():\n", "def upgrade():\n    op.drop_table('missing')\n"))
    before = tree(application.project)
    ran = generate(application)
    assert_refused(ran, "10c2e6a7f5d4", "missing")
    assert new_files(application, before) == []


# A hook of the application


HOOK = """
def mark(context, revision, directives):
    print("tables:", [one.table_name for one in directives[0].upgrade_ops.ops if hasattr(one, "table_name")])
    directives[0].upgrade_ops.ops.append(ops.ExecuteSQLOp("SELECT 1"))
    directives[0].downgrade_ops.ops.insert(0, ops.ExecuteSQLOp("SELECT 2"))
    return "done"
"""
REWRITER = """
mark = autogenerate.Rewriter()

@mark.rewrites(ops.CreateTableOp)
def create(context, revision, operation):
    return [ops.ExecuteSQLOp("SELECT 1"), operation]

@mark.rewrites(ops.DropTableOp)
def drop(context, revision, operation):
    return [ops.ExecuteSQLOp("SELECT 2"), operation]
"""


def chained(hook: str) -> tuple[Edit, ...]:
    """The guard in front of a hook ``mark``."""
    text = f"from alembic import autogenerate\nfrom alembic.operations import ops\n{hook}"
    return (
        Write("site:acme/mark.py", text),
        Replace(ACME_ENV, IMPORT, "from acme.mark import mark\nfrom alembic_review.guard import chain"),
        Replace(ACME_ENV, "=process_revision_directives, ", "=chain(mark), "),
    )


@pytest.mark.parametrize(("hook", "database"), [(HOOK, POSTGRESQL), (REWRITER, SQLITE)], ids=["function", "rewriter"])
def test_a_hook_of_the_application_gets_what_the_guard_leaves(
    tmp_path: Path, hook: str, database: str, new_database: NewDatabase
) -> None:
    application = poser(tmp_path, (*NEW_TABLE, *CORE_COLUMN, *chained(hook)), database, new_database)
    before = tree(application.project)
    ran = generate(application)
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    text = path.read_text()
    assert "fax" not in text
    assert "op.execute('SELECT 1')" in text.partition("def downgrade")[0]
    assert "op.execute('SELECT 2')" in text.partition("def downgrade")[2]
    if hook is HOOK:
        assert "tables: ['poser_note', 'poser_note']\n" in ran.stdout, ran.explain()


# Inside a review, and for other commands


@pytest.mark.one_stack
def test_in_a_review_the_guard_does_nothing(tmp_path: Path) -> None:
    edits = (*NEW_TABLE, *CORE_COLUMN)
    projects = {"plain": edits, "guarded": (*edits, *GUARD), "chained": (*edits, *GUARD, *chained(HOOK))}
    reports = {
        name: review_of(run_tool(make_application(tmp_path / name, changed))) for name, changed in projects.items()
    }
    for report in reports.values():
        assert report["changes"] == reports["plain"]["changes"]
    filters = {name: report["provenance"]["filters"] for name, report in reports.items()}
    assert filters == {"plain": [], "guarded": [], "chained": ["process_revision_directives: acme/mark.py:4"]}
    told = {
        name: sum("process_revision_directives" in line for line in report["provenance"]["not_checked"])
        for name, report in reports.items()
    }
    assert told == {"plain": 0, "guarded": 0, "chained": 1}


@pytest.mark.one_stack
def test_the_revision_command_runs_a_chained_hook_and_no_guard(tmp_path: Path) -> None:
    application = make_application(tmp_path, (*NEW_TABLE, *CORE_COLUMN, *GUARD, *chained(HOOK)))
    before = tree(application.project)
    ran = revise(application, "--leave-out-blocked")
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before)
    assert "op.execute('SELECT 1')" in path.read_text()
    assert "op.create_table('poser_note'" in path.read_text()
    assert "alembic-review: " not in ran.stderr, ran.explain()


# Other projects


def generic(folder: Path, fixture: str, url: str, *edits: Edit, config: str = "alembic.ini") -> Application:
    """A project of plain Alembic with the guard, and a database in which all revisions are applied."""
    application = with_tool(make_project(folder, fixture))
    path = application.project / config
    path.write_text(re.sub(r'(?m)^(sqlalchemy\.url = "?)[^"\n]*', rf"\g<1>{url}", path.read_text()))
    ran = alembic(application, "-c", config, "upgrade", "heads")
    assert ran.status == 0, ran.explain()
    for edit in edits:
        edit.apply(application.locate)
    return application


def test_a_project_without_a_framework(tmp_path: Path, new_database: NewDatabase) -> None:
    application = generic(
        tmp_path,
        "env_generic",
        f"postgresql+psycopg2{new_database()}",
        functions(IMPORT),
        configured("process_revision_directives=process_revision_directives"),
    )
    before = tree(application.project)
    ran = alembic(application, "revision", "--autogenerate", "-m", "more")
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before, "migrations/versions")
    assert "op.create_table('author'" in path.read_text()
    assert "op.add_column('book'" in path.read_text()
    assert REVIEWING in ran.stderr
    assert LEFT_OUT not in ran.stderr, ran.explain()


@pytest.mark.one_stack
def test_the_review_gets_the_config_the_section_and_the_arguments(tmp_path: Path) -> None:
    application = generic(
        tmp_path,
        "env_generic",
        "sqlite:///%(here)s/dev.db",
        functions(f"{IMPORT}\nassert context.get_x_argument(as_dictionary=True) == {{'a': '1', 'b': '-2'}}"),
        configured("process_revision_directives=process_revision_directives"),
    )
    (application.project / "conf").mkdir()
    text = (application.project / "alembic.ini").read_text()
    (application.project / "alembic.ini").unlink()
    other = text.replace("[alembic]", "[library]").replace("%(here)s", "%(here)s/..")
    (application.project / "conf/shop.ini").write_text(other)
    before = tree(application.project)
    options = ("-c", "conf/shop.ini", "-n", "library", "-x", "a=1", "-x", "b=-2")
    ran = alembic(application, *options, "revision", "--autogenerate", "-m", "more")
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before, "migrations/versions")
    assert "op.create_table('author'" in path.read_text()
    assert REVIEWING in ran.stderr


@pytest.mark.one_stack
def test_several_databases_are_reviewed_once(tmp_path: Path, new_database: NewDatabase) -> None:
    import psycopg

    application = with_tool(make_project(tmp_path, "env_multidb"))
    first, second = new_database(), new_database()
    ini = application.project / "alembic.ini"
    text = ini.read_text()
    for number, url in ((1, first), (2, second)):
        name = "first" if number == 1 else "second"
        text = text.replace(f"postgresql://library:s3cr%%et@db{number}.invalid/{name}", f"postgresql+psycopg2{url}")
    ini.write_text(text)
    assert alembic(application, "upgrade", "heads").status == 0
    with psycopg.connect(f"postgresql{second}", autocommit=True) as connection:
        connection.execute("CREATE TABLE leftover (id integer)")
    env = application.project / ENV
    env.write_text(
        env.read_text()
        .replace("from alembic import context\n", f"from alembic import context\n{IMPORT}\n")
        .replace(
            "                target_metadata=target_metadata.get(name),\n",
            "                target_metadata=target_metadata.get(name),\n"
            "                process_revision_directives=process_revision_directives,\n",
        )
    )
    before = tree(application.project)
    ran = alembic(application, "revision", "--autogenerate", "-m", "more")
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before, "migrations/versions")
    assert re.findall(r"op\.(?!drop_column)\w+\('(\w+)'", path.read_text()) == ["book", "book", "entry"]
    assert ran.stderr.count(REVIEWING) == 1, ran.explain()
    assert f"{LEFT_OUT}- remove_table leftover (owner: ?)" in ran.stderr


@pytest.mark.one_stack
def test_an_asynchronous_engine(tmp_path: Path, new_database: NewDatabase) -> None:
    application = generic(tmp_path, "env_async", f"postgresql+asyncpg{new_database()}")
    env = application.project / ENV
    env.write_text(
        env.read_text()
        .replace("from alembic import context\n", f"from alembic import context\n{IMPORT}\n")
        .replace(
            "connection=connection, target_metadata=target_metadata)",
            "connection=connection, target_metadata=target_metadata, "
            "process_revision_directives=process_revision_directives)",
        )
    )
    checked = alembic(application, "check")
    assert checked.status != 0, checked.explain()
    assert "alembic-review" not in checked.stderr, checked.explain()
    before = tree(application.project)
    ran = alembic(application, "revision", "--autogenerate", "-m", "more")
    assert ran.status == 0, ran.explain()
    (path,) = new_files(application, before, "migrations/versions")
    assert "op.create_table('author'" in path.read_text()
    assert REVIEWING in ran.stderr, ran.explain()


@pytest.mark.one_stack
def test_a_config_that_a_callable_of_the_settings_makes(tmp_path: Path) -> None:
    application = generic(
        tmp_path,
        "env_generic",
        "sqlite:///%(here)s/dev.db",
        functions(f"{IMPORT}\nassert config.attributes['tenant'] == 'a'"),
        configured("process_revision_directives=process_revision_directives"),
        Write(
            "commands.py",
            """
            from alembic import command
            from alembic.config import Config

            def config():
                made = Config("alembic.ini")
                made.attributes["tenant"] = "a"
                return made

            if __name__ == "__main__":
                command.revision(config(), message="more", autogenerate=True)
            """,
        ),
        Append("pyproject.toml", '\n[tool.alembic-review]\nconfig-from = "commands:config"\n'),
    )
    before = tree(application.project)
    done = subprocess.run(
        [str(application.environment.python), "commands.py"],
        cwd=application.project,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (path,) = new_files(application, before, "migrations/versions")
    assert "op.create_table('author'" in path.read_text()
    assert REVIEWING in done.stderr, done.stderr


# What an env.py pays for it


@pytest.mark.one_stack
def test_an_env_py_imports_hardly_anything() -> None:
    script = (
        "import sys\nimport alembic.context\nbefore = set(sys.modules)\nimport alembic_review.guard\n"
        "print(*sorted(name for name in set(sys.modules) - before if '.' not in name or name.startswith('alembic')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["alembic_review", "alembic_review.guard"]
