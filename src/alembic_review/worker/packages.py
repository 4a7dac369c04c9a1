"""Which import package owns a file, and which distribution brought that package."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from urllib.parse import unquote, urlsplit

from alembic_review.model.facts import Package
from alembic_review.model.prefixes import SHARED_PREFIXES

STDLIB = os.path.realpath(sysconfig.get_path("stdlib"))


def package_of(module: str | None, path: str) -> str | None:
    """The first regular package of a dotted module name, a lone module's name, else what the file's folders say."""
    if module:
        parts = module.split(".")
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            loaded = sys.modules.get(name)
            if loaded is not None and loaded.__dict__.get("__file__"):
                return name
    return package_of_path(path)


def package_of_path(path: str) -> str | None:
    """The topmost regular package around a file, as it is called when imported; ``None`` outside any package."""
    folder = os.path.dirname(os.path.realpath(path))
    while not os.path.exists(os.path.join(folder, "__init__.py")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    while os.path.exists(os.path.join(os.path.dirname(folder), "__init__.py")):
        folder = os.path.dirname(folder)
    return _imported_as(folder)


@cache
def _imported_as(folder: str) -> str | None:
    """The name of the package in this folder; ``None`` when another package has the name, so that it can't be meant."""
    name = os.path.basename(folder)
    for module_name, module in list(sys.modules.items()):
        if module_name.rpartition(".")[2] != name:
            continue
        file = getattr(module, "__dict__", {}).get("__file__")
        if file and os.path.realpath(os.path.dirname(file)) == folder:
            return package_of(module_name, file) or name
    return None if _lies_elsewhere(name, folder) else name


def _lies_elsewhere(name: str, folder: str) -> bool:
    """Tell whether ``import name`` would get something else than this folder."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    found = spec.submodule_search_locations or [os.path.dirname(spec.origin or "")]
    return folder not in map(os.path.realpath, found)


def describe_packages(names: Iterable[str]) -> tuple[Package, ...]:
    """Facts about these packages, and about every package that is installed in editable mode."""
    distributions = _Distributions()
    wanted = set(names) | set(distributions.editable_packages())
    return tuple(sorted((distributions.describe(name) for name in wanted), key=lambda package: package.name))


@cache
def same_project(one: str | None, other: str | None) -> bool:
    """Tell whether two packages are parts of one project: of one distribution, or both lie in no distribution."""
    if one == other:
        return True
    if one is None or other is None:
        return False
    known = {package.name: package for package in describe_packages({one, other})}
    first, second = known[one], known[other]
    return (first.distribution, first.installed) == (second.distribution, second.installed)


def may_be_custom(package: Package | None, custom: Iterable[str], distribution: str | None) -> bool:
    """False only for what no rule can call custom: installed the usual way, not named, not the project's own."""
    if package is None or not package.installed or package.editable:
        return True
    own = distribution is not None and _normal(package.distribution or "") == _normal(distribution)
    return own or package.name in custom


def _normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class _Installed:
    """One distribution: its editable folder and import roots there, and the packages its metadata names."""

    distribution: metadata.Distribution
    name: str
    project: str | None
    roots: tuple[str, ...]
    packages: frozenset[str]


@cache
def _installed() -> tuple[_Installed, ...]:
    """Every distribution of this interpreter; reading their metadata is what costs."""
    found = []
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            project = _editable_project(distribution)
            roots = _import_roots(distribution, project) if project else ()
            found.append(_Installed(distribution, name, project, roots, _top_level(distribution)))
    return tuple(found)


class _Distributions:
    """Who brought which of the packages that are loaded now."""

    def __init__(self) -> None:
        self._by_package: dict[str, metadata.Distribution] = {}
        self._projects: dict[str, str] = {}
        for entry in _installed():
            packages = set(entry.packages)
            if entry.project:
                self._projects.setdefault(entry.name, entry.project)
                packages |= _loaded_in(entry.roots)
            for package in packages:
                self._by_package.setdefault(package, entry.distribution)

    def editable_packages(self) -> list[str]:
        """Packages of editable installations that are loaded: the others brought nothing into this run."""
        return [
            package
            for package, distribution in self._by_package.items()
            if distribution.metadata["Name"] in self._projects and package in sys.modules
        ]

    def describe(self, name: str) -> Package:
        paths = _paths(name)
        distribution = self._by_package.get(name) or self._by_package.get(name.partition(".")[0])
        owner = distribution.metadata["Name"] if distribution else None
        project = self._projects.get(owner or "")
        installed = bool(paths) and all(is_installed(path) for path in paths)
        if distribution is not None and not project and not installed:
            # A copy on sys.path shadows what that distribution installed: these files are not the distribution's,
            # unless they lie beside its metadata, as after `setup.py develop`.
            beside = os.path.realpath(str(distribution.locate_file("")))
            if not any(_below(path, beside) for path in paths):
                owner = None
            else:
                project = beside
        if project and not any(_below(path, project) for path in paths) and not installed:
            owner, project = None, None
        return Package(name, paths, owner, editable=project is not None, project=project, installed=installed)


def _paths(name: str) -> tuple[str, ...]:
    module = sys.modules.get(name)
    if module is None:
        return ()
    found = getattr(module, "__dict__", {}).get("__path__")
    if found is not None:
        return tuple(os.path.realpath(path) for path in found)
    file = module.__dict__.get("__file__")
    return (os.path.realpath(file),) if file else ()


def _editable_project(distribution: metadata.Distribution) -> str | None:
    """The folder of an editable installation (PEP 660's direct_url.json)."""
    text = distribution.read_text("direct_url.json")
    if not text:
        return None
    try:
        origin = json.loads(text)
    except ValueError:
        return None
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return os.path.realpath(unquote(urlsplit(origin.get("url", "")).path))


def _top_level(distribution: metadata.Distribution) -> frozenset[str]:
    text = distribution.read_text("top_level.txt")
    names = set(text.split()) if text else set()
    for file in () if names else distribution.files or ():
        head = file.parts[0]
        if len(file.parts) > 1 and head.isidentifier() and file.suffix == ".py":
            names.add(head)
        elif len(file.parts) == 1 and file.suffix == ".py" and file.stem.isidentifier():
            names.add(file.stem)
    return frozenset(names)


def _import_roots(distribution: metadata.Distribution, project: str) -> tuple[str, ...]:
    """The folders that an editable installation puts on ``sys.path``, or maps packages to; else the project's own."""
    roots: set[str] = set()
    for file in distribution.files or ():
        if file.suffix != ".pth":
            continue
        for line in file.read_text().splitlines():
            if line.startswith("import "):
                finder = sys.modules.get(line.removeprefix("import ").partition(";")[0].strip())
                mapping = getattr(finder, "MAPPING", {})
                roots |= {os.path.dirname(os.path.realpath(path)) for path in mapping.values()}
            elif line.strip() and not line.startswith("#"):
                roots.add(os.path.realpath(line.strip()))
    return tuple(sorted(roots)) or (project, os.path.join(project, "src"))


def _loaded_in(roots: tuple[str, ...]) -> set[str]:
    """Packages and modules in memory that were imported from right below one of these folders."""
    found = set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if not file or "." in name or name == "__main__":
            continue
        path = os.path.dirname(file) if os.path.basename(file).startswith("__init__.") else file
        if os.path.dirname(os.path.realpath(path)) in roots:
            found.add(name)
    return found


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


@cache
def is_installed(path: str) -> bool:
    """True below a ``sys.prefix``, any virtual environment or a site-packages folder."""
    real = os.path.realpath(path)
    if {"site-packages", "dist-packages"} & set(real.split(os.sep)):
        return True
    prefixes = {os.path.realpath(prefix) for prefix in (sys.prefix, sys.exec_prefix, sys.base_prefix)} - SHARED_PREFIXES
    return any(_below(real, prefix) for prefix in prefixes) or _in_virtual_environment(os.path.dirname(real))


@cache
def _in_virtual_environment(folder: str) -> bool:
    if os.path.exists(os.path.join(folder, "pyvenv.cfg")):
        return True
    parent = os.path.dirname(folder)
    return parent != folder and _in_virtual_environment(parent)
