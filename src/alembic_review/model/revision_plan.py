"""A revision that is to be written: what goes into it, where it stands, and the file it becomes."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_review.model.review import Change, Finding


@dataclass(frozen=True)
class Wish:
    """What the user asks for. ``package`` and ``version_path`` narrow it down; ``revision`` is an id to give."""

    message: str
    package: str | None = None
    version_path: str | None = None
    revision: str | None = None
    leave_out_blocked: bool = False
    with_blind_spots: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Operation:
    """One operation of Alembic's comparison: its number within the database, and the Python it was rendered to."""

    database: int
    number: int
    python: str


@dataclass(frozen=True)
class Code:
    """Code for ``upgrade()`` and ``downgrade()`` of one database, and ``what`` it is about, in words."""

    database: int
    upgrade: str
    downgrade: str
    what: str


@dataclass(frozen=True)
class LeftOut:
    """A change that is safe, or would be, and that is not written all the same."""

    change: Change
    why: str


@dataclass(frozen=True)
class RevisionPlan:
    """One revision of one custom package.

    ``head`` is the revision it follows, ``base`` for the first of a branch. ``depends_on`` are revisions of other
    branches. ``written`` are the changes that go into it, ``destructive`` those of them that lose data, ``required``
    those that fail where a table has rows; ``left_out`` and ``damage`` is what a reader of the file should know is not
    in it. ``code`` is what the comparison does not see.
    """

    package: str
    revision: str
    message: str
    head: str
    version_path: str
    operations: tuple[Operation, ...]
    branch_label: str | None = None
    depends_on: tuple[str, ...] = ()
    written: tuple[Change, ...] = ()
    destructive: tuple[Change, ...] = ()
    required: tuple[Change, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    damage: tuple[Finding, ...] = ()
    code: tuple[Code, ...] = ()


@dataclass(frozen=True)
class RevisionFile:
    """A revision's text. ``name`` is its path below ``version_path``, ``encoding`` what the application writes in."""

    package: str
    revision: str
    version_path: str
    name: str
    text: str
    encoding: str
