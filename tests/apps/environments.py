"""Application environments: real virtual environments, filled in milliseconds.

An environment has its own prefix and site-packages. SQLAlchemy, Alembic and the drivers come from the *stack*, another
interpreter's site-packages that a ``.pth`` file puts on the path; the distributions are laid out as pip does it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
STACK_VARIABLE = "ALEMBIC_REVIEW_APP_PYTHON"

_ASK = """
import json, os, sys, sysconfig
from importlib.metadata import version
base = getattr(sys, "_base_executable", sys.executable)
print(json.dumps({
    "executable": os.path.realpath(base),
    "version": list(sys.version_info[:3]),
    "site_packages": [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")],
    "sqlalchemy": [int(part) for part in version("sqlalchemy").split(".")[:2]],
    "alembic": [int(part) for part in version("alembic").split(".")[:2]],
}))
"""


@dataclass(frozen=True)
class Stack:
    """An interpreter with SQLAlchemy, Alembic and drivers; ``executable`` is the Python it was made from."""

    executable: Path
    version: tuple[int, int, int]
    site_packages: tuple[Path, ...]
    sqlalchemy: tuple[int, int]
    alembic: tuple[int, int]


@cache
def stack() -> Stack:
    """The stack that the applications of the table run on: ``$ALEMBIC_REVIEW_APP_PYTHON``, else our own interpreter."""
    python = os.environ.get(STACK_VARIABLE) or sys.executable
    answer = json.loads(subprocess.run([python, "-c", _ASK], check=True, capture_output=True, text=True).stdout)
    major, minor, patch = answer["version"]
    return Stack(
        executable=Path(answer["executable"]),
        version=(major, minor, patch),
        site_packages=tuple(Path(path) for path in dict.fromkeys(answer["site_packages"])),
        sqlalchemy=(answer["sqlalchemy"][0], answer["sqlalchemy"][1]),
        alembic=(answer["alembic"][0], answer["alembic"][1]),
    )


@dataclass(frozen=True)
class Environment:
    """A virtual environment of an application."""

    folder: Path
    site_packages: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"


def make_environment(folder: Path) -> Environment:
    """An empty environment in ``folder`` that sees the stack."""
    chosen = stack()
    major, minor, _ = chosen.version
    site_packages = folder / "lib" / f"python{major}.{minor}" / "site-packages"
    site_packages.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(chosen.executable)
    version = ".".join(map(str, chosen.version))
    (folder / "pyvenv.cfg").write_text(
        f"home = {chosen.executable.parent}\ninclude-system-site-packages = false\nversion = {version}\n"
    )
    (site_packages / "_stack.pth").write_text("".join(f"{path}\n" for path in chosen.site_packages))
    return Environment(folder, site_packages)


def install(environment: Environment, source: Path) -> None:
    """Lay the distribution in ``source`` out as ``pip install`` does."""
    files: list[str] = []
    for package in _packages(source):
        shutil.copytree(package, environment.site_packages / package.name, ignore=shutil.ignore_patterns("__pycache__"))
        copied = environment.site_packages / package.name
        files += [str(path.relative_to(environment.site_packages)) for path in copied.rglob("*") if path.is_file()]
    _describe(environment, source, files, editable=False)


def install_editable(environment: Environment, source: Path) -> None:
    """Point at the distribution in ``source`` as ``pip install -e`` with hatchling does."""
    name = _project(source)["name"]
    (environment.site_packages / f"_{name}.pth").write_text(f"{source}\n")
    _describe(environment, source, [f"_{name}.pth"], editable=True)


def _project(source: Path) -> dict[str, str]:
    project: dict[str, str] = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    return project


def _packages(source: Path) -> list[Path]:
    """The packages of the wheel: those named for hatchling, else the one with the distribution's name."""
    settings = tomllib.loads((source / "pyproject.toml").read_text())
    wheel = settings.get("tool", {}).get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    return [source / name for name in wheel.get("packages", [settings["project"]["name"]])]


def _describe(environment: Environment, source: Path, files: list[str], *, editable: bool) -> None:
    project = _project(source)
    info = environment.site_packages / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    url = {"dir_info": {"editable": True} if editable else {}, "url": source.as_uri()}
    contents = {
        "METADATA": f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: hatchling 1.27.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "INSTALLER": "pip\n",
        "direct_url.json": json.dumps(url),
    }
    for name, text in contents.items():
        (info / name).write_text(text)
    listed = [*files, *(f"{info.name}/{name}" for name in (*contents, "RECORD"))]
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in sorted(listed)))
