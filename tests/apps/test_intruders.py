"""Code of the application that is no revision and alters core tables while revisions are applied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .edits import MODEL, Edit, Replace, Write, module
from .environments import FIXTURES
from .harness import POSTGRESQL, make_application, run_without_proofs
from .scenario import POSTGRESQL_FIRST, check_every_run, review_of, row

ALTER = "ALTER TABLE product ADD COLUMN tenant INTEGER"
OWN = "poser/db/alembic/env.py"
RUN = "            context.run_migrations()\n"
ENGINE = "    engine = create_engine(config.database_url)\n"
ONCE = "if 'product' in inspect(c).get_table_names() and 'tenant' not in str(inspect(c).get_columns('product')):"
ENV = (FIXTURES / "acme/acme/db/alembic/env.py").read_text()


def own_env(old: str, new: str) -> tuple[Edit, ...]:
    """The application has an env.py of its own: the framework's, with one more thing in it."""
    body = f"    from sqlalchemy import inspect\n    {ONCE}\n        c.exec_driver_sql({ALTER!r})  # HERE\n\n\n"
    helper = f"def alter(c):\n{body}"
    assert ENV.count(old) == 1
    text = ENV.replace("config = AcmeConfig", f"{helper}config = AcmeConfig").replace(old, new)
    return (
        Write(OWN, text),
        Write("poser/db/alembic/script.py.mako", ""),
        Replace("app/acme.conf", "script_location = acme.db:alembic", "script_location = poser.db:alembic"),
    )


def listener(event: str, arguments: str, body: str) -> tuple[Edit, ...]:
    """A function of the models that SQLAlchemy calls."""
    return module(f"@sa.event.listens_for({event})\ndef heard({arguments}):\n    {body}\n")


CREATED = f"if table.name == 'product': connection.execute(sa.text({ALTER!r}))  # HERE"
BEGUN = f"c = connection; from sqlalchemy import inspect\n    {ONCE} c.exec_driver_sql({ALTER!r})  # HERE"
PLACES = {
    "after run_migrations": own_env(RUN, f"{RUN}            alter(connection)\n"),
    "on another connection": own_env(ENGINE, f"{ENGINE}    with engine.connect() as c, c.begin():\n        alter(c)\n"),
    "on_version_apply": own_env(
        "connection=connection,", "connection=connection, on_version_apply=lambda ctx, **_: alter(ctx.connection),"
    ),
    "a listener of tables": listener("sa.Table, 'after_create'", "table, connection, **_", CREATED),
    "a listener of engines": listener("sa.engine.Engine, 'begin'", "connection", BEGUN),
}


@pytest.mark.parametrize("database", POSTGRESQL_FIRST)
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.both_stacks) if name.startswith("a listener") else name for name in PLACES],
)
def test_it_is_the_application_s_doing(name: str, database: str, tmp_path: Path) -> None:
    application = make_application(tmp_path, PLACES[name], database=database)
    run = run_without_proofs(application)
    check_every_run(run, application)
    assert run.status == 1, run.explain()
    review = review_of(run)
    assert [row(change) for change in review["changes"]] == ["blocked remove_column product.tenant"]
    (finding,) = [finding for finding in review["findings"] if finding["code"] == "AR106"]
    told = r"Code outside any revision \(poser\) altered the core table product of acme: it added the column tenant\."
    assert re.fullmatch(told, finding["message"])
    place = finding["location"]
    assert place["path"] == (OWN if PLACES[name][0].path == OWN else f"{MODEL}/extra.py")
    lines = (application.project / place["path"]).read_text().splitlines()
    assert lines[place["line"] - 1].endswith("# HERE")


RULE = """
from sqlalchemy.ext.compiler import compiles


@compiles(sa.{0})
def otherwise(kind, compiler, **options):  # HERE
    return "{1}"
"""


@pytest.mark.parametrize(
    ("compiled", "text", "what"),
    [
        pytest.param("VARCHAR", "VARCHAR(999)", "VARCHAR", marks=pytest.mark.both_stacks),
        ("schema.CreateTable, 'mysql'", "", None),
        ("Text, 'mysql'", "", None),
    ],
)
def test_rules_by_which_every_table_is_compiled(compiled: str, text: str, what: str | None, tmp_path: Path) -> None:
    """Those for another dialect change nothing here."""
    application = make_application(tmp_path, module(RULE.format(compiled, text)), database=POSTGRESQL)
    run = run_without_proofs(application)
    check_every_run(run, application)
    review = review_of(run)
    told = [line for line in review["provenance"]["not_checked"] if "compiles" in line]
    if what is None:
        assert (run.status, review["changes"], told) == (0, [], []), run.explain()
        return
    assert told == [f"effects of {MODEL}/extra.py:8 on tables (it changes how SQLAlchemy compiles {what})"]
    core = [change for change in review["changes"] if not change["table"].startswith("poser_")]
    assert run.status == 1, run.explain()
    assert {(change["verdict"], change["kind"], change["cause"]) for change in core} == {
        ("blocked", "modify_type", "poser")
    }
    assert all(f"changes how SQLAlchemy compiles {what}" in change["reason"] for change in core)


HARMLESS = {
    "a schema, settings and rows": own_env(
        RUN,
        "            connection.exec_driver_sql('SET lock_timeout = 60000')\n"
        "            connection.exec_driver_sql('CREATE SCHEMA IF NOT EXISTS scrap')\n"
        f"{RUN}"
        "            connection.exec_driver_sql('DELETE FROM event_log')\n",
    ),
    "a log of statements": listener(
        "sa.engine.Engine, 'before_cursor_execute'", "connection, cursor, statement, *_", "print(statement[:20])"
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_alters_no_table_is_nobody_s_business(name: str, tmp_path: Path) -> None:
    run = run_without_proofs(make_application(tmp_path, HARMLESS[name], database=POSTGRESQL))
    assert run.status == 0, run.explain()
    assert (review_of(run)["changes"], review_of(run)["findings"]) == ([], [])
