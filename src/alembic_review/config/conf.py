"""Which conf file Alembic is to read, and whether it holds what Alembic needs."""

from __future__ import annotations

from pathlib import Path

from alembic_review.config.files import read_ini, read_toml, table_of
from alembic_review.model.errors import UsageError

PYPROJECT = "pyproject.toml"
_HINT = "Name it with -c FILE, as for `alembic -c FILE`, or set `config` in [tool.alembic-review] of pyproject.toml."


def find_conf(cwd: Path, root: Path | None) -> Path:
    """The conf file nobody named: ``alembic.ini``, else a pyproject.toml with ``[tool.alembic]``."""
    folders = [cwd] if root is None or root == cwd else [cwd, root]
    for folder in folders:
        if (folder / "alembic.ini").is_file():
            return folder / "alembic.ini"
    for folder in folders:
        if _has_table(folder / PYPROJECT):
            return folder / PYPROJECT
    where = " or ".join(str(folder) for folder in folders)
    raise UsageError(
        f"There is no conf file: neither alembic.ini nor a pyproject.toml with [tool.alembic] in {where}.", hint=_HINT
    )


def named_conf(path: Path, by: str) -> Path:
    """``path``, checked to be a file; ``by`` says in the error who named it."""
    if path.is_dir():
        raise UsageError(f"{path} ({by}) is a folder, not a conf file.", hint=_HINT)
    if not path.exists():
        raise UsageError(f"There is no conf file {path} ({by}).", hint=_HINT)
    return path


def check_section(conf: Path, section: str, cwd: Path) -> None:
    """Refuse a conf file without the section that Alembic would read.

    Alembic reads an ini and a pyproject.toml side by side: the one that is not named comes from the working directory.
    """
    if is_pyproject(conf):
        ini, toml = cwd / "alembic.ini", conf
    else:
        ini, toml = conf, cwd / PYPROJECT
    sections = read_ini(ini).sections() if ini.is_file() else []
    if section in sections or _has_table(toml):
        return
    if is_pyproject(conf):
        raise UsageError(
            f"{conf} has no [tool.alembic] table.", hint="`alembic init` writes one; -c FILE names another conf file."
        )
    there = ", ".join(f"[{name}]" for name in sections) or "none at all"
    raise UsageError(
        f"{conf} has no [{section}] section.",
        hint=f"The sections there are: {there}. -n NAME names another one, as for `alembic -n`.",
    )


def is_pyproject(conf: Path) -> bool:
    """Tell whether Alembic would read ``conf`` as TOML: it goes by the name alone."""
    return conf.name == PYPROJECT


def _has_table(path: Path) -> bool:
    return path.is_file() and bool(table_of(read_toml(path), "tool", "alembic"))
