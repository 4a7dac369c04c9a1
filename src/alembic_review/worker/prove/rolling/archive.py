"""Imports from an archive of the base commit, in place of the checkout."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from alembic_review.worker.packages import editable_roots, is_installed, is_of, packages_of
from alembic_review.worker.worker_errors import WorkerError

_OURS = "alembic_review"


@dataclass
class Archive:
    """The files of the base commit below ``folder``, for the checkout at ``top``; both are real paths.

    ``distribution`` is the project's. ``roots`` are the folders of the archive that modules are imported from.
    """

    top: str
    folder: str
    distribution: str | None = None
    roots: tuple[str, ...] = ()
    before: frozenset[str] = field(default_factory=lambda: frozenset(sys.modules))

    def enter(self, folders: Sequence[str]) -> None:
        """Import from the archive what is imported from the checkout today; ``folders`` of the archive may be roots."""
        kept, roots = [], []
        for entry in sys.path:
            then = self._then(os.path.realpath(entry))
            if then is None:
                kept.append(entry)
            else:
                roots.append(then)
        roots += [then for root in editable_roots() if (then := self._then(root)) is not None]
        names = packages_of(self.distribution)
        roots += [folder for folder in folders if any(_file_below(folder, name) is not None for name in names)]
        self.roots = tuple(dict.fromkeys(root for root in roots if os.path.isdir(root)))
        sys.path[:] = [*self.roots, *kept]
        importlib.invalidate_caches()

    def require(self, env_py: str) -> None:
        """Raise ``WorkerError`` if env.py, or a module of the project, comes from elsewhere than the archive."""
        if self._then(os.path.realpath(env_py)) is not None:
            raise WorkerError(
                f"{self._shown(env_py)} is not from the base: the config file contains the path of its folder"
            )
        for name, path in self._foreign():
            raise WorkerError(f"the module {name} was not imported from the base, but from {self._shown(path)}")

    def _foreign(self) -> Iterator[tuple[str, str]]:
        """The modules of the project that do not come from the archive."""
        own = packages_of(self.distribution)
        for name, module in sorted(sys.modules.items()):
            file = getattr(module, "__dict__", {}).get("__file__")
            top = name.partition(".")[0]
            if name in self.before or top == _OURS or not isinstance(file, str):
                continue
            path = os.path.realpath(file)
            if _below(path, self.folder):
                continue
            archived = any(_file_below(root, name.replace(".", os.sep)) is not None for root in self.roots)
            if self._then(path) is not None or archived or (top in own and is_of(path, self.distribution)):
                yield name, path

    def _then(self, path: str) -> str | None:
        """A path of the checkout in the archive; ``None`` elsewhere, and for what was installed in the checkout."""
        if not _below(path, self.top) or _below(path, self.folder) or is_installed(path):
            return None
        return os.path.normpath(os.path.join(self.folder, os.path.relpath(path, self.top)))

    def _shown(self, path: str) -> str:
        real = os.path.realpath(path)
        return os.path.relpath(real, self.top) if _below(real, self.top) else real


def _file_below(folder: str, name: str) -> str | None:
    """The file of the module of this name, with slashes, in a folder."""
    for file in (os.path.join(folder, name, "__init__.py"), os.path.join(folder, f"{name}.py")):
        if os.path.isfile(file):
            return file
    return None


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
