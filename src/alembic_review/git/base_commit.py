"""What Git knows of the base of a pull request. It is only ever read: neither work tree nor index is touched."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from alembic_review import processes
from alembic_review.model.errors import ObservationError, UsageError
from alembic_review.model.text_lengths import shortened

_LIMIT_SECONDS = 120
_AT_ONCE = 200  # files
_LONGEST_REF = 1000  # a ref is a file, and its name may have 255 characters for each slash
_LINK, _SUBMODULE = "120000", "160000"
_PASSWORD = re.compile(r"(://)[^\s/@]+@")
_REVISION = re.compile(rb"^revision[^=\n]*=[^#\n]*[\"']([^\"'\n]+)[\"']", re.MULTILINE)
# Of these, today's is used with the revisions of the base, too.
_CODE = (".py", ".mako")
_FETCH = "Fetch the whole history: `git fetch --unshallow`, or `fetch-depth: 0` for actions/checkout."

# Set inside of hooks, where they may be relative to another folder; the root's own place decides.
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")


@dataclass(frozen=True)
class Location:
    """A folder of revisions as it is today.

    ``package_path`` is the folder as the application's package sees it (``poser/db/alembic/versions``), for a package
    of the application that was installed as a copy. ``installed`` is true below an environment's folders.
    """

    path: Path
    installed: bool = False
    package_path: str | None = None


@dataclass(frozen=True)
class Earlier:
    """A folder of revisions as it was at the base: ``folder`` holds the files of then, none where there was none.

    With ``beside``, so does the folder around it.
    """

    path: Path
    folder: Path
    beside: bool = False

    def then(self, path: Path) -> Path | None:
        """The file of then that lay where ``path`` is today; ``None`` for a path outside of this folder."""
        return self.folder / path.relative_to(self.path) if path.is_relative_to(self.path) else None

    @property
    def unchanged(self) -> bool:
        """Whether every file is what it was, and every one that its revisions may read from the folder around it."""
        then, now = _files(self.folder), _files(self.path)
        if then.keys() != now.keys() or not all(same_text(then[name], now[name]) for name in now):
            return False
        around, today = (_files(self.folder.parent), self.path.parent) if self.beside else ({}, self.path)
        return all(same_text(file, today / name) for name, file in around.items() if not name.endswith(_CODE))


@dataclass(frozen=True)
class Base:
    """The commit that a pull request starts from, in the checkout at ``top``."""

    top: Path
    root: Path
    commit: str

    @cached_property
    def _tree(self) -> Mapping[str, tuple[str, str]]:
        """Mode and object of every file at the base, by its path from the top."""
        entries = _told(self.top, "ls-tree", "-r", "-z", "--full-tree", self.commit).split(b"\0")
        found = {}
        for entry in filter(None, entries):
            about, _, path = entry.partition(b"\t")
            mode, _, name = about.decode().split(" ")
            found[os.fsdecode(path)] = (mode, name)
        return found

    @cached_property
    def _tracked(self) -> frozenset[str]:
        """Every file in the index."""
        return frozenset(os.fsdecode(path) for path in _told(self.top, "ls-files", "-z").split(b"\0") if path)

    def file(self, path: Path) -> bytes | None:
        """What this file was at the base; ``None`` where there was none."""
        inside = self._inside(path)
        if inside is None or inside not in self._tree:
            return None
        return self._contents([self._tree[inside][1]])[0]

    def knows(self, path: Path) -> bool:
        """Tell whether Git has this file, at the base or today."""
        inside = self._inside(path)
        return inside is not None and (inside in self._tree or inside in self._tracked)

    def read(self, locations: Sequence[Location], target: Path) -> list[Earlier]:
        """Write the folders of revisions as they were below ``target``, which is empty.

        What Git does not have is left out: packages that were installed. A folder that did not exist yet is empty; one
        that was somewhere else is found by the revisions in it.
        """
        sought = [(location, self._find(location)) for location in locations]
        taken = {inside for _, inside in sought if inside is not None}
        found: list[Earlier] = []
        wanted: set[str] = set()
        for number, (location, inside) in enumerate(sought):
            if inside is None:
                continue
            then = inside if self._below(inside, self._tree) else self._moved(location.path, taken)
            folder = target / "tree" / then if then is not None else target / "new" / str(number)
            folder.mkdir(parents=True, exist_ok=True)
            # With what lies beside it: revisions may read files of the script folder.
            beside = PurePosixPath(then).parent.as_posix() if then is not None else "."
            found.append(Earlier(location.path, folder, beside != "."))
            if then is not None:
                wanted |= self._below(then if beside == "." else beside, self._tree)
        self._write(sorted(wanted), target / "tree")
        return found

    def write(self, target: Path) -> None:
        """Write all files of the commit below ``target``; without submodules, whose files Git has elsewhere."""
        target.mkdir(parents=True, exist_ok=True)
        paths = sorted(self._tree)
        # In parts: the contents of all files may be more than fits into memory.
        for start in range(0, len(paths), _AT_ONCE):
            self._write(paths[start : start + _AT_ONCE], target)

    def _inside(self, path: Path) -> str | None:
        """The path from the top of the checkout; ``None`` outside of it and in another checkout below it."""
        real = path.parent.resolve() / path.name
        if real == self.top or not real.is_relative_to(self.top):
            return None
        inside = real.relative_to(self.top)
        if any((self.top / parent / ".git").exists() for parent in (inside, *inside.parents[:-1])):
            return None
        return inside.as_posix()

    def _find(self, location: Location) -> str | None:
        inside = self._inside(location.path)
        if inside is not None and (self._below(inside, self._tree) or self._below(inside, self._tracked)):
            return inside
        if location.package_path is not None:
            return self._source_of(location.package_path)
        if inside is None or location.installed or _run(self.top, "check-ignore", "-q", "--", inside).returncode == 0:
            return None
        return inside

    def _source_of(self, package_path: str) -> str | None:
        """The folder in the checkout of which a package's was installed as a copy; none where several could be."""
        folders = {
            parent.as_posix() for path in (*self._tree, *self._tracked) for parent in PurePosixPath(path).parents
        }
        found = {folder for folder in folders if f"/{folder}".endswith(f"/{package_path}")}
        root = self._inside(self.root)
        own = {folder for folder in found if root is None or folder.startswith(f"{root}/")}
        return next(iter(own)) if len(own) == 1 else None

    def _moved(self, path: Path, taken: Iterable[str]) -> str | None:
        """Where most of the revisions of this new folder were at the base, whatever their files were called."""
        sources = [file.read_bytes() for name, file in _files(path).items() if name.endswith(".py")]
        names = sorted({name.decode(errors="replace") for text in sources for name in _REVISION.findall(text)})
        if not names:
            return None
        pattern = rf"^revision[^=]*=[^#]*[\"']({'|'.join(map(re.escape, names))})[\"']"
        # Status 1 is what it says when nothing matches.
        done = _run(self.top, "grep", "-l", "-z", "--extended-regexp", "-e", pattern, self.commit, "--", "*.py")
        known = [os.fsdecode(entry).partition(":")[2] for entry in done.stdout.split(b"\0") if entry]
        folders = Counter(PurePosixPath(name).parent.as_posix() for name in known)
        for folder in taken:
            folders.pop(folder, None)
        return max(sorted(folders), key=lambda folder: folders[folder]) if folders else None

    def _below(self, folder: str, paths: Iterable[str]) -> set[str]:
        return {path for path in paths if path.startswith(f"{folder}/")}

    def _write(self, paths: Sequence[str], target: Path) -> None:
        files = [path for path in paths if self._tree[path][0] != _SUBMODULE]
        for path, content in zip(files, self._contents([self._tree[path][1] for path in files]), strict=True):
            if ".." in PurePosixPath(path).parts:
                raise ObservationError(f"The commit {self.commit} has a file at {path!r}, outside of its own folder.")
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if self._tree[path][0] == _LINK:
                file.symlink_to(os.fsdecode(content))
            else:
                file.write_bytes(content)

    def _contents(self, objects: Sequence[str]) -> list[bytes]:
        """The contents of these objects, in their order."""
        if not objects:
            return []
        answer = _told(self.top, "cat-file", "--batch", send="".join(f"{name}\n" for name in objects).encode())
        found, start = [], 0
        for name in objects:
            end = answer.index(b"\n", start)
            header = answer[start:end].split(b" ")
            if header[-1] == b"missing":
                raise ObservationError(f"The Git object {name} of the commit {self.commit} is missing.", hint=_FETCH)
            size = int(header[-1])
            found.append(answer[end + 1 : end + 1 + size])
            start = end + size + 2
        return found


def find_base(root: Path, ref: str) -> Base:
    """The merge base of ``ref`` and HEAD, in the checkout that ``root`` lies in.

    Raises ``UsageError`` for what can't be the name of a commit, and ``ObservationError`` where there is no checkout or
    no merge base.
    """
    if not ref or ref.startswith("-") or not ref.isprintable() or len(ref) > _LONGEST_REF:
        shown = shortened(repr(ref), _LONGEST_REF)
        raise UsageError(f"--since: {shown} is not the name of a commit.", hint="Name a branch: --since origin/main")
    inside = _run(root, "rev-parse", "--show-toplevel")
    if inside.returncode != 0:
        raise ObservationError(
            f"{root} is not in a Git checkout, so the changes since {ref} are unknown.{_says(inside)}",
            hint="--since needs the checkout of the pull request, and a --root inside it.",
        )
    top = Path(os.fsdecode(inside.stdout.removesuffix(b"\n"))).resolve()
    shallow = _told(top, "rev-parse", "--is-shallow-repository").strip() == b"true"
    theirs, ours = (_run(top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") for name in (ref, "HEAD"))
    if ours.returncode != 0:
        raise ObservationError(f"The checkout {top} has no commit yet.", hint="Commit something first.")
    if theirs.returncode != 0:
        hint = f"Fetch it first; `git branch --all` lists the known branches. {_FETCH if shallow else ''}".rstrip()
        raise ObservationError(f"There is no commit {ref} in {top}.{_says(theirs)}", hint=hint)
    commits = [done.stdout.decode().strip() for done in (theirs, ours)]
    merged = _run(top, "merge-base", *commits)
    base = merged.stdout.decode().strip()
    if shallow and (merged.returncode != 0 or _is_cut_off(top, commits, base)):
        raise ObservationError(
            f"This is a shallow clone without the commit at which the branch left {ref}.", hint=_FETCH
        )
    if merged.returncode != 0:
        raise ObservationError(
            f"{ref} and HEAD have no commit in common.{_says(merged)}",
            hint="Name the branch from which this branch was created.",
        )
    return Base(top, root, base)


def prefix(root: Path | None) -> str:
    """The root as a path inside its Git checkout (``.`` for the checkout's own top); empty outside of one."""
    if root is None:
        return ""
    try:
        done = _run(root, "rev-parse", "--show-prefix")
    except ObservationError:
        return ""
    return os.fsdecode(done.stdout).strip().rstrip("/") or "." if done.returncode == 0 else ""


def commit_of(root: Path | None) -> str:
    """The full name of the commit that is checked out at the root; empty outside of a Git checkout."""
    if root is None:
        return ""
    try:
        done = _run(root, "rev-parse", "--verify", "--quiet", "HEAD")
    except ObservationError:
        return ""
    return os.fsdecode(done.stdout).strip() if done.returncode == 0 else ""


def _is_cut_off(top: Path, commits: Sequence[str], base: str) -> bool:
    """Tell whether a shallow clone lacks parents of commits since ``base``: a later base may be hidden behind them."""
    path = Path(os.fsdecode(_told(top, "rev-parse", "--git-path", "shallow").removesuffix(b"\n")))
    ends = set((top / path).read_bytes().split())
    return bool(ends.intersection(_told(top, "rev-list", *commits, f"^{base}").split()))


def same_text(one: Path, other: Path) -> bool:
    """Tell whether two files hold the same, but for the way their lines end."""
    try:
        return one.read_bytes().replace(b"\r\n", b"\n") == other.read_bytes().replace(b"\r\n", b"\n")
    except OSError:
        return False


def _files(folder: Path) -> dict[str, Path]:
    """The files below a folder, without what Python compiled."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _told(folder: Path, *arguments: str, send: bytes | None = None) -> bytes:
    """What Git answers. Raises ``ObservationError`` when it fails."""
    done = _run(folder, *arguments, send=send)
    if done.returncode != 0:
        raise ObservationError(f"`git {arguments[0]}` failed in {folder}.{_says(done)}")
    return done.stdout


def _run(folder: Path, *arguments: str, send: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    environ = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
    # No lock on the index, nobody asked for a password, messages in English.
    environ |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        return processes.run(
            ["git", "-C", str(folder), *arguments], env=environ, timeout=_LIMIT_SECONDS, send=send or b""
        )
    except FileNotFoundError as error:
        raise ObservationError("Git is not installed, or not on the PATH.", hint="--since needs it.") from error
    except OSError as error:
        raise ObservationError(f"Git can't be started: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise ObservationError(f"`git {arguments[0]}` did not finish within {_LIMIT_SECONDS} seconds.") from error


def _says(done: subprocess.CompletedProcess[bytes]) -> str:
    """Git's own words, in one line and without passwords."""
    text = " ".join(done.stderr.decode(errors="replace").split())
    return " Git says: " + _PASSWORD.sub(r"\1***@", text) if text else ""
