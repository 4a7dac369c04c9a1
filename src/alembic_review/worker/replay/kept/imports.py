"""Which modules of the application revisions use, from their source and that of the modules that they import.

Only what is certain narrows the answer down. Anything else means: everything of the application that is loaded.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from sqlalchemy import MetaData

# Ways to get at modules, and at what other modules put somewhere.
_WORDS = frozenset(
    {
        *(
            "__import__",
            "importlib",
            "import_module",
            "modules",
            "exec",
            "eval",
            "compile",
            "globals",
            "runpy",
            "pkgutil",
        ),
        *(
            "metadata",
            "registry",
            "mappers",
            "__subclasses__",
            "current_app",
            "extensions",
            "attributes",
            "entry_points",
        ),
        *("iter_entry_points", "__init_subclass__", "get_objects", "_getframe", "stack", "currentframe", "setattr"),
    }
)
# Of modules that look at files; there is no audit event for these.
_LOOKING = frozenset(
    {"exists", "is_file", "isfile", "isdir", "is_dir", "stat", "lstat", "access", "getmtime", "lexists"}
)
_OF_FILES = frozenset({"os", "pathlib"})
_EMPTY_CALLS = frozenset({"dict", "list", "set", "defaultdict", "OrderedDict", "deque", "WeakSet", "ChainMap"})
_SURE = frozenset({"alembic", "sqlalchemy", *sys.stdlib_module_names})
_CONSTANT = (type, ModuleType, FunctionType, BuiltinFunctionType, str, bytes, int, float, bool, type(None))

_PLAIN = (ModuleType, FunctionType, BuiltinFunctionType, str, bytes, int, float, dict, list, tuple)


class Closure:
    """What a set of source files uses. ``is_application`` is true for the path of a file that is not installed.

    ``files`` are those of the application, ``installed`` those of packages, ``modules`` the names of both. ``unclear``
    says what can't be followed, ``refused`` what can't be kept at all; both are empty otherwise.
    """

    def __init__(self, is_application: Callable[[str], bool]) -> None:
        self._is_application = is_application
        self.modules: dict[str, str] = {}
        self.files: dict[str, None] = {}
        self.installed: dict[str, None] = {}
        self.unclear = ""
        self.refused = ""

    def add(self, path: str) -> None:
        """Follow one file, whose module may not be in ``sys.modules``, as revisions are not."""
        if path in self.files:
            return
        self.files[path] = None
        try:
            with open(path, "rb") as file:
                tree = ast.parse(file.read())
        except (OSError, SyntaxError, ValueError):
            self._doubt(f"{path} can't be read")
            return
        package = next((_package(name) for name, one in _loaded() if one == path), "")
        source = _Source(package)
        source.visit(tree)
        if source.doubt:
            self._doubt(f"{path} uses {source.doubt}")
        if source.looks:
            self.refused = self.refused or f"{path} looks for files ({source.looks})"
        for name, attributes in source.imported:
            self._follow(name, attributes)
        for module, name in source.members:
            self._member(module, name)

    def _doubt(self, what: str) -> None:
        self.unclear = self.unclear or what

    def _follow(self, name: str, attributes: set[str]) -> None:
        """A module that is imported, with the modules around it and those that are reached through it."""
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            self._module(".".join(parts[:count]))
        for attribute in attributes:
            if attribute == "" and self._is_own_package(name):
                self._doubt(f"the package {name} as a whole")
            elif attribute:
                self._reached(name, attribute)

    def _reached(self, name: str, attributes: str) -> None:
        for part in attributes.split("."):
            value = vars(sys.modules[name]).get(part) if name in sys.modules else None
            if not isinstance(value, ModuleType):
                if name in sys.modules:
                    self._value(name, value)
                return
            name = value.__name__
            self._module(name)

    def _member(self, module: str, name: str) -> None:
        """``from module import name``."""
        self._follow(module, set())
        if f"{module}.{name}" in sys.modules:
            self._follow(f"{module}.{name}", set())
        elif name == "*":
            if self._is_own_package(module) or module.partition(".")[0] not in _SURE:
                self._doubt(f"everything of {module}")
        elif module in sys.modules:
            self._value(module, vars(sys.modules[module]).get(name))

    def _value(self, module: str, value: Any) -> None:
        """An object of a module: what it holds may come from elsewhere, unless it is a class, function or constant."""
        # Not by `isinstance`, which asks the object behind a proxy.
        sure = module.partition(".")[0] in _SURE or issubclass(type(value), _CONSTANT)
        if not sure and not (type(value) is tuple and all(issubclass(type(one), _CONSTANT) for one in value)):
            self._doubt(f"an object of {module}")

    def _is_own_package(self, name: str) -> bool:
        file = file_of(name)
        return hasattr(sys.modules.get(name), "__path__") and (file is None or self._is_application(file))

    def _module(self, name: str) -> None:
        file = file_of(name)
        if name in self.modules or file is None or name.partition(".")[0] in sys.stdlib_module_names:
            return
        self.modules[name] = file
        if not self._is_application(file):
            self.installed[file] = None
            return
        if not file.endswith(".py"):
            self._doubt(f"{name}, which has no source")
        if _has_tables(sys.modules[name]):
            self._doubt(f"the tables of {name}")
        self.add(file)


class _Source(ast.NodeVisitor):
    """One file. ``imported`` are modules with the attributes that are read of them, ``""`` for any other use."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._bound: dict[str, str] = {}
        self._used: dict[str, set[str]] = {}
        self._depth = 0
        self.members: list[tuple[str, str]] = []
        self.doubt = ""
        self.looks = ""

    @property
    def imported(self) -> Iterator[tuple[str, set[str]]]:
        for bound, name in self._bound.items():
            yield name, self._used.get(bound, set())

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._word(alias.name)
            if alias.asname:
                self._bound[alias.asname] = alias.name
            else:
                self._bound[alias.name.partition(".")[0]] = alias.name.partition(".")[0]
                self.members.append((alias.name, ""))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        parts = self._package.split(".") if self._package else []
        if node.level > len(parts):
            self._doubt("a relative import")
            return
        base = parts[: len(parts) - node.level + 1] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        self._word(module)
        for alias in node.names:
            self._word(alias.name)
            self.members.append((module, alias.name))
            self._bound[alias.asname or alias.name] = f"{module}.{alias.name}"

    def visit_Attribute(self, node: ast.Attribute) -> None:
        names: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            names.insert(0, inner.attr)
            self._word(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._word(inner.id)
            self._used.setdefault(inner.id, set()).add(".".join(names))
        else:
            self.visit(inner)

    def visit_Name(self, node: ast.Name) -> None:
        self._word(node.id)
        self._used.setdefault(node.id, set()).add("")

    def visit_Global(self, _node: ast.Global) -> None:
        self._doubt("global")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._inside(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._assigned(node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._assigned(node.value)
        self.generic_visit(node)

    def _inside(self, node: ast.AST) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def _assigned(self, value: ast.expr | None) -> None:
        """An empty container of a module is one that somebody fills."""
        if self._depth:
            return
        empty = isinstance(value, (ast.List, ast.Dict)) and not ast.unparse(value).strip("[]{}")
        called = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _EMPTY_CALLS
        if empty or called:
            self._doubt("a container that other modules may fill")

    def _word(self, word: str) -> None:
        for part in word.split("."):
            if part in _WORDS:
                self._doubt(part)
            if part in _LOOKING and _OF_FILES & {name.partition(".")[0] for name in self._bound.values()}:
                self.looks = self.looks or part

    def _doubt(self, what: str) -> None:
        self.doubt = self.doubt or what


def _loaded() -> Iterator[tuple[str, str]]:
    for name in list(sys.modules):
        file = file_of(name)
        if file is not None:
            yield name, file


def file_of(name: str) -> str | None:
    """The file of a loaded module. Not by ``getattr``, which some modules answer for any name."""
    module = sys.modules.get(name)
    file = getattr(module, "__dict__", {}).get("__file__")
    return file if isinstance(file, str) else None


def _package(name: str) -> str:
    return name if hasattr(sys.modules.get(name), "__path__") else name.rpartition(".")[0]


def _has_tables(module: ModuleType) -> bool:
    """A MetaData, or an object or class with one: what it holds is defined in other modules."""
    for value in list(vars(module).values()):
        if issubclass(type(value), MetaData) or type(value).__module__.startswith("sqlalchemy.orm"):
            return True
        if type(value) in _PLAIN:
            continue
        if inspect.getattr_static(value, "metadata", None) is not None:
            return True
    return False
