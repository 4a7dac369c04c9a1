"""Command line, ini and pyproject.toml put together: what to review."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from alembic_review.config.conf import check_section, find_conf, is_pyproject, named_conf
from alembic_review.config.files import FileSettings, Layer, ini_layer, pyproject_layer
from alembic_review.config.project import distribution_name, find_root
from alembic_review.model.errors import UsageError
from alembic_review.model.settings import FailOn, Settings

__all__ = ["CommandLine", "load"]

T = TypeVar("T")
_NO_SETTINGS = FileSettings()


@dataclass(frozen=True)
class CommandLine:
    """What the command line named; empty or ``None`` where it said nothing. ``timeout`` is in seconds."""

    config: str | None = None
    section: str | None = None
    x: tuple[str, ...] = ()
    root: str | None = None
    custom: tuple[str, ...] = ()
    fail_on: tuple[FailOn, ...] = ()
    server: str | None = None
    python: str | None = None
    timeout: float | None = None


def load(line: CommandLine, *, cwd: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings for a run from ``cwd``: command line beats ini beats pyproject.toml beats default.

    Lists replace, they do not add up. Raises UsageError for what is missing, unknown or contradictory.
    """
    cwd = _working_directory() if cwd is None else cwd
    root = _root(line, cwd)
    project = _project_layer(root)
    conf = _conf(line, project, cwd, root)
    if root is None:
        root = find_root(conf.parent)
        project = _project_layer(root)
    own = _conf_layer(conf, project)
    layers = [layer for layer in (own, project) if layer is not None]
    section = _pick(line.section, own, project, "section") or "alembic"
    check_section(conf, section, cwd)
    settings = Settings(
        config=conf,
        section=section,
        x=line.x or _pick(None, own, project, "x") or (),
        root=root,
        distribution=distribution_name(root) if root else None,
        custom=_packages(line.custom or None, own, project, "custom"),
        owners=_pick(None, own, project, "owners") or {},
        core=_packages(None, own, project, "core"),
        prefix=_pick(None, own, project, "prefix"),
        fail_on=_fail_on(line, own, project),
        server=_server(_pick(line.server, own, project, "server"), environ),
        python=_python(line, layers, cwd),
        timeout=_timeout(_pick(line.timeout, own, project, "timeout")),
        source=layers[0].path if layers else None,
    )
    _refuse_contradictions(settings)
    return settings


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("The working directory does not exist any more.") from error


def _root(line: CommandLine, cwd: Path) -> Path | None:
    if line.root is None:
        return find_root(cwd)
    root = cwd / line.root
    if not root.is_dir():
        raise UsageError(f"--root: {root} is not a folder.")
    return root.resolve()


def _project_layer(root: Path | None) -> Layer | None:
    path = root / "pyproject.toml" if root else None
    return pyproject_layer(path) if path and path.is_file() else None


def _conf(line: CommandLine, project: Layer | None, cwd: Path, root: Path | None) -> Path:
    # Not resolved: Alembic's %(here)s is the folder the file was named in, symbolic links and all.
    if line.config is not None:
        return named_conf(cwd / line.config, "-c")
    if project and project.settings.config is not None:
        return named_conf(project.path.parent / project.settings.config, f"`config` in {project.place}")
    return find_conf(cwd, root)


def _conf_layer(conf: Path, project: Layer | None) -> Layer | None:
    if not is_pyproject(conf):
        layer = ini_layer(conf)
    elif project and project.path.samefile(conf):
        return None
    else:
        layer = pyproject_layer(conf)
    if layer and layer.settings.config is not None:
        raise UsageError(
            f"{layer.place}: `config` can't be set in the conf file itself.",
            hint="Set it in [tool.alembic-review] of pyproject.toml, or use -c.",
        )
    return layer


def _pick(given: T | None, own: Layer | None, project: Layer | None, key: str) -> T | None:
    if given is not None:
        return given
    for layer in (own, project):
        value: T | None = getattr(layer.settings if layer else _NO_SETTINGS, key)
        if value is not None:
            return value
    return None


def _packages(
    given: tuple[str, ...] | None, own: Layer | None, project: Layer | None, key: str
) -> tuple[str, ...] | None:
    names: tuple[str, ...] | None = _pick(given, own, project, key)
    if names is None or names == ("none",):
        return None if names is None else ()
    for name in names:
        if name == "none":
            raise UsageError(f"`{key}`: `none` can't be combined with packages.")
        if not all(part.isidentifier() for part in name.split(".")):
            message = f"`{key}`: {name!r} is not the name of an import package."
            raise UsageError(
                message,
                hint="Write it as in an import statement; on the command line, give the option once per package.",
            )
    return tuple(_unique(names))


def _fail_on(line: CommandLine, own: Layer | None, project: Layer | None) -> tuple[FailOn, ...]:
    kinds = _pick(line.fail_on or None, own, project, "fail_on")
    if kinds is None:
        return (FailOn.BLOCKED,)
    if not kinds:
        raise UsageError("`fail-on` is empty.", hint='To let everything pass, say so: fail-on = ["never"]')
    if FailOn.NEVER in kinds and set(kinds) != {FailOn.NEVER}:
        raise UsageError("`fail-on`: `never` can't be combined with another kind.")
    return tuple(_unique(kinds))


def _server(value: str | None, environ: Mapping[str, str]) -> str | None:
    if value is None or not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    if not environ.get(name):
        raise UsageError(
            f"`server` is env:{name}, but the environment variable {name} is not set.",
            hint=f"Set {name} to the URL of a server, or leave `server` out.",
        )
    return environ[name]


def _python(line: CommandLine, layers: Iterable[Layer], cwd: Path) -> str | None:
    named = [(line.python, cwd, "--python")]
    named += [(layer.settings.python, layer.path.parent, f"`python` in {layer.place}") for layer in layers]
    for value, folder, by in named:
        if value is not None:
            # The link itself, never its target: a virtual environment's interpreter is known by its own path.
            path = str(folder / value) if os.sep in value else value
            found = shutil.which(path)
            if found is None:
                raise UsageError(
                    f"{by}: {path} is not a program that can be run.",
                    hint="Name the application's interpreter, for instance .venv/bin/python",
                )
            return found
    return None


def _timeout(value: float | None) -> float:
    if value is None:
        return Settings.timeout
    if not (math.isfinite(value) and value > 0):
        raise UsageError("`timeout` is not a positive number of seconds.")
    return value


def _refuse_contradictions(settings: Settings) -> None:
    both = set(settings.custom or ()) & set(settings.core or ())
    if both:
        raise UsageError(f"{', '.join(sorted(both))}: both `custom` and `core`.", hint="A package is one or the other.")


def _unique(values: Iterable[T]) -> Iterable[T]:
    return dict.fromkeys(values)
