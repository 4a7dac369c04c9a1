"""What the decoys of tests/trust/test_contacts.py are for, and dialects that have no scratch database."""

from __future__ import annotations

from pathlib import Path

import pytest

from .decoy import Decoy, listening
from .edits import Edit, Replace, Write
from .environments import stack
from .harness import Application, make_project, run_alembic, run_tool
from .scenario import check_every_run
from .test_environments import ENV, VERSION, functions

# What `postgresql://` means to SQLAlchemy.
DRIVER = "psycopg2" if stack().sqlalchemy < (2, 0) else "psycopg"
GENERIC = 'engine_from_config(\n        config.get_section(config.config_ini_section, {}),\n        prefix="sqlalchemy.",\n        poolclass=pool.NullPool,\n    )'  # noqa: E501
ARGUMENTS = "host='127.0.0.1', port=PORT, user='library', password='s3cr%et', dbname='library'"
CREATOR = (
    functions(f"import {DRIVER} as driver"),
    Replace(
        ENV,
        f"connectable = {GENERIC}",
        f"connectable = sa.create_engine('postgresql://', creator=lambda: driver.connect({ARGUMENTS}))",
    ),
)


def aimed(project: str, decoy: Decoy, folder: Path, *edits: Edit) -> Application:
    """A plain project whose conf names the decoy; ``PORT`` in its env.py and revision becomes the decoy's."""
    scheme = "postgresql+asyncpg" if "async" in project else "postgresql"
    url = Replace(
        "alembic.ini",
        f"{scheme}://library:s3cr%%et@db.invalid/library",
        f"{scheme}://library:s3cr%%et@127.0.0.1:{decoy.port}/library",
    )
    application = make_project(folder, project, (url, *edits))
    for name in (ENV, VERSION):
        path = application.project / name
        path.write_text(path.read_text().replace("PORT", str(decoy.port)))
    return application


@pytest.mark.parametrize("own", ["url", "creator"])
def test_plain_alembic_does_contact_the_decoy(own: str, tmp_path: Path) -> None:
    with listening() as listener:
        edits = () if own == "url" else CREATOR
        run_alembic(aimed("env_generic", listener, tmp_path, *edits), "current")
    assert listener.contacts > 0


MARSDB = """
from sqlalchemy.engine.default import DefaultDialect


class Dialect(DefaultDialect):
    name = "marsdb"
    driver = "rover"
    paramstyle = "named"
    supports_statement_cache = True

    @classmethod
    def dbapi(cls):
        import sys
        return sys.modules[__name__]

    import_dbapi = dbapi


paramstyle = "named"


def connect(*args, **kwargs):
    raise SystemExit(7)
"""


def test_another_dialect_is_named(tmp_path: Path) -> None:
    register = "from sqlalchemy.dialects import registry\nregistry.register('marsdb', 'marsdb', 'Dialect')"
    url = Replace("alembic.ini", "postgresql://library:s3cr%%et@", "marsdb://library:s3cr%%et@")
    application = make_project(tmp_path, "env_generic", (url, functions(register), Write("site:marsdb.py", MARSDB)))
    run = run_tool(application, conf="alembic.ini")
    assert run.status == 3, run.explain()
    check_every_run(run, application)
    assert "marsdb" in run.stderr, run.explain()
    assert "env.py" in run.stderr, run.explain()
