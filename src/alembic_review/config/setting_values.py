"""The value of each key: the first layer that names it decides, and answers for it in errors."""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from alembic_review.config.dotenv import read_variables
from alembic_review.config.settings_files import EnvironmentSettings, FileSettings, Layer
from alembic_review.model.errors import UsageError
from alembic_review.model.keys import Rename
from alembic_review.model.settings import Environment, FailOn, Level, Settings

_LONGEST_TIMEOUT = 7 * 24 * 3600
_HIGHEST_VERSION = 999
_ARCHIVE = b"PGDMP"  # the first bytes of pg_dump --format=custom

_CODE = re.compile(r"AR[0-9]{3}")
_PARTS = 3  # schema, table and column
_RENAME_HINT = "A column: widget.colour=color; a table: widget=gadget; with a schema: shop.widget.colour=color."

T = TypeVar("T")
Layers = Sequence[Layer]


def first(layers: Layers, key: Callable[[FileSettings], T | None]) -> T | None:
    """The value of the first layer that has one."""
    value, _ = _found(layers, key)
    return value


def packages(
    layers: Layers, name: str, key: Callable[[FileSettings], tuple[str, ...] | None]
) -> tuple[str, ...] | None:
    """Import packages without duplicates; empty for ``none``."""
    names, place = _found(layers, key)
    if names is None or names == ("none",):
        return None if names is None else ()
    for package in names:
        if package == "none":
            raise UsageError(f"{place}: `{name}`: `none` can't be combined with packages.")
        if not _is_dotted(package):
            raise UsageError(
                f"{place}: `{name}`: {package!r} is not the name of an import package.",
                hint="Write it as in an import statement; on the command line, give the option once per package.",
            )
    return _unique(names)


def reference(layers: Layers, name: str, key: Callable[[FileSettings], str | None]) -> str | None:
    """A callable, named ``module:callable``."""
    value, place = _found(layers, key)
    if value is not None:
        check_reference(value, name, place)
    return value


def is_reference(value: str) -> bool:
    """Whether a text has the form ``module:callable``."""
    module, _, attribute = value.partition(":")
    return _is_dotted(module) and _is_dotted(attribute)


def check_reference(value: str, name: str, place: str) -> None:
    """Raise ``UsageError`` if the value does not have the form ``module:callable``."""
    if not is_reference(value):
        raise UsageError(
            f"{place}: `{name}`: {value!r} is not `module:callable`.",
            hint=f'For example: {name} = "myapp.review:{name.replace("-", "_")}"',
        )


def modules(layers: Layers, name: str, key: Callable[[FileSettings], tuple[str, ...] | None]) -> tuple[str, ...]:
    """Modules, named as in an import statement."""
    names, place = _found(layers, key)
    for module in names or ():
        if not _is_dotted(module):
            raise UsageError(
                f"{place}: `{name}`: {module!r} is not the name of a module.",
                hint="Write it as in an import statement.",
            )
    return _unique(names or ())


def env(layers: Layers, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that ``env`` and ``env-file`` add to ``environ``; those of the file replace none."""
    named, place = _found(layers, lambda settings: settings.env)
    for name, value in (named or {}).items():
        if not name or "=" in name or "\0" in name + value:
            raise UsageError(f"{place}: `env`: {name!r} can't be set as an environment variable.")
    read = _env_file(layers, environ)
    return {name: value for name, value in read.items() if name not in environ} | (named or {})


def _env_file(layers: Layers, environ: Mapping[str, str]) -> dict[str, str]:
    for layer in layers:
        if layer.settings.env_file is not None:
            path = layer.folder / layer.settings.env_file
            if not path.is_file():
                raise UsageError(
                    f"{layer.place}: `env-file`: there is no file {path}.",
                    hint="Name a file that every checkout has, or set the variables with `env`.",
                )
            return read_variables(path, environ)
    return {}


def renames(layers: Layers) -> tuple[Rename, ...]:
    """The renames that the user accepts; one from the command line has no place."""
    named = next((layer for layer in layers if layer.settings.rename is not None), None)
    if named is None:
        return ()
    place = named.place if named.path is not None else ""
    what = f"{place}: `rename`" if place else "--rename"
    found = [_rename(text, what, place) for text in named.settings.rename or ()]
    for number, one in enumerate(found):
        for other in found[:number]:
            if one.old == other.old and one.new != other.new:
                raise UsageError(f"{what}: {other.asked} and {one.asked} give one thing two names.")
            if one.old != other.old and (*one.old[:-1], one.new) == (*other.old[:-1], other.new):
                raise UsageError(f"{what}: {other.asked} and {one.asked} give two things one name.")
    return _unique(found)


def _rename(text: str, what: str, place: str) -> Rename:
    before, separator, new = (part.strip() for part in text.partition("="))
    old = tuple(part.strip() for part in before.split("."))
    if not separator or not all(old) or not new or len(old) > _PARTS or "=" in new:
        raise UsageError(f"{what}: {text!r} is not `TABLE.OLD=NEW`.", hint=_RENAME_HINT)
    if "." in new:
        raise UsageError(f"{what}: {text!r}: the new name is given without its table.", hint=_RENAME_HINT)
    if old[-1] == new:
        raise UsageError(f"{what}: {text!r}: both names are the same.", hint=_RENAME_HINT)
    return Rename(f"{'.'.join(old)}={new}", old, new, place)


def fail_on(layers: Layers) -> tuple[FailOn, ...]:
    """The kinds of all layers; layers after one with ``never`` are ignored.

    So ``never`` on the command line only reports, and a kind on the command line applies even if a file has
    ``never``.
    """
    named = [(layer.settings.fail_on, layer.place) for layer in layers if layer.settings.fail_on is not None]
    for kinds, place in named:
        if not kinds:
            raise UsageError(
                f"{place}: `fail-on` is empty.",
                hint='`blocked` and `error` always fail the check. To only report: fail-on = ["never"]',
            )
        if FailOn.NEVER in kinds and set(kinds) != {FailOn.NEVER}:
            raise UsageError(f"{place}: `fail-on`: `never` can't be combined with another kind.")
    added: list[FailOn] = []
    for kinds, _place in named:
        if FailOn.NEVER in kinds:
            return _unique(added) or (FailOn.NEVER,)
        added += kinds
    return _unique(added)


def severity(layers: Layers) -> dict[str, Level]:
    """The level of each check; that a check has the code is for the judge to tell."""
    named, place = _found(layers, lambda settings: settings.severity)
    levels = {level.value: level for level in Level}
    for code, value in (named or {}).items():
        if not is_code(code):
            raise UsageError(f"{place}: `severity`: {code!r} is not the code of a check.", hint="For example: AR512")
        if value not in levels:
            raise UsageError(
                f"{place}: `severity`: {value!r} of {code} is not a severity.", hint=f"Use {', '.join(levels)}."
            )
    return {code: levels[value] for code, value in (named or {}).items()}


def is_code(text: str) -> bool:
    """Whether a text has the form of a code, such as ``AR101``."""
    return _CODE.fullmatch(text) is not None


def server(layers: Layers, environ: Mapping[str, str]) -> str | None:
    """The URL of a server, read from the environment for ``env:NAME``."""
    value, place = _found(layers, lambda settings: settings.server)
    if value is None or not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    if not name.isidentifier():
        # The value may be a URL with a password, so it is not shown.
        raise UsageError(
            f"{place}: `server` starts with env:, but the name of an environment variable does not follow.",
            hint='For example: server = "env:SCRATCH_DATABASE_URL"; a URL is given without env: before it.',
        )
    if not environ.get(name):
        raise UsageError(
            f"{place}: `server` is env:{name}, but the environment variable {name} is not set.",
            hint=f"Set {name} to the URL of a server, or leave `server` out.",
        )
    return environ[name]


def server_version(layers: Layers) -> int | None:
    """The major version of the server in production."""
    value, place = _found(layers, lambda settings: settings.server_version)
    if value is not None and not 0 < value <= _HIGHEST_VERSION:
        raise UsageError(
            f"{place}: `server-version` is {value}, but must be a major version, such as 16.",
            hint="`SHOW server_version` prints it: of 16.4, the major version is 16.",
        )
    return value


def python(layers: Layers) -> str | None:
    """The path of an interpreter that can be run; a relative path starts at the folder of the file that names it."""
    for layer in layers:
        value = layer.settings.python
        if value is not None:
            # The link itself, never its target: a virtual environment's interpreter is known by its own path.
            path = str(layer.folder / value) if os.sep in value else value
            found = shutil.which(path)
            if found is None:
                raise UsageError(
                    f"{layer.place}: `python`: {path} is not a program that can be run.",
                    hint="Name the application's interpreter, for instance .venv/bin/python",
                )
            return found
    return None


def timeout(layers: Layers) -> float:
    """The time limit in seconds."""
    value, place = _found(layers, lambda settings: settings.timeout)
    if value is None:
        return Settings.timeout
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{place}: `timeout` is {value:g}, but must be a number of seconds greater than 0.")
    if value > _LONGEST_TIMEOUT:
        raise UsageError(f"{place}: `timeout` is {value:g}, but can be at most {_LONGEST_TIMEOUT} seconds (one week).")
    return value


def environments(layer: Layer | None, cwd: Path, config: str | None, section: str | None) -> tuple[Environment, ...]:
    """The environments of a file; ``config`` and ``section`` of the command line choose those that are reviewed.

    Empty where the command line names an environment that is none of them.
    """
    listed = layer.settings.environments if layer is not None else None
    if layer is None or listed is None:
        return ()
    found = [_environment(layer, settings) for settings in listed]
    for number, environment in enumerate(found):
        if environment.name in {other.name for other in found[:number]}:
            raise UsageError(f"{layer.place}: `environments` lists {environment.name} twice.")
    if not found:
        raise UsageError(f"{layer.place}: `environments` is empty.", hint="Leave it out if there is only one.")
    for key, value in (("config", layer.settings.config), ("config-from", layer.settings.config_from)):
        if value is not None:
            raise UsageError(
                f"{layer.place}: both `{key}` and `environments`.",
                hint=f"Remove `{key}`: -c chooses one of the environments.",
            )
    found = [replace(one, reviewed=_is_named(one, cwd, config, section)) for one in found]
    return tuple(found) if any(one.reviewed for one in found) else ()


def _environment(layer: Layer, settings: EnvironmentSettings) -> Environment:
    if (settings.config is None) is (settings.config_from is None):
        raise UsageError(
            f"{layer.place}: `environments`: each needs either `config` or `config-from`.",
            hint='For example: config = "core/alembic.ini"',
        )
    name = settings.config_from or Path(settings.config or "").as_posix()
    if settings.section is not None:
        name = f"{name}:{settings.section}"
    if settings.config_from is not None:
        check_reference(settings.config_from, "config-from", f"{layer.place}: `environments`")
    return Environment(
        name,
        config=layer.folder / settings.config if settings.config is not None else None,
        section=settings.section or Settings.section,
        x=settings.x,
        config_from=settings.config_from,
    )


def _is_named(environment: Environment, cwd: Path, config: str | None, section: str | None) -> bool:
    if environment.config is not None:
        same = config is None or environment.config.resolve() == (cwd / config).resolve()
    else:
        same = config in (None, environment.config_from)
    return same and section in (None, environment.section)


def before(layers: Layers) -> str | None:
    """The absolute path of an SQL file, or ``module:callable``.

    A relative path starts at the folder of the file that names it.
    """
    for layer in layers:
        value = layer.settings.before
        if value is not None:
            path = layer.folder / value
            if not path.is_file() and is_reference(value):
                return value
            return str(_readable(path, f"{layer.place}: `before`"))
    return None


def _readable(path: Path, place: str) -> Path:
    """A file of SQL. Messages never quote it: it may hold data."""
    try:
        content = path.read_bytes()
        if not content.startswith(_ARCHIVE):
            content.decode("utf-8")
    except OSError as error:
        raise UsageError(
            f"{place}: {path} can't be read: {error.strerror}.",
            hint="Name a file of SQL, or a function of a connection as module:callable.",
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{place}: {path} is not UTF-8 text.",
            hint="Write it with `pg_dump --schema-only --encoding=UTF8 DATABASE`, in the plain format.",
        ) from error
    if content.startswith(_ARCHIVE):
        raise UsageError(
            f"{place}: {path} is an archive of pg_dump, not SQL.",
            hint="Write it with `pg_dump --schema-only DATABASE`, in the plain format.",
        )
    return path.absolute()


def _found(layers: Layers, key: Callable[[FileSettings], T | None]) -> tuple[T | None, str]:
    for layer in layers:
        value = key(layer.settings)
        if value is not None:
            return value, layer.place
    return None, ""


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _unique(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))
