"""From absolute paths to places that mean the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from alembic_review.model.facts import Package, Place
from alembic_review.model.review import Location


class Locations:
    """Places relative to the project's root, or to the package they lie in."""

    def __init__(self, root: Path | None, packages: Sequence[Package]) -> None:
        self._root = root.resolve() if root is not None else None
        self._packages = packages

    def in_project(self, path: str) -> bool:
        """Tell whether a file is below the root and not installed there."""
        file = PurePath(path)
        if self._root is None or not file.is_relative_to(self._root):
            return False
        if {"site-packages", "dist-packages"} & set(file.relative_to(self._root).parts):
            return False
        package = self._package(file)
        return package is None or not package[0].installed

    def of(self, place: Place | None) -> Location | None:
        """Where a place is, for people and for pull requests."""
        if place is None:
            return None
        file = PurePath(place.path)
        if self._root is not None and self.in_project(place.path):
            return Location("project", file.relative_to(self._root).as_posix(), place.line)
        found = self._package(file)
        if found is not None:
            package, folder = found
            inside = file.relative_to(folder) if file != folder else PurePath()
            head = PurePath(*package.name.split("."))
            path = head / inside if file != folder else PurePath(file.name)
            return Location("package", path.as_posix(), place.line)
        parts = file.parts
        for marker in ("site-packages", "dist-packages"):
            if marker in parts:
                return Location("package", PurePath(*parts[parts.index(marker) + 1 :]).as_posix(), place.line)
        return Location("package", file.name, place.line)

    def text(self, place: Place | None) -> str:
        """``path:line``, or nothing."""
        location = self.of(place)
        return f"{location.path}:{location.line}" if location is not None else ""

    def _package(self, file: PurePath) -> tuple[Package, PurePath] | None:
        for package in self._packages:
            for folder in map(PurePath, package.paths):
                if file.is_relative_to(folder):
                    return package, folder
        return None
