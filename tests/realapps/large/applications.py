"""The larger applications that are reviewed, and what plain Alembic is known to find in each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.realapps.environments import ENVIRONMENTS, PROJECTS, Environment

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Application:
    """``project`` is the working directory of whoever reviews it, with the settings that the application needs.

    ``conf`` is what they pass to ``-c``, as a path in site-packages. ``reached`` names the function of ``by_hand`` that
    reaches its histories, ``dialect`` the database that it is recorded with; ``variables`` are set when it is reviewed.
    """

    name: str
    reached: str
    conf: str | None = None
    dialect: str = "postgresql"
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> Environment:
        """The virtual environment that it is installed in."""
        return ENVIRONMENTS[self.reached]

    @property
    def project(self) -> Path:
        """The folder with its settings."""
        return PROJECTS / self.reached

    @property
    def arguments(self) -> list[str]:
        """The command line, as far as it is not in the settings."""
        if self.conf is None:
            return []
        (site_packages,) = self.environment.home.glob("lib/python*/site-packages")
        return ["-c", str(site_packages / self.conf)]

    @property
    def record(self) -> Path:
        """The file that holds what plain Alembic found."""
        return HERE / "expected" / f"{self.name}.json"

    def expected(self) -> list[dict[str, Any]]:
        """Revisions, heads, tables and changes of each of its histories, as recorded from plain Alembic."""
        recorded: list[dict[str, Any]] = json.loads(self.record.read_text(encoding="utf-8"))
        return recorded


APPLICATIONS = {
    application.name: application
    for application in (
        Application("airflow", "airflow"),
        Application("ckan", "ckan"),
        Application("invenio", "invenio"),
        Application("mlflow", "mlflow"),
        Application("mwdb", "mwdb", conf="mwdb/model/migrations/alembic.ini"),
        Application("prefect", "prefect"),
        Application(
            "prefect_sqlite",
            "prefect",
            dialect="sqlite",
            variables={"PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:////nowhere/prefect.db"},
        ),
    )
}
