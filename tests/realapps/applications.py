"""The real applications that are reviewed, and what plain Alembic is known to find in each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.realapps.environments import ENVIRONMENTS, HERE, REPOSITORY, Environment

POSER = REPOSITORY / "fixtures" / "rattail_poser"


@dataclass(frozen=True)
class Application:
    """``project`` is the working directory of a developer, ``conf`` what they pass to ``-c``.

    Without a project the conf file stands alone in some folder, as for a framework that is looked at by itself.
    """

    name: str
    environment: Environment
    conf: Path
    project: Path | None = None

    @property
    def record(self) -> Path:
        """The file that holds what plain Alembic found."""
        return HERE / "expected" / f"{self.name}.json"

    def expected(self) -> dict[str, Any]:
        """Revisions, heads, tables and changes as recorded from plain Alembic."""
        recorded: dict[str, Any] = json.loads(self.record.read_text(encoding="utf-8"))
        return recorded


APPLICATIONS = {
    application.name: application
    for application in (
        Application("rattail", ENVIRONMENTS["rattail"], HERE / "conf" / "rattail.conf"),
        Application("poser", ENVIRONMENTS["poser"], POSER / "app" / "rattail.conf", project=POSER),
        Application("poser_migrated", ENVIRONMENTS["poser"], POSER / "app" / "migrated.conf", project=POSER),
        Application("sideshow", ENVIRONMENTS["sideshow"], HERE / "conf" / "sideshow.conf"),
    )
}
