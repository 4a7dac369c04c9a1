"""Reads the base commit of a pull request."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from alembic_review.git.commands import message, output, paths, run
from alembic_review.model.errors import ObservationError, UsageError
from alembic_review.model.pull_request_base import BaseCommit
from alembic_review.model.text_lengths import shortened

_LONGEST_REF = 1000  # a ref is a file, and its name may have 255 characters for each slash
_LINK, _SUBMODULE = "120000", "160000"
_LARGEST = 64 << 20  # bytes; no revision, nor what it reads, is as large
_ASSIGNED = b"down_revision"  # by each revision
_FETCH = "Fetch the whole history: `git fetch --unshallow`, or `fetch-depth: 0` for actions/checkout."


def read_base(root: Path, ref: str) -> BaseCommit:
    """The merge base of ``ref`` and HEAD, in the checkout that contains ``root``.

    Raises ``UsageError`` if ``ref`` can't be the name of a commit, and ``ObservationError`` if there is no checkout
    or no merge base.
    """
    if not ref or ref.startswith("-") or not ref.isprintable() or len(ref) > _LONGEST_REF:
        shown = shortened(repr(ref), _LONGEST_REF)
        raise UsageError(f"--since: {shown} is not the name of a commit.", hint="Name a branch: --since origin/main")
    inside = run(root, "rev-parse", "--show-toplevel")
    if inside.returncode != 0:
        raise ObservationError(
            f"{root} is not in a Git checkout, so the changes since {ref} are unknown.{message(inside)}",
            hint="--since needs the checkout of the pull request, and a --root inside it.",
        )
    top = Path(os.fsdecode(inside.stdout.removesuffix(b"\n"))).resolve()
    commit, tip = _merge_base(top, ref)
    entries = _tree(top, commit)
    # Compared with the working tree, as Git would commit it: a checkout may have other line ends.
    differing = paths(top, "diff", "--no-ext-diff", "--no-textconv", "--no-renames", "--name-only", "-z", commit, "--")
    tracked, hidden = _index(top)
    differing |= {path for path in hidden if (top / path).is_file()}
    changed = _contents(top, {path: entries[path][1] for path in sorted(differing & entries.keys())})
    return BaseCommit(
        ref=ref,
        commit=commit,
        top=top,
        files=frozenset(entries),
        links=frozenset(path for path, (mode, _) in entries.items() if mode == _LINK),
        changed=changed,
        ahead=_revision_files(top, commit, tip),
        tracked=tracked,
        untracked=paths(top, "ls-files", "--others", "--exclude-standard", "-z"),
    )


def _merge_base(top: Path, ref: str) -> tuple[str, str]:
    """The merge base of ``ref`` and HEAD, and the commit of ``ref``."""
    shallow = output(top, "rev-parse", "--is-shallow-repository").strip() == b"true"
    theirs, ours = (run(top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") for name in (ref, "HEAD"))
    if ours.returncode != 0:
        raise ObservationError(f"The checkout {top} has no commit yet.", hint="Commit something first.")
    if theirs.returncode != 0:
        hint = f"Fetch it first; `git branch --all` lists the known branches. {_FETCH if shallow else ''}".rstrip()
        raise ObservationError(f"There is no commit {ref} in {top}.{message(theirs)}", hint=hint)
    commits = [done.stdout.decode().strip() for done in (theirs, ours)]
    merged = run(top, "merge-base", *commits)
    base = merged.stdout.decode().strip()
    if shallow and (merged.returncode != 0 or _is_cut_off(top, commits, base)):
        raise ObservationError(
            f"This is a shallow clone without the commit at which the branch left {ref}.", hint=_FETCH
        )
    if merged.returncode != 0:
        raise ObservationError(
            f"{ref} and HEAD have no commit in common.{message(merged)}",
            hint="Name the branch from which this branch was created.",
        )
    return base, commits[0]


def _is_cut_off(top: Path, commits: Sequence[str], base: str) -> bool:
    """Tell whether a shallow clone lacks parents of commits since ``base``: a later base may be hidden behind them."""
    path = Path(os.fsdecode(output(top, "rev-parse", "--git-path", "shallow").removesuffix(b"\n")))
    ends = set((top / path).read_bytes().split())
    return bool(ends.intersection(output(top, "rev-list", *commits, f"^{base}").split()))


def _tree(top: Path, commit: str) -> dict[str, tuple[str, str]]:
    """Mode and object of every file of a commit, by its path; submodules are none."""
    found = {}
    for line in filter(None, output(top, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")):
        about, _, path = line.partition(b"\t")
        mode, _kind, name = about.decode().split(" ")
        if mode != _SUBMODULE:
            found[os.fsdecode(path)] = (mode, name)
    return found


def _revision_files(top: Path, base: str, tip: str) -> dict[str, bytes | None]:
    """The files that may be revisions and differ between two commits, as ``tip`` has them; ``None`` where it has none.

    What each entry consists of: https://git-scm.com/docs/git-diff#_raw_output_format
    """
    if base == tip:
        return {}
    options = ("--raw", "--no-abbrev", "--no-ext-diff", "--no-renames", "-z")
    parts = iter(output(top, "diff", *options, base, tip, "--", "*.py").split(b"\0"))
    now = {os.fsdecode(path): about.decode().split(" ")[1:] for about, path in zip(parts, parts, strict=False)}
    files = {path: name for path, (mode, _then, name, status) in now.items() if status != "D" and mode != _SUBMODULE}
    found = {path: content for path, content in _contents(top, files).items() if _ASSIGNED in content}
    return {**found, **{path: None for path, entry in now.items() if entry[-1] == "D"}}


def _index(top: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The files in the index, and those that Git takes for unchanged without a look at them.

    https://git-scm.com/docs/git-update-index: ``--assume-unchanged`` and ``--skip-worktree``.
    """
    entries = [entry.partition(" ")[::2] for entry in paths(top, "ls-files", "-v", "-z")]
    hidden = frozenset(path for tag, path in entries if tag.islower() or tag == "S")
    return frozenset(path for _, path in entries), hidden


def _contents(top: Path, objects: Mapping[str, str]) -> dict[str, bytes]:
    """The content of each file that is not too large, by its path, from the names of their objects."""
    sizes = _asked(top, "--batch-check", objects.values()).splitlines()
    known = {path: int(line.split(b" ")[-1]) for path, line in zip(objects, sizes, strict=True)}
    known = {path: size for path, size in known.items() if size <= _LARGEST}
    answer = _asked(top, "--batch", [objects[path] for path in known])
    found, start = {}, 0
    for path, size in known.items():
        start = answer.index(b"\n", start) + 1
        found[path] = answer[start : start + size]
        start += size + 1
    return found


def _asked(top: Path, how: str, objects: Iterable[str]) -> bytes:
    """What ``git cat-file`` prints of these objects. Raises ``ObservationError`` where one is missing."""
    names = "".join(f"{name}\n" for name in objects)
    answer = output(top, "cat-file", how, send=names.encode()) if names else b""
    if how == "--batch-check" and b" missing\n" in answer:
        name = answer.partition(b" missing\n")[0].rpartition(b"\n")[2].decode()
        raise ObservationError(f"The Git object {name} of the base commit is missing.", hint=_FETCH)
    return answer
