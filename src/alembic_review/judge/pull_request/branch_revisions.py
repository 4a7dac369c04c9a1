"""The revisions that the branch of a pull request's base has now: those of the merge base, and what came since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from alembic_review.judge.pull_request.revision_source import RevisionSource, UnreadableSourceError, read_source
from alembic_review.model.facts import Revision
from alembic_review.model.pull_request_base import BaseCommit


@dataclass(frozen=True)
class BranchFolder:
    """A version location: its ``path`` now, and its path ``inside`` the checkout as the branch has it."""

    path: str
    inside: str


@dataclass(frozen=True)
class Branch:
    """The ``revisions`` of a branch; ``unread`` are the files of which only running them would tell."""

    revisions: tuple[Revision, ...]
    unread: tuple[str, ...] = ()


def branch_revisions(
    known: Sequence[Revision], folders: Sequence[BranchFolder], ahead: Mapping[str, bytes | None]
) -> Branch:
    """The branch whose merge base has the revisions ``known``, from the files in which it is ``ahead``."""
    files = {path: place for path in ahead if (place := place_in(path, folders, known)) is not None}
    sources: dict[str, RevisionSource] = {}
    unread = []
    for path in sorted(ahead):
        content = ahead[path]
        try:
            if content is not None:
                sources[path] = read_source(content)
        except UnreadableSourceError as error:
            unread += [f"{path}: {error}"] if path in files else []
    # A folder to which the branch has moved revisions counts, with whatever is new there.
    ids = {revision.id for revision in known}
    moved = {PurePosixPath(path).parent for path, source in sources.items() if source.id in ids}
    counted = {path: source for path, source in sources.items() if path in files or PurePosixPath(path).parent in moved}
    changed = {files[path] for path in files if path in sources or ahead[path] is None}
    found = {revision.id: revision for revision in known if revision.path not in changed}
    found |= {source.id: _revision(source, files.get(path, path)) for path, source in counted.items()}
    return Branch(tuple(_linked(found)), tuple(unread))


def merge_base_revisions(now: Sequence[Revision], folders: Sequence[BranchFolder], base: BaseCommit) -> Branch:
    """The revisions of the merge base, from those that there are ``now`` and the files that differ from it."""
    here = {revision.path: revision for revision in now}
    elsewhere = [one for one in now if not any(one.path.startswith(f"{folder.path}/") for folder in folders)]
    found = {revision.id: revision for revision in elsewhere}
    unread = []
    for path in sorted(path for path in base.files if path.endswith(".py")):
        place = place_in(path, folders, now)
        content = base.changed.get(path)
        if place is not None and content is None and place in here:
            found[here[place].id] = here[place]
        elif place is not None and content is not None:
            try:
                source = read_source(content)
            except UnreadableSourceError as error:
                unread.append(f"{path}: {error}")
            else:
                found[source.id] = _revision(source, place)
    return Branch(tuple(_linked(found)), tuple(unread))


def _revision(source: RevisionSource, path: str) -> Revision:
    folder = str(PurePosixPath(path).parent)
    return Revision(source.id, path, None, folder, source.down_revisions, source.depends_on, source.branch_labels)


def _linked(found: Mapping[str, Revision]) -> Iterator[Revision]:
    followed = {name for revision in found.values() for name in revision.down_revisions}
    yield from (replace(revision, is_head=revision.id not in followed) for revision in found.values())


def place_in(path: str, folders: Sequence[BranchFolder], known: Sequence[Revision]) -> str | None:
    """Where a file of the branch would be now; ``None`` where Alembic would not look for a revision."""
    file = PurePosixPath(path)
    if file.name.startswith((".#", "__init__")):
        return None
    below = [folder for folder in folders if file.is_relative_to(folder.inside)]
    if not below:
        return None
    folder = max(below, key=lambda one: len(one.inside))
    place = PurePosixPath(folder.path) / file.relative_to(folder.inside)
    parents = {str(PurePosixPath(revision.path).parent) for revision in known}
    # recursive_version_locations
    deeper = any(parent.startswith(f"{folder.path}/") for parent in parents)
    return str(place) if str(place.parent) == folder.path or deeper else None
