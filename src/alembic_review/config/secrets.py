"""The passwords that an application's settings hold, so that no report or log shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from alembic_review.model.secrets.known_passwords import is_file_of_one, is_named_like_one, passwords_in
from alembic_review.model.settings import Settings

_LARGEST = 1 << 20  # bytes of a file that is looked through
# Where development set-ups give a user or a database the same name as the password, it is no secret.
_SHOWN = re.compile(r"(?:USER|USERNAME|DATABASE|DB|DBNAME|HOST|NAME)\Z", re.IGNORECASE)
_BESIDE = (".env", ".flaskenv")


def secrets(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """The passwords in the config files, the environment, the files of libpq, ``-x`` arguments and ``server``."""
    variables = {**environ, **settings.env}
    arguments = [*settings.x, *(value for environment in settings.environments for value in environment.x)]
    shown = {value for name, value in variables.items() if _SHOWN.search(name)}
    for name, value in variables.items():
        if is_named_like_one(name) and value not in shown:
            yield value
        elif is_file_of_one(name):
            yield _text(Path(value)).strip()
    texts = [*variables.values(), *arguments, settings.server or ""]
    texts += [_text(path) for path in _files(settings)]
    texts += [_text(path) for path in _service_files(variables)]
    for text in texts:
        yield from passwords_in(text)
    yield from _of_passfile(_text(_path(variables, "PGPASSFILE", ".pgpass")))


def _files(settings: Settings) -> set[Path]:
    files = {settings.config, settings.source, *(environment.config for environment in settings.environments)}
    folders = {settings.root, *(file.parent for file in files if file is not None)}
    beside = {folder / name for folder in folders if folder is not None for name in _BESIDE}
    return {file for file in files if file is not None} | beside


def _service_files(variables: Mapping[str, str]) -> Iterator[Path]:
    """https://www.postgresql.org/docs/current/libpq-pgservice.html."""
    yield _path(variables, "PGSERVICEFILE", ".pg_service.conf")
    if variables.get("PGSYSCONFDIR"):
        yield Path(variables["PGSYSCONFDIR"], "pg_service.conf")


def _of_passfile(text: str) -> Iterator[str]:
    r"""The passwords of ``host:port:database:user:password`` lines, in which ``\`` escapes a colon."""
    for line in text.splitlines():
        fields = re.split(r"(?<!\\):", line, maxsplit=4)
        if len(fields) == 5 and not line.startswith("#"):  # noqa: PLR2004 - see above
            yield re.sub(r"\\(.)", r"\1", fields[4])


def _path(variables: Mapping[str, str], name: str, default: str) -> Path:
    return Path(variables[name]) if variables.get(name) else Path(variables.get("HOME", "")) / default


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return ""
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except (OSError, ValueError):
        return ""
