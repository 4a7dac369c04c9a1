"""Which import package owns a file, and which distribution brought that package."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from alembic_review.model.facts import Package
from alembic_review.model.system_prefixes import SHARED_PREFIXES

STDLIB = os.path.realpath(sysconfig.get_path("stdlib"))


_PARTS: list[str] = []
"""Parts of packages that the settings name as owners, the most specific first."""


def real_path(path: str) -> str:
    """``os.path.realpath``, which looks at each folder above a file: hardly any of them is new here."""
    folder, name = os.path.split(path)
    if not os.path.isabs(path) or name in {"", os.curdir, os.pardir}:
        return os.path.realpath(path)
    return _real_path(folder, name)


@cache
def _real_path(folder: str, name: str) -> str:
    path = os.path.join(real_path(folder), name)
    return os.path.realpath(path) if os.path.islink(path) else path


def name_parts(names: Iterable[str]) -> None:
    """Have parts of packages, and namespaces, own what lies below them: before any package is asked for."""
    _PARTS[:] = sorted(set(names), key=lambda name: (-name.count("."), name))


def package_of(module: str | None, path: str) -> str | None:
    """The package that owns a module, else what the file's folders say.

    It is the first regular package of the dotted name, or the lone module. Below a gap without ``__init__.py`` another
    distribution may have put a package of its own; and the settings may name a part of either.
    """
    owner = _owner_of(module) if module else None
    return owner or package_of_path(path)


def _owner_of(module: str, unloaded: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """The owner of a module that is loaded, or below a package that is; ``None`` for any other.

    ``unloaded`` are files of modules that are not loaded, by name.
    """
    parts = module.split(".")
    names = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    found, gap = None, False
    for name in names:
        file = _file_of(name) or unloaded.get(name)
        if found is not None and file is not None and gap and _is_brought_by_another(file, found):
            found = name
        found = found or (name if file else None)
        gap = file is None
    part = next((part for part in _PARTS if part in names and ("." in part or not _file_of(part))), None)
    return part if found is not None and part is not None else found


def _file_of(name: str) -> str | None:
    """The file of a loaded module; ``None`` for a namespace, which has none."""
    file = getattr(sys.modules.get(name), "__dict__", {}).get("__file__")
    return file if isinstance(file, str) else None


def _is_brought_by_another(file: str, package: str) -> bool:
    """Tell whether a file below a package comes from elsewhere: another folder, or another distribution."""
    outer = _file_of(package)
    if outer is None:
        return False
    if not _below(real_path(file), os.path.dirname(real_path(outer))):
        return True
    return _distribution_of(real_path(file)) != _distribution_of(real_path(outer))


def package_of_path(path: str) -> str | None:
    """The package around a file, as it is called when imported; ``None`` outside any package."""
    folder = os.path.dirname(real_path(path))
    inner = _around(folder)
    # What is loaded later may tell the name.
    return _owner_in(inner, folder, len(sys.modules)) if inner is not None else None


def _around(folder: str) -> str | None:
    """The nearest folder with an ``__init__.py``, at or above this one."""
    while not os.path.exists(os.path.join(folder, "__init__.py")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return folder


@cache
def _owner_in(inner: str, folder: str, _loaded: int) -> str | None:
    """The owner of the files in ``folder``, in or below the regular package ``inner``; ``None`` if it has no name.

    That is so when another package has the name, so that this one can't be meant.
    """
    top = inner
    while os.path.exists(os.path.join(os.path.dirname(top), "__init__.py")):
        top = os.path.dirname(top)
    module = _module_in(top) or _module_beyond_a_gap(top)
    if module is None:
        name = os.path.basename(top)
        return None if _lies_elsewhere(name, top) else name
    below = os.path.relpath(folder, top)
    rest = [] if below == os.curdir else below.split(os.sep)
    return _owner_of(".".join([module, *rest]), {module: os.path.join(top, "__init__.py")})


def _module_in(folder: str) -> str | None:
    """The name by which the package in this folder is loaded."""
    name = os.path.basename(folder)
    for module_name in list(sys.modules):
        if module_name.rpartition(".")[2] == name:
            file = _file_of(module_name)
            if file and real_path(os.path.dirname(file)) == folder:
                return module_name
    return None


def _module_beyond_a_gap(folder: str) -> str | None:
    """The name that a package which is not loaded has below one that is, beyond folders without ``__init__.py``."""
    outer = _around(os.path.dirname(folder))
    module = _module_in(outer) if outer is not None else None
    if outer is None or module is None:
        return None
    return ".".join([module, *os.path.relpath(folder, outer).split(os.sep)])


def _lies_elsewhere(name: str, folder: str) -> bool:
    """Tell whether ``import name`` would get something else than this folder."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    found = spec.submodule_search_locations or [os.path.dirname(spec.origin or "")]
    return folder not in map(real_path, found)


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

    @property
    def folder(self) -> str:
        """Where its metadata lies, and most of its files do."""
        return real_path(str(self.distribution.locate_file("")))


@cache
def _installed() -> tuple[_Installed, ...]:
    """Every distribution of this interpreter; reading their metadata is what costs."""
    found = []
    for distribution in metadata.distributions():
        name = _name(distribution)
        if name:
            project = _editable_project(distribution)
            roots = _import_roots(distribution, project) if project else ()
            found.append(_Installed(distribution, name, project, roots, _top_level(distribution)))
    return tuple(found)


def _name(distribution: metadata.Distribution) -> str:
    """As ``Distribution.name``, which parses the description as well, often a whole README."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or distribution.read_text("") or ""
    headers, _, _ = text.partition("\n\n")
    found = re.search(r"^Name:[ \t]*(.*?)\s*$", headers, re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""


@cache
def _distribution_of(path: str) -> _Installed | None:
    """The distribution that installed a file, by its list of files, or whose editable sources hold it."""
    for number, entry in enumerate(_installed()):
        base = entry.folder
        if _below(path, base) and f"\n{os.path.relpath(path, base).replace(os.sep, '/')}," in _record(number):
            return entry
    holding = [entry for entry in _installed() if entry.project and _below(path, entry.project)]
    return max(holding, key=lambda entry: len(entry.project or ""), default=None)


@cache
def _record(number: int) -> str:
    return "\n" + (_installed()[number].distribution.read_text("RECORD") or "")


class _Distributions:
    """Who brought which of the packages that are loaded now."""

    def __init__(self) -> None:
        self._by_package: dict[str, list[_Installed]] = {}
        self._projects: dict[str, str] = {}
        loaded = _loaded()
        for entry in _installed():
            packages = set(entry.packages)
            if entry.project:
                self._projects.setdefault(entry.name, entry.project)
                packages.update(*(loaded.get(root, ()) for root in entry.roots))
            for package in packages:
                self._by_package.setdefault(package, []).append(entry)

    def editable_packages(self) -> list[str]:
        """Packages of editable installations that are loaded: the others brought nothing into this run."""
        return [
            package
            for package in self._by_package
            if package in sys.modules and (entry := self._distribution(package)) is not None
            if entry.name in self._projects
        ]

    def _distribution(self, name: str) -> _Installed | None:
        """The distribution that brought a package; several may put theirs into one namespace."""
        claiming = self._by_package.get(name.partition(".")[0], [])
        file = _file_of(name)
        if file is not None and ("." in name or len(claiming) > 1):
            entry = _distribution_of(real_path(file))
            if entry is not None:
                return entry
        return claiming[0] if claiming else None

    def describe(self, name: str) -> Package:
        paths = _paths(name)
        distribution = self._distribution(name)
        owner = distribution.name if distribution else None
        project = self._projects.get(owner or "")
        installed = bool(paths) and all(is_installed(path) for path in paths)
        if distribution is not None and not project and not installed:
            # A copy on sys.path shadows what that distribution installed: these files are not the distribution's,
            # unless they lie beside its metadata, as after `setup.py develop`.
            beside = distribution.folder
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
        return tuple(real_path(path) for path in found)
    file = module.__dict__.get("__file__")
    return (real_path(file),) if file else ()


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
    return real_path(unquote(urlsplit(origin.get("url", "")).path))


def _top_level(distribution: metadata.Distribution) -> frozenset[str]:
    text = distribution.read_text("top_level.txt")
    names = set(text.split()) if text else set()
    for file in () if names else _files(distribution):
        if file.endswith(".py"):
            head, slash, _ = file.partition("/")
            name = head if slash else head.removesuffix(".py")
            names.update({name} if name.isidentifier() else ())
    return frozenset(names)


def _files(distribution: metadata.Distribution) -> Iterator[str]:
    """As ``Distribution.files``, which makes an object of each path."""
    record = distribution.read_text("RECORD")
    if record:
        return (row[0] for row in csv.reader(record.splitlines()) if row)
    return (file.as_posix() for file in distribution.files or ())


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
                roots |= {os.path.dirname(real_path(path)) for path in mapping.values()}
            elif line.strip() and not line.startswith("#"):
                roots.add(real_path(line.strip()))
    return tuple(sorted(roots)) or (project, os.path.join(project, "src"))


def _loaded() -> dict[str, set[str]]:
    """Packages and modules in memory, by the folder right below which they were imported from."""
    found: dict[str, set[str]] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if not file or "." in name or name == "__main__":
            continue
        path = os.path.dirname(file) if os.path.basename(file).startswith("__init__.") else file
        found.setdefault(os.path.dirname(real_path(path)), set()).add(name)
    return found


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def editable_roots() -> tuple[str, ...]:
    """The folders that editable installations import from."""
    return tuple(dict.fromkeys(root for entry in _installed() for root in entry.roots))


def packages_of(distribution: str | None) -> frozenset[str]:
    """The top-level packages and modules of an installed distribution; none if it is not installed."""
    wanted = _normal(distribution or "")
    return frozenset().union(*(entry.packages for entry in _installed() if _normal(entry.name) == wanted))


def is_of(path: str, distribution: str | None) -> bool:
    """Whether a distribution of this name installed the file, or has it in its editable sources."""
    entry = _distribution_of(real_path(path))
    return entry is not None and _normal(entry.name) == _normal(distribution or "")


def search_path() -> tuple[str, ...]:
    """The folders that modules of no distribution are imported from: outside of installations, editable ones too."""
    editable = {root for entry in _installed() for root in entry.roots}
    folders = dict.fromkeys(real_path(entry) for entry in sys.path)
    return tuple(
        folder for folder in folders if folder not in editable and os.path.isdir(folder) and not is_installed(folder)
    )


def is_of_stdlib(path: str) -> bool:
    """True for a file of Python itself; the folder of installed packages may lie below that of the library."""
    return path.startswith(STDLIB + os.sep) and not {"site-packages", "dist-packages"} & set(path.split(os.sep))


@cache
def is_installed(path: str) -> bool:
    """True below a ``sys.prefix``, any virtual environment or a site-packages folder."""
    real = real_path(path)
    if {"site-packages", "dist-packages"} & set(real.split(os.sep)):
        return True
    prefixes = {real_path(prefix) for prefix in (sys.prefix, sys.exec_prefix, sys.base_prefix)} - SHARED_PREFIXES
    return any(_below(real, prefix) for prefix in prefixes) or _in_virtual_environment(os.path.dirname(real))


@cache
def _in_virtual_environment(folder: str) -> bool:
    if os.path.exists(os.path.join(folder, "pyvenv.cfg")):
        return True
    parent = os.path.dirname(folder)
    return parent != folder and _in_virtual_environment(parent)
