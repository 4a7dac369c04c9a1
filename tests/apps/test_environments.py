"""The five environments of ``alembic init``, unmodified, and what people do to their ``env.py``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .edits import Append, Edit, Replace
from .environments import stack
from .harness import Application, Run, make_project, run_tool, run_without_proofs
from .scenario import check_every_run, review_of, row, tree
from .test_projects import sqlite_url
from .test_revision import revise

PENDING = ["safe add_column book.isbn", "safe add_table author"]
ENV = "migrations/env.py"
CONFIGURE = "context.configure(\n            connection=connection, target_metadata=target_metadata\n        )"
VERSION = "migrations/versions/3f2a90c7d1e8_books.py"


def rows(run: Run) -> list[str]:
    """The changes of a run that did review."""
    return sorted(row(change) for change in review_of(run)["changes"])


def configured(arguments: str, before: str = "") -> Edit:
    """More arguments for ``context.configure`` of the generic environment, after more lines before it."""
    new = f"context.configure(connection=connection, target_metadata=target_metadata, {arguments})"
    return Replace(ENV, CONFIGURE, f"{before}{new}")


def functions(text: str) -> Edit:
    """Functions and imports at the place of the generic environment where the models are imported."""
    return Replace(ENV, "import models\n", f"import models\nimport sqlalchemy as sa\n{text}\n")


def on_sqlite(folder: Path, *edits: Edit) -> Application:
    """The generic project with a SQLite database."""
    return make_project(folder, "env_generic", (sqlite_url(), *edits))


def reviewed(application: Application, *arguments: str) -> Run:
    """A run that must hold what every run holds, and must not write into the project."""
    before = tree(application.project)
    run = run_without_proofs(application, *arguments, conf="alembic.ini")
    check_every_run(run, application)
    assert tree(application.project) == before
    return run


@pytest.mark.parametrize(
    ("fixture", "conf"),
    [
        pytest.param("env_generic", "alembic.ini", marks=pytest.mark.both_stacks),
        pytest.param("env_async", "alembic.ini", marks=pytest.mark.both_stacks),
        ("env_pyproject", "alembic.ini"),
        ("env_pyproject", "pyproject.toml"),
        ("env_pyproject_async", "pyproject.toml"),
        ("env_pyproject_async", None),
    ],
)
def test_environments_of_alembic_init(fixture: str, conf: str | None, tmp_path: Path) -> None:
    application = make_project(tmp_path, fixture)
    run = run_tool(application, conf=conf)
    check_every_run(run, application)
    assert rows(run) == PENDING
    assert run.status == 0
    assert review_of(run)["provenance"]["database"].startswith("postgresql ")


@pytest.mark.one_stack
def test_tables_before_the_first_revision_from_a_dump(tmp_path: Path) -> None:
    run = reviewed(make_project(tmp_path, "env_before"))
    assert rows(run) == ["blocked remove_table visit", "safe add_column book.pages"]
    report = review_of(run)
    (blocked,) = [change for change in report["changes"] if change["verdict"] == "blocked"]
    assert (blocked["owner"], blocked["cause"]) == (None, None)
    assert "existed before the first revision" in blocked["reason"]
    # A package that only stands in the way to the first connection is nobody's owner.
    assert report["provenance"]["custom"] == ["models"]
    assert any("17 statements of `before`" in line for line in report["provenance"]["not_checked"])
    evidence = {table["name"]: table["evidence"] for table in report["tables"]}
    assert "existed before the first revision (`before`)" in evidence["country"]
    assert "created by revision 5a0e1c7b92d4 (models)" in evidence["author"]


@pytest.mark.one_stack
def test_tables_before_the_first_revision_from_a_callable_and_for_every_trial(tmp_path: Path) -> None:
    application = make_project(
        tmp_path,
        "env_before",
        (
            Replace("pyproject.toml", "db/before.sql", "tables:create"),
            Replace("alembic.ini", "postgresql://shop:s3cr%%et@db.invalid/shop", "sqlite:///%(here)s/shop.db"),
        ),
    )
    written = revise(application, "--leave-out-blocked", conf="alembic.ini")
    assert written.status == 0, written.explain()
    run = reviewed(application)
    assert rows(run) == ["blocked remove_table visit"]
    assert [finding["code"] for finding in review_of(run)["findings"] if finding["code"].startswith("AR5")] == []


@pytest.mark.both_stacks
def test_multidb_has_a_scratch_database_per_target(tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_multidb")
    run = reviewed(application)
    changes = review_of(run)["changes"]
    plain = sorted(row(change | {"database": None}) for change in changes)
    assert plain == ["safe add_column book.isbn", "safe add_column book.pages", "safe add_column entry.lines"]
    databases = {change["name"]: change["database"] for change in changes}
    assert databases["pages"] == databases["lines"]
    assert databases["isbn"] != databases["pages"]
    assert None not in databases.values()
    lines = {change["name"]: change["location"]["line"] for change in changes}
    source = (application.project / "models.py").read_text().splitlines()
    assert all(f'"{name}"' in source[line - 1] for name, line in lines.items())


@pytest.mark.one_stack
def test_x_arguments(tmp_path: Path) -> None:
    application = on_sqlite(
        tmp_path,
        functions(
            "arguments = context.get_x_argument(as_dictionary=True)\n"
            "assert arguments == {'tenant': 'one', 'dry': 'yes'}, arguments\n"
            "assert config.cmd_opts.x == ['tenant=one', 'dry=yes'], config.cmd_opts"
        ),
    )
    assert rows(reviewed(application, "-x", "tenant=one", "-x", "dry=yes")) == PENDING
    refused = reviewed(application)
    assert refused.status == 3, refused.explain()
    assert "env.py" in refused.said


def test_connection_attribute_of_the_config(tmp_path: Path) -> None:
    application = on_sqlite(
        tmp_path,
        Replace(
            ENV,
            "    connectable = engine_from_config(",
            "    given = config.attributes.get('connection', None)\n"
            "    if given is not None:\n"
            "        context.configure(connection=given, target_metadata=target_metadata)\n"
            "        with context.begin_transaction():\n"
            "            context.run_migrations()\n"
            "        return\n"
            "    connectable = engine_from_config(",
        ),
    )
    assert rows(reviewed(application)) == PENDING


def test_include_object_hides_a_table(tmp_path: Path) -> None:
    application = on_sqlite(
        tmp_path,
        functions("def chosen(object, name, type_, reflected, compare_to):\n    return name != 'author'\n"),
        configured("include_object=chosen"),
    )
    run = reviewed(application)
    assert rows(run) == ["safe add_column book.isbn"]
    report = review_of(run)
    assert "AR601" in {finding["code"] for finding in report["findings"]}
    assert any(text.startswith("include_object") for text in report["provenance"]["filters"])
    assert any("author" in finding["message"] for finding in report["findings"])


def test_include_name_hides_a_table(tmp_path: Path) -> None:
    application = on_sqlite(
        tmp_path,
        functions("def chosen(name, type_, parent_names):\n    return name != 'forgotten'\n"),
        configured("include_name=chosen"),
        Replace(
            VERSION,
            "    op.create_table(\n",
            "    op.create_table('forgotten', sa.Column('id', sa.Integer()))\n    op.create_table(\n",
        ),
    )
    run = reviewed(application)
    assert rows(run) == PENDING
    report = review_of(run)
    assert "AR601" in {finding["code"] for finding in report["findings"]}
    assert any("forgotten" in finding["message"] for finding in report["findings"])


VIEWS = """
from alembic.autogenerate import comparators, renderers
from alembic.operations import MigrateOperation


class CreateViewOp(MigrateOperation):
    def __init__(self, view):
        self.view = view

    def reverse(self):
        return CreateViewOp(self.view)


class View:
    name = None

    def __init__(self, name):
        self.name = name


@comparators.dispatch_for("schema")
def compare_views(context, upgrade_ops, schemas):
    found = context.connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'view'")).fetchall()
    upgrade_ops.ops += [CreateViewOp(View(name)) for name in ("recent", "titles") if (name,) not in found]


@renderers.dispatch_for(CreateViewOp)
def render_view(context, operation):
    return f"op.execute('CREATE VIEW {operation.view.name} AS SELECT 1')"
"""


@pytest.mark.one_stack
def test_a_plugin_that_compares_views(tmp_path: Path) -> None:
    created = Replace(
        VERSION, "    op.create_table(\n", "    op.execute('CREATE VIEW titles AS SELECT 1')\n    op.create_table(\n"
    )
    run = reviewed(on_sqlite(tmp_path, functions(VIEWS), created))
    assert rows(run) == [PENDING[0], PENDING[1], "safe op:CreateViewOp -.recent"]
    (line,) = [line for line in review_of(run)["provenance"]["not_checked"] if "primary key changes" in line]
    assert "views" not in line
    assert "functions and triggers" in line


SCHEMAS = (
    configured("include_schemas=True"),
    Append(
        "models.py",
        """

        class Copy(Base):
            __tablename__ = "book"
            __table_args__ = {"schema": "archive"}

            id = sa.Column(sa.Integer(), primary_key=True)
            moved = sa.Column(sa.Date())
        """,
    ),
    Replace(
        VERSION,
        "    op.create_table(\n",
        "    op.execute('CREATE SCHEMA archive')\n"
        "    op.create_table('book', sa.Column('id', sa.Integer(), primary_key=True), schema='archive')\n"
        "    op.create_table(\n",
    ),
)


@pytest.mark.both_stacks
def test_include_schemas(tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic", SCHEMAS)
    run = reviewed(application)
    assert rows(run) == ["safe add_column archive.book.moved", *PENDING]


def test_own_version_table(tmp_path: Path) -> None:
    application = on_sqlite(tmp_path, configured("version_table='library_version'"))
    assert rows(reviewed(application)) == PENDING


def test_own_schema_of_the_version_table(tmp_path: Path) -> None:
    application = make_project(
        tmp_path,
        "env_generic",
        (
            configured(
                "version_table='library_version', version_table_schema='meta', include_schemas=True",
                before="with connection.begin():\n"
                "            connection.execute(sa.text('CREATE SCHEMA IF NOT EXISTS meta'))\n        ",
            ),
            functions(""),
        ),
    )
    assert rows(reviewed(application)) == PENDING


@pytest.mark.one_stack
def test_process_revision_directives_that_empties_the_list(tmp_path: Path) -> None:
    application = on_sqlite(
        tmp_path,
        functions("def nothing(context, revision, directives):\n    directives[:] = []\n"),
        configured("process_revision_directives=nothing"),
    )
    assert rows(reviewed(application)) == PENDING


def test_several_target_metadata(tmp_path: Path) -> None:
    application = on_sqlite(
        tmp_path,
        Append("models.py", '\nmore = sa.MetaData()\nsa.Table("shelf", more, sa.Column("id", sa.Integer()))\n'),
        Replace(ENV, "target_metadata = models.Base.metadata", "target_metadata = [models.Base.metadata, models.more]"),
    )
    assert rows(reviewed(application)) == [*PENDING, "safe add_table shelf"]


def test_transaction_per_migration(tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic", (configured("transaction_per_migration=True"),))
    assert rows(reviewed(application)) == PENDING


needs_plugins = pytest.mark.skipif(stack().alembic < (1, 19), reason="Alembic has no such plugins yet")

CHECKED = Replace(
    "models.py",
    '    __tablename__ = "book"\n',
    '    __tablename__ = "book"\n    __table_args__ = (sa.CheckConstraint("id > 0", name="ck_book_id"),)\n',
)


@pytest.mark.both_stacks
@needs_plugins
def test_autogenerate_plugin(tmp_path: Path) -> None:
    application = make_project(
        tmp_path,
        "env_generic",
        (CHECKED, configured("autogenerate_plugins=['alembic.autogenerate.*', 'alembic.ext.checkconstraint_byname']")),
    )
    run = reviewed(application)
    assert rows(run) == ["safe add_column book.isbn", "safe add_constraint book.ck_book_id", "safe add_table author"]
    assert "alembic.ext.checkconstraint_byname" in review_of(run)["provenance"]["plugins"]


@needs_plugins
def test_plugins_that_leave_out_alembics_own(tmp_path: Path) -> None:
    application = make_project(
        tmp_path, "env_generic", (configured("autogenerate_plugins=['alembic.ext.checkconstraint_byname']"),)
    )
    run = reviewed(application)
    assert run.status == 3, run.explain()
    assert "alembic.autogenerate" in run.stderr


@needs_plugins
def test_plugins_that_leave_out_some_of_alembics_own(tmp_path: Path) -> None:
    own = "['alembic.autogenerate.schemas', 'alembic.autogenerate.tables', 'alembic.autogenerate.types']"
    application = make_project(tmp_path, "env_generic", (configured(f"autogenerate_plugins={own}"),))
    run = reviewed(application)
    assert rows(run) == PENDING
    not_checked = review_of(run)["provenance"]["not_checked"]
    assert any("alembic.autogenerate.constraints" in text for text in not_checked), run.explain()


TALKATIVE = (
    "import os, sys, warnings\nprint('printed')\nos.write(1, b'written\\n')\nprint('warned', file=sys.stderr)\n"
    "warnings.warn('deprecated')\n"
    "print('for', context.config.cmd_opts.cmd[0].__name__)"
)


@pytest.mark.one_stack
def test_what_env_py_prints_goes_to_stderr(tmp_path: Path) -> None:
    run = reviewed(on_sqlite(tmp_path, functions(TALKATIVE)))
    assert rows(run) == PENDING
    assert run.stdout.startswith("{")
    for word in ("printed", "written", "warned", "UserWarning: deprecated", "for upgrade", "for revision"):
        assert word not in run.stdout
        assert run.stderr.count(word) == 1, run.stderr


@pytest.mark.one_stack
def test_the_database_that_the_conf_names_is_left_alone(tmp_path: Path) -> None:
    """The database that the conf names stays as it is, byte for byte; it is not even made."""
    application = on_sqlite(tmp_path)
    reviewed(application)
    assert not (application.project / "library.db").exists()
    (application.project / "library.db").write_bytes(b"not a database at all")
    assert rows(reviewed(application)) == PENDING


@pytest.mark.one_stack
def test_another_section_of_the_conf(tmp_path: Path) -> None:
    application = on_sqlite(tmp_path, Replace("alembic.ini", "[alembic]\n", "[library]\n"))
    assert rows(reviewed(application, "-n", "library")) == PENDING


@pytest.mark.both_stacks
def test_the_stack_is_the_one_that_was_asked_for(tmp_path: Path) -> None:
    major, minor = stack().sqlalchemy
    provenance = review_of(reviewed(on_sqlite(tmp_path)))["provenance"]
    assert provenance["sqlalchemy"].startswith(f"{major}.{minor}.")


SEARCH_PATHS = {
    "connect-args": (
        Replace(
            ENV,
            'prefix="sqlalchemy.",',
            'prefix="sqlalchemy.",\n        connect_args={"options": "-csearch_path=library,public"},',
        ),
        Replace(VERSION, "    op.create_table(\n", "    op.execute('CREATE SCHEMA library')\n    op.create_table(\n"),
    ),
    "set": (
        configured(
            "",
            before="connection.execute(sa.text('CREATE SCHEMA IF NOT EXISTS library'))\n        "
            "connection.execute(sa.text('SET search_path TO library'))\n        "
            "getattr(connection, 'commit', int)()\n        "
            "connection.dialect.default_schema_name = 'library'\n        ",
        ),
        functions(""),
    ),
}


@pytest.mark.both_stacks
@pytest.mark.parametrize("way", SEARCH_PATHS)
def test_tables_of_the_connections_own_default_schema(way: str, tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic", SEARCH_PATHS[way])
    run = reviewed(application)
    assert rows(run) == PENDING
    tables = {table["name"]: table for table in review_of(run)["tables"]}
    assert tables["book"]["schema"] is None, run.explain()
    assert any("3f2a90c7d1e8" in line for line in tables["book"]["evidence"]), run.explain()
    assert not [line for line in review_of(run)["provenance"]["not_checked"] if "library" in line]


POOLED = (
    Append("models.py", '\nengine = sa.create_engine("postgresql://db.invalid/library")\nready = False\n'),
    Replace(
        ENV,
        'engine_from_config(\n        config.get_section(config.config_ini_section, {}),\n        prefix="sqlalchemy.",'
        "\n        poolclass=pool.NullPool,\n    )",
        "models.engine",
    ),
    functions("models.ready = True"),
    Replace(VERSION, "import sqlalchemy as sa\n", "import sqlalchemy as sa\nimport models\nassert models.ready\n"),
    Replace(
        VERSION,
        "    op.create_table(\n",
        "    op.execute('CREATE SCHEMA elsewhere')\n    op.create_table(\n",
    ),
    Replace(VERSION, "def downgrade", "    op.execute('SET search_path TO elsewhere, public')\n\n\ndef downgrade"),
)


@pytest.mark.both_stacks
def test_revisions_come_after_env_py_and_leave_nothing_in_its_pool(tmp_path: Path) -> None:
    """They may use what env.py sets up; what they set for their session ends with the run, as with `alembic`."""
    assert rows(reviewed(make_project(tmp_path, "env_generic", POOLED))) == PENDING


@pytest.mark.one_stack
def test_a_search_path_whose_schema_nobody_makes(tmp_path: Path) -> None:
    run = run_tool(make_project(tmp_path, "env_generic", SEARCH_PATHS["connect-args"][:1]), conf="alembic.ini")
    assert review_of(run)["provenance"]["revisions"] == 1, "public is on that path too"
    alone = Replace(ENV, "-csearch_path=library,public", "-csearch_path=library")
    application = make_project(tmp_path / "alone", "env_generic", (*SEARCH_PATHS["connect-args"][:1], alone))
    run = run_tool(application, conf="alembic.ini")
    check_every_run(run, application)
    assert run.status == 3, run.explain()
    assert "CREATE SCHEMA IF NOT EXISTS" in review_failure(run)


@pytest.mark.one_stack
def test_what_the_scratch_server_lacks_is_named_with_the_server(tmp_path: Path) -> None:
    edit = Replace(VERSION, "    op.create_table(\n", "    op.execute('SET ROLE readonly')\n    op.create_table(\n")
    run = run_tool(make_project(tmp_path, "env_generic", (edit,)), conf="alembic.ini")
    assert run.status == 3, run.explain()
    assert re.search(
        r"the scratch server \(PostgreSQL \d+\.\d+ (in /|of the package).*\) has no role readonly", review_failure(run)
    )


@pytest.mark.both_stacks
def test_rendering_does_not_repeat_warnings(tmp_path: Path) -> None:
    index = "\n\nsa.Index('ix_book_title', Book.title, nosuch_fast=True)\n"
    run = reviewed(on_sqlite(tmp_path, Append("models.py", index)))
    assert rows(run) == [*PENDING[:1], "safe add_index book.ix_book_title", *PENDING[1:]]
    # Once where the model says it, once from Alembic's comparison, as `alembic revision --autogenerate` has it.
    assert run.stderr.count("Can't validate argument 'nosuch_fast'") == 2, run.stderr


RENDER_ITEM = """
def render_item(kind, item, autogen_context):
    assert autogen_context.metadata is target_metadata
    assert autogen_context.connection is autogen_context.migration_context.connection is not None
    assert autogen_context.dialect.name == "sqlite"
    assert autogen_context.opts["compare_type"]
    assert autogen_context.migration_context.script is not None
    if kind == "column":
        return f"own({item.name!r})"
    return False
"""


@pytest.mark.both_stacks
def test_render_item_gets_what_alembic_gives_it(tmp_path: Path) -> None:
    edits = (functions(RENDER_ITEM), configured("render_item=render_item, compare_type=True"))
    run = reviewed(on_sqlite(tmp_path, *edits))
    assert rows(run) == PENDING
    (isbn,) = [change for change in review_of(run)["changes"] if change["name"] == "isbn"]
    assert isbn["python"] == "op.add_column('book', own('isbn'))"


def test_render_item_that_fails_is_named(tmp_path: Path) -> None:
    failing = "def render_item(kind, item, autogen_context):\n    return item.no_such_thing  # HERE\n"
    application = on_sqlite(tmp_path, functions(failing), configured("render_item=render_item"))
    run = run_tool(application, conf="alembic.ini")
    check_every_run(run, application)
    assert run.status == 3, run.explain()
    said = review_failure(run)
    lines = (application.project / ENV).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if "# HERE" in text)
    assert "render_item" in said
    assert "no_such_thing" in said
    assert re.search(rf"env\.py:{line}\b", said), said
    assert "--debug" not in said


def review_failure(run: Run) -> str:
    """Why a run could not review, with its hint."""
    assert run.report is not None, run.explain()
    return f"{run.report['failure']['message']}\n{run.report['failure']['hint']}"
