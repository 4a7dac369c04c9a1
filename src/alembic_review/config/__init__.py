"""Command line, ini and pyproject.toml put together: what to review."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from alembic_review.config import setting_values
from alembic_review.config.accept_entries import accept_entries
from alembic_review.config.alembic_config import check_section, find_conf, is_pyproject, named_conf
from alembic_review.config.baseline_file import read_baseline
from alembic_review.config.project_root import distribution_name, find_root, working_root
from alembic_review.config.settings_files import TABLES, FileSettings, Layer, ini_layer, pyproject_layer
from alembic_review.model.accepting import Baseline
from alembic_review.model.errors import UsageError
from alembic_review.model.settings import AcceptNew, Environment, FailOn, Settings

__all__ = ["CommandLine", "load"]


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
    since: str | None = None
    full: bool = False
    prove: bool | None = None
    baseline: str | None = None
    update_baseline: bool = False
    rename: tuple[str, ...] = ()
    cache: bool | None = None


def load(line: CommandLine, *, cwd: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a run in the folder ``cwd``.

    The command line overrides the Alembic config file, which overrides pyproject.toml, which overrides the default.
    A list replaces another list. Raises ``UsageError`` for missing, unknown or contradictory settings.
    """
    try:
        return _load(line, cwd, environ)
    except OSError as error:  # of a path that no file can have, or of a folder that may not be entered
        raise UsageError(f"{error.filename} can't be read: {error.strerror}.") from error


def _load(line: CommandLine, cwd: Path | None, environ: Mapping[str, str]) -> Settings:
    cwd = _working_directory() if cwd is None else cwd
    _refuse_other_encodings(cwd, line)
    root = _root(line, cwd)
    _refuse_other_encoding("The path of the project's root", str(root))
    project = _project_layer(root)
    several = setting_values.environments(project, cwd, line.config, line.section)
    conf = _conf_of(several, project) if several else _conf(line, project, cwd, root, environ)
    if root is None and conf is not None:
        root = find_root(conf.parent)
        project = _project_layer(root)
    own = _conf_layer(conf, project) if conf is not None else None
    files = [layer for layer in (own, project) if layer is not None]
    project_file = root is not None
    if root is None and conf is not None:
        root = working_root(cwd, conf)
    settings = _settings([_line_layer(line, cwd), *files], conf, root, environ)
    config_from = _config_from(line, files, conf)
    settings = replace(
        settings,
        since=line.since,
        full=line.full or line.update_baseline,
        prove=line.prove,
        project_file=project_file,
        config_from=config_from,
        accept=accept_entries(project),
        baseline=_baseline(line, cwd),
    )
    if several:
        return _of_environments(settings, several, cwd, environ)
    if conf is not None and settings.config_from is None:
        check_section(conf, settings.section, cwd, environ)
    return settings


def _conf_of(several: tuple[Environment, ...], project: Layer | None) -> Path | None:
    """The conf file of the first environment that is reviewed; those of all are there."""
    place = project.place if project is not None else ""
    reviewed = [environment for environment in several if environment.reviewed]
    for environment in several:
        path = environment.config
        if path is None:
            continue
        named_conf(path, f"`environments` in {place}")
        layer = None if is_pyproject(path) or len(reviewed) == 1 else ini_layer(path)
        if layer is not None:
            raise UsageError(
                f"{layer.place}: with several environments, settings are read from pyproject.toml only.",
                hint=f"Move them to {place}.",
            )
    return reviewed[0].config


def _of_environments(
    settings: Settings, several: tuple[Environment, ...], cwd: Path, environ: Mapping[str, str]
) -> Settings:
    """Settings for these environments, each with the arguments for env.py."""
    for environment in several:
        if environment.config is not None:
            check_section(environment.config, environment.section, cwd, environ)
    told = [replace(environment, x=environment.x or settings.x) for environment in several]
    first = next(environment for environment in told if environment.reviewed)
    if settings.since is not None and len(told) > 1:
        raise UsageError(
            "--since can't be combined with several `environments` yet.",
            hint="Leave --since out: the report then shows what is pending in each environment.",
        )
    settings = replace(settings, config_from=first.config_from, section=first.section, x=first.x)
    return replace(settings, environments=tuple(told)) if len(told) > 1 else settings


def _config_from(line: CommandLine, files: setting_values.Layers, conf: Path | None) -> str | None:
    """The callable of the files; with ``-c``, only the one that this very file names."""
    if line.config is not None and conf is not None:
        files = [layer for layer in files if layer.path is not None and layer.path.samefile(conf)]
    return setting_values.reference(files, "config-from", lambda layer: layer.config_from)


def _settings(
    layers: setting_values.Layers, conf: Path | None, root: Path | None, environ: Mapping[str, str]
) -> Settings:
    settings = Settings(
        config=conf,
        context=setting_values.reference(layers, "context", lambda layer: layer.context),
        preload=setting_values.modules(layers, "preload", lambda layer: layer.preload),
        env=setting_values.env(layers, environ),
        section=setting_values.first(layers, lambda layer: layer.section) or Settings.section,
        x=setting_values.first(layers, lambda layer: layer.x) or (),
        root=root,
        distribution=distribution_name(root) if root else None,
        custom=setting_values.packages(layers, "custom", lambda layer: layer.custom),
        owners=setting_values.first(layers, lambda layer: layer.owners) or {},
        core=setting_values.packages(layers, "core", lambda layer: layer.core),
        prefix=setting_values.first(layers, lambda layer: layer.prefix),
        fail_on=setting_values.fail_on(layers),
        severity=setting_values.severity(layers),
        accept_new=setting_values.first(layers, lambda layer: layer.accept_new) or AcceptNew.AT_ONCE,
        server=setting_values.server(layers, environ),
        server_version=setting_values.server_version(layers),
        python=setting_values.python(layers),
        timeout=setting_values.timeout(layers),
        before=setting_values.before(layers),
        renames=setting_values.renames(layers),
        cache=setting_values.first(layers, lambda layer: layer.cache) is not False,
        source=next((layer.path for layer in layers if layer.path), None),
    )
    both = set(settings.custom or ()) & set(settings.core or ())
    if both:
        raise UsageError(
            f"{', '.join(sorted(both))}: both `custom` and `core`.", hint="A package can be in only one of the two."
        )
    return settings


def _baseline(line: CommandLine, cwd: Path) -> Baseline | None:
    if line.baseline is None:
        if line.update_baseline:
            raise UsageError("--update-baseline without --baseline.", hint="Name the file: --baseline FILE")
        return None
    return read_baseline(line.baseline, (cwd / line.baseline).absolute(), update=line.update_baseline)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("The working directory does not exist any more.") from error


def _refuse_other_encodings(cwd: Path, line: CommandLine) -> None:
    """Reports, and what the application's process is sent, are UTF-8: a path that is not would be another path there.

    Python reads such a path with surrogates in it: https://peps.python.org/pep-0383/
    """
    named = (
        ("The path of the working directory", str(cwd)),
        ("-c", line.config),
        ("-n", line.section),
        *(("-x", value) for value in line.x),
        ("--root", line.root),
        *(("--custom", value) for value in line.custom),
        ("--server", line.server),
        ("--python", line.python),
        ("--since", line.since),
        ("--baseline", line.baseline),
        *(("--rename", value) for value in line.rename),
    )
    for name, text in named:
        _refuse_other_encoding(name, text)


def _refuse_other_encoding(name: str, text: str | None) -> None:
    try:
        (text or "").encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{name} is not UTF-8 text.", hint="Rename the folder or file.") from error


def _root(line: CommandLine, cwd: Path) -> Path | None:
    if line.root is None:
        return find_root(cwd)
    root = cwd / line.root
    if not root.is_dir():
        raise UsageError(f"--root: {root} is not a folder.")
    return root.resolve()


def _line_layer(line: CommandLine, cwd: Path) -> Layer:
    settings = FileSettings(
        section=line.section,
        x=line.x or None,
        custom=line.custom or None,
        fail_on=line.fail_on or None,
        server=line.server,
        python=line.python,
        timeout=line.timeout,
        rename=line.rename or None,
        cache=line.cache,
    )
    return Layer("the command line", cwd, settings)


def _project_layer(root: Path | None) -> Layer | None:
    path = root / "pyproject.toml" if root else None
    return pyproject_layer(path) if path and path.is_file() else None


def _conf(
    line: CommandLine, project: Layer | None, cwd: Path, root: Path | None, environ: Mapping[str, str]
) -> Path | None:
    # Not resolved: Alembic's %(here)s is the folder the file was named in, symbolic links and all.
    if line.config is not None:
        return named_conf(cwd / line.config, "-c")
    if project and project.settings.config_from is not None:
        if project.settings.config is not None:
            raise UsageError(
                f"{project.place}: both `config` and `config-from`.",
                hint="A config file or a callable: remove one of them.",
            )
        return None
    if project and project.settings.config is not None:
        return named_conf(project.folder / project.settings.config, f"`config` in {project.place}")
    section = line.section or (project.settings.section if project else None) or Settings.section
    return find_conf(cwd, root, section, environ)


def _conf_layer(conf: Path, project: Layer | None) -> Layer | None:
    if not is_pyproject(conf):
        layer = ini_layer(conf)
    elif project and project.path and project.path.samefile(conf):
        return None
    else:
        layer = pyproject_layer(conf)
    if layer and layer.settings.config is not None:
        raise UsageError(
            f"{layer.place}: `config` can't be set in the config file itself.",
            hint="Set it in [tool.alembic-review] of pyproject.toml, or use -c.",
        )
    for key in TABLES:
        if layer is not None and getattr(layer.settings, key) is not None:
            raise UsageError(
                f"{layer.place}: `{key}` can only be set in the pyproject.toml of the project.",
                hint="Name the folder of that file with --root.",
            )
    return layer
