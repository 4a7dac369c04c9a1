"""Whose project is this? The same application, laid out in every way that people lay applications out."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from .cases_custom import TWO_PACKAGES
from .edits import CLEAN, MODEL, Append, Delete, Edit, Replace, Write
from .environments import FIXTURES, install, install_editable, make_environment
from .harness import SQLITE, Application, Run, copy_tree, make_application, make_project, run_without_proofs
from .scenario import check_every_run, review_of, row
from .test_revision import revise

pytestmark = pytest.mark.one_stack

NEW_COLUMN = Replace(
    f"{MODEL}/widgets.py", "    shape =", "    weight = sa.Column(sa.Integer())  # a new column\n    shape ="
)
CORE_COLUMN = Replace(
    "site:acme/db/model/people.py", "    first_name =", "    title = sa.Column(sa.String(9))\n    first_name ="
)
EXPECTED = ["safe add_column poser_widget.weight", "upstream add_column person.title"]


def rows(run: Run) -> list[str]:
    """The changes of a run that did review."""
    return sorted(row(change) for change in review_of(run)["changes"])


def owners(run: Run) -> set[str]:
    """Every pair of owner and role in the report."""
    return {f"{table['owner']} {table['role']}" for table in review_of(run)["tables"]}


def lay_out(
    folder: Path,
    *,
    project: str = "project",
    acme: str | None = None,
    environment: str = "env",
    installed: bool = False,
    edits: tuple[Edit, ...] = (NEW_COLUMN, CORE_COLUMN),
) -> Application:
    """Poser in ``folder/project`` with its environment anywhere.

    ``acme`` names a folder for the core's sources, installed in editable mode then; ``installed`` puts poser into
    site-packages instead of an editable installation.
    """
    made = make_environment(folder / environment)
    install(made, FIXTURES / "chronicle")
    application = Application(folder, folder / project, made)
    copy_tree(FIXTURES / "poser", application.project)
    if acme is None:
        install(made, FIXTURES / "acme")
    else:
        copy_tree(FIXTURES / "acme", folder / acme)
        install_editable(made, folder / acme)
        edits = tuple(_moved(edit, folder / acme) for edit in edits)
    conf = application.project / "app/acme.conf"
    conf.write_text(conf.read_text().replace("postgresql://poser:s3cr%%et@db.invalid/poser", "sqlite:///%(here)s/x.db"))
    for edit in (*CLEAN, *edits):
        edit.apply(application.locate)
    if installed:
        install(made, application.project)
    else:
        install_editable(made, application.project)
    return application


def _moved(edit: Edit, acme: Path) -> Edit:
    """An edit of the core in site-packages, for a core whose sources lie elsewhere."""
    if not edit.path.startswith("site:acme/"):
        return edit
    return replace(edit, path=str(acme / edit.path.removeprefix("site:")))


def test_editable_in_an_environment_elsewhere(tmp_path: Path) -> None:
    application = lay_out(tmp_path)
    run = run_without_proofs(application)
    assert rows(run) == EXPECTED
    assert review_of(run)["provenance"]["custom"] == ["poser"]
    assert run.status == 0


def test_installed_into_site_packages(tmp_path: Path) -> None:
    application = lay_out(tmp_path, installed=True)
    assert rows(run_without_proofs(application)) == EXPECTED


def test_no_revision_is_written_into_site_packages(tmp_path: Path) -> None:
    application = lay_out(tmp_path, installed=True)
    ran = revise(application)
    assert ran.status == 2, ran.explain()
    assert "poser is installed as a copy" in ran.stderr
    assert "pip install --editable" in ran.stderr


def test_installed_into_site_packages_and_run_from_outside(tmp_path: Path) -> None:
    application = lay_out(tmp_path, installed=True)
    run = run_without_proofs(application, conf="project/app/acme.conf", folder=tmp_path)
    assert rows(run) == EXPECTED


def test_environment_inside_the_project(tmp_path: Path) -> None:
    application = lay_out(tmp_path, environment="project/.venv")
    run = run_without_proofs(application)
    assert rows(run) == EXPECTED
    assert owners(run) == {"poser custom", "acme core"}


def test_environment_inside_the_project_installed(tmp_path: Path) -> None:
    application = lay_out(tmp_path, environment="project/.venv", installed=True)
    run = run_without_proofs(application)
    assert rows(run) == EXPECTED
    assert owners(run) == {"poser custom", "acme core"}


@pytest.mark.parametrize("folder", ["env", "env/app"])
def test_conf_inside_the_environment_with_sources_elsewhere(folder: str, tmp_path: Path) -> None:
    application = lay_out(tmp_path)
    shutil.copytree(application.project / "app", application.environment.folder / "app")
    conf = "app/acme.conf" if folder == "env" else "acme.conf"
    run = run_without_proofs(application, conf=conf, folder=tmp_path / folder)
    assert rows(run) == EXPECTED
    assert owners(run) == {"poser custom", "acme core"}


def test_conf_inside_the_environment_with_the_core_editable_too(tmp_path: Path) -> None:
    application = lay_out(tmp_path, acme="src/acme", project="src/poser")
    shutil.copytree(application.project / "app", application.environment.folder / "app")
    run = run_without_proofs(application, folder=application.environment.folder)
    assert run.status == 2, run.explain()
    assert "acme" in run.stderr
    assert "poser" in run.stderr
    assert "custom" in run.stderr
    settled = run_without_proofs(application, "--custom", "poser", folder=application.environment.folder)
    assert rows(settled) == EXPECTED


@pytest.mark.parametrize("acme", ["elsewhere/acme", "repo/acme"])
def test_core_in_editable_mode(acme: str, tmp_path: Path) -> None:
    application = lay_out(tmp_path, acme=acme, project="repo/poser")
    run = run_without_proofs(application)
    assert rows(run) == EXPECTED
    assert owners(run) == {"poser custom", "acme core"}


def test_core_below_the_application(tmp_path: Path) -> None:
    application = lay_out(tmp_path, acme="project/vendor/acme")
    run = run_without_proofs(application)
    assert rows(run) == EXPECTED
    assert owners(run) == {"poser custom", "acme core"}


def test_several_distributions_below_one_root(tmp_path: Path) -> None:
    application = lay_out(tmp_path, acme="repo/acme", project="repo/poser")
    (tmp_path / "repo" / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    run = run_without_proofs(application, conf="poser/app/acme.conf", folder=tmp_path / "repo")
    assert run.status == 2, run.explain()
    check_every_run(run, application)
    for word in ("acme", "poser", "custom"):
        assert word in run.stderr, run.explain()
    settled = run_without_proofs(application, "--root", "poser", conf="poser/app/acme.conf", folder=tmp_path / "repo")
    assert rows(settled) == EXPECTED
    named = run_without_proofs(application, "--custom", "poser", conf="poser/app/acme.conf", folder=tmp_path / "repo")
    assert rows(named) == EXPECTED


def test_core_and_application_in_one_distribution(tmp_path: Path) -> None:
    application = lay_out(tmp_path, edits=())
    for name in ("acme", "acme-3.1.dist-info"):
        shutil.rmtree(application.environment.site_packages / name)
    copy_tree(FIXTURES / "acme" / "acme", application.project / "acme")
    Replace(
        "acme/db/model/people.py", "    first_name =", "    title = sa.Column(sa.String(9))\n    first_name ="
    ).apply(application.locate)
    both = run_without_proofs(application)
    assert rows(both) == ["safe add_column person.title"]
    settled = run_without_proofs(application, "--custom", "poser")
    assert rows(settled) == ["upstream add_column person.title"]


def test_two_packages_installed_into_site_packages(tmp_path: Path) -> None:
    application = lay_out(tmp_path, installed=True, edits=TWO_PACKAGES)
    assert rows(run_without_proofs(application)) == [
        "safe add_column poser_widget.weight",
        "safe add_table poser_label",
    ]


def test_custom_none(tmp_path: Path) -> None:
    application = make_application(tmp_path, (NEW_COLUMN,), database=SQLITE)
    run = run_without_proofs(application, "--custom", "none")
    assert rows(run) == ["upstream add_column poser_widget.weight"]
    assert run.status == 0
    assert review_of(run)["provenance"]["custom"] == []
    assert owners(run) == {"poser core", "acme core"}


def test_custom_may_name_a_part_of_a_package(tmp_path: Path) -> None:
    old = "migrations/versions/3f2a90c7d1e8_books.py"
    books = (FIXTURES / "env_generic" / old).read_text()
    authors = books.replace("3f2a90c7d1e8", "41d7c0e2b9a3").replace('"book"', '"author"').replace("title", "surname")
    models = (FIXTURES / "env_generic" / "models.py").read_text()
    base, author = models.split("class Author(Base)")
    application = make_project(
        tmp_path,
        "env_generic",
        (
            sqlite_url(),
            Delete(old),
            Write("models.py", "from big.models import Base\nimport big.plugins.authors.models\n"),
            Write("big/__init__.py", ""),
            Write("big/models.py", base),
            Write("big/versions/books.py", books),
            Write(
                "big/plugins/authors/models.py",
                f"import sqlalchemy as sa\nfrom big.models import Base\n\n\nclass Author(Base){author}"
                "    surname = sa.Column(sa.String(200), nullable=False)\n",
            ),
            Write("big/plugins/authors/versions/authors.py", authors),
            Replace(
                "alembic.ini",
                "script_location = %(here)s/migrations",
                "script_location = %(here)s/migrations\n"
                "version_locations = %(here)s/big/plugins/authors/versions:%(here)s/big/versions",
            ),
        ),
    )
    run = run_without_proofs(application, "--custom", "big.plugins.authors", conf="alembic.ini")
    assert rows(run) == ["safe add_column author.name", "upstream add_column book.isbn"]
    assert owners(run) == {"big core", "big.plugins.authors custom"}


def test_custom_from_the_settings(tmp_path: Path) -> None:
    settings = Append("pyproject.toml", '\n[tool.alembic-review]\ncustom = ["acme", "poser"]\n')
    application = make_application(tmp_path, (NEW_COLUMN, CORE_COLUMN, settings), database=SQLITE)
    assert rows(run_without_proofs(application)) == [
        "safe add_column person.title",
        "safe add_column poser_widget.weight",
    ]


def test_nothing_custom_found(tmp_path: Path) -> None:
    application = lay_out(tmp_path, installed=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text('[project]\nname = "unrelated"\nversion = "1"\n')
    run = run_without_proofs(application, "--root", str(other))
    assert run.status == 2, run.explain()
    check_every_run(run, application)
    for word in ("acme", "poser", "custom"):
        assert word in run.stderr, run.explain()


def test_nothing_custom_found_and_no_root(tmp_path: Path) -> None:
    application = lay_out(tmp_path, installed=True)
    (application.project / "pyproject.toml").unlink()
    run = run_without_proofs(application)
    assert run.status == 2, run.explain()


def test_plain_project_without_a_core(tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic", (sqlite_url(),))
    run = run_without_proofs(application, conf="alembic.ini")
    assert rows(run) == ["safe add_column book.isbn", "safe add_table author"]
    assert owners(run) == {"models custom"}
    assert run.status == 0


def test_plain_project_without_any_project_file(tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic", (sqlite_url(), Delete("pyproject.toml")))
    run = run_without_proofs(application, conf="alembic.ini")
    assert rows(run) == ["safe add_column book.isbn", "safe add_table author"]


def test_a_class_taken_out_of_a_plain_project_without_any_project_file(tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic", (sqlite_url(), Delete("pyproject.toml")))
    models = application.project / "models.py"
    text = models.read_text()
    models.write_text(text.replace('__tablename__ = "book"', '__tablename__ = "volume"'))
    run = run_without_proofs(application, conf="alembic.ini")
    assert "safe remove_table book" in rows(run), run.explain()


def test_a_library_without_revisions_owns_what_it_declares_and_a_helper_owns_nothing(tmp_path: Path) -> None:
    jobs = """
        import sqlalchemy as sa

        metadata = sa.MetaData()
        sa.Table("job", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("state", sa.Text))
        sa.Table("job_log", metadata, sa.Column("id", sa.Integer, primary_key=True))


        def declare(name, base):
            return type(name.title(), (base,), {
                "__tablename__": name,
                "id": sa.Column(sa.Integer, primary_key=True),
            })
    """
    application = make_project(
        tmp_path,
        "env_generic",
        (
            sqlite_url(),
            Write("site:jobs/__init__.py", jobs),
            Append("models.py", '\n\nimport jobs\n\nReader = jobs.declare("reader", Base)\n'),
            Replace(
                "migrations/env.py",
                "target_metadata = models.Base.metadata",
                "target_metadata = [models.Base.metadata, models.jobs.metadata]",
            ),
        ),
    )
    run = run_without_proofs(application, conf="alembic.ini")
    assert rows(run) == [
        "blocked add_table job",
        "blocked add_table job_log",
        "safe add_column book.isbn",
        "safe add_table author",
        "safe add_table reader",
    ]
    places = {change["table"]: change["location"] for change in review_of(run)["changes"]}
    assert places["job"] == {"base": "package", "path": "jobs/__init__.py", "line": 5}
    assert places["reader"]["path"] == "models.py"
    (finding,) = [entry for entry in review_of(run)["findings"] if entry["code"] == "AR103"]
    assert 'core = ["jobs"]' in finding["hint"]
    assert 'custom = ["jobs", "models"]' in finding["hint"]


def test_a_module_beside_alembic_ini_that_is_not_imported(tmp_path: Path) -> None:
    models = (FIXTURES / "env_generic" / "models.py").read_text()
    base, author = models.split("class Author(Base)")
    application = make_project(
        tmp_path,
        "env_generic",
        (
            sqlite_url(),
            Delete("pyproject.toml"),
            Write("models.py", base.replace('"book"', '"shelf"')),
            Write("books.py", models.replace("Base = declarative_base()", "from models import Base")),
            Write("authors.py", f"import sqlalchemy as sa\nfrom models import Base\n\n\nclass Author(Base){author}"),
            Replace("migrations/env.py", "import models\n", "import models\nimport authors\n"),
        ),
    )
    run = run_without_proofs(application, conf="alembic.ini")
    assert rows(run) == ["blocked remove_table book", "safe add_table author", "safe add_table shelf"]
    assert owners(run) == {"project custom", "models custom", "authors custom"}
    (finding,) = [entry for entry in review_of(run)["findings"] if entry["code"] == "AR104"]
    assert finding["hint"] == "Add `import books` to a module that env.py imports."
    assert finding["location"] == {"base": "project", "path": "books.py", "line": 9}


def sqlite_url() -> Edit:
    """Give a plain project a SQLite database."""
    return Replace("alembic.ini", "postgresql://library:s3cr%%et@db.invalid/library", "sqlite:///%(here)s/library.db")


@pytest.mark.parametrize("folder", ["alembic", "src/chronicle"])
@pytest.mark.parametrize("project_file", [True, False])
def test_revisions_in_a_folder_that_is_called_like_an_installed_package(
    folder: str, project_file: bool, tmp_path: Path
) -> None:
    old = "migrations/versions/3f2a90c7d1e8_books.py"
    text = (FIXTURES / "env_generic" / old).read_text()
    gone = "    op.create_table('gone', sa.Column('id', sa.Integer(), primary_key=True))\n    op.create_table(\n"
    application = make_project(
        tmp_path,
        "env_generic",
        (
            sqlite_url(),
            Delete(old),
            Write(f"{folder}/__init__.py", ""),
            Write(f"{folder}/versions/books.py", text.replace("    op.create_table(\n", gone)),
            Replace(
                "alembic.ini",
                "script_location = %(here)s/migrations",
                f"script_location = %(here)s/migrations\nversion_locations = %(here)s/{folder}/versions",
            ),
            *(() if project_file else (Delete("pyproject.toml"),)),
        ),
    )
    install(application.environment, FIXTURES / "chronicle")
    run = run_without_proofs(application, conf="alembic.ini")
    check_every_run(run, application)
    assert rows(run) == ["safe add_column book.isbn", "safe add_table author", "safe remove_table gone"]


def test_the_active_environment_runs_the_application_and_the_footer_names_it(tmp_path: Path) -> None:
    application = make_project(tmp_path, "env_generic", (sqlite_url(),))
    shutil.move(application.environment.folder, application.project / "venv")
    active = {"VIRTUAL_ENV": str(application.project / "venv"), "COLUMNS": "100"}
    file = tmp_path / "report.txt"
    run = run_without_proofs(application, "-o", f"terminal={file}", conf=None, variables=active, python=False)
    assert run.status == 0, run.explain()
    provenance = review_of(run)["provenance"]
    assert (provenance["interpreter"], provenance["interpreter_source"]) == ("venv/bin/python", "VIRTUAL_ENV")
    assert file.read_text().endswith(", venv/bin/python\n")
