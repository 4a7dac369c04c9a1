"""What plain Alembic finds in the larger applications, each reached as its own commands reach it.

Runs in the application's own environment, against an empty database: ``by_hand.py APPLICATION URL OUTPUT`` upgrades
every history of the application to its heads, compares each, and writes the lists of changes to OUTPUT as JSON. Nothing
of alembic-review is used here.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from plain_alembic import compared, described  # type: ignore[import-not-found]

PROJECTS = Path(__file__).resolve().parents[3] / "fixtures" / "large"

Recorded = list[dict[str, Any]]


def installed(package: str, name: str) -> Path:
    """A file that is installed with ``package``."""
    return Path(str(files(package).joinpath(name)))


def upgraded(configs: list[Config]) -> Recorded:
    """Upgrade every history in its order, then compare every one."""
    for config in configs:
        command.upgrade(config, "heads")
    return [compared(config) for config in configs]


def with_driver(url: str, **drivers: str) -> str:
    """``url`` with a driver for its dialect."""
    dialect, _, rest = url.partition(":")
    return f"{dialect}+{drivers[dialect]}:{rest}"


def prefect(url: str) -> Recorded:
    """`prefect server database upgrade`; its env.py needs a worker thread of a running event loop."""
    os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = with_driver(url, postgresql="asyncpg", sqlite="aiosqlite")
    import anyio
    from prefect.server.database.alembic_commands import alembic_config

    recorded: Recorded = anyio.run(anyio.to_thread.run_sync, upgraded, [alembic_config()])
    return recorded


def mlflow(url: str) -> Recorded:
    """`mlflow db upgrade`, after the tables that a server creates on its first start.

    The module of that command is also what imports the models.
    """
    import sqlalchemy
    from mlflow.store.db import utils

    url = with_driver(url, postgresql="psycopg2")
    utils.InitialBase.metadata.create_all(sqlalchemy.create_engine(url))
    return upgraded([utils._get_alembic_config(url)])


def mwdb(url: str) -> Recorded:
    """`mwdb-core db upgrade`, which is Flask-Migrate's."""
    os.environ |= {"MWDB_POSTGRES_URI": url, "MWDB_SECRET_KEY": "key", "MWDB_ENABLE_SSDEEP": "0"}
    from mwdb.cli.base import create_app

    app = create_app()
    with app.app_context():
        return upgraded([app.extensions["migrate"].migrate.get_config()])


def invenio(url: str) -> Recorded:
    """`invenio alembic upgrade`: Flask-Alembic, which needs no env.py."""
    os.environ["INVENIO_SQLALCHEMY_DATABASE_URI"] = with_driver(url, postgresql="psycopg2")
    from invenio_app.factory import create_api

    app = create_api()
    with app.app_context():
        alembic = app.extensions["invenio-db"].alembic
        alembic.upgrade()
        script, metadata = alembic.script_directory, app.extensions["sqlalchemy"].metadata
        return [described(script, metadata, alembic.compare_metadata())]


def ckan(url: str) -> Recorded:
    """`ckan db upgrade`: the history of CKAN, then that of the plugin, with a version table of its own."""
    os.environ |= {"CKAN_INI": str(PROJECTS / "ckan" / "ckan.ini"), "CKAN_SQLALCHEMY_URL": url}
    from ckan.cli import load_config
    from ckan.config.environment import load_environment

    load_environment(load_config())
    configs = [
        Config(installed("ckan", "migration/alembic.ini")),
        Config(installed("ckanext.activity", "migration/activity/alembic.ini")),
    ]
    for config in configs:
        config.set_main_option("sqlalchemy.url", url)
    return upgraded(configs)


def airflow(url: str) -> Recorded:
    """`airflow db migrate`, with the provider's manager: two histories, each with a version table of its own."""
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = with_driver(url, postgresql="psycopg2")
    from airflow import settings
    from airflow.providers.fab.auth_manager.models.db import FABDBManager
    from airflow.utils.db import _get_alembic_config

    return upgraded([_get_alembic_config(), FABDBManager(settings.Session()).get_alembic_config()])


APPLICATIONS = {
    "prefect": prefect,
    "mlflow": mlflow,
    "mwdb": mwdb,
    "invenio": invenio,
    "ckan": ckan,
    "airflow": airflow,
}


def main() -> None:
    """Write what the named application's histories and models have for each other."""
    name, url, output = sys.argv[1:]
    Path(output).write_text(json.dumps(APPLICATIONS[name](url), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
