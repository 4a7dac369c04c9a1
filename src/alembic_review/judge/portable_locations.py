"""From absolute paths to places that mean the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from alembic_review.model.facts import Package, Place
from alembic_review.model.review import Location


class Locations:
    """Places relative to the project's root, or to the package they lie in."""

    def __init__(self, root: Path | None, packages: Sequence[Package]) -> None:
        # Files of frames are named as they were imported, through symbolic links or not.
        self._roots = (root.resolve(), root.absolute()) if root is not None else ()
        self._packages = packages
        self._in_project: dict[str, bool] = {}

    def in_project(self, path: str) -> bool:
        """Tell whether a file is below the root and not installed there."""
        if path not in self._in_project:
            self._in_project[path] = self._is_in_project(path)
        return self._in_project[path]

    def _is_in_project(self, path: str) -> bool:
        inside = self._inside(PurePath(path))
        if inside is None or {"site-packages", "dist-packages"} & set(inside.parts):
            return False
        package = self._package(PurePath(path))
        return package is None or not package[0].installed

    def of(self, place: Place | None) -> Location | None:
        """Where a place is, for people and for pull requests."""
        if place is None:
            return None
        file = PurePath(place.path)
        below = self._inside(file)
        if below is not None and self.in_project(place.path):
            return Location("project", below.as_posix(), place.line)
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

    def _inside(self, file: PurePath) -> PurePath | None:
        """The file as seen from the root; ``None`` for one that is not below it."""
        return next((file.relative_to(root) for root in self._roots if file.is_relative_to(root)), None)

    def _package(self, file: PurePath) -> tuple[Package, PurePath] | None:
        """The package with the deepest folder that holds the file."""
        found = [
            (package, folder)
            for package in self._packages
            for folder in map(PurePath, package.paths)
            if file.is_relative_to(folder)
        ]
        return max(found, key=lambda entry: (len(entry[1].parts), entry[0].name), default=None)
