"""What is known of the base of a pull request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alembic_review.model.accepting import AcceptedAtBase
from alembic_review.model.facts import Facts, Place, Revision


@dataclass(frozen=True)
class EditedRevision:
    """A revision that the base has too, in other words.

    ``path`` is its file today. ``code`` is false where only comments, docstrings or the layout differ.
    """

    id: str
    path: str
    code: bool = True


@dataclass(frozen=True)
class ChangedSettings:
    """Settings of this tool, or those by which Alembic finds revisions, that are not what they were in their file."""

    place: Place
    keys: tuple[str, ...]
    alembic: bool = False


@dataclass(frozen=True)
class PullRequestBase:
    """The base: ``facts`` are of its revisions, applied and compared with the schema of the current heads.

    ``commit`` is its full name, ``ref`` the branch that the pull request is to be merged into. ``removed`` are
    revisions that were deleted since. ``accepted`` are its entries that accept findings. ``branch`` are the revisions
    that ``ref`` has now; ``None`` where it has those of ``facts``.
    """

    commit: str
    facts: Facts
    ref: str = ""
    edited: tuple[EditedRevision, ...] = ()
    removed: tuple[str, ...] = ()
    settings: tuple[ChangedSettings, ...] = ()
    not_checked: tuple[str, ...] = ()
    accepted: AcceptedAtBase = field(default_factory=AcceptedAtBase)
    branch: tuple[Revision, ...] | None = None


@dataclass(frozen=True)
class BaseCommit:
    """The merge base of ``ref`` and HEAD, and how the working tree of the checkout at ``top`` differs from it.

    All paths are relative to ``top``, with slashes. ``files`` are those of the commit. ``changed`` has the content that
    each of them had which is different or missing now; a link's content is its target. ``links`` are those that are
    symbolic links. ``ahead`` are files that may be revisions and that ``ref`` has changed since, as it has them now;
    ``None`` for one that it has deleted. ``tracked`` are the files in the index, ``untracked`` those that Git neither
    has nor ignores.
    """

    ref: str
    commit: str
    top: Path
    files: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    changed: Mapping[str, bytes] = field(default_factory=dict)
    ahead: Mapping[str, bytes | None] = field(default_factory=dict)
    tracked: frozenset[str] = frozenset()
    untracked: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RevisionFolder:
    """A version location as it is now.

    ``package_path`` is the folder as the application's package sees it (``poser/db/alembic/versions``), for a package
    of the application that was installed as a copy. ``installed`` is true below an environment's folders.
    """

    path: Path
    installed: bool = False
    package_path: str | None = None
