"""Which config file Alembic is to read, and whether it holds what Alembic needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alembic_review.config.config_file_search import INI, PYPROJECT, commands, has_alembic_table
from alembic_review.config.settings_files import read_ini
from alembic_review.model.errors import UsageError

VARIABLE = "ALEMBIC_CONFIG"
_MIGRATIONS = "migrations"
_HINT = "Name it with -c FILE, as for `alembic -c FILE`, or set `config` in [tool.alembic-review] of pyproject.toml."


def find_conf(cwd: Path, root: Path | None, section: str, environ: Mapping[str, str]) -> Path:
    """The config file if neither ``-c`` nor a setting names one.

    This is the file of ``ALEMBIC_CONFIG``, ``alembic.ini``, a pyproject.toml with ``[tool.alembic]``, or
    ``migrations/alembic.ini`` beside an env.py; in the working directory first, then in the root. Raises
    ``UsageError`` if there is none, with a command for each config file below the root.
    """
    if environ.get(VARIABLE):
        return named_conf(cwd / environ[VARIABLE], f"the environment variable {VARIABLE}")
    folders = [cwd] if root is None or root == cwd else [cwd, root]
    for folder in folders:
        if (folder / INI).is_file():
            return folder / INI
        if has_alembic_table(folder / PYPROJECT):
            return folder / PYPROJECT
        migrations = folder / _MIGRATIONS
        if (migrations / INI).is_file() and (migrations / "env.py").is_file():
            return migrations / INI
    where = " or ".join(str(folder) for folder in folders)
    looked = f"neither {INI} nor a {PYPROJECT} with [tool.alembic] in {where}"
    top = cwd if root is None else root
    lines = commands(top, cwd, section)
    hint = "\n  ".join([f"Config files below {top}:", *lines]) if lines else _HINT
    raise UsageError(f"No Alembic config file found: {looked}.", hint=hint)


def named_conf(path: Path, by: str) -> Path:
    """``path``, if it is a file. Raises ``UsageError`` otherwise; ``by`` is the option or setting that names it."""
    if path.is_dir():
        raise UsageError(f"{path} ({by}) is a folder, not a config file.", hint=_HINT)
    if not path.exists():
        raise UsageError(f"The config file {path} ({by}) does not exist.", hint=_HINT)
    return path


def check_section(conf: Path, section: str, cwd: Path, environ: Mapping[str, str]) -> None:
    """Raise ``UsageError`` if the config file does not have the section that Alembic would read.

    Alembic reads an ini and a pyproject.toml side by side: the file that is not named is that of
    ``ALEMBIC_CONFIG``, or is in the working directory.
    """
    default = Path(environ.get(VARIABLE) or INI)
    if is_pyproject(conf):
        ini, toml = cwd / (INI if is_pyproject(default) else default), conf
    else:
        ini, toml = conf, cwd / (default if is_pyproject(default) else PYPROJECT)
    sections = read_ini(ini).sections() if ini.is_file() else []
    if section in sections or has_alembic_table(toml):
        return
    if is_pyproject(conf):
        raise UsageError(
            f"{conf} has no [tool.alembic] table.", hint="`alembic init` writes one; -c FILE names another config file."
        )
    there = ", ".join(f"[{name}]" for name in sections) or "none at all"
    raise UsageError(
        f"{conf} has no [{section}] section.",
        hint=f"Its sections are: {there}. -n NAME names another one, as for `alembic -n`.",
    )


def is_pyproject(conf: Path) -> bool:
    """Whether Alembic reads ``conf`` as TOML, which depends on its name only."""
    return conf.name == PYPROJECT
