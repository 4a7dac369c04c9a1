"""Does something to modules as soon as somebody imports them."""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Collection, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


def when_imported(names: Collection[str], act: Callable[[ModuleType], None]) -> None:
    """Call ``act`` with each of these modules: now if it is there, else right after it has run."""
    for name in names:
        if name in sys.modules:
            act(sys.modules[name])
    sys.meta_path.insert(0, _Finder(frozenset(names), act))


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, names: frozenset[str], act: Callable[[ModuleType], None]) -> None:
        self._names = names
        self._act = act
        self._busy: set[str] = set()

    def find_spec(
        self,
        fullname: str,
        _path: Sequence[str] | None,
        _target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find one of the modules the usual way, and have it seen to once it has run."""
        if fullname not in self._names or fullname in self._busy:
            return None
        self._busy.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._busy.discard(fullname)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self._act(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
