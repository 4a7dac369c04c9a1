"""Private folders of revisions: in place of those that the application names, or beside them.

Whatever is read from them is reported under the path that it stands for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Folders:
    """Both lead from a version location, as a real path, to the private folder."""

    instead: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)

    def locations(self, named: Sequence[str]) -> list[str]:
        """The folders to read, for these version locations, in their order; the same for what it returned."""
        found = []
        for path in named:
            real = os.path.realpath(path)
            found.append(self.instead.get(real, path))
            if real in self.beside:
                found.append(self.beside[real])
        return list(dict.fromkeys(found))

    def original(self, path: str) -> str:
        """The path that a file or folder stands for; any other path as it is."""
        for named, private in (*self.instead.items(), *self.beside.items()):
            below = os.path.relpath(path, private)
            if not below.startswith(os.pardir):
                return os.path.normpath(os.path.join(named, below))
        return path
