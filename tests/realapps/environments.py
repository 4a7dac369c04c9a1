"""Virtual environments of the real applications, built once from pinned requirements and kept.

``python -m tests.realapps.environments [--session NAME] [--tool WHEEL]`` builds what is missing for a nox session. An
environment's folder is named after everything it is made of, so a changed pin makes a new one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
FOLDER_VARIABLE = "ALEMBIC_REVIEW_APPLICATIONS"
LARGE = "realapps-large"
PROJECTS = REPOSITORY / "fixtures" / "large"


@dataclass(frozen=True)
class Environment:
    """``editable`` is a project that is installed from its sources; ``with_tool`` installs alembic-review beside it.

    ``session`` names the nox session that builds it.
    """

    name: str
    requirements: Path
    editable: Path | None = None
    with_tool: bool = False
    session: str = "realapps"

    @property
    def home(self) -> Path:
        """The folder of the virtual environment, which need not exist yet."""
        parts = [sys.version, str(self.editable), self.requirements.read_text(encoding="utf-8")]
        if self.editable:
            parts.append((self.editable / "pyproject.toml").read_text(encoding="utf-8"))
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
        folder = Path(os.environ.get(FOLDER_VARIABLE) or REPOSITORY / ".nox" / "applications")
        return folder / f"{self.name}-{digest}"

    @property
    def python(self) -> Path:
        """The interpreter of the built environment."""
        python = self.home / "bin" / "python"
        if not (self.home / "complete").exists():
            message = f"no environment for {self.name} in {self.home}: run `nox -s {self.session}`, which builds it"
            raise RuntimeError(message)
        return python


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment("rattail", HERE / "requirements" / "rattail.txt"),
        Environment(
            "poser",
            HERE / "requirements" / "rattail.txt",
            editable=REPOSITORY / "fixtures" / "rattail_poser",
            with_tool=True,
        ),
        Environment("sideshow", HERE / "requirements" / "sideshow.txt"),
        *(
            Environment(name, HERE / "requirements" / f"{name}.txt", session=LARGE)
            for name in ("airflow", "ckan", "mlflow", "mwdb", "prefect")
        ),
        Environment(
            "invenio",
            HERE / "requirements" / "invenio.txt",
            editable=PROJECTS / "invenio",
            session=LARGE,
        ),
    )
}


def build(environment: Environment, tool: Path | None, same: Environment | None = None) -> None:
    """Make the environment unless it is there, and put the newest ``tool`` into it where it belongs.

    The packages are those of ``same``, which has the same requirements: copied, where pip would compile all of them.
    """
    pip = [str(environment.home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    complete = environment.home / "complete"
    if not complete.exists():
        shutil.rmtree(environment.home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(environment.home)], check=True)
        if same is not None:
            (packages,) = same.home.glob("lib/python*/site-packages")
            shutil.copytree(packages, environment.home / packages.relative_to(same.home), dirs_exist_ok=True)
        else:
            subprocess.run([*pip, "--no-deps", "--requirement", str(environment.requirements)], check=True)
        if environment.editable:
            subprocess.run([*pip, "--no-deps", "--editable", str(environment.editable)], check=True)
        complete.touch()
    if environment.with_tool and tool:
        subprocess.run([*pip, f"{tool}[postgres]"], check=True)
        subprocess.run([*pip, "--force-reinstall", "--no-deps", str(tool)], check=True)


def build_alike(environments: Sequence[Environment], tool: Path | None) -> None:
    """Make environments that have the same requirements, one after the other."""
    first, *others = sorted(environments, key=lambda one: one.editable is not None)
    build(first, tool)
    for environment in others:
        build(environment, tool, first if first.editable is None else None)


def main() -> None:
    """Build every environment, two at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", type=Path, help="wheel of alembic-review for the applications that install it")
    parser.add_argument("--session", default="realapps", help="nox session whose environments are built")
    options = parser.parse_args()
    alike: dict[Path, list[Environment]] = {}
    for environment in ENVIRONMENTS.values():
        if environment.session == options.session:
            alike.setdefault(environment.requirements, []).append(environment)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for done in [pool.submit(build_alike, environments, options.tool) for environments in alike.values()]:
            done.result()


if __name__ == "__main__":
    main()
