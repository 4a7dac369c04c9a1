"""The revisions of the base of a pull request: where they were, and their files, written to a folder of the run."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from alembic_review.model.errors import ObservationError
from alembic_review.model.pull_request_base import BaseCommit, RevisionFolder

_REVISION = re.compile(rb"^revision[^=\n]*=[^#\n]*[\"']([^\"'\n]+)[\"']", re.MULTILINE)
# Of these, the current ones are used with the revisions of the base, too.
_CODE = (".py", ".mako")


@dataclass(frozen=True)
class BaseFolder:
    """A version location at the base: ``folder`` holds its files of then, none where there was none.

    ``inside`` is its path in the checkout. ``with_parent`` is true where the files beside the location are beside
    ``folder``, too.
    """

    path: Path
    folder: Path
    inside: str
    with_parent: bool = False

    def then(self, path: Path) -> Path | None:
        """The file of then that was at ``path``; ``None`` for a path outside of this folder."""
        return self.folder / path.relative_to(self.path) if path.is_relative_to(self.path) else None

    @property
    def unchanged(self) -> bool:
        """Whether every file is what it was, and every one that its revisions may read from the folder around it."""
        then, now = _files(self.folder), _files(self.path)
        if then.keys() != now.keys() or not all(same_text(then[name], now[name]) for name in now):
            return False
        around, today = (_files(self.folder.parent), self.path.parent) if self.with_parent else ({}, self.path)
        return all(same_text(file, today / name) for name, file in around.items() if not name.endswith(_CODE))


def write_base_folders(
    base: BaseCommit, root: Path, locations: Sequence[RevisionFolder], target: Path
) -> list[BaseFolder]:
    """Write the version locations as they were to ``target``, which is empty.

    What Git does not have is left out: packages that were installed. A folder that did not exist yet is empty; one
    that was somewhere else is found by the revisions in it.
    """
    files = _BaseFiles(base, root)
    sought = [(location, files.find(location)) for location in locations]
    taken = {inside for _, inside in sought if inside is not None}
    found: list[BaseFolder] = []
    wanted: set[str] = set()
    for number, (location, inside) in enumerate(sought):
        if inside is None:
            continue
        then = inside if _below(inside, base.files) else files.moved(location.path, taken)
        folder = target / "tree" / then if then is not None else target / "new" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        # With the files beside it: revisions may read files of the script folder.
        parent = PurePosixPath(then).parent.as_posix() if then is not None else "."
        found.append(BaseFolder(location.path, folder, then or inside, with_parent=parent != "."))
        if then is not None:
            wanted |= _below(then if parent == "." else parent, base.files)
    for path in sorted(wanted):
        _write(base, path, target / "tree")
    return found


def write_base_files(base: BaseCommit, target: Path) -> None:
    """Write all files of the base commit to ``target``, except those of submodules."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(base.files):
        _write(base, path, target)


def content_at_base(base: BaseCommit, path: Path) -> bytes | None:
    """The content of this file at the base commit; ``None`` if it did not exist there."""
    inside = inside_checkout(base, path)
    return _content(base, inside) if inside is not None and inside in base.files else None


def is_known(base: BaseCommit, path: Path) -> bool:
    """Tell whether Git has this file, at the base or now."""
    inside = inside_checkout(base, path)
    return inside is not None and (inside in base.files or inside in base.tracked)


def inside_checkout(base: BaseCommit, path: Path) -> str | None:
    """The path from the top of the checkout; ``None`` outside of it and in another checkout below it."""
    real = path.parent.resolve() / path.name
    if real == base.top or not real.is_relative_to(base.top):
        return None
    inside = real.relative_to(base.top)
    if any((base.top / parent / ".git").exists() for parent in (inside, *inside.parents[:-1])):
        return None
    return inside.as_posix()


def same_text(one: Path, other: Path) -> bool:
    """Tell whether two files hold the same, but for the way their lines end."""
    try:
        return one.read_bytes().replace(b"\r\n", b"\n") == other.read_bytes().replace(b"\r\n", b"\n")
    except OSError:
        return False


@dataclass(frozen=True)
class _BaseFiles:
    base: BaseCommit
    root: Path

    def find(self, location: RevisionFolder) -> str | None:
        """The path of a version location in the checkout; ``None`` where Git does not have it."""
        base, inside = self.base, inside_checkout(self.base, location.path)
        if inside is not None and (_below(inside, base.files) or _below(inside, base.tracked)):
            return inside
        if location.package_path is not None:
            return self._source_of(location.package_path)
        if inside is None or location.installed:
            return None
        ignored = _files(location.path) and not _below(inside, base.untracked)
        return None if ignored else inside

    def _source_of(self, package_path: str) -> str | None:
        """The folder in the checkout of which a package's was installed as a copy; none where several could be."""
        folders = {
            parent.as_posix()
            for path in (*self.base.files, *self.base.tracked)
            for parent in PurePosixPath(path).parents
        }
        found = {folder for folder in folders if f"/{folder}".endswith(f"/{package_path}")}
        root = inside_checkout(self.base, self.root)
        own = {folder for folder in found if root is None or folder.startswith(f"{root}/")}
        return next(iter(own)) if len(own) == 1 else None

    def moved(self, path: Path, taken: Iterable[str]) -> str | None:
        """Where most of the revisions of this new folder were at the base, whatever their files were called."""
        sources = [file.read_bytes() for name, file in _files(path).items() if name.endswith(".py")]
        names = {name for text in sources for name in _REVISION.findall(text)}
        folders = Counter(
            PurePosixPath(file).parent.as_posix()
            for file in (self.base.files if names else ())
            if file.endswith(".py") and not names.isdisjoint(_REVISION.findall(_content(self.base, file) or b""))
        )
        for folder in taken:
            folders.pop(folder, None)
        return max(sorted(folders), key=lambda folder: folders[folder]) if folders else None


def _write(base: BaseCommit, path: str, target: Path) -> None:
    """Write one file of the base below ``target``."""
    if ".." in PurePosixPath(path).parts:
        raise ObservationError(f"The base commit has a file at {path!r}, outside of its own folder.")
    file, now, content = target / path, base.top / path, base.changed.get(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    if path in base.links:
        file.symlink_to(os.fsdecode(content) if content is not None else now.readlink())
    elif content is not None:
        file.write_bytes(content)
    elif now.is_file():  # not where only a part of the commit is checked out
        shutil.copyfile(now, file)


def _content(base: BaseCommit, path: str) -> bytes | None:
    content = base.changed.get(path)
    if content is not None:
        return content
    now = base.top / path
    return now.read_bytes() if now.is_file() else None


def _below(folder: str, paths: Iterable[str]) -> set[str]:
    return {path for path in paths if path.startswith(f"{folder}/")}


def _files(folder: Path) -> dict[str, Path]:
    """The files below a folder, without what Python compiled."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
